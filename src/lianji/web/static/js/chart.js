// The chart: draws series over a range of time, tells where the reader zooms and what is under
// the cursor. It fetches nothing.

import { optionsFor } from "./chart-options.js";
import { clock, date } from "./format.js";
import { make } from "./page.js";
import { drawQuality } from "./quality-marks.js";
import { severity } from "./quality.js";
import { shape } from "./shapes.js";
import { lineStyle, swatch } from "./style.js";
import { halves, inWords } from "./tag.js";

const DRAG_PX_MIN = 6;
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
  #least;
  #watch;
  #onTheme = () => this.#rebuild();

  // on: {zoom(startMs, endMs), out(), resize()}; small: for a tile, without room to spare.
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
  show(tags, slots, series, startMs, endMs) {
    this.#tags = tags;
    this.#slots = slots;
    this.#series = series;
    this.#range = [Math.round(startMs), Math.round(endMs)];
    const wanted = JSON.stringify(tags.map((tag) => [tag.path, slots.get(tag.path)]));
    if (wanted !== this.#built) {
      this.#built = wanted;
      this.#rebuild();
    } else {
      this.#plot?.setData(this.#aligned());
    }
  }

  #aligned() {
    const tables = this.#series.map(({ times, values }) => [
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
    const options = optionsFor(this.#tags, this.#slots, this.#size(), () => this.#range);
    const strokes = this.#tags.map((tag) => lineStyle(this.#slots.get(tag.path)).stroke);
    options.cursor = this.#cursor();
    options.hooks = {
      draw: [(u) => drawQuality(u, this.#series, strokes)],
      setSelect: [(u) => this.#selected(u)],
      setCursor: [(u) => this.#read(u)],
    };
    this.#plot = new uPlot(options, this.#aligned(), this.#host);
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
    if (left < 0) return;
    const ms = u.posToVal(left, "x");
    const lines = this.#tags.map((tag, index) => this.#line(tag, this.#series[index], ms));
    const head = make("p", { class: "when" }, `${date(ms)} ${clock(ms, true)}`);
    this.#readout.replaceChildren(head, make("table", {}, make("tbody", {}, ...lines)));
    const { offsetLeft, offsetTop, clientWidth } = u.over;
    const flip = left > clientWidth / 2;
    const x = offsetLeft + left + (flip ? -this.#readout.offsetWidth - 14 : 14);
    const y = Math.min(offsetTop + top + 14, this.#host.clientHeight - this.#readout.offsetHeight);
    this.#readout.style.transform = `translate(${Math.max(x, 0)}px, ${Math.max(y, 0)}px)`;
  }

  #line(tag, series, ms) {
    const index = lastBefore(series.times, ms);
    const value = index < 0 ? null : series.values[index];
    const kind = index < 0 ? "good" : severity(series.quality[index]);
    const name = make("th", { scope: "row" }, swatch(this.#slots.get(tag.path)), halves(tag.path)[1]);
    const mark = kind === "good" ? "" : shape(kind);
    return make("tr", {}, name, make("td", { class: "number" }, mark, inWords(tag, value)));
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
