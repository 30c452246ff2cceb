// Editing a dashboard: tiles are moved, sized, changed, added and removed, by pointer or by keys;
// every step can be undone until it is saved.

import { Grips } from "./board-grips.js";
import { language, make, send, t } from "./page.js";
import { inLanguage } from "./tile.js";
import { newTile, TileForm } from "./tile-form.js";
import { COLUMNS } from "./wall.js";

const ROWS_MAX = 12;
const byId = (id) => document.getElementById(id);

export class Editor {
  #on;
  #form = new TileForm();
  #now = null; // the dashboard as it is to be
  #past = [];
  #future = [];
  #grips;
  #title;

  // on: {host, board, show(tiles), titled(title), kept(), leave(name)}
  constructor(on) {
    this.#on = on;
    this.#grips = new Grips(on.host, {
      move: (from, to) => this.#move(from, to),
      size: (index, width, height) => this.#size(index, width, height),
    });
    const buttons = { add: () => this.#add(), undo: () => this.#step(this.#past, this.#future), redo: () => this.#step(this.#future, this.#past), save: () => this.#save(), "save-as": () => this.#saveAs(), delete: () => this.#delete(), cancel: () => this.#cancel() };
    for (const [id, act] of Object.entries(buttons)) byId(id).addEventListener("click", act);
    addEventListener("keydown", (event) => this.#key(event));
    addEventListener("beforeunload", (event) => this.#past.length && this.#now && event.preventDefault());
  }

  async begin() {
    this.#now = structuredClone(this.#on.kept().dashboard);
    [this.#past, this.#future] = [[], []];
    byId("hint").hidden = true;
    this.#mode(true);
    byId("delete").hidden = this.#on.kept().made;
    this.#title = make("input", { "aria-label": t("board.title"), class: "title-input", maxlength: "200" });
    this.#title.value = inLanguage(this.#now) || this.#on.kept().name;
    this.#title.addEventListener("change", () => this.#change(() => (this.#now[`title_${language}`] = this.#title.value.trim())));
    byId("title").replaceChildren(this.#title);
    await this.#draw();
  }

  #mode(editing) {
    document.body.classList.toggle("editing-board", editing);
    for (const element of document.querySelectorAll(".editing")) element.hidden = !editing;
    document.querySelector(".looking").hidden = editing;
    byId("made").hidden = editing || !this.#on.kept().made;
    byId("choose").disabled = editing;
  }

  async #draw(focused = -1) {
    await this.#on.show(this.#now.tiles);
    this.#on.board.views.forEach((view, index) => this.#equip(view, index));
    byId("undo").disabled = this.#past.length === 0;
    byId("redo").disabled = this.#future.length === 0;
    if (focused >= 0) this.#on.board.views[focused]?.element.focus();
  }

  #equip({ element, title }, index) {
    element.dataset.index = String(index);
    element.tabIndex = 0;
    element.setAttribute("aria-label", t("board.tile", { title }));
    if (element.querySelector(".handles")) return;
    const change = make("button", { type: "button", title: t("board.settings"), "aria-label": t("board.settings") }, "⚙");
    const remove = make("button", { type: "button", title: t("board.remove"), "aria-label": t("board.remove") }, "×");
    change.addEventListener("click", () => this.#settings(Number(element.dataset.index)));
    remove.addEventListener("click", () => this.#remove(Number(element.dataset.index)));
    element.append(make("div", { class: "handles" }, change, remove), make("div", { class: "corner", "aria-hidden": "true" }));
  }

  // -- steps, each undoable -------------------------------------------------------------------

  #change(act, focused = -1) {
    this.#past.push(structuredClone(this.#now));
    this.#future = [];
    act();
    return this.#draw(focused);
  }

  #step(from, to) {
    if (from.length === 0) return;
    to.push(this.#now);
    this.#now = from.pop();
    this.#title.value = inLanguage(this.#now) || this.#on.kept().name;
    this.#draw();
  }

  #move(from, to) {
    const { tiles } = this.#now;
    if (to < 0 || to >= tiles.length || from === to) return;
    this.#change(() => tiles.splice(to, 0, ...tiles.splice(from, 1)), to);
    this.#say(t("board.moved", { place: to + 1, count: tiles.length }));
  }

  #size(index, width, height) {
    const tile = this.#now.tiles[index];
    width = Math.min(Math.max(width, 1), COLUMNS);
    height = Math.min(Math.max(height, 1), ROWS_MAX);
    if (width === tile.width && height === tile.height) return;
    this.#change(() => Object.assign(tile, { width, height }), index);
    this.#say(t("board.sized", { width, height }));
  }

  #remove(index) {
    this.#change(() => this.#now.tiles.splice(index, 1), Math.min(index, this.#now.tiles.length - 2));
    this.#say(t("board.removed"));
  }

  async #settings(index) {
    const tile = await this.#form.ask(this.#now.tiles[index]);
    if (tile) await this.#change(() => (this.#now.tiles[index] = tile), index);
  }

  async #add() {
    const tile = await this.#form.ask(newTile(), true);
    if (tile) await this.#change(() => this.#now.tiles.push(tile), this.#now.tiles.length - 1);
    this.#on.board.views.at(-1)?.element.scrollIntoView({ block: "nearest" });
  }

  #say(text) {
    byId("said").textContent = text;
  }

  #key(event) {
    if (!this.#now || event.target.closest?.("dialog, input, select, textarea")) return;
    if ((event.ctrlKey || event.metaKey) && ["z", "y"].includes(event.key.toLowerCase())) {
      event.preventDefault();
      const again = event.shiftKey || event.key.toLowerCase() === "y";
      if (again) this.#step(this.#future, this.#past);
      else this.#step(this.#past, this.#future);
      return;
    }
    const element = event.target.closest?.(".tile");
    if (!element || event.target !== element) return;
    const index = Number(element.dataset.index);
    const { width, height } = this.#now.tiles[index];
    const act = event.shiftKey
      ? { ArrowLeft: () => this.#size(index, width - 1, height), ArrowRight: () => this.#size(index, width + 1, height), ArrowUp: () => this.#size(index, width, height - 1), ArrowDown: () => this.#size(index, width, height + 1) }
      : { ArrowLeft: () => this.#move(index, index - 1), ArrowRight: () => this.#move(index, index + 1), ArrowUp: () => this.#move(index, index - 1), ArrowDown: () => this.#move(index, index + 1), Delete: () => this.#remove(index), Backspace: () => this.#remove(index), Enter: () => this.#settings(index) };
    if (!act[event.key]) return;
    event.preventDefault();
    act[event.key]();
  }

  // -- the end ----------------------------------------------------------------------------------

  async #save() {
    const { name, version } = this.#on.kept();
    await this.#put(name, version);
  }

  async #put(name, version) {
    try {
      await send("PUT", `/api/dashboards/${encodeURIComponent(name)}`, { dashboard: this.#now, version });
    } catch (error) {
      this.#tell(error.message);
      return;
    }
    this.#say(t("board.saved"));
    await this.#end(name);
  }

  async #saveAs() {
    const dialog = byId("name-form");
    const { title, name } = dialog.querySelector("form").elements;
    title.value = this.#title.value;
    name.value = "";
    title.oninput = () => (name.value = title.value.trim().replace(/[^\p{L}\p{N}_ -]/gu, "").slice(0, 64).trim());
    title.oninput();
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue !== "ok") return;
    this.#now[`title_${language}`] = title.value.trim();
    await this.#put(name.value.trim(), "");
  }

  async #delete() {
    const { name, version } = this.#on.kept();
    if (!confirm(t("board.delete_sure", { name }))) return;
    try {
      await send("DELETE", `/api/dashboards/${encodeURIComponent(name)}?version=${version}`);
    } catch (error) {
      this.#tell(error.message);
      return;
    }
    await this.#end("overview");
  }

  async #cancel() {
    if (this.#past.length && !confirm(t("board.discard_sure"))) return;
    await this.#end(this.#on.kept().name);
  }

  #tell(message) {
    byId("hint").textContent = message;
    byId("hint").hidden = false;
  }

  async #end(name) {
    this.#now = null;
    [this.#past, this.#future] = [[], []];
    byId("hint").hidden = true;
    for (const { element } of this.#on.board.views) {
      for (const one of element.querySelectorAll(".handles, .corner")) one.remove();
      element.removeAttribute("tabindex");
    }
    this.#mode(false);
    await this.#on.leave(name);
  }
}
