// The chart page: holds the view, asks for the plot, follows what is live.

import { Chart } from "./chart.js";
import { Gestures } from "./chart-gestures.js";
import { Notes } from "./chart-notes.js";
import { download, fileName, linkTo, picture } from "./chart-save.js";
import { windowOf } from "./chart-window.js";
import { between, zone } from "./format.js";
import { LastTable } from "./last-table.js";
import { Live } from "./live.js";
import { ask, t } from "./page.js";
import { decodePlot } from "./plot-wire.js";
import { SLOTS } from "./style.js";
import { TagList } from "./tag-list.js";
import { addressOf, encodePath, readView, spanMs, spanOf } from "./view.js";

const TAGS_MAX = SLOTS;
const REFETCH_MS_MIN = 10e3;
const REDRAW_MS = 1000;
const ZOOM_MS_MIN = 10;
const ZOOM_MS_MAX = 50 * 365 * 86400e3;
const SETTLE_MS = 90; // a turning wheel asks the server when it rests
const GESTURE_MS = 1500; // what follows sooner is the same gesture, and one step of Back

const byId = (id) => document.getElementById(id);
const known = new Map(); // path -> the tag's record
const slots = new Map(); // path -> line style
let view = readView();
let lastRange = view.range ?? "1h";
let series = [];
let compared = null; // the series of an earlier time
let shown = { startMs: 0, endMs: 1 };
let ahead = 0; // the plant's clock less the browser's, ms
let loading = null;
let loadedAt = 0;
let gestureAt = 0;
let settling = null;
let cursorMs = null;
let noted = null; // where the cursor was last, ms

const notes = new Notes(() => chart.redraw());
const chart = new Chart(byId("chart"), byId("readout"), {
  zoom,
  out: zoomOut,
  resize: load,
  cursor: showCursor,
  drawn: (u) => notes.draw(u),
  built: (u) => gestures.watch(u),
});
const gestures = new Gestures(byId("chart"), {
  range: () => chart.range,
  zoom: slide,
  out: zoomOut,
  cursor: (pixels) => chart.step(pixels),
  clear: () => chart.hideCursor(),
});
const list = new TagList(
  { search: byId("search"), list: byId("tags"), told: byId("listed") },
  (tag, on) => choose(tag, on),
);
const lasts = new LastTable(byId("lasts"), (tag) => choose(tag, false));
const live = new Live(takeSamples, () => load());

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
  go({ ...fixed(), startMs, endMs });
}

const fixed = () => ({ tags: view.tags, compare: view.compare, each: view.each });

// A step of a wheel, of fingers or of keys: drawn at once of what is there, asked for when it rests.
function slide(startMs, endMs) {
  const span = endMs - startMs;
  if (view.tags.length === 0 || span < ZOOM_MS_MIN || span > ZOOM_MS_MAX || startMs < 0) return;
  const now = Date.now();
  if (now - gestureAt > GESTURE_MS) {
    history.pushState({ depth: (history.state?.depth ?? 0) + 1 }, "");
  }
  gestureAt = now;
  view = { ...fixed(), startMs, endMs };
  loading?.abort();
  chart.slide(startMs, endMs);
  tellRange(startMs, endMs);
  clearTimeout(settling);
  settling = setTimeout(() => go(view), SETTLE_MS);
}

function zoomOut() {
  if (view.range) return;
  clearTimeout(settling);
  if (history.state?.depth > 0) {
    history.back();
    return;
  }
  const span = spanOf(view);
  go({ ...fixed(), startMs: Math.max(view.startMs - span, 0), endMs: view.endMs + span });
}

// Make a view the one that is shown, in the address and on the page.
function go(next) {
  performance.mark("chart-asked");
  view = next;
  lastRange = view.range ?? lastRange;
  history.replaceState(history.state, "", addressOf(view));
  giveSlots();
  for (const button of document.querySelectorAll("[data-range]")) {
    button.setAttribute("aria-pressed", String(button.dataset.range === view.range));
  }
  byId("follow").setAttribute("aria-pressed", String(Boolean(view.follow)));
  byId("back").disabled = Boolean(view.range);
  byId("compare").value = view.compare;
  byId("each").setAttribute("aria-pressed", String(view.each));
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
    [series, compared] = [[], null];
    chart.show([], slots, [], 0, 1);
    notes.clear();
    byId("tools").hidden = true;
    hint(t("chart.choose"));
    return;
  }
  loading = new AbortController();
  try {
    const { signal } = loading;
    const [plot, earlier] = await Promise.all([fetchPlot(tags, 0, signal), view.compare ? fetchPlot(tags, spanMs(view.compare), signal) : null]);
    if (view.range) ahead = plot.endMs - Date.now();
    [series, compared, shown, loadedAt] = [plot.series, earlier?.series ?? null, plot, Date.now()];
    hint(series.some(({ times }) => times.length) ? "" : t("chart.no_data"));
    draw();
    performance.mark("chart-drawn");
    byId("tools").hidden = false;
    await Promise.all([tellWindow(tags, signal), showNotes(tags, signal)]);
  } catch (error) {
    if (error.name !== "AbortError") hint(error.message);
  }
}

