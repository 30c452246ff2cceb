// The fields of a protocol as a form, and what was filled in.

import { make, said, t } from "./page.js";

const idOf = (name) => `field-${name}`;

// Show the fields of a form with the values of a machine (or the defaults).
export function showFields(first, more, form, values = {}) {
  const shown = form.fields.map((field) => [field, fieldElement(field, values[field.name])]);
  first.replaceChildren(...shown.filter(([field]) => field.first).map(([, element]) => element));
  more.replaceChildren(...shown.filter(([field]) => !field.first).map(([, element]) => element));
}

// What was filled in; a field at its default is left out, as people leave it out of a file.
export function readFields(form) {
  const values = {};
  for (const field of form.fields) {
    const value = valueOf(field, document.getElementById(idOf(field.name)));
    if (value !== null && JSON.stringify(value) !== JSON.stringify(field.default)) values[field.name] = value;
  }
  return values;
}

export function setField(name, value) {
  const input = document.getElementById(idOf(name));
  if (input) input.value = value;
}

function valueOf(field, input) {
  if (field.widget === "switch") return input.checked;
  if (field.widget === "lines") return input.value.split("\n").map((line) => line.trim()).filter(Boolean);
  const text = input.value.trim();
  if (text === "") return field.default === "" ? "" : null;
  const choice = field.choices.find((one) => String(one) === text);
  if (choice !== undefined) return choice;
  // what is no number goes as it is: the plant's own model says what is wrong with it
  return field.widget === "number" && !Number.isNaN(Number(text)) ? Number(text) : text;
}

function fieldElement(field, given) {
  const value = given ?? field.default;
  const input = inputOf(field, value);
  input.id = idOf(field.name);
  input.setAttribute("aria-describedby", `${input.id}-help`);
  const label = make("label", { for: input.id }, said(field.title));
  if (field.required) {
    input.required = true;
    label.append(" ", make("small", {}, t("connect.required")));
  }
  const help = make("p", { class: "help", id: `${input.id}-help` }, said(field.help));
  return make("div", { class: "field" }, label, input, help);
}

function inputOf(field, value) {
  if (field.widget === "choice") {
    const options = field.choices.map((one) => {
      const option = make("option", { value: one }, String(one));
      option.selected = one === value;
      return option;
    });
    return make("select", {}, ...options);
  }
  if (field.widget === "lines") {
    const area = make("textarea", { rows: 3 });
    area.value = (value ?? []).join("\n");
    return area;
  }
  if (field.widget === "switch") {
    const box = make("input", { type: "checkbox" });
    box.checked = Boolean(value);
    return box;
  }
  const kind = field.widget === "secret" ? "password" : "text";
  const input = make("input", { type: kind, autocomplete: kind === "password" ? "new-password" : "off" });
  if (field.widget === "number") {
    input.inputMode = "decimal";
    if (field.minimum !== null && field.maximum !== null) {
      input.title = t("connect.between", { low: field.minimum, high: field.maximum });
    }
  }
  input.value = value ?? "";
  return input;
}
