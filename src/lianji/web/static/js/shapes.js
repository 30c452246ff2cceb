// States as shapes: each has an outline of its own, so that none is told by its hue alone.

import { make } from "./page.js";

const OUTLINES = {
  running: { d: "M8 2a6 6 0 1 1 0 12A6 6 0 1 1 8 2Z M5.2 8.2 7.2 10.2 10.9 6", kind: "line" },
  connecting: { d: "M8 2a6 6 0 1 1 0 12A6 6 0 1 1 8 2Z", kind: "dashed" },
  degraded: { d: "M8 1 15 8 8 15 1 8Z M8 4.8v4 M8 10.6v1.2", kind: "line" },
  fault: { d: "M8 1.2 15.4 14.4H.6Z M8 5.8v4.4 M8 11.6v1.2", kind: "line" },
  disabled: { d: "M2.5 2.5h11v11h-11Z M5 8h6", kind: "line" },
  good: { d: "M8 2a6 6 0 1 1 0 12A6 6 0 1 1 8 2Z", kind: "line" },
  uncertain: { d: "M8 1 15 8 8 15 1 8Z M8 4.8v4 M8 10.6v1.2", kind: "line" },
  bad: { d: "M8 1.2 15.4 14.4H.6Z M8 5.8v4.4 M8 11.6v1.2", kind: "line" },
};

export function shape(name) {
  const { d, kind } = OUTLINES[name] ?? OUTLINES.disabled;
  const svg = make("svg", { class: `shape ${name}`, viewBox: "0 0 16 16", "aria-hidden": "true" });
  svg.append(make("path", { d, "stroke-dasharray": kind === "dashed" ? "2.4 2.2" : undefined }));
  return svg;
}
