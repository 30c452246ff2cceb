// A unified difference as text: what is new stands out, what goes is struck through.

import { make } from "./page.js";

export function differenceOf(text) {
  const lines = text.split("\n").filter((line, place, all) => line || place < all.length - 1);
  const parts = lines.map((line) => {
    const kind = /^(\+\+\+|---|@@)/.test(line) ? "place" : line.startsWith("+") ? "more" : line.startsWith("-") ? "less" : "";
    return make("span", { class: kind }, `${line}\n`);
  });
  return make("pre", { class: "difference", tabindex: "0" }, ...parts);
}
