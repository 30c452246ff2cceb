// The list of what is wrong: by urgency, floods folded, worked by keyboard.

import { act } from "./alarm-acts.js";
import { button, hintRow, priority, sinceOf, valueOf, whatIsWrong, whoOf } from "./alarm-rows.js";
import { PutAside } from "./alarm-aside.js";
import { count } from "./format.js";
import { make, said, t } from "./page.js";
import { showRows } from "./rows.js";

const waiting = (alarms) => alarms.filter(({ unacknowledged }) => unacknowledged);
const seenBy = ({ state, by }) =>
  state === "acknowledged" && by
    ? [make("small", { class: "by" }, t("alarm.by", { who: whoOf(by) }))]
    : [];
const ids = (alarms) => alarms.map(({ id }) => id);

export class List {
  #body;
  #all;
  #lines = [];
  #open = new Set();
  #at = null; // the key of the row that the keys act upon
  #aside = new PutAside();

  constructor(table, acknowledgeAll) {
    this.#body = table.tBodies[0];
    this.#all = acknowledgeAll;
    this.#all.addEventListener("click", () => this.#acknowledge(this.#lines.flatMap((l) => l.alarms)));
    this.#body.addEventListener("keydown", (event) => this.#key(event));
    this.#body.addEventListener("focusin", ({ target }) => {
      const row = target.closest("tr");
      if (row?.dataset.at) this.#choose(row, false);
    });
  }

  show(lines) {
    this.#lines = lines;
    const within = this.#body.contains(document.activeElement);
    const place = [...this.#body.rows].findIndex((row) => row.dataset.at === this.#at);
    const rows = lines.flatMap((line) => this.#rowsOf(line));
    if (rows.length === 0) rows.push(hintRow("none", 6, t("alarm.none")));
    showRows(this.#body, rows);
    this.#all.hidden = waiting(lines.flatMap(({ alarms }) => alarms)).length < 2;
    this.#keepChosen(place, within);
  }

  #rowsOf(line) {
    if (!line.flood) return [this.#row(line.alarms[0], false)];
    const key = `flood ${line.group} ${line.alarms[0].id}`;
    const rows = [this.#floodRow(line, key)];
    if (this.#open.has(line.group)) rows.push(...line.alarms.map((one) => this.#row(one, true)));
    return rows;
  }

  #row(alarm, member) {
    const { id, state } = alarm;
    return {
      key: `${id}\n${state}\n${member}\n${alarm.raised_us}`,
      make: () => {
        const line = make("tr", { class: `line p${alarm.priority} ${member ? "member" : ""}` });
        line.dataset.at = id;
        line.dataset.ids = JSON.stringify([id]);
        line.classList.toggle("unacknowledged", alarm.unacknowledged);
        line.classList.toggle("active", alarm.active);
        line.append(
          make("td", {}, priority(alarm.priority, alarm.unacknowledged)),
          make("td", {}, t(`alarm.state_${state}`), ...seenBy(alarm)),
          whatIsWrong(alarm),
          make("td", { class: "number" }),
          make("td", { class: "time" }),
          make("td", {}, this.#buttons([alarm], said(alarm.message))),
        );
        return line;
      },
      cells: [undefined, undefined, undefined, valueOf(alarm), sinceOf(alarm), undefined],
    };
  }

  #floodRow({ group, alarms }, key) {
    const open = this.#open.has(group);
    const title = t("alarm.flood", { group, count: count(alarms.length) });
    const left = waiting(alarms);
    return {
      key: `${key}\n${open}\n${left.length}\n${alarms.length}`,
      make: () => {
        const urgent = Math.min(...alarms.map(({ priority: number }) => number));
        const line = make("tr", { class: `line flood p${urgent}` });
        line.dataset.at = key;
        line.dataset.group = group;
        line.dataset.ids = JSON.stringify(ids(alarms));
        line.classList.toggle("unacknowledged", left.length > 0);
        line.classList.toggle("active", alarms.some(({ active }) => active));
        const word = open ? "alarm.flood_close" : "alarm.flood_open";
        const fold = button(word, "fold", `${t(word)}: ${title}`, () => this.#fold(group, !open));
        fold.setAttribute("aria-expanded", String(open));
        line.append(
          make("td", {}, priority(urgent, left.length > 0)),
          make("td", {}, t("alarm.count_unacknowledged", { count: count(left.length) })),
          make("td", {}, make("p", { class: "what" }, title), make("p", { class: "action" }, said(alarms[0].message))),
          make("td", { class: "number" }, fold),
          make("td", { class: "time" }, sinceOf(alarms[0])),
          make("td", {}, this.#buttons(alarms, title)),
        );
        return line;
      },
      cells: [],
    };
  }

  #buttons(alarms, name) {
    const row = make("div", { class: "buttons" });
    if (waiting(alarms).length > 0) {
      const label = t("alarm.acknowledge_this", { alarm: name });
      row.append(button("alarm.acknowledge", "acknowledge", label, () => this.#acknowledge(alarms)));
    }
    const label = t("alarm.more_of", { alarm: name });
    row.append(button("alarm.more", "more", label, () => this.#aside.open(ids(alarms), name)));
    return row;
  }

  #acknowledge(alarms) {
    const left = waiting(alarms);
    if (left.length > 0) act("acknowledge", ids(left), "alarm.acknowledge");
  }

  #fold(group, open) {
    if (open) this.#open.add(group);
    else this.#open.delete(group);
    this.show(this.#lines);
  }

  // -- keys ----------------------------------------------------------------------------------

  #rows() {
    return [...this.#body.rows].filter((row) => row.dataset.at);
  }

  #choose(row, focus) {
    this.#at = row.dataset.at;
    for (const one of this.#rows()) one.tabIndex = one === row ? 0 : -1;
    if (focus) row.focus();
  }

  // The chosen row stays chosen; where it has gone, the one that came to its place.
  #keepChosen(place, within) {
    const rows = this.#rows();
    if (rows.length === 0) return;
    const same = rows.find((row) => row.dataset.at === this.#at);
    const row = same ?? rows[Math.min(Math.max(place, 0), rows.length - 1)];
    this.#choose(row, within && !row.contains(document.activeElement));
  }

  #key(event) {
    const row = event.target.closest("tr");
    if (!row?.dataset.at || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = this.#rows();
    const place = rows.indexOf(row);
    const acts = {
      ArrowDown: () => this.#choose(rows[Math.min(place + 1, rows.length - 1)], true),
      ArrowUp: () => this.#choose(rows[Math.max(place - 1, 0)], true),
      a: () => row.querySelector("[data-act=acknowledge]")?.click(),
      m: () => row.querySelector("[data-act=more]")?.click(),
      ArrowRight: () => row.dataset.group && this.#fold(row.dataset.group, true),
      ArrowLeft: () => row.dataset.group && this.#fold(row.dataset.group, false),
    };
    const wanted = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!wanted) return;
    event.preventDefault();
    wanted();
  }
}
