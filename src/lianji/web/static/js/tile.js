// What all tiles share: a frame with a title, the records of its tags, and how old a value is.

import { moment, NONE, span } from "./format.js";
import { language, make, t } from "./page.js";
import { severity } from "./quality.js";
import { shape } from "./shapes.js";
import { describe, inWords, signalOf } from "./tag.js";

const OLD_MS = 180_000; // three heartbeats of a device

export const inLanguage = ({ title_en, title_zh }) =>
  (language === "zh" ? title_zh || title_en : title_en || title_zh) ?? "";

// A tag's words: its description, or the end of its path.
export const nameOf = (tag) => describe(tag) || signalOf(tag.path);

export const titleOf = (tile, tags) =>
  inLanguage(tile) || (tags.length === 1 ? nameOf(tags[0]) : t(`board.kind_${tile.kind}`));

export class Tile {
  // tile: as the file says it; tags: the records of its tags, also of those that nobody knows.
  constructor(tile, tags) {
    this.tile = tile;
    this.tags = tags;
    this.title = titleOf(tile, tags);
    this.head = make("h3", {}, this.title);
    this.body = make("div", { class: "body" });
    this.element = make("section", { class: `tile tile-${tile.kind}`, "aria-label": this.title }, this.head, this.body);
  }

  place({ width, height }) {
    this.element.style.gridColumn = `span ${width}`;
    this.element.style.gridRow = `span ${height}`;
    this.element.classList.toggle("narrow", width <= 4);
  }

  take(_sample) {} // a sample of one of its tags
  refresh() {} // ask the history again
  draw() {} // time has gone on
  look() {} // values may have become old
  close() {}
}

// A value with its quality and age, in words and a shape, kept up to date in one element.
export class Value {
  constructor(tag) {
    this.tag = tag;
    this.number = make("b", {}, NONE);
    this.note = make("span", { class: "note" }, t("board.no_value"));
    this.sample = null;
  }

  show(sample) {
    this.sample = sample;
    const words = inWords(this.tag, sample.value, sample.text);
    if (this.number.textContent !== words) this.number.textContent = words;
    this.look();
  }

  // Good and fresh says nothing; all else says what it is.
  look() {
    if (!this.sample) return;
    const { quality, quality_name, time_ms } = this.sample;
    const kind = severity(quality);
    const ageMs = Date.now() - time_ms;
    const old = ageMs > OLD_MS && kind === "good";
    const told = kind !== "good" ? t(`chart.${kind}`) : old ? t("board.old", { span: span(ageMs / 1000) }) : "";
    if (this.note.textContent === told) return;
    this.note.replaceChildren(...(told ? [shape(kind === "good" ? "uncertain" : kind), told] : []));
    this.note.title = told ? `${quality_name} · ${moment(time_ms)}` : "";
    this.note.className = `note ${kind === "good" ? (old ? "old" : "") : kind}`;
  }
}
