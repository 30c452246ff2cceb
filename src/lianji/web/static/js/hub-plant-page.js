// One plant, as its hub sees it: figures, what to do, devices, gaps, what was set aside.

import { between, count, date, moment, rate, size } from "./format.js";
import { openInvite, wireInvite } from "./hub-invite.js";
import { ago, backlog, devices, hours, SIGNS, stateCell, version } from "./hub-words.js";
import { ask, make, said, t } from "./page.js";
import { showFacts, showRows } from "./rows.js";
import { send } from "./send.js";
import { shape } from "./shapes.js";

const PERIOD_MS = 5000;
const ALARMS = ["parted", "silent", "expired", "spool", "certificate"];
const byId = (id) => document.getElementById(id);
const { name } = byId("plant").dataset;
const address = `/api/hub/plants/${encodeURIComponent(name)}`;
const at = (us) => (us === null ? "–" : moment(us / 1000));
const today = ({ bytes_today: used, bytes_a_day_max: most }) =>
  most === null ? size(used) : t("hub.of_quota", { used: size(used), most: size(most) });
let plant = null;

// What was shown stays as long as it would look the same.
function replace(element, key, content) {
  if (element.dataset.key === key) return;
  element.dataset.key = key;
  element.replaceChildren(...content);
}

function trouble(one) {
  const alarm = ALARMS.includes(one);
  const words = make("b", {}, t(`hub.trouble_${one}`));
  return make("li", { class: alarm ? "alarm" : "" }, shape(SIGNS[alarm ? 2 : 1]), words, make("p", {}, t(`hub.todo_${one}`)));
}

function told(problem) {
  const words = make("b", {}, said(problem.cause));
  return make("li", {}, shape(SIGNS[1]), words, make("p", {}, said(problem.remedy)));
}

function showTroubles({ plant: row, problems, error }) {
  const all = [...row.troubles.map(trouble), ...[...(error ? [error] : []), ...problems].filter((one) => one.cause && one.remedy).map(told)];
  const well = make("li", {}, shape("good"), make("span", {}, t("hub.well")));
  replace(byId("troubles"), JSON.stringify([row.troubles, problems, error]), all.length ? all : [well]);
}

function showFigures(row, nowUs) {
  const has = (one) => row.troubles.includes(one);
  showFacts(byId("figures"), [
    [t("hub.sites"), row.sites.join(", ")],
    [t("hub.heard"), row.heard_us === null ? "–" : ago(row.heard_us, nowUs), has("silent")],
    [t("hub.lag"), row.newest_us === null ? "–" : ago(row.newest_us, nowUs)],
    [t("hub.backlog"), backlog(row)],
    [t("hub.live_lag"), row.lag_records === null ? "–" : count(row.lag_records)],
    [t("hub.lanes"), row.lanes === null ? "–" : count(row.lanes)],
    [t("hub.hours_left"), hours(row), has("spool")],
    [t("hub.samples"), row.samples_per_s === null ? "–" : rate(row.samples_per_s)],
    [t("hub.samples_max"), row.samples_per_s_max === null ? "–" : rate(row.samples_per_s_max), has("limited")],
    [t("hub.today"), today(row), has("limited")],
    [t("hub.devices"), devices(row), has("devices")],
    [t("hub.gaps"), t("hub.rows", { count: count(row.gap_rows) }), has("gaps")],
    [t("hub.refused"), count(row.refused_tags), has("refused")],
    [t("hub.refused_rows"), count(row.refused_rows), has("refused")],
    [t("hub.disk_free"), row.disk_free_bytes === null ? "–" : size(row.disk_free_bytes), has("disk")],
    [t("hub.version"), version(row)],
    [t("hub.joined"), at(row.joined_us)],
    [t(row.state === "invited" ? "hub.invited_until" : "hub.until"), at(row.until_us), has("certificate") || has("expired")],
  ]);
}

