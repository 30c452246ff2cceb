// How uPlot is to draw: one y-axis a unit, ISO dates on a 24-hour clock, steps where a tag steps.

import { measured } from "./format.js";
import { lineStyle, themed } from "./style.js";
import { inWords, sign } from "./tag.js";

// A seventh smaller than the page's own type, which is larger on a wall.
const type = () => Math.round((Number.parseFloat(getComputedStyle(document.body).fontSize) * 6) / 7);
const font = () => `${type()}px system-ui, "Noto Sans CJK SC", sans-serif`;
const STATES = "states";
const AXES_MAX = 4;
const DAY = "\n{YYYY}-{MM}-{DD}";
const _ = null;
// tick step in ms, text, then what is added where the year, month, day, hour, minute, second turns
const STAMPS = [
  [365 * 86400e3, "{YYYY}", _, _, _, _, _, _, 1],
  [28 * 86400e3, "{YYYY}-{MM}", _, _, _, _, _, _, 1],
  [86400e3, "{MM}-{DD}", "\n{YYYY}", _, _, _, _, _, 1],
  [60e3, "{HH}:{mm}", DAY, _, DAY, _, _, _, 1],
  [1e3, "{HH}:{mm}:{ss}", DAY, _, DAY, _, _, _, 1],
  [1, "{HH}:{mm}:{ss}.{fff}", DAY, _, DAY, _, _, _, 1],
];

// An axis a unit, or, if each is to have its own, an axis a tag.
const scaleOf = (tag, each) => {
  if (each) return `of ${tag.path}`;
  return tag.enumeration ? STATES : `in ${tag.unit ?? ""}`;
};

// how: {each: an axis a tag, compared: the tags once more, fainter, for another time}
export function optionsFor(tags, slots, size, range, { each = false, compared = false } = {}) {
  const scales = { x: { time: true, range } };
  for (const tag of tags) scales[scaleOf(tag, each)] = { range: roomy };
  const lines = tags.map((tag) => seriesOf(tag, slots.get(tag.path), each));
  return {
    ...size,
    ms: 1,
    padding: [12, 12, 0, 0],
    legend: { show: false },
    scales,
    axes: [timeAxis(), ...valueAxes(tags, slots, each)],
    series: [{}, ...lines, ...(compared ? lines.map(fainter) : [])],
  };
}

const fainter = (line) => ({ ...line, width: 1, dash: [2, 3], alpha: 0.8, points: { show: false } });

function seriesOf(tag, slot, each) {
  const stepped = tag.kind === "step" || tag.enumeration;
  return {
    ...lineStyle(slot),
    label: tag.path,
    scale: scaleOf(tag, each),
    width: 1.5,
    paths: stepped ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
    points: { size: 5 },
  };
}

// A tenth of room above and below; a flat line runs through the middle.
function roomy(_u, low, high) {
  if (low === null || high === null) return [0, 1];
  const room = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.1;
  return [low - room, high + room];
}

function timeAxis() {
  const px = type();
  return { ...look(), values: STAMPS, space: 6.6 * px, size: 4.1 * px };
}

function valueAxes(tags, slots, each) {
  const byScale = new Map(tags.map((tag) => [scaleOf(tag, each), []]));
  for (const tag of tags) byScale.get(scaleOf(tag, each)).push(tag);
  return [...byScale].map(([scale, members], index) => ({
    ...look(),
    ...(each ? { stroke: lineStyle(slots.get(members[0].path)).stroke } : {}),
    scale,
    show: index < AXES_MAX,
    side: index % 2 === 0 ? 3 : 1,
    grid: { show: index === 0, stroke: themed("--line"), width: 1 },
    label: members[0].enumeration ? undefined : sign(members[0].unit ?? "") || undefined,
    labelFont: font(),
    labelSize: 1.5 * type(),
    size: wideEnough,
    incrs: members[0].enumeration ? [1, 2, 5, 10, 20, 50, 100, 1000] : undefined,
    values: (_u, splits) => splits.map((value) => tick(members, value)),
  }));
}

function tick(members, value) {
  if (!members[0].enumeration || members.length > 1) return measured(value);
  return members[0].enumeration[String(value)] ? inWords(members[0], value) : "";
}

function look() {
  const line = { stroke: themed("--line"), width: 1 };
  return { stroke: themed("--muted"), font: font(), grid: line, ticks: { ...line, size: 5 } };
}

// As wide as the longest text; kept on the second measuring, so that the layout comes to rest.
function wideEnough(u, values, axis, cycle) {
  if (cycle > 1) return u.axes[axis]._size;
  u.ctx.font = font();
  const widths = (values ?? []).map((text) => u.ctx.measureText(text).width);
  return Math.ceil(Math.max(24, ...widths)) + 14;
}
