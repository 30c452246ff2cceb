// What a test gave: a row a tag with its value, raw bytes and time, and what one round will take.

import { quick } from "./format.js";
import { make, said, t } from "./page.js";

// onOrder(path, address): somebody doubts a value; null where the protocol has no word order.
export function showTrial(place, trial, onOrder) {
  const parts = [];
  if (trial.error) parts.push(make("p", { class: "fault" }, `${said(trial.error.cause)} ${said(trial.error.remedy)}`));
  const bad = trial.error || trial.rows.some(({ error }) => error);
  parts.push(make("p", { class: bad ? "verdict bad" : "verdict" }, said(trial.sentence)));
  if (trial.cycle_s > 0) parts.push(make("p", {}, t("connect.cycle", { time: quick(trial.cycle_s * 1e6) })));
  if (trial.rows.length > 0) parts.push(table(trial.rows, onOrder));
  place.replaceChildren(...parts);
}

function table(rows, onOrder) {
  const heads = ["connect.path", "connect.value", "connect.hex", "connect.latency", "connect.result"];
  const head = make("tr", {}, ...heads.map((key) => make("th", { scope: "col" }, t(key))), make("th"));
  const lines = rows.map((row) => line(row, onOrder));
  const caption = make("caption", { class: "unseen" }, t("connect.test"));
  const whole = make("table", { id: "trial-rows" }, caption, make("thead", {}, head), make("tbody", {}, ...lines));
  return make("div", { class: "scroll" }, whole);
}

function line(row, onOrder) {
  const value = row.value === null ? "–" : typeof row.value === "number" ? String(Number(row.value.toPrecision(7))) : row.value;
  const result = row.error ? said(row.error) : t("connect.good");
  const doubt = make("td");
  if (onOrder && row.hex) {
    const button = make("button", { type: "button", class: "small", "aria-label": t("connect.order_one", { path: row.path }) }, t("connect.order"));
    button.addEventListener("click", () => onOrder(row.path, row.address));
    doubt.append(button);
  }
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, row.path),
    make("td", { class: "number" }, value),
    make("td", { class: "hex" }, row.hex),
    make("td", { class: "number" }, row.latency_ms === null ? "–" : quick(row.latency_ms * 1000)),
    make("td", { class: row.error ? "bad" : "" }, result),
    doubt,
  );
}
