// Rows of the alarm tables. All text comes from outside and goes in as text.

import { mark } from "./alarm-marks.js";
import { measured, moment, NONE } from "./format.js";
import { make, said, t } from "./page.js";

export const at = (us) => (us === null ? NONE : moment(us / 1000));

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

// What a definition means, as short as in the table.
export function conditionOf(definition) {
  const { kind, limit, deadband, state, expression, window_s: window } = definition;
  const parts = [];
  if (kind === "expression") parts.push(expression);
  else if (kind === "state") parts.push(`= ${state}`);
  else if (kind === "bad") parts.push("bad");
  else if (kind === "stale") parts.push(`stale ${limit} s`);
  else if (kind === "rate") parts.push(`rate ${limit}/min (${window} s)`);
  else parts.push(`${kind} ${limit}`);
  if (deadband) parts.push(`± ${deadband}`);
  if (definition.on_delay_s) parts.push(`+${definition.on_delay_s} s`);
  if (definition.off_delay_s) parts.push(`−${definition.off_delay_s} s`);
  return parts.join(" · ");
}
