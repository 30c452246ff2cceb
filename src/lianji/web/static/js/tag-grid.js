// A hundred thousand rows of which only the visible ones exist. Pages of rows are asked for as they
// come into sight; live values only for what is seen.

import { NONE } from "./format.js";
import { ask, make, t } from "./page.js";
import { severity } from "./quality.js";
import { shape } from "./shapes.js";
import { describe, inWords, sign } from "./tag.js";

const ROW_PX = 30;
const PAGE = 100;
const PAGES_KEPT = 60;
const SPARE = 6;
const SIGHT_MAX = 150; // of rows, however tall somebody makes the list
const REST_MS = 120;

export class TagGrid {
  #grid;
  #space;
  #empty;
  #on;
  #query = "";
  #total = 0;
  #pages = new Map();
  #rows = new Map();
  #samples = new Map();
  #current = 0;
  #resting;
  #asking = new AbortController();

  // on: {found(total), seen(paths), toggle(path, on, index, range), open(tag), typed(letter), chosen(path)}
  constructor(grid, on) {
    this.#grid = grid;
    this.#space = grid.querySelector(".space");
    this.#empty = grid.querySelector(".empty");
    this.#on = on;
    grid.addEventListener("scroll", () => this.#draw(), { passive: true });
    grid.addEventListener("keydown", (event) => this.#pressed(event));
    this.#space.addEventListener("click", (event) => this.#clicked(event));
    new ResizeObserver(() => this.#draw()).observe(grid);
  }

  get total() {
    return this.#total;
  }

  async show(query) {
    this.#query = query;
    this.#asking.abort();
    this.#asking = new AbortController();
    this.#pages.clear();
    this.#current = 0;
    const first = await this.#page(0);
    if (!first) return;
    this.#total = first.total;
    this.#on.found(first.total);
    this.#grid.setAttribute("aria-rowcount", first.total + 1);
    this.#empty.hidden = first.total > 0;
    this.#space.style.height = `${first.total * ROW_PX}px`;
    this.#grid.scrollTop = 0;
    this.#clear();
    this.#draw();
  }

  // The marks of the rows, after the choice was changed from outside.
  remark() {
    for (const [index, line] of this.#rows) this.#mark(line, this.#tag(index));
  }

  update(samples) {
    for (const sample of samples) this.#samples.set(sample.tag, sample);
    for (const [index, line] of this.#rows) {
      const tag = this.#tag(index);
      if (tag) this.#value(line, tag);
    }
  }

  tags(from, to) {
    return ask(`/api/tags?${this.#query}&offset=${from}&limit=${to - from + 1}`).then((a) => a.json());
  }

  #tag(index) {
    return this.#pages.get(Math.floor(index / PAGE))?.tags?.[index % PAGE];
  }

  async #page(number) {
    const address = `/api/tags?${this.#query}&offset=${number * PAGE}&limit=${PAGE}`;
    this.#pages.set(number, {});
    try {
      const page = await (await ask(address, this.#asking.signal)).json();
      this.#pages.set(number, page);
      if (this.#pages.size > PAGES_KEPT) this.#pages.delete(this.#pages.keys().next().value);
      return page;
    } catch (error) {
      this.#pages.delete(number);
      if (error.name !== "AbortError") this.#on.failed(error);
      return null;
    }
  }

  #clear() {
    for (const line of this.#rows.values()) line.remove();
    this.#rows.clear();
  }

  #window() {
    const first = Math.max(Math.floor(this.#grid.scrollTop / ROW_PX) - SPARE, 0);
    const many = Math.min(Math.ceil(this.#grid.clientHeight / ROW_PX), SIGHT_MAX) + 2 * SPARE;
    return [first, Math.min(first + many, this.#total)];
  }

  #draw() {
    const [first, end] = this.#window();
    for (const [index, line] of this.#rows) {
      if (index < first || index >= end) {
        if (line.contains(document.activeElement)) this.#grid.focus();
        line.remove();
        this.#rows.delete(index);
      }
    }
    for (let index = first; index < end; index += 1) {
      if (!this.#rows.has(index)) this.#place(index);
    }
    for (let page = Math.floor(first / PAGE); page * PAGE < end; page += 1) {
      if (!this.#pages.has(page)) this.#page(page).then((found) => found && this.#fill());
    }
    this.#fill();
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#tellSeen(), REST_MS);
  }

  #place(index) {
    const line = make("div", { class: "row", role: "row", tabindex: index === this.#current ? "0" : "-1", "aria-rowindex": index + 2 });
    line.style.transform = `translateY(${index * ROW_PX}px)`;
    line.dataset.index = index;
    this.#rows.set(index, line);
    this.#space.append(line);
  }

  #fill() {
    for (const [index, line] of this.#rows) {
      const tag = this.#tag(index);
      if (tag && line.dataset.path !== tag.path) this.#cells(line, tag);
    }
  }

  #cells(line, tag) {
    line.dataset.path = tag.path;
    const cell = (name, ...content) => make("span", { role: "gridcell", class: name }, ...content);
    const box = make("input", { type: "checkbox", tabindex: "-1", "aria-label": t("tags.select", { tag: tag.path }) });
    const name = cell("name", tag.path);
    name.title = tag.path;
    const about = cell("about", describe(tag));
    about.title = describe(tag);
    line.replaceChildren(cell("tick", box), name, cell("number value", NONE), cell("quality", NONE), cell("unit", sign(tag.unit)), cell("device", tag.device), about);
    this.#mark(line, tag);
    this.#value(line, tag);
  }

  #mark(line, tag) {
    const box = line.querySelector("input");
    if (!tag || !box) return;
    box.checked = this.#on.chosen(tag.path);
    line.setAttribute("aria-selected", String(box.checked));
  }

  #value(line, tag) {
    const sample = this.#samples.get(tag.path);
    const value = line.querySelector(".value");
    if (!sample || !value) return;
    const words = inWords({ ...tag, unit: "" }, sample.value, sample.text);
    if (value.textContent !== words) value.textContent = words;
    const quality = line.querySelector(".quality");
    if (quality.title === sample.quality_name) return;
    const kind = severity(sample.quality);
    quality.title = sample.quality_name;
    quality.replaceChildren(shape(kind), " ", t(`chart.${kind}`));
    line.dataset.quality = kind;
  }

  #tellSeen() {
    const first = Math.floor(this.#grid.scrollTop / ROW_PX);
    const end = first + Math.ceil(this.#grid.clientHeight / ROW_PX);
    const paths = [];
    for (let index = first; index <= end; index += 1) {
      const tag = this.#tag(index);
      if (tag) paths.push(tag.path);
    }
    this.#on.seen(paths);
  }

  #clicked(event) {
    const line = event.target.closest(".row");
    if (!line?.dataset.path) return;
    const index = Number(line.dataset.index);
    const range = event.shiftKey ? this.#current : null;
    this.#focus(index);
    const box = line.querySelector("input");
    const on = event.target === box ? box.checked : !box.checked;
    this.#on.toggle(line.dataset.path, on, index, range);
  }

  #focus(index) {
    const wanted = Math.min(Math.max(index, 0), this.#total - 1);
    if (wanted < 0) return;
    this.#rows.get(this.#current)?.setAttribute("tabindex", "-1");
    this.#current = wanted;
    const head = this.#space.offsetTop;
    const top = wanted * ROW_PX;
    if (top < this.#grid.scrollTop) this.#grid.scrollTop = top;
    const low = top + ROW_PX + head - this.#grid.clientHeight;
    if (low > this.#grid.scrollTop) this.#grid.scrollTop = low;
    this.#draw();
    const line = this.#rows.get(wanted);
    line?.setAttribute("tabindex", "0");
    line?.focus({ preventScroll: true });
  }

  #pressed(event) {
    if (event.target.id === "all" || event.ctrlKey || event.altKey || event.metaKey) return;
    const page = Math.max(Math.floor(this.#grid.clientHeight / ROW_PX) - 2, 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.#total, End: this.#total };
    const tag = this.#tag(this.#current);
    if (event.key in steps) this.#focus(this.#current + steps[event.key]);
    else if (event.key === "Enter" && tag) this.#on.open(tag);
    else if (event.key === " " && tag) this.#on.toggle(tag.path, !this.#on.chosen(tag.path), this.#current, null);
    else if (event.key.length === 1 && event.key !== " ") this.#on.typed(event.key);
    else return;
    event.preventDefault();
  }
}
