// How uPlot is to draw numbers by step: the look of the other charts, an axis that is no time.

import { measured } from "./format.js";
import { lineStyle, themed } from "./style.js";

const PX = 12;
const FONT = `${PX}px system-ui, "Noto Sans CJK SC", sans-serif`;

function look() {
  const line = { stroke: themed("--line"), width: 1 };
  return { stroke: themed("--muted"), font: FONT, grid: line, ticks: { ...line, size: 5 } };
}

// names and slots (line styles) of the lines; size: {width, height}.
export function plainOptions(names, slots, size) {
  const lines = names.map((label, index) => ({
    ...lineStyle(slots[index]),
    label,
    width: 1.5,
    spanGaps: true, // another run has other steps
    value: (_u, value) => (value === null || value === undefined ? "" : measured(value)),
  }));
  return {
    ...size,
    padding: [12, 12, 0, 0],
    legend: { show: false },
    scales: { x: { time: false } },
    axes: [look(), { ...look(), size: 64, values: (_u, splits) => splits.map(measured) }],
    series: [{}, ...lines],
  };
}
