// The table beside the chart: a row a tag with its last value, the value at the cursor, and least,
// mean and most of the window that is shown. Changed in place as samples come.

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

  // values: [{value, earlier}] in the order of the rows, or none.
  tellCursor(ms, values, compare) {
    [...this.#body.rows].forEach((line, index) => {
      const { tag, cursor } = this.#rows.get(line.dataset.path);
      const found = values[index];
      const words = found ? inWords(tag, found.value) : NONE;
      const earlier = found && compare ? ` (−${compare}: ${inWords(tag, found.earlier)})` : "";
      if (cursor.textContent !== words + earlier) cursor.textContent = words + earlier;
    });
  }

  // found: path -> {least, mean, most}
  tellWindow(found) {
    for (const [path, { tag, least, mean, most }] of this.#rows) {
      const one = found.get(path);
      least.textContent = one ? inWords(tag, one.least) : NONE;
      most.textContent = one ? inWords(tag, one.most) : NONE;
      mean.textContent = one && !tag.enumeration ? inWords(tag, one.mean) : NONE;
    }
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
    const value = make("td", { class: "number last" }, shown, " ", time);
    const quality = make("td", { class: "quality" }, NONE);
    const label = t("chart.remove", { tag: tag.path });
    const remove = make("button", { type: "button", "aria-label": label, title: label }, "×");
    remove.addEventListener("click", () => this.#onRemove(tag));
    const head = make("th", { scope: "row" }, swatch(slot), name);
    const cells = ["cursor", "least", "mean", "most"].map((name) => make("td", { class: `number ${name}` }, NONE));
    const line = make("tr", { "data-path": tag.path }, head, value, quality, ...cells, make("td", {}, remove));
    const [cursor, least, mean, most] = cells;
    return { tag, line, shown, quality, time, cursor, least, mean, most, kind: "" };
  }
}
