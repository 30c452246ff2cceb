// The tiles of a dashboard on their grid: makes them, hands them samples, has them look again.

import { ask } from "./page.js";
import { BarTile, NumberTile, TableTile, TextTile } from "./tile-plain.js";
import { StatesTile } from "./tile-states.js";
import { TrendTile } from "./tile-trend.js";
import { encodePath } from "./view.js";

const KINDS = {
  number: NumberTile,
  trend: TrendTile,
  bar: BarTile,
  states: StatesTile,
  table: TableTile,
  text: TextTile,
};
const PATHS_A_REQUEST = 60;

export class Board {
  #host;
  #known = new Map(); // path -> the tag's record
  #newest = new Map(); // path -> sample
  #views = []; // {key, view}, in the order of the tiles

  constructor(host) {
    this.#host = host;
  }

  get views() {
    return this.#views.map(({ view }) => view);
  }

  get newest() {
    return this.#newest;
  }

  // Fetch the records of these tags, once each.
  async learn(paths) {
    const unknown = [...new Set(paths)].filter((path) => !this.#known.has(path));
    for (let first = 0; first < unknown.length; first += PATHS_A_REQUEST) {
      const some = unknown.slice(first, first + PATHS_A_REQUEST);
      const asked = some.map((path) => `path=${encodePath(path)}`).join("&");
      const { tags } = await (await ask(`/api/tags?limit=${some.length}&${asked}`)).json();
      for (const tag of tags) this.#known.set(tag.path, tag);
      for (const path of some) if (!this.#known.has(path)) this.#known.set(path, { path, unit: "" });
    }
  }

  // Show these tiles. One that is as it was keeps its element, so that nothing flickers.
  show(tiles) {
    const spare = [...this.#views];
    this.#views = tiles.map((tile) => {
      const key = keyOf(tile);
      const place = spare.findIndex((one) => one.key === key);
      const found = place < 0 ? { key, view: this.#made(tile) } : spare.splice(place, 1)[0];
      found.view.tile = tile;
      found.view.place(tile);
      return found;
    });
    for (const { view } of spare) {
      view.close();
      view.element.remove();
    }
    this.#views.forEach(({ view }, index) => {
      const there = this.#host.children[index];
      if (there !== view.element) this.#host.insertBefore(view.element, there ?? null);
    });
    for (const { view } of this.#views) {
      if (view.fresh) continue;
      view.fresh = true;
      view.refresh();
    }
  }

  #made(tile) {
    const tags = tile.tags.map((path) => this.#known.get(path) ?? { path, unit: "" });
    const view = new KINDS[tile.kind](tile, tags);
    for (const path of tile.tags) {
      const sample = this.#newest.get(path);
      if (sample) view.take(sample);
    }
    return view;
  }

  take(samples) {
    for (const sample of samples) {
      this.#newest.set(sample.tag, sample);
      for (const { view } of this.#views) {
        if (view.tags.some(({ path }) => path === sample.tag)) view.take(sample);
      }
    }
  }

  draw() {
    for (const { view } of this.#views) view.draw();
  }

  // Whether values have become old is seen by looking again, not by a sample.
  look() {
    for (const { view } of this.#views) view.look();
  }

  refresh() {
    for (const { view } of this.#views) view.refresh();
  }
}

// All of a tile but its size.
function keyOf({ width, height, ...rest }) {
  return JSON.stringify(rest);
}
