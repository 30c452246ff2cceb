// The table of last values: one row a chosen tag, changed in place as samples come.

import { moment, NONE } from "./format.js";
import { make, t } from "./page.js";
import { severity } from "./quality.js";
import { shape } from "./shapes.js";
import { swatch } from "./style.js";
import { breakable, halves, inWords } from "./tag.js";

export class LastTable {
  #body;
  #onRemove;
  #rows = new Map();

  constructor(table, onRemove) {
    this.#body = table.tBodies[0];
    this.#onRemove = onRemove;
  }

  setTags(tags, slots) {
    for (const path of this.#rows.keys()) {
      if (!tags.some((tag) => tag.path === path)) this.#rows.delete(path);
    }
    for (const tag of tags) {
      if (!this.#rows.has(tag.path)) this.#rows.set(tag.path, this.#row(tag, slots.get(tag.path)));
    }
    this.#body.replaceChildren(...tags.map((tag) => this.#rows.get(tag.path).line));
  }

  update(samples) {
    for (const { tag: path, time_ms, value, text, quality, quality_name } of samples) {
      const row = this.#rows.get(path);
      if (!row) continue;
      const kind = severity(quality);
      row.shown.textContent = inWords(row.tag, value, text);
      row.time.textContent = moment(time_ms);
      if (row.kind !== quality_name) {
        row.kind = quality_name;
        const words = kind === "good" ? t("chart.good") : t(`chart.${kind}`);
        row.quality.replaceChildren(shape(kind), words);
        row.quality.title = quality_name;
        row.line.className = kind;
      }
    }
  }

  #row(tag, slot) {
    const [place, signal] = halves(tag.path);
    const name = make("span", { class: "words", title: tag.path });
    name.append(make("span", { class: "place" }, ...breakable(place)), make("span", { class: "signal" }, ...breakable(signal)));
    const shown = make("b", {}, NONE);
    const time = make("span", { class: "place" }, NONE);
    const value = make("td", { class: "number" }, shown, time);
    const quality = make("td", { class: "quality" }, NONE);
    const label = t("chart.remove", { tag: tag.path });
    const remove = make("button", { type: "button", "aria-label": label, title: label }, "×");
    remove.addEventListener("click", () => this.#onRemove(tag));
    const head = make("th", { scope: "row" }, swatch(slot), name);
    const line = make("tr", {}, head, value, quality, make("td", {}, remove));
    return { tag, line, shown, quality, time, kind: "" };
  }
}
