// Annotations: shown on the chart as numbered flags, listed beside it, written in a dialog.

import { between, moment } from "./format.js";
import { ask, make, send, t } from "./page.js";
import { themed } from "./style.js";
import { signalOf } from "./tag.js";
import { encodePath } from "./view.js";

const byId = (id) => document.getElementById(id);
const FLAG_PX = 15;

export class Notes {
  notes = [];
  #onChange;
  #dialog = byId("note-form");

  // onChange(): the notes are other ones now.
  constructor(onChange) {
    this.#onChange = onChange;
  }

  async load(paths, startMs, endMs, signal) {
    const tags = paths.map(encodePath).join(",");
    const [start, end] = [Math.floor(startMs * 1000), Math.ceil(endMs * 1000)];
    const { rows } = await (await ask(`/api/annotations?tags=${tags}&start=${start}&end=${end}&format=json`, signal)).json();
    this.notes = rows.map((row) => ({ ...row, startMs: Date.parse(row.start), endMs: Date.parse(row.end) }));
    this.#list();
    this.#onChange();
  }

  clear() {
    this.notes = [];
    this.#list();
  }

  #list() {
    byId("notes").hidden = this.notes.length === 0;
    byId("note-list").replaceChildren(...this.notes.map((note) => this.#entry(note)));
  }

  #entry(note) {
    const when = note.endMs > note.startMs ? between(note.startMs, note.endMs) : moment(note.startMs);
    const about = [when, signalOf(note.tag), note.author].filter(Boolean).join(" · ");
    const edit = make("button", { type: "button" }, t("note.edit"));
    const remove = make("button", { type: "button" }, t("note.delete"));
    edit.addEventListener("click", () => this.write(note, [note.tag]));
    remove.addEventListener("click", () => this.#delete(note));
    const words = make("div", {}, make("p", { class: "quiet" }, about), make("p", { class: "said" }, note.text));
    return make("li", {}, words, edit, remove);
  }

  // Write a new note ({startMs, endMs}) or change one; on one of these tags.
  async write(note, paths) {
    const form = this.#dialog.querySelector("form");
    const { tag, start, end, text } = form.elements;
    tag.replaceChildren(...paths.map((path) => new Option(path, path, false, path === note.tag)));
    start.value = local(note.startMs);
    end.value = note.endMs > note.startMs ? local(note.endMs) : "";
    text.value = note.text ?? "";
    byId("note-wrong").textContent = "";
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    text.focus();
    form.onsubmit = async (event) => {
      if (event.submitter?.value !== "ok") return;
      event.preventDefault();
      const content = { tag: tag.value, start: iso(start.value), end: end.value ? iso(end.value) : "", text: text.value, author: note.author ?? "", id: note.id ?? "" };
      try {
        await send("POST", "/api/annotations", content);
        this.#dialog.close("ok");
        await this.#again();
      } catch (error) {
        byId("note-wrong").textContent = error.message;
      }
    };
  }

  async #delete(note) {
    if (!confirm(t("note.delete_sure", { text: note.text.slice(0, 80) }))) return;
    await send("DELETE", `/api/annotations?id=${encodeURIComponent(note.id)}`);
    await this.#again();
  }

  #again = () => this.reload?.();

  draw(u) {
    const { ctx, bbox } = u;
    const scale = devicePixelRatio;
    ctx.save();
    ctx.font = `600 ${10 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    this.notes.forEach((note, index) => {
      const left = u.valToPos(note.startMs, "x", true);
      const right = u.valToPos(note.endMs, "x", true);
      const [from, to] = [Math.max(left, bbox.left), Math.min(right, bbox.left + bbox.width)];
      if (to < bbox.left || from > bbox.left + bbox.width) return;
      ctx.fillStyle = themed("--strong");
      ctx.globalAlpha = 0.15;
      if (to > from) ctx.fillRect(from, bbox.top, to - from, bbox.height);
      ctx.globalAlpha = 1;
      ctx.fillRect(from - scale / 2, bbox.top, scale, bbox.height);
      const side = FLAG_PX * scale;
      ctx.fillStyle = themed("--text");
      ctx.fillRect(from, bbox.top, side, side);
      ctx.fillStyle = themed("--panel");
      ctx.fillText(String(index + 1), from + side / 2, bbox.top + side / 2);
    });
    ctx.restore();
  }
}

// Local date and time, to the millisecond where there are any. (The browser's own field for it has
// a clock of its own mind: am and pm.)
function local(ms) {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 23).replace("T", " ").replace(".000", "");
}

const iso = (text) => new Date(text.replace(" ", "T")).toISOString();
