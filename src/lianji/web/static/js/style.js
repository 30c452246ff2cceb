// Lines are told apart by colour and by dash; colours come from the theme in force.

import { make } from "./page.js";

const COLOURS = 6;
const DASHES = [[], [7, 4]];
export const SLOTS = COLOURS * DASHES.length;

export const themed = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const lineStyle = (slot) => ({
  stroke: themed(`--series-${slot % COLOURS}`),
  dash: DASHES[Math.floor(slot / COLOURS) % DASHES.length],
});

export function swatch(slot) {
  const { dash } = lineStyle(slot);
  const line = make("line", { x1: 0, y1: 4, x2: 20, y2: 4, class: `series-${slot % COLOURS}` });
  if (dash.length) line.setAttribute("stroke-dasharray", "5 3");
  return make("svg", { class: "swatch", viewBox: "0 0 20 8", "aria-hidden": "true" }, line);
}
