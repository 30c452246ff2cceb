// The tiles that only show last values: number, bars, table; and words.

import { measured, moment, NONE } from "./format.js";
import { Limits } from "./limits.js";
import { make, t } from "./page.js";
import { inWords, sign } from "./tag.js";
import { nameOf, Tile, Value } from "./tile.js";

export class NumberTile extends Tile {
  constructor(tile, tags) {
    super(tile, tags);
    const [tag] = tags;
    if (!tag) return;
    this.value = new Value(tag);
    this.unit = make("span", { class: "unit" });
    this.limits = new Limits(tag.enumeration ? {} : tag);
    const line = make("p", { class: "big" }, this.value.number, this.unit);
    this.body.append(line, this.value.note, this.limits.element);
  }

  take(sample) {
    this.value.show(sample);
    const plain = !this.value.tag.enumeration && sample.value !== null;
    if (plain) this.value.number.textContent = measured(sample.value);
    this.unit.textContent = plain ? sign(this.value.tag.unit ?? "") : "";
    this.limits.show(sample.value);
  }

  look() {
    this.value?.look();
  }
}

// A line a tag. Without limits of its own a tag is measured against the largest of its unit.
export class BarTile extends Tile {
  #lines = new Map();

  constructor(tile, tags) {
    super(tile, tags);
    const list = make("ul", { class: "bars" });
    for (const tag of tags) {
      const value = new Value(tag);
      const limits = new Limits(tag, false);
      const name = make("span", { class: "name", title: tag.path }, nameOf(tag));
      const number = make("span", { class: "number" }, value.note, value.number);
      value.note.textContent = "";
      list.append(make("li", {}, name, limits.element, number));
      this.#lines.set(tag.path, { value, limits, tag });
    }
    this.body.append(list);
  }

  take(sample) {
    const { value, limits, tag } = this.#lines.get(sample.tag);
    value.show(sample);
    if (!limits.known && sample.value !== null && !tag.enumeration) this.#against(tag.unit);
    limits.show(sample.value);
  }

  look() {
    for (const { value } of this.#lines.values()) value.look();
  }

  #against(unit) {
    const own = [...this.#lines.values()].filter(({ tag, limits }) => tag.unit === unit && (!limits.known || limits.borrowed));
    const most = Math.max(...own.map(({ value }) => Math.abs(value.sample?.value ?? 0)));
    for (const { limits } of own) {
      Object.assign(limits, { low: 0, high: most * 1.1 || 1, known: true, borrowed: true });
      limits.element.hidden = false;
      limits.element.classList.add("borrowed");
    }
  }
}

export class TableTile extends Tile {
  #lines = new Map();

  constructor(tile, tags) {
    super(tile, tags);
    const rows = tags.map((tag) => {
      const value = new Value(tag);
      const time = make("td", { class: "time quiet" }, NONE);
      this.#lines.set(tag.path, { value, time });
      value.note.textContent = "";
      const name = make("th", { scope: "row", title: tag.path }, nameOf(tag));
      return make("tr", {}, name, make("td", { class: "number" }, value.note, value.number), time);
    });
    this.body.append(make("table", {}, make("tbody", {}, ...rows)));
  }

  take(sample) {
    const { value, time } = this.#lines.get(sample.tag);
    value.show(sample);
    time.textContent = moment(sample.time_ms);
  }

  look() {
    for (const { value } of this.#lines.values()) value.look();
  }
}

export class TextTile extends Tile {
  constructor(tile, tags) {
    super(tile, tags);
    if (!this.tile.title_en && !this.tile.title_zh) this.head.hidden = true;
    if (!tile.text) this.element.classList.add("heading");
    this.body.append(...tile.text.split(/\n{2,}/).filter(Boolean).map((words) => make("p", {}, words)));
  }
}
