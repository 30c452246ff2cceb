// The form of one tile: kind, title, tags, how far it looks back, words.

import { language, t } from "./page.js";
import { TagList } from "./tag-list.js";

const byId = (id) => document.getElementById(id);
const WITH_SPAN = ["trend", "states"];
const SIZES = { number: [3, 2], trend: [6, 4], bar: [6, 4], states: [12, 4], table: [4, 4], text: [12, 1] };

export const newTile = () => ({
  kind: "number",
  title_en: "",
  title_zh: "",
  tags: [],
  span: "8h",
  text: "",
  width: SIZES.number[0],
  height: SIZES.number[1],
});

export class TileForm {
  #dialog = byId("tile-form");
  #form = this.#dialog.querySelector("form");
  #chosen = [];
  #list;

  constructor() {
    this.#list = new TagList(
      { search: byId("tile-search"), list: byId("tile-tags"), told: byId("tile-listed") },
      (tag, on) => this.#choose(tag.path, on),
    );
    this.#form.elements.kind.addEventListener("change", () => this.#fit());
  }

  // The tile as it is to be, or null if nothing was wanted. ``isNew`` gives it its kind's size.
  ask(tile, isNew = false) {
    const { kind, title, span, text } = this.#form.elements;
    kind.value = tile.kind;
    title.value = tile[`title_${language}`];
    if (![...span.options].some(({ value }) => value === tile.span)) span.add(new Option(tile.span, tile.span));
    span.value = tile.span;
    text.value = tile.text;
    this.#chosen = [...tile.tags];
    byId("tile-search").value = "";
    this.#list.find("");
    this.#choose();
    this.#fit();
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => resolve(this.#taken(tile, isNew)), { once: true });
    });
  }

  #taken(tile, isNew) {
    if (this.#dialog.returnValue !== "ok") return null;
    const { kind, title, span, text } = this.#form.elements;
    const sized = isNew ? { width: SIZES[kind.value][0], height: SIZES[kind.value][1] } : {};
    const tags = kind.value === "text" ? [] : kind.value === "number" ? this.#chosen.slice(0, 1) : this.#chosen;
    return {
      ...tile,
      kind: kind.value,
      [`title_${language}`]: title.value.trim(),
      tags,
      span: span.value,
      text: kind.value === "text" ? text.value : "",
      ...sized,
    };
  }

  #choose(path, on) {
    if (path !== undefined) {
      this.#chosen = this.#chosen.filter((one) => one !== path);
      const single = this.#form.elements.kind.value === "number";
      if (on) this.#chosen = single ? [path] : [...this.#chosen, path];
    }
    this.#list.choose(this.#chosen);
    byId("tile-chosen").textContent = t("board.of_tags", { count: this.#chosen.length });
  }

  #fit() {
    const kind = this.#form.elements.kind.value;
    this.#form.querySelector(".of-span").hidden = !WITH_SPAN.includes(kind);
    this.#form.querySelector(".of-text").hidden = kind !== "text";
    this.#form.querySelector(".of-tags").hidden = kind === "text";
  }
}
