// The alarm page: the list with its keys, what was put aside, the journal, the definitions.

import { act } from "./alarm-acts.js";
import { define, mayDefine } from "./alarm-define.js";
import { List } from "./alarm-list.js";
import { at, button, conditionOf, hintRow, priority, whatIsWrong, whoOf } from "./alarm-rows.js";
import { count, measured, NONE } from "./format.js";
import { ask, make, said, t } from "./page.js";
import { showRows } from "./rows.js";

const PERIOD_MS = 1000;
const VALUES_MS = 3000;
const VIEWS = ["list", "aside", "journal", "definitions"];
const byId = (id) => document.getElementById(id);
const list = new List(byId("alarms"), byId("acknowledge-all"));
let oldest = null;
let [listVersion, listMs] = [null, 0];

const view = () => (VIEWS.includes(location.hash.slice(1)) ? location.hash.slice(1) : "list");

async function json(address) {
  return (await ask(address)).json();
}

function asideRow({ alarms: [alarm] }) {
  const shelf = alarm.state === "shelved";
  const until = shelf ? ` ${t("alarm.until", { time: at(alarm.shelved_until_us) })}` : "";
  const verb = shelf ? "unshelve" : "put-back";
  const word = shelf ? "alarm.unshelve" : "alarm.put_back";
  return {
    key: `${alarm.id}\n${alarm.state}\n${alarm.shelved_until_us}`,
    make: () => {
      const line = make("tr", { class: `line p${alarm.priority}` });
      line.append(
        make("td", {}, priority(alarm.priority, false)),
        make("td", {}, t(`alarm.state_${alarm.state}`) + until),
        whatIsWrong(alarm),
        make("td", {}, alarm.note || NONE),
        make("td", {}, whoOf(alarm.by)),
        make("td"),
      );
      if (alarm.state !== "suppressed") {
        line.lastChild.append(
          button(word, verb, `${t(word)}: ${said(alarm.message)}`, () => act(verb, [alarm.id], word)),
        );
      }
      return line;
    },
    cells: [],
  };
}

async function showAside() {
  const { lines } = await json("/api/alarms?which=aside&fold=false");
  const rows = lines.map(asideRow);
  if (rows.length === 0) rows.push(hintRow("none", 6, t("alarm.none_aside")));
  showRows(byId("aside").tBodies[0], rows);
}

function journalRow(entry) {
  const message = said({ en: entry.message_en, zh: entry.message_zh });
  return {
    key: String(entry.id),
    make: () => {
      const what = make("td", {}, message || entry.alarm);
      if (message) what.append(make("small", {}, ` ${entry.alarm}`));
      return make(
        "tr",
        {},
        make("td", { class: "time" }, at(entry.time_us)),
        make("td", {}, t(`alarm.event_${entry.event}`)),
        what,
        make("td", { class: "number" }, entry.value === null ? NONE : measured(entry.value)),
        make("td", {}, whoOf(entry.who)),
        make("td", {}, entry.note),
      );
    },
    cells: [],
  };
}

const shownEntries = new Map();

async function showJournal(before = null) {
  const from = before === null ? "" : `&before=${before}`;
  const { lines } = await json(`/api/alarms/journal?limit=100${from}`);
  for (const entry of lines) shownEntries.set(entry.id, entry);
  const entries = [...shownEntries.values()].sort((a, b) => b.id - a.id);
  oldest = entries.at(-1)?.id ?? null;
  if (lines.length === 100 || before !== null) byId("older").hidden = lines.length < 100;
  const rows = entries.map(journalRow);
  if (rows.length === 0) rows.push(hintRow("none", 6, t("alarm.none_journal")));
  showRows(byId("journal").tBodies[0], rows);
}

function definitionRow({ definition, file, line, alarms, problem }) {
  const where = line ? `${file}:${line}` : file;
  return {
    key: JSON.stringify([definition, file, line, problem]),
    make: () => {
      const row = make("tr", {}, make("td", {}, priority(definition.priority, false)));
      row.append(
        make("th", { scope: "row" }, definition.name || definition.kind),
        make("td", {}, definition.tag || NONE),
        make("td", {}, conditionOf(definition)),
        make("td", {}, definition.group),
        make("td", { class: "number" }),
        make("td", {}, where),
      );
      if (mayDefine) {
        const named = definition.name || `${definition.kind} ${definition.tag}`;
        const change = () => define(file, line, named).catch((error) => (byId("said").textContent = error.message));
        row.append(make("td", {}, button("alarm.change", "change", t("alarm.change_of", { alarm: named }), change)));
      }
      if (problem) row.cells[2].append(make("p", { class: "wrong" }, said(problem)));
      return row;
    },
    cells: [undefined, undefined, undefined, undefined, undefined, count(alarms)],
  };
}

async function showDefinitions() {
  const { definitions } = await json("/api/alarms/definitions");
  const rows = definitions.map(definitionRow);
  if (rows.length === 0) rows.push(hintRow("none", 8, t("alarm.none_defined")));
  showRows(byId("definitions").tBodies[0], rows);
}

// The whole list is fetched when something changed, and else now and then for the values.
async function showList(version) {
  if (version === listVersion && Date.now() - listMs < VALUES_MS) return;
  const { lines, total } = await json("/api/alarms");
  [listVersion, listMs] = [version, Date.now()];
  list.show(lines);
  const shown = lines.reduce((sum, { alarms }) => sum + alarms.length, 0);
  byId("rest").textContent =
    shown < total ? t("alarm.shown_of", { shown: count(shown), total: count(total) }) : "";
}

async function refresh() {
  const summary = await json("/api/alarms/summary");
  const listed = Object.values(summary.by_priority).reduce((sum, some) => sum + some, 0);
  byId("count-list").textContent = listed ? count(listed) : "";
  const aside = summary.shelved + summary.suppressed + summary.out_of_service;
  byId("count-aside").textContent = aside ? count(aside) : "";
  if (view() === "list") await showList(summary.version);
  if (view() === "aside") await showAside();
  if (view() === "journal") await showJournal();
  if (view() === "definitions") await showDefinitions();
}

function choose() {
  for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view();
  for (const link of byId("views").children) {
    if (link.hash === `#${view()}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  refresh().catch((error) => console.warn(error));
}

async function keepRefreshing() {
  if (!document.hidden) await refresh().catch((error) => console.warn(error));
  setTimeout(keepRefreshing, PERIOD_MS);
}

byId("older").addEventListener("click", () => showJournal(oldest));
addEventListener("hashchange", choose);
addEventListener("alarms-changed", () => refresh().catch((error) => console.warn(error)));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh().catch((error) => console.warn(error));
});
choose();
setTimeout(keepRefreshing, PERIOD_MS);
