// What the chart shows, kept in the address: a link gives back the same view, and the browser's
// own Back button zooms out.

const UNITS_MS = { ms: 1, s: 1e3, m: 60e3, min: 60e3, h: 3600e3, d: 86400e3, w: 604800e3 };

// Milliseconds of a span as the API writes it, such as 15min or 8h; NaN if it is none.
export function spanMs(text) {
  const found = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s|min|m|h|d|w)$/.exec(text ?? "");
  return found ? Number(found[1]) * UNITS_MS[found[2]] : Number.NaN;
}

const DEFAULT_RANGE = "1h";

// {tags, range, follow} for a view that ends now, {tags, startMs, endMs} for a fixed one; both with
// {compare: how much earlier the second lines are, each: an axis a tag}.
export function readView() {
  const asked = new URLSearchParams(location.search);
  const tags = [...new Set(asked.getAll("tags").flatMap((text) => text.split(",")))].filter(Boolean);
  const startMs = Date.parse(asked.get("start") ?? "");
  const endMs = Date.parse(asked.get("end") ?? "");
  const more = { compare: spanMs(asked.get("compare")) > 0 ? asked.get("compare") : "", each: asked.get("axes") === "each" };
  if (startMs < endMs) return { tags, startMs, endMs, ...more };
  const range = spanMs(asked.get("range")) > 0 ? asked.get("range") : DEFAULT_RANGE;
  return { tags, range, follow: asked.get("live") !== "0", ...more };
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
  if (view.compare) asked.push(`compare=${view.compare}`);
  if (view.each) asked.push("axes=each");
  return `${location.pathname}?${asked.join("&")}`;
}

// A path stays readable in the address: its slashes need no escape.
export const encodePath = (path) => encodeURIComponent(path).replaceAll("%2F", "/");

export const spanOf = (view) => (view.range ? spanMs(view.range) : view.endMs - view.startMs);
