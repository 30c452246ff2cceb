// The report of a change of tag tables, as tables: what is refused and why, what would change.

import { count } from "./format.js";
import { make, said, t } from "./page.js";

const ORDER = ["added", "changed", "removed"];

export function summary(report) {
  const numbers = {};
  for (const key of ["added", "changed", "removed", "unchanged", "rejected"]) numbers[key] = count(report[key]);
  return t("tags.summary", numbers);
}

export const changes = (report) => report.added + report.changed + report.removed;

export function showReport(place, report) {
  const parts = [];
  if (report.format) parts.push(make("p", { class: "quiet" }, t("tags.recognised", { format: NAMES[report.format], encoding: report.encoding, target: report.target })));
  parts.push(make("p", { class: "summary" }, summary(report)));
  if (report.rejected > 0) parts.push(refused(report));
  if (report.problems.length > 0) parts.push(problems(report.problems));
  if (report.rows.length > 0) parts.push(rows(report));
  place.replaceChildren(...parts);
}

const NAMES = { lianji: "Lianji", kepware: "Kepware", neuron: "Neuron", ignition: "Ignition" };

function table(caption, heads, lines) {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  return make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...lines));
}

function refused(report) {
  const lines = report.rejected_rows.map((row) =>
    make("tr", { class: "refused" }, make("td", { class: "number" }, row.line ? String(row.line) : ""), make("td", {}, row.path), make("td", {}, said(row.reason))),
  );
  const shown = table(t("tags.refused"), [t("tags.line"), t("tags.path"), t("tags.reason")], lines);
  return make("div", {}, shown, ...more(report.rejected - lines.length));
}

function rows(report) {
  const lines = [...report.rows].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind)).map(oneRow);
  const shown = table(t("tags.difference"), [t("tags.what"), t("tags.path"), t("tags.change")], lines);
  return make("div", {}, shown, ...more(changes(report) - lines.length));
}

function oneRow(row) {
  const columns = Object.keys({ ...row.was, ...row.now });
  const cells = columns.map((column) => {
    const words = make("span", { class: "cell" }, make("b", {}, column), " ");
    if (row.was[column]) words.append(make("del", {}, row.was[column]), " ");
    if (row.now[column]) words.append(make("ins", {}, row.now[column]));
    return words;
  });
  return make("tr", { class: row.kind }, make("td", {}, t(`tags.${row.kind}`)), make("td", {}, row.path), make("td", {}, ...cells));
}

function problems(faults) {
  const lines = faults.map((fault) => make("li", {}, `${said(fault.cause)} ${said(fault.remedy)}`));
  return make("div", { class: "problems" }, make("h3", {}, t("tags.afterwards")), make("ul", {}, ...lines));
}

const more = (left) => (left > 0 ? [make("p", { class: "quiet" }, t("tags.more", { count: count(left) }))] : []);
