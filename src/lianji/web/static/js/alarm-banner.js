// The line above every page: how many alarms ask for somebody, and the most urgent in words.

import { mark } from "./alarm-marks.js";
import { ask, said, t } from "./page.js";

const PERIOD_MS = 2000;
const banner = document.getElementById("alarm-banner");
let shown = null;

function sentence({ unacknowledged, active, most_urgent: urgent }) {
  const values = {
    count: unacknowledged || active,
    priority: t(`alarm.priority_${urgent.priority}`),
    message: said(urgent.message),
  };
  if (unacknowledged === 1) return t("alarm.banner_one", values);
  return t(unacknowledged ? "alarm.banner_unacknowledged" : "alarm.banner_active", values);
}

// A number that counts on would be read out every two seconds.
const faultWords = ({ code, cause, remedy }) =>
  code === "alarms-late" ? t("alarm.late") : `${said(cause)} ${said(remedy)}`;

function show(summary) {
  const urgent = summary.error ? { priority: 1 } : summary.most_urgent;
  const words = summary.error ? faultWords(summary.error) : urgent ? sentence(summary) : "";
  if (words === shown) return; // so that a screen reader speaks only of what is new
  shown = words;
  banner.hidden = !urgent;
  if (!urgent) return;
  const waiting = summary.error !== null || summary.unacknowledged > 0;
  banner.className = `alarm-banner p${urgent.priority}${waiting ? " unacknowledged" : ""}`;
  const text = document.createElement("span");
  text.textContent = words;
  banner.replaceChildren(mark(urgent.priority, waiting), text);
}

async function refresh() {
  show(await (await ask("/api/alarms/summary")).json());
}

async function keepRefreshing() {
  if (!document.hidden) await refresh().catch((error) => console.warn(error));
  setTimeout(keepRefreshing, PERIOD_MS);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh().catch((error) => console.warn(error));
});
addEventListener("alarms-changed", () => refresh().catch((error) => console.warn(error)));
keepRefreshing();
