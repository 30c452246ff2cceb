// Priorities as shapes: an outline of its own for each, its number in it, so that none is told by
// its hue alone. Solid: somebody has still to acknowledge it.

import { make } from "./page.js";

const OUTLINES = {
  1: ["M11 1.5 21 20.5H1Z", 17.5],
  2: ["M11 1 21 11 11 21 1 11Z", 15],
  3: ["M1 3h20L11 21Z", 13],
  4: ["M3 3h16v16H3Z", 15],
  5: ["M3 11h16", 9],
};

export function mark(priority, solid) {
  const [d, baseline] = OUTLINES[priority] ?? OUTLINES[5];
  const svg = make("svg", {
    class: `mark p${priority}${solid ? " solid" : ""}`,
    viewBox: "0 0 22 22",
    "aria-hidden": "true",
  });
  const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
  text.setAttribute("x", 11);
  text.setAttribute("y", baseline);
  if (priority < 5) text.textContent = priority;
  svg.append(make("path", { d }), text);
  return svg;
}
