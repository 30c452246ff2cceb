// How a tag and its values are named to people: short path, unit as a sign, states in words.

import { measured, NONE } from "./format.js";
import { language } from "./page.js";

const SIGNS = { Cel: "°C", "[degF]": "°F", Ohm: "Ω", deg: "°", "1": "", "[ppm]": "ppm" };

// UCUM as it is printed: m3/h is m³/h, um is µm; annotations in braces are only words.
export function sign(unit) {
  if (unit in SIGNS) return SIGNS[unit];
  return unit
    .replace(/\{(.*?)\}/g, "$1")
    .replace(/Cel/g, "°C")
    .replace(/([a-zA-Z])2(?!\d)/g, "$1²")
    .replace(/([a-zA-Z])3(?!\d)/g, "$1³")
    .replace(/\bu(?=[a-zA-Z])/g, "µ")
    .replace(/\./g, "·");
}

// The machine and the signal: ["site/area/line", "machine/signal"].
export function halves(path) {
  const parts = path.split("/");
  const cut = Math.max(parts.length - 2, 0);
  return [parts.slice(0, cut).join("/"), parts.slice(cut).join("/")];
}

// The signal where its place is not shown. At a hub many sites have machines of one name, so the site
// stands before it: "site · machine/signal".
export function signalOf(path) {
  const [place, signal] = halves(path);
  return place && "hub" in document.body.dataset ? `${place.split("/")[0]} · ${signal}` : signal;
}

// A name that may break after its slashes and underscores.
export function breakable(name) {
  return name.split(/(?<=[/_])/).flatMap((part) => [part, document.createElement("wbr")]);
}

export const describe = (tag) =>
  (language === "zh" ? tag.description_zh || tag.description_en : tag.description_en || tag.description_zh) ?? "";

// A value in words: a state's name, a text, or a number with its unit.
export function inWords(tag, value, text = null) {
  const missing = value === null || value === undefined || Number.isNaN(value);
  if (missing) return text ?? NONE;
  const state = tag.enumeration?.[String(value)];
  if (state !== undefined) return state;
  const unit = sign(tag.unit ?? "");
  return unit ? `${measured(value)} ${unit}` : measured(value);
}
