// The tree of paths: a level is asked for when it is opened. One entry is in the tab order; arrows,
// Home, End, Enter and typing the first letters move through it (WAI-ARIA, tree view pattern).

import { count } from "./format.js";
import { ask, make, t } from "./page.js";

const TYPING_MS = 700;

export class TagTree {
  #root;
  #onChoose;
  #chosen = "";
  #typed = { text: "", at: 0 };
  // The first level, where there is one only.
  site = "";

  // onChoose(path) is told which level is chosen; "" is all of them.
  constructor(root, onChoose) {
    this.#root = root;
    this.#onChoose = onChoose;
    root.addEventListener("click", (event) => this.#clicked(event));
    root.addEventListener("keydown", (event) => this.#pressed(event));
  }

  async load() {
    const open = [...this.#root.querySelectorAll("[aria-expanded='true']")].map((li) => li.dataset.path);
    const all = this.#entry({ name: t("tags.all"), path: "", tags: null, inner: false }, 1);
    const levels = await this.#levels("");
    this.site = levels.length === 1 ? levels[0].path : "";
    this.#root.replaceChildren(all, ...levels.map((level) => this.#entry(level, 1)));
    if (levels.length === 1 && open.length === 0) open.push(levels[0].path);
    for (const path of open) {
      const item = this.#item(path);
      if (item) await this.#open(item);
    }
    this.#mark(this.#item(this.#chosen) ?? all);
  }

  async #levels(path) {
    const answer = await ask(`/api/tags/levels?under=${encodeURIComponent(path)}`);
    return (await answer.json()).levels;
  }

  #item(path) {
    return [...this.#root.querySelectorAll("li")].find((li) => li.dataset.path === path);
  }

  #entry(level, depth) {
    const line = make("span", { class: "line" });
    line.append(make("span", { class: "arrow", "aria-hidden": "true" }), make("span", { class: "part" }, level.name));
    if (level.tags !== null) line.append(make("small", {}, count(level.tags)));
    const item = make("li", {
      role: "treeitem",
      tabindex: "-1",
      "aria-level": depth,
      "aria-label": level.name,
      "aria-selected": "false",
      "aria-expanded": level.inner ? "false" : undefined,
    });
    item.dataset.path = level.path;
    item.append(line);
    return item;
  }

  async #open(item) {
    if (item.getAttribute("aria-expanded") !== "false") return;
    item.setAttribute("aria-expanded", "true");
    const group = make("ul", { role: "group" });
    item.append(group);
    const depth = Number(item.getAttribute("aria-level")) + 1;
    const levels = await this.#levels(item.dataset.path);
    group.append(...levels.map((level) => this.#entry(level, depth)));
  }

  #close(item) {
    item.setAttribute("aria-expanded", "false");
    item.querySelector("ul")?.remove();
  }

  #mark(item) {
    for (const other of this.#root.querySelectorAll("[aria-selected='true']")) {
      other.setAttribute("aria-selected", "false");
    }
    for (const other of this.#root.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    item.setAttribute("aria-selected", "true");
    item.tabIndex = 0;
    this.#chosen = item.dataset.path;
  }

  #choose(item) {
    this.#mark(item);
    item.focus({ preventScroll: true });
    item.firstElementChild.scrollIntoView({ block: "nearest" });
    this.#onChoose(this.#chosen);
  }

  #clicked(event) {
    const item = event.target.closest("li");
    if (!item) return;
    const arrow = event.target.classList.contains("arrow");
    if (arrow && item.getAttribute("aria-expanded") === "true") this.#close(item);
    else this.#open(item);
    if (!arrow) this.#choose(item);
  }

  #pressed(event) {
    const item = event.target.closest("li");
    if (!item || event.ctrlKey || event.altKey || event.metaKey) return;
    const lines = [...this.#root.querySelectorAll("li")];
    const at = lines.indexOf(item);
    const moves = {
      ArrowDown: () => lines[at + 1],
      ArrowUp: () => lines[at - 1],
      Home: () => lines[0],
      End: () => lines.at(-1),
      ArrowRight: () => this.#right(item),
      ArrowLeft: () => this.#left(item),
      Enter: () => item,
    };
    const move = moves[event.key] ?? (event.key.length === 1 && event.key !== " " ? () => this.#byLetters(event.key, lines, at) : null);
    if (!move) return;
    event.preventDefault();
    const next = move();
    if (next) this.#choose(next);
  }

  #right(item) {
    if (item.getAttribute("aria-expanded") === "false") this.#open(item);
    else return item.querySelector("li");
    return null;
  }

  #left(item) {
    if (item.getAttribute("aria-expanded") === "true") this.#close(item);
    else return item.parentElement.closest("li");
    return null;
  }

  #byLetters(letter, lines, at) {
    const now = performance.now();
    const going = now - this.#typed.at < TYPING_MS;
    this.#typed = { text: (going ? this.#typed.text : "") + letter.toLowerCase(), at: now };
    const from = going ? at : at + 1;
    const names = (li) => li.querySelector(".part").textContent.toLowerCase();
    const order = [...lines.slice(from), ...lines.slice(0, from)];
    return order.find((li) => names(li).startsWith(this.#typed.text));
  }
}
