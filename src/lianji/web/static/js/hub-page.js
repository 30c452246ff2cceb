// The hub's list of plants: asks every five seconds, trouble first, searched in the page.

import { count, rate } from "./format.js";
import { openInvite, wireInvite } from "./hub-invite.js";
import { ago, backlog, devices, hours, stateCell, stateWords, version } from "./hub-words.js";
import { ask, make, t } from "./page.js";
import { showRows } from "./rows.js";

const PERIOD_MS = 5000;
const byId = (id) => document.getElementById(id);
let listed = { plants: [], now_us: 0 };

function line(row) {
  const link = make("a", { href: `/hub/plants/${encodeURIComponent(row.name)}` }, row.name);
  const about = row.sites.join(", ");
  const head = make("th", { scope: "row" }, link);
  if (about !== row.name) head.append(make("small", { title: about }, about));
  const gone = row.state === "revoked" ? " gone" : "";
  const whole = make("tr", { class: `severity-${row.severity}${gone}` }, head);
  whole.append(make("td", { class: "said" }, stateCell(row, listed.now_us)));
  const ill = { 4: "spool", 5: "gaps", 7: "devices" };
  for (let place = 2; place < 9; place += 1) {
    const classes = [place > 2 && place < 8 ? "number" : "", row.troubles.includes(ill[place]) ? "ill" : ""];
    whole.append(make("td", { class: classes.join(" ").trim() || undefined }));
  }
  return whole;
}

function shown(row) {
  return {
    key: `${row.name}\n${row.severity}\n${row.troubles}\n${row.sites}\n${stateWords(row, listed.now_us)}`,
    make: () => line(row),
    cells: [
      undefined,
      undefined,
      row.newest_us === null ? "–" : ago(row.newest_us, listed.now_us),
      backlog(row),
      hours(row),
      row.gap_rows ? t("hub.rows", { count: count(row.gap_rows) }) : row.gaps ? count(row.gaps) : "–",
      row.samples_per_s === null ? "–" : rate(row.samples_per_s),
      devices(row),
      version(row),
    ],
  };
}

function matches(row, words) {
  const troubles = row.troubles.map((one) => t(`hub.trouble_${one}`));
  const text = [row.name, ...row.sites, stateWords(row, listed.now_us), ...troubles, row.version].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

function show() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length ? listed.plants.filter((row) => matches(row, words)) : listed.plants;
  const rows = found.map(shown);
  if (!rows.length) {
    const words = listed.plants.length ? t("hub.no_match") : t("hub.none");
    const none = () => make("tr", {}, make("td", { colspan: "9", class: "hint" }, words));
    rows.push({ key: `none ${words}`, make: none, cells: [] });
  }
  showRows(byId("plants").tBodies[0], rows);
  showSummary(found.length, words.length > 0);
}

function showSummary(number, searched) {
  const total = listed.plants.length;
  const [warnings, alarms] = [1, 2].map((severity) => listed.plants.filter((row) => row.severity === severity).length);
  const all = { total: count(total), alarms: count(alarms), warnings: count(warnings) };
  const said = alarms + warnings ? t("hub.some_ill", all) : t("hub.all_well", all);
  byId("summary").textContent = searched ? t("hub.shown", { shown: count(number), total: count(total) }) : said;
}

async function refresh() {
  listed = await (await ask("/api/hub/plants")).json();
  show();
}

async function keepRefreshing() {
  if (!document.hidden) await refresh().catch((error) => console.error(error));
  setTimeout(keepRefreshing, PERIOD_MS);
}

byId("search").addEventListener("input", show);
byId("invite")?.addEventListener("click", () => openInvite());
wireInvite();
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh().catch((error) => console.error(error));
});
keepRefreshing();
