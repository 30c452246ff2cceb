// The list of tags: found by words on the server, chosen by checkbox.

import { count } from "./format.js";
import { ask, make, t } from "./page.js";
import { breakable, describe, halves, sign } from "./tag.js";

const LIMIT = 200;
const PAUSE_MS = 150;

export class TagList {
  #list;
  #told;
  #onChoose;
  #asking = null;
  #chosen = new Set();

  // onChoose(tag, on) is told of every click.
  constructor({ search, list, told }, onChoose) {
    this.#list = list;
    this.#told = told;
    this.#onChoose = onChoose;
    let pause;
    search.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(() => this.find(search.value), PAUSE_MS);
    });
  }

  async find(words) {
    this.#asking?.abort();
    this.#asking = new AbortController();
    const address = `/api/tags?limit=${LIMIT}&search=${encodeURIComponent(words)}`;
    try {
      const { total, tags } = await (await ask(address, this.#asking.signal)).json();
      this.#show(total, tags);
    } catch (error) {
      if (error.name !== "AbortError") this.#told.textContent = error.message;
    }
  }

  choose(paths) {
    this.#chosen = new Set(paths);
    for (const box of this.#list.querySelectorAll("input")) {
      box.checked = this.#chosen.has(box.value);
    }
  }

  #show(total, tags) {
    this.#list.replaceChildren(...tags.map((tag) => this.#entry(tag)));
    const numbers = { total: count(total), listed: count(tags.length) };
    if (total === 0) this.#told.textContent = t("chart.no_match");
    else this.#told.textContent = t(total > tags.length ? "chart.listed" : "chart.listed_all", numbers);
  }

  #entry(tag) {
    const box = make("input", { type: "checkbox", value: tag.path });
    box.checked = this.#chosen.has(tag.path);
    box.addEventListener("change", () => this.#onChoose(tag, box.checked));
    const [place, signal] = halves(tag.path);
    const about = [describe(tag), sign(tag.unit)].filter(Boolean).join(" · ");
    const words = make("span", { class: "words", title: tag.path }, make("span", { class: "place" }, ...breakable(place)));
    words.append(make("span", { class: "signal" }, ...breakable(signal)), make("span", { class: "about" }, about));
    return make("li", {}, make("label", {}, box, words));
  }
}