async function fetchPlot(tags, earlierMs, signal) {
  const answer = await ask(plotAddress(tags, earlierMs), signal);
  performance.mark("chart-answered");
  return decodePlot(await answer.arrayBuffer());
}

function plotAddress(tags, earlierMs) {
  const [startMs, endMs] = view.range ? [plantNow() - spanMs(view.range), plantNow()] : [view.startMs, view.endMs];
  const relative = view.range && !earlierMs;
  const end = relative ? "now" : Math.round((endMs - earlierMs) * 1000);
  const start = relative ? `-${view.range}` : Math.round((startMs - earlierMs) * 1000);
  const paths = tags.map((tag) => encodePath(tag.path)).join(",");
  const pixels = Math.round(chart.width);
  return `/api/plot?format=binary&tags=${paths}&start=${start}&end=${end}&pixels=${pixels}`;
}

async function showNotes(tags, signal) {
  notes.reload = () => showNotes(tags);
  await notes.load(tags.map(({ path }) => path), ...chart.range, signal);
}

async function tellWindow(tags, signal) {
  lasts.tellWindow(await windowOf(tags, ...chart.range, signal));
}

function draw() {
  const tags = chosen();
  if (series.length !== tags.length) return; // another plot is on its way
  const endMs = view.follow ? plantNow() : view.range ? shown.endMs : view.endMs;
  const startMs = view.follow ? endMs - spanOf(view) : view.range ? shown.startMs : view.startMs;
  const label = view.compare ? `−${byId("compare").selectedOptions[0].textContent}` : "";
  chart.show(tags, slots, series, startMs, endMs, { each: view.each, compared, offsetMs: spanMs(view.compare), label });
  tellRange(startMs, endMs);
  showCursor(cursorMs);
}

function tellRange(startMs, endMs) {
  byId("span").textContent = between(startMs, endMs);
  for (const format of ["csv", "parquet"]) linkTo(byId(format), format, chosen(), startMs, endMs);
}

function showCursor(ms) {
  cursorMs = ms;
  if (ms !== null) noted = ms;
  lasts.tellCursor(ms, ms === null ? [] : chart.valuesAt(ms), view.compare);
}

function save() {
  const [startMs, endMs] = chart.range;
  const title = document.querySelector(".plant").textContent;
  const label = byId("compare").selectedOptions[0].textContent;
  const lines = chosen().map((tag) => ({ ...tag, slot: slots.get(tag.path) }));
  const earlier = view.compare ? lines.map((line) => ({ ...line, note: t("chart.earlier", { span: label }) })) : [];
  download(picture(chart.canvas, title, [...lines, ...earlier], startMs, endMs), fileName(chosen(), startMs));
}

function noteSomething() {
  const [startMs, endMs] = chart.range;
  const at = noted && noted > startMs && noted < endMs ? noted : (startMs + endMs) / 2;
  notes.write({ startMs: at, endMs: at, tag: view.tags[0] }, view.tags);
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

// A link may compare with any time before: then the list has it too.
function knowCompare(span) {
  const list = byId("compare");
  if (![...list.options].some(({ value }) => value === span)) list.add(new Option(span, span));
}

async function start() {
  byId("zone").textContent = t("chart.zone", { zone: zone() });
  for (const button of document.querySelectorAll("[data-range]")) {
    const range = button.dataset.range;
    button.addEventListener("click", () => go({ ...fixed(), range, follow: view.follow ?? true }));
  }
  byId("follow").addEventListener("click", () => {
    go({ ...fixed(), range: view.range ?? lastRange, follow: !view.follow });
  });
  byId("compare").addEventListener("change", ({ target }) => go({ ...view, compare: target.value }));
  byId("each").addEventListener("click", () => go({ ...view, each: !view.each }));
  byId("png").addEventListener("click", save);
  byId("note").addEventListener("click", noteSomething);
  knowCompare(view.compare);
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
  globalThis.lianjiChart = chart; // for whoever wants to look at what is drawn
  setInterval(keepFollowing, REDRAW_MS);
}

start().catch((error) => hint(error.message));
