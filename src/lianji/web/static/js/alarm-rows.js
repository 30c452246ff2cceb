// Rows of the alarm tables. All text comes from outside and goes in as text.

import { mark } from "./alarm-marks.js";
import { measured, moment, NONE } from "./format.js";
import { make, said, t } from "./page.js";

export const at = (us) => (us === null ? NONE : moment(us / 1000));

const WHO = { system: "alarm.who_system", local: "alarm.who_local" };
export const whoOf = (who) => (WHO[who] ? t(WHO[who]) : who || NONE);

export function priority(number, solid) {
  return make(
    "span",
    { class: "priority" },
    mark(number, solid),
    make("span", {}, t(`alarm.priority_${number}`)),
  );
}

export function button(word, name, label, onClick) {
  const made = make("button", { type: "button", "data-act": name, "aria-label": label }, t(word));
  made.addEventListener("click", onClick);
  return made;
}

export function whatIsWrong(alarm) {
  const cell = make("td", {}, make("p", { class: "what" }, said(alarm.message)));
  const action = said(alarm.action);
  if (action) cell.append(make("p", { class: "action" }, make("b", {}, t("alarm.do")), " ", action));
  if (alarm.tag) {
    const link = make("a", { href: `/chart?tags=${encodeURIComponent(alarm.tag)}` }, alarm.tag);
    link.setAttribute("aria-label", t("alarm.chart", { tag: alarm.tag }));
    cell.append(make("p", { class: "place" }, link));
  }
  return cell;
}

export const valueOf = ({ value, unit, kind }) =>
  value === null ? NONE : `${measured(value)} ${unit}${kind === "rate" ? "/min" : ""}`.trim();

export const sinceOf = ({ raised_us: raised, returned_us: returned, active }) =>
  active || returned === null
    ? at(raised)
    : `${at(raised)} · ${t("alarm.over_since", { time: at(returned) })}`;

export function hintRow(key, columns, words) {
  return {
    key,
    make: () => make("tr", { class: "hint-row" }, make("td", { colspan: columns }, words)),
    cells: [],
  };
}

const SIGNS = { HH: ">", H: ">", L: "<", LL: "<" };

// What a definition means, as short as in the table.
export function conditionOf(definition) {
  const { kind, limit, deadband, state, expression, window_s: window } = definition;
  const words = {
    expression: () => expression,
    state: () => `= ${state}`,
    bad: () => t("alarm.is_bad"),
    stale: () => t("alarm.is_stale", { value: limit }),
    rate: () => t("alarm.is_rate", { value: `${limit > 0 ? ">" : "<"} ${limit}`, window }),
  };
  const parts = [words[kind]?.() ?? `${SIGNS[kind]} ${limit} (${kind})`];
  if (deadband) parts.push(t("alarm.deadband", { value: deadband }));
  if (definition.on_delay_s) parts.push(t("alarm.on_delay", { value: definition.on_delay_s }));
  if (definition.off_delay_s) parts.push(t("alarm.off_delay", { value: definition.off_delay_s }));
  if (definition.suppress_when) {
    parts.push(t("alarm.suppressed_when", { expression: definition.suppress_when }));
  }
  return parts.join(" · ");
}
