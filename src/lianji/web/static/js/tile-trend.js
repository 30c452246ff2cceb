// A small chart of the last hours. Dragging on it opens the chart page on what was dragged over.

import { Chart } from "./chart.js";
import { ask, make } from "./page.js";
import { decodePlot } from "./plot-wire.js";
import { SLOTS, swatch } from "./style.js";
import { nameOf, Tile } from "./tile.js";
import { encodePath, spanMs } from "./view.js";

export class TrendTile extends Tile {
  #chart;
  #slots;
  #series = [];
  #newest = new Map();

  constructor(tile, tags) {
    super(tile, tags.slice(0, SLOTS));
    this.#slots = new Map(this.tags.map((tag, slot) => [tag.path, slot]));
    const paths = this.tags.map((tag) => encodePath(tag.path)).join(",");
    const open = make("a", { href: `/chart?tags=${paths}&range=${tile.span}` }, this.title);
    this.head.replaceChildren(open);
    const host = make("div", { class: "canvas", role: "img", "aria-label": this.title });
    const readout = make("div", { class: "readout", hidden: "" });
    host.append(readout);
    const key = this.tags.length > 1 ? this.#legend() : "";
    this.body.append(host, key);
    const zoom = (startMs, endMs) => {
      const [start, end] = [startMs, endMs].map((ms) => new Date(ms).toISOString());
      location.assign(`/chart?tags=${paths}&start=${start}&end=${end}`);
    };
    this.#chart = new Chart(host, readout, { zoom, out: () => location.assign(open.href), resize: () => this.refresh() }, true);
  }

  #legend() {
    const names = this.tags.map((tag) => make("li", { title: tag.path }, swatch(this.#slots.get(tag.path)), nameOf(tag)));
    return make("ul", { class: "key-list" }, ...names);
  }

  async refresh() {
    if (this.tags.length === 0 || !this.element.isConnected) return;
    const paths = this.tags.map((tag) => encodePath(tag.path)).join(",");
    const pixels = Math.round(this.#chart.width);
    const address = `/api/plot?format=binary&tags=${paths}&start=-${this.tile.span}&end=now&pixels=${pixels}`;
    try {
      const answer = await ask(address);
      this.#series = decodePlot(await answer.arrayBuffer()).series;
      for (const sample of this.#newest.values()) this.#append(sample);
      this.draw();
    } catch {
      // what was drawn stays; the page says that the server is away
    }
  }

  take(sample) {
    this.#newest.set(sample.tag, sample);
    this.#append(sample);
  }

  #append({ tag, time_ms, value, quality }) {
    const one = this.#series.find(({ path }) => path === tag);
    if (!one || time_ms <= (one.times.at(-1) ?? 0)) return;
    one.times.push(time_ms);
    one.values.push(value ?? Number.NaN);
    one.quality.push(quality);
  }

  draw() {
    if (this.#series.length !== this.tags.length || this.tags.length === 0) return;
    const endMs = Date.now();
    this.#chart.show(this.tags, this.#slots, this.#series, endMs - spanMs(this.tile.span), endMs);
  }

  close() {
    this.#chart.close();
  }
}
