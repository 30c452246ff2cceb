// The chart: draws series over a range of time, tells where the reader zooms and what is under
// the cursor. It fetches nothing.

import { optionsFor } from "./chart-options.js";
import { clock, date } from "./format.js";
import { make } from "./page.js";
import { drawQuality } from "./quality-marks.js";
import { severity } from "./quality.js";
import { shape } from "./shapes.js";
import { lineStyle, swatch } from "./style.js";
import { inWords, signalOf } from "./tag.js";

const DRAG_PX_MIN = 6;
const DENSE = 1.5; // more points than this a pixel, and a line is drawn as thin as can be: stroking
// thousands of wide segments takes a browser 200 ms, of thin ones 4 (measured, without a GPU)
const NULL_EXPAND = 2; // a missing value cuts the line up to its neighbours of the same series

export class Chart {
  #host;
  #readout;
  #on;
  #plot = null;
  #built = "";
  #tags = [];
  #slots = new Map();
  #series = [];
  #range = [0, 1];
  #compared = [];
  #how = {};
  #least;
  #watch;
  #onTheme = () => this.#rebuild();

  // on: {zoom(startMs, endMs), out(), resize(), cursor?(ms or null), drawn?(u), built?(u)}; small:
  // for a tile, without room to spare.
  constructor(host, readout, on, small = false) {
    this.#least = small ? 60 : 220;
    this.#host = host;
    this.#readout = readout;
    this.#on = on;
    this.#watch = new ResizeObserver(() => this.#resize());
    this.#watch.observe(host);
    document.addEventListener("theme", this.#onTheme);
  }

  close() {
    this.#watch.disconnect();
    document.removeEventListener("theme", this.#onTheme);
    this.#plot?.destroy();
    this.#plot = null;
  }

  get width() {
    return Math.max(this.#host.clientWidth, 200);
  }

  // tags: their records; slots: path -> line style; series: of plot-wire, in the order of tags.
  // how: {each, compared: series of another time in the order of tags, offsetMs: how much earlier
  // they were}.
  show(tags, slots, series, startMs, endMs, how = {}) {
    this.#compared = how.compared?.map((one) => ({ ...one, times: one.times.map((ms) => ms + how.offsetMs) })) ?? [];
    this.#how = how;
    this.#tags = tags;
    this.#slots = slots;
    this.#series = series;
    this.#range = [Math.round(startMs), Math.round(endMs)];
    const wanted = JSON.stringify([
      tags.map((tag) => [tag.path, slots.get(tag.path)]),
      Boolean(how.each),
      this.#compared.length,
    ]);
    if (wanted !== this.#built) {
      this.#built = wanted;
      this.#rebuild();
    } else if (this.#plot) {
      this.#thin(this.#plot.series);
      this.#plot.setData(this.#aligned());
    }
  }

  #thin(lines) {
    [...this.#series, ...this.#compared].forEach(({ times }, index) => {
      const wide = index < this.#series.length ? 1.5 : 1;
      lines[index + 1].width = times.length > DENSE * this.width ? 1 / devicePixelRatio : wide;
    });
  }

  #aligned() {
    const tables = [...this.#series, ...this.#compared].map(({ times, values }) => [
      times,
      values.map((value) => (Number.isNaN(value) ? null : value)),
    ]);
    return uPlot.join(tables, tables.map(() => [0, NULL_EXPAND]));
  }

  #rebuild() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#readout.hidden = true;
    if (this.#tags.length === 0) return;
    const options = optionsFor(this.#tags, this.#slots, this.#size(), () => this.#range, {
      each: this.#how.each,
      compared: this.#compared.length > 0,
    });
    const strokes = this.#tags.map((tag) => lineStyle(this.#slots.get(tag.path)).stroke);
    this.#thin(options.series);
    options.cursor = this.#cursor();
    options.hooks = {
      draw: [(u) => drawQuality(u, this.#series, strokes), (u) => this.#on.drawn?.(u)],
      setSelect: [(u) => this.#selected(u)],
      setCursor: [(u) => this.#read(u)],
    };
    this.#plot = new uPlot(options, this.#aligned(), this.#host);
    this.#on.built?.(this.#plot);
  }

  #cursor() {
    return {
      drag: { x: true, y: false, setScale: false, dist: DRAG_PX_MIN },
      points: { size: 7 },
      dataIdx: (u, series, index) => {
        let found = index;
        while (found > 0 && u.data[series][found] === undefined) found -= 1;
        return found;
      },
      bind: {
        mousedown: (_u, _over, start) => (event) => (event.shiftKey ? null : start(event)), // Shift pans
        dblclick: () => () => {
          this.#on.out();
          return null;
        },
      },
    };
  }

  #selected(u) {
    const { left, width } = u.select;
    if (width < DRAG_PX_MIN) return;
    const [start, end] = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#on.zoom(start, end);
  }

  get canvas() {
    return this.#plot?.ctx.canvas ?? null;
  }

  // What uPlot holds: for tests and for whoever wants to look.
  get data() {
    return this.#plot?.data ?? null;
  }

  // The pixel of the canvas at which the first line has a value: {x, y}.
  placeOf(ms, value) {
    const x = this.#plot.valToPos(ms, "x", true);
    return { x: Math.round(x), y: Math.round(this.#plot.valToPos(value, this.#plot.series[1].scale, true)) };
  }

  get range() {
    return this.#range;
  }

  // Draw other times of what is there already, until more comes.
  slide(startMs, endMs) {
    this.#range = [Math.round(startMs), Math.round(endMs)];
    if (this.#plot) this.#plot.setScale("x", { min: this.#range[0], max: this.#range[1] });
  }

  redraw() {
    this.#plot?.redraw(false);
  }

  // Move the cursor by so many pixels; it begins in the middle.
  step(pixels) {
    if (!this.#plot) return;
    const { over, cursor } = this.#plot;
    const left = cursor.left < 0 ? over.clientWidth / 2 : Math.min(Math.max(cursor.left + pixels, 0), over.clientWidth - 1);
    this.#plot.setCursor({ left, top: over.clientHeight / 3 });
  }

  hideCursor() {
    this.#plot?.setCursor({ left: -10, top: -10 });
  }

  #size() {
    return { width: this.width, height: Math.max(this.#host.clientHeight, this.#least) };
  }

  #resize() {
    if (!this.#plot) return;
    const size = this.#size();
    if (size.width === this.#plot.width && size.height === this.#plot.height) return;
    this.#plot.setSize(size);
    this.#on.resize();
  }

  #read(u) {
    const { left, top } = u.cursor;
    this.#readout.hidden = left < 0;
    this.#on.cursor?.(left < 0 ? null : u.posToVal(left, "x"));
    if (left < 0) return;
    const ms = u.posToVal(left, "x");
    const lines = this.#tags.flatMap((tag, index) => [
      this.#line(tag, this.#series[index], ms),
      ...(this.#compared[index] ? [this.#line(tag, this.#compared[index], ms, this.#how.label)] : []),
    ]);
    const head = make("p", { class: "when" }, `${date(ms)} ${clock(ms, true)}`);
    this.#readout.replaceChildren(head, make("table", {}, make("tbody", {}, ...lines)));
    const { offsetLeft, offsetTop, clientWidth } = u.over;
    const flip = left > clientWidth / 2;
    const x = offsetLeft + left + (flip ? -this.#readout.offsetWidth - 14 : 14);
    const y = Math.min(offsetTop + top + 14, this.#host.clientHeight - this.#readout.offsetHeight);
    this.#readout.style.transform = `translate(${Math.max(x, 0)}px, ${Math.max(y, 0)}px)`;
  }

  #line(tag, series, ms, earlier = "") {
    const index = lastBefore(series.times, ms);
    const value = index < 0 ? null : series.values[index];
    const kind = index < 0 ? "good" : severity(series.quality[index]);
    const words = earlier || signalOf(tag.path);
    const name = make("th", { scope: "row" }, earlier ? "" : swatch(this.#slots.get(tag.path)), words);
    const mark = kind === "good" ? "" : shape(kind);
    const line = make("tr", {}, name, make("td", { class: "number" }, mark, inWords(tag, value)));
    if (earlier) line.className = "earlier";
    return line;
  }

  // The value that each tag, and each as it was earlier, has at a moment: [{value, earlier}].
  valuesAt(ms) {
    const at = (one) => {
      const index = one ? lastBefore(one.times, ms) : -1;
      return index < 0 ? null : one.values[index];
    };
    return this.#tags.map((_tag, index) => ({ value: at(this.#series[index]), earlier: at(this.#compared[index]) }));
  }
}

// The index of the last time at or before ms; -1 if there is none.
export function lastBefore(times, ms) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
