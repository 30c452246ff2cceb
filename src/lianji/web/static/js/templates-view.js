// Templates and their versions; another version for some machines; the parameters of one machine.

import { differenceOf } from "./config-difference.js";
import { ask, make, said, send, t } from "./page.js";

const byId = (id) => document.getElementById(id);
const dialog = byId("template-dialog");

export class TemplatesView {
  #shown = { version: "", templates: [] };
  #open = null; // {address, body()} of what the dialog would save
  #saved;

  // saved(version): a change was made.
  constructor(saved) {
    this.#saved = saved;
    byId("template-cancel").addEventListener("click", () => dialog.close());
    byId("template-look").addEventListener("click", () => this.#try(() => this.#look()));
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#try(() => this.#save());
    });
  }

  async refresh() {
    const found = await (await ask("/api/templates")).json();
    const same = JSON.stringify(found.templates) === JSON.stringify(this.#shown.templates);
    this.#shown = found;
    if (same) return;
    byId("templates-panel").hidden = found.templates.length === 0;
    byId("templates").tBodies[0].replaceChildren(...found.templates.map((one, place) => this.#line(one, found.templates[place - 1])));
  }

  // Whether a machine is made by a template.
  has(machine) {
    return this.#shown.templates.some(({ machines }) => machines.includes(machine));
  }

  #line(one, before) {
    const acts = make("td");
    const act = (key, run) => {
      const button = make("button", { type: "button", class: "small", "aria-label": t(`templates.${key}_one`, { name: one.name }) }, t(`templates.${key}`));
      button.addEventListener("click", run);
      acts.append(button);
    };
    if (before?.family === one.family) act("compare", () => this.#compare(before, one));
    act("use", () => this.#use(one));
    const parameters = Object.keys(one.parameters).join(", ");
    const machines = make("td", { class: "number", title: one.machines.join(", ") }, String(one.machines.length));
    return make("tr", {}, make("th", { scope: "row" }, one.name), make("td", {}, parameters), make("td", { class: "number" }, String(one.tags)), machines, acts);
  }

  #begin(title, about, open, ...content) {
    this.#open = open;
    byId("template-of").textContent = title;
    byId("template-about").textContent = about;
    byId("template-fields").replaceChildren(...content);
    byId("template-difference").replaceChildren();
    byId("template-fault").hidden = true;
    byId("template-force").checked = false;
    for (const part of [byId("template-save"), byId("template-look"), byId("template-force").parentElement]) part.hidden = !open;
    dialog.showModal();
  }

  async #compare(before, one) {
    const asked = new URLSearchParams({ old: before.name, new: one.name });
    this.#begin(`${before.name} → ${one.name}`, "", null);
    await this.#try(async () => {
      const { difference } = await (await ask(`/api/templates/difference?${asked}`)).json();
      byId("template-difference").replaceChildren(difference ? differenceOf(difference) : make("p", {}, t("templates.alike")));
    });
  }

  #use(one) {
    const choices = this.#shown.templates
      .filter(({ family }) => family === one.family)
      .flatMap(({ name, machines }) => machines.map((machine) => ({ name, machine })));
    const boxes = choices.map(({ name, machine }) => {
      const box = make("input", { type: "checkbox", value: machine });
      box.disabled = name === one.name;
      return { box, label: make("label", { class: "tick" }, box, " ", t("templates.now", { machine, name })) };
    });
    const open = boxes.length && {
      check: "/api/templates/use/check",
      save: "/api/templates/use",
      body: () => ({ template: one.name, machines: boxes.filter(({ box }) => box.checked).map(({ box }) => box.value) }),
    };
    const content = boxes.length ? boxes.map(({ label }) => label) : [make("p", {}, t("templates.nobody"))];
    this.#begin(t("templates.use_one", { name: one.name }), t("templates.use_about"), open || null, ...content);
  }

  // The parameters of a machine, and what else there is of it.
  async edit(name) {
    const found = await (await ask(`/api/templates/machines/${encodeURIComponent(name)}`)).json();
    const names = [...new Set([...Object.keys(found.defaults), ...Object.keys(found.parameters)])];
    const inputs = names.map((key) => [key, parameterInput(key, found)]);
    const address = `/api/templates/machines/${encodeURIComponent(name)}`;
    const listed = (fields) => fields.join(", ") || t("templates.none");
    this.#begin(
      t("templates.machine", { machine: name, name: found.template }),
      t("templates.machine_about", { fields: listed(found.from_template), own: listed(found.own) }),
      { check: `${address}/check`, save: address, body: () => ({ parameters: given(inputs, found) }) },
      make("div", { class: "fields" }, ...inputs.map(([, { element }]) => element)),
    );
  }

  #asked = () => ({ ...this.#open.body(), base: this.#shown.version, force: byId("template-force").checked });

  async #look() {
    const { problems, difference } = await (await send("POST", this.#open.check, this.#asked())).json();
    const told = problems.map((fault) => make("p", { class: "fault" }, `${said(fault.cause)} ${said(fault.remedy)}`));
    byId("template-difference").replaceChildren(...told, difference ? differenceOf(difference) : make("p", {}, t("connect.nothing")));
  }

  async #save() {
    const version = await (await send("POST", this.#open.save, this.#asked())).json();
    dialog.close();
    this.#saved(version);
  }

  async #try(work) {
    byId("template-fault").hidden = true;
    try {
      await work();
    } catch (error) {
      byId("template-fault").textContent = error.message;
      byId("template-fault").hidden = false;
    }
  }
}

function parameterInput(key, { defaults, parameters }) {
  const id = `parameter-${key}`;
  const input = make("input", { id, autocomplete: "off", "aria-describedby": `${id}-help` });
  input.value = parameters[key] ?? "";
  const usual = defaults[key] ?? null;
  const help = usual === null ? t("templates.needed") : t("templates.default", { value: usual });
  const element = make("div", { class: "field" }, make("label", { for: id }, key), input, make("p", { class: "help", id: `${id}-help` }, help));
  return { input, element };
}

// A number stays a number where it was one, or where its default is one; a new one is what it
// looks like.
function given(inputs, { defaults, parameters }) {
  const values = {};
  for (const [key, { input }] of inputs) {
    const text = input.value.trim();
    if (text === "") continue;
    const was = parameters[key] ?? defaults[key] ?? null;
    const number = was === null ? /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) : typeof was === "number" && !Number.isNaN(Number(text));
    values[key] = number ? Number(text) : text;
  }
  return values;
}
