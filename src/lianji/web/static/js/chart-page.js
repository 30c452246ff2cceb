// The chart page: holds the view, asks for the plot, follows what is live.

import { Chart } from "./chart.js";
import { between, zone } from "./format.js";
import { LastTable } from "./last-table.js";
import { Live } from "./live.js";
import { ask, t } from "./page.js";
import { decodePlot } from "./plot-wire.js";
import { SLOTS } from "./style.js";
import { TagList } from "./tag-list.js";
import { addressOf, encodePath, readView, spanOf } from "./view.js";

const TAGS_MAX = SLOTS;
const REFETCH_MS_MIN = 10e3;
const REDRAW_MS = 1000;
const ZOOM_MS_MIN = 10;

const byId = (id) => document.getElementById(id);
const known = new Map(); // path -> the tag's record
const slots = new Map(); // path -> line style
let view = readView();
let lastRange = view.range ?? "1h";
let series = [];
let shown = { startMs: 0, endMs: 1 };
let ahead = 0; // the plant's clock less the browser's, ms
let loading = null;
let loadedAt = 0;

const chart = new Chart(byId("chart"), byId("readout"), { zoom, out: zoomOut, resize: load });
const list = new TagList(
  { search: byId("search"), list: byId("tags"), told: byId("listed") },
  (tag, on) => choose(tag, on),
);
const lasts = new LastTable(byId("lasts"), (tag) => choose(tag, false));
const live = new Live(takeSamples);

const chosen = () => view.tags.map((path) => known.get(path)).filter(Boolean);
const plantNow = () => Date.now() + ahead;

function hint(text) {
  byId("hint").textContent = text;
  byId("hint").hidden = !text;
}

function choose(tag, on) {
  const rest = view.tags.filter((path) => path !== tag.path);
  if (on && rest.length >= TAGS_MAX) {
    list.choose(view.tags);
    hint(t("chart.too_many", { count: TAGS_MAX }));
    return;
  }
  known.set(tag.path, tag);
  go({ ...view, tags: on ? [...rest, tag.path] : rest });
}

function zoom(startMs, endMs) {
  if (endMs - startMs < ZOOM_MS_MIN) return;
  const depth = (history.state?.depth ?? 0) + 1;
  history.pushState({ depth }, "");
  go({ tags: view.tags, startMs, endMs });
}

function zoomOut() {
  if (view.range) return;
  if (history.state?.depth > 0) {
    history.back();
    return;
  }
  const span = spanOf(view);
  go({ tags: view.tags, startMs: view.startMs - span, endMs: view.endMs + span });
}

// Make a view the one that is shown, in the address and on the page.
function go(next) {
  view = next;
  lastRange = view.range ?? lastRange;
  history.replaceState(history.state, "", addressOf(view));
  giveSlots();
  for (const button of document.querySelectorAll("[data-range]")) {
    button.setAttribute("aria-pressed", String(button.dataset.range === view.range));
  }
  byId("follow").setAttribute("aria-pressed", String(Boolean(view.follow)));
  byId("back").disabled = Boolean(view.range);
  list.choose(view.tags);
  lasts.setTags(chosen(), slots);
  live.follow(view.tags);
  load();
}

function giveSlots() {
  for (const path of slots.keys()) if (!view.tags.includes(path)) slots.delete(path);
  for (const path of view.tags) {
    if (slots.has(path)) continue;
    const taken = new Set(slots.values());
    slots.set(path, [...Array(SLOTS).keys()].find((slot) => !taken.has(slot)) ?? 0);
  }
}

async function load() {
  loading?.abort();
  const tags = chosen();
  if (tags.length === 0) {
    series = [];
    chart.show([], slots, [], 0, 1);
    hint(t("chart.choose"));
    return;
  }
  loading = new AbortController();
  try {
    const answer = await ask(plotAddress(tags), loading.signal);
    const plot = decodePlot(await answer.arrayBuffer());
    if (view.range) ahead = plot.endMs - Date.now();
    [series, shown, loadedAt] = [plot.series, plot, Date.now()];
    hint(series.some(({ times }) => times.length) ? "" : t("chart.no_data"));
    draw();
  } catch (error) {
    if (error.name !== "AbortError") hint(error.message);
  }
}

function plotAddress(tags) {
  const end = view.range ? "now" : Math.round(view.endMs * 1000);
  const start = view.range ? `-${view.range}` : Math.round(view.startMs * 1000);
  const paths = tags.map((tag) => encodePath(tag.path)).join(",");
  const pixels = Math.round(chart.width);
  return `/api/plot?format=binary&tags=${paths}&start=${start}&end=${end}&pixels=${pixels}`;
}

function draw() {
  const tags = chosen();
  if (series.length !== tags.length) return; // another plot is on its way
  const endMs = view.follow ? plantNow() : shown.endMs;
  const startMs = view.follow ? endMs - spanOf(view) : shown.startMs;
  chart.show(tags, slots, series, startMs, endMs);
  byId("span").textContent = between(startMs, endMs);
}

function takeSamples(samples) {
  lasts.update(samples);
  if (!view.follow) return;
  for (const { tag, time_ms, value, quality } of samples) {
    const one = series.find(({ path }) => path === tag);
    if (!one || time_ms <= (one.times.at(-1) ?? shown.startMs)) continue;
    one.times.push(time_ms);
    one.values.push(value ?? Number.NaN);
    one.quality.push(quality);
    hint("");
  }
  draw();
}

function keepFollowing() {
  if (document.hidden || !view.follow || view.tags.length === 0) return;
  if (Date.now() - loadedAt > Math.max(REFETCH_MS_MIN, spanOf(view) / 400)) {
    loadedAt = Date.now();
    load();
  } else draw();
}

async function start() {
  byId("zone").textContent = t("chart.zone", { zone: zone() });
  for (const button of document.querySelectorAll("[data-range]")) {
    const range = button.dataset.range;
    button.addEventListener("click", () => go({ tags: view.tags, range, follow: view.follow ?? true }));
  }
  byId("follow").addEventListener("click", () => {
    go({ tags: view.tags, range: view.range ?? lastRange, follow: !view.follow });
  });
  byId("back").addEventListener("click", zoomOut);
  addEventListener("popstate", () => go({ ...readView(), tags: view.tags }));
  list.find("");
  if (view.tags.length) {
    const paths = view.tags.map((path) => `path=${encodePath(path)}`).join("&");
    const { tags } = await (await ask(`/api/tags?${paths}`)).json();
    for (const tag of tags) known.set(tag.path, tag);
    view.tags = view.tags.filter((path) => known.has(path)).slice(0, TAGS_MAX);
  }
  go(view);
  setInterval(keepFollowing, REDRAW_MS);
}

start().catch((error) => hint(error.message));
