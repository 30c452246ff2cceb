// What the chart shows, kept in the address: a link gives back the same view, and the browser's
// own Back button zooms out.

const SPANS_MS = {
  "15min": 900e3,
  "1h": 3600e3,
  "8h": 8 * 3600e3,
  "1d": 86400e3,
  "7d": 7 * 86400e3,
  "30d": 30 * 86400e3,
};
const DEFAULT_RANGE = "1h";

// {tags, range, follow} for a view that ends now, {tags, startMs, endMs} for a fixed one.
export function readView() {
  const asked = new URLSearchParams(location.search);
  const tags = [...new Set(asked.getAll("tags").flatMap((text) => text.split(",")))].filter(Boolean);
  const startMs = Date.parse(asked.get("start") ?? "");
  const endMs = Date.parse(asked.get("end") ?? "");
  if (startMs < endMs) return { tags, startMs, endMs };
  const range = asked.get("range") in SPANS_MS ? asked.get("range") : DEFAULT_RANGE;
  return { tags, range, follow: asked.get("live") !== "0" };
}

export function addressOf(view) {
  const asked = [];
  if (view.tags.length) asked.push(`tags=${view.tags.map(encodePath).join(",")}`);
  if (view.range) asked.push(`range=${view.range}`);
  else {
    asked.push(`start=${new Date(view.startMs).toISOString()}`);
    asked.push(`end=${new Date(view.endMs).toISOString()}`);
  }
  if (view.range && !view.follow) asked.push("live=0");
  return `${location.pathname}?${asked.join("&")}`;
}

// A path stays readable in the address: its slashes need no escape.
export const encodePath = (path) => encodeURIComponent(path).replaceAll("%2F", "/");

export const spanOf = (view) => (view.range ? SPANS_MS[view.range] : view.endMs - view.startMs);