function showCharts(row) {
  const links = row.sites.filter((site) => !site.includes("*")).map((site) => {
    const query = new URLSearchParams({ search: `${site}/` });
    return make("a", { href: `/tags?${query}` }, t("hub.charts", { site }));
  });
  replace(byId("charts"), row.sites.join("\n"), links.flatMap((link) => [link, " "]));
}

const only = (table, words, columns) => ({
  key: `none ${words}`,
  make: () => make("tr", {}, make("td", { colspan: String(columns), class: "hint" }, words)),
  cells: [],
});

function fill(table, rows, words, columns) {
  showRows(byId(table).tBodies[0], rows.length ? rows : [only(table, words, columns)]);
}

function device({ name: of, state, text, error }) {
  const ill = state === "fault" || state === "degraded";
  const sign = make("span", { class: `state${ill ? ` device-ill ${state}` : ""}` }, shape(state), text ? said(text) : state);
  const words = make("td", {}, sign);
  if (error?.cause && error?.remedy) words.append(make("p", {}, said(error.cause)), make("p", {}, said(error.remedy)));
  const row = () => make("tr", {}, make("th", { scope: "row" }, of), words);
  return { key: JSON.stringify([of, state, text, error]), make: row, cells: [] };
}

function gap({ start_us: start, end_us: end, rows, reason }, place) {
  const when = end ? (start ? between(start / 1000, end / 1000) : moment(end / 1000)) : "–";
  const cells = [when, count(rows), reason];
  return {
    key: `${place}\n${cells}`,
    make: () => make("tr", {}, make("td"), make("td", { class: "number" }), make("td")),
    cells,
  };
}

function setAside({ what, bytes, since_us: since }) {
  const link = make("a", { href: `${address}/aside/${encodeURIComponent(what)}`, download: "", "aria-label": `${t("hub.download")} ${what}` }, what);
  const when = `${date(since / 1000)} ${moment(since / 1000).slice(-8)}`;
  return {
    key: what,
    make: () => make("tr", {}, make("td", {}, when), make("td", { class: "number" }, size(bytes)), make("td", {}, byId("revoke") ? link : what)),
    cells: [],
  };
}

async function refresh() {
  const answer = await (await ask(address)).json();
  plant = answer.plant;
  replace(byId("state"), JSON.stringify([plant.state, plant.troubles, stateCell(plant, answer.now_us).textContent]), [stateCell(plant, answer.now_us)]);
  byId("state").className = `severity-${plant.severity}`;
  showTroubles(answer);
  showFigures(plant, answer.now_us);
  showCharts(plant);
  fill("devices", answer.devices.map(device), t("hub.no_devices"), 2);
  const gaps = answer.gaps.length ? answer.gaps : answer.gaps_at_edge;
  fill("gaps", gaps.map(gap), t("hub.no_gaps"), 3);
  fill("aside", answer.aside.map(setAside), t("hub.no_aside"), 3);
  if (byId("revoke")) byId("revoke").disabled = plant.state === "revoked";
}

async function keepRefreshing() {
  if (!document.hidden) await refresh().catch((error) => console.error(error));
  setTimeout(keepRefreshing, PERIOD_MS);
}

async function revoke() {
  try {
    await send(`${address}/revoke`, {});
    byId("revoke-dialog").close();
    await refresh();
  } catch (error) {
    byId("revoke-wrong").textContent = error.message;
    byId("revoke-wrong").hidden = false;
  }
}

byId("invite")?.addEventListener("click", () => openInvite(name, plant?.sites ?? []));
byId("revoke")?.addEventListener("click", () => {
  byId("revoke-ask").textContent = t("hub.revoke_ask", { name });
  byId("revoke-wrong").hidden = true;
  byId("revoke-dialog").showModal();
  byId("revoke-cancel").focus();
});
byId("revoke-cancel")?.addEventListener("click", () => byId("revoke-dialog").close());
byId("revoke-send")?.addEventListener("click", revoke);
wireInvite();
keepRefreshing();
