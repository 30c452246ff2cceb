// A plant's row in words and signs; normal is grey, what is not has a sign, a word and a colour.

import { count, span } from "./format.js";
import { make, t } from "./page.js";
import { shape } from "./shapes.js";

export const SIGNS = ["good", "degraded", "fault"];
const STATES = { waiting: "connecting", invited: "connecting", revoked: "disabled" };

export const ago = (us, nowUs) => t("hub.ago", { span: span(Math.max(0, nowUs - us) / 1e6) });

export function stateWords(row, nowUs) {
  const since = row.heard_us ?? row.joined_us ?? nowUs;
  return t(`hub.state_${row.state}`, { span: span(Math.max(0, nowUs - since) / 1e6) });
}

// What is wrong beyond what the state says already.
export const also = (row) =>
  row.troubles.filter((one) => one !== row.state && one !== "late").map((one) => t(`hub.trouble_${one}`));

export function stateCell(row, nowUs) {
  const sign = shape(row.severity ? SIGNS[row.severity] : (STATES[row.state] ?? "good"));
  const words = row.state === "up" && row.troubles.length ? "" : stateWords(row, nowUs);
  return make("span", { class: "state" }, sign, make("span", {}, [words, ...also(row)].filter(Boolean).join(" · ")));
}

export function backlog(row) {
  if (row.backlog_records === null) return "–";
  const records = count(row.backlog_records + (row.lag_records ?? 0));
  if (!row.backlog_records || row.backlog_hours === null) return records;
  return t("hub.about", { count: records, span: span(row.backlog_hours * 3600) });
}

export const hours = (row) => (row.hours_left === null ? "–" : span(row.hours_left * 3600));

export function devices(row) {
  if (row.devices === null) return "–";
  if (!row.devices_ill) return count(row.devices);
  return t("hub.ill_of", { ill: count(row.devices_ill), all: count(row.devices) });
}

export function version(row) {
  if (!row.version) return "–";
  return row.other_version ? t("hub.other", { version: row.version }) : row.version;
}
