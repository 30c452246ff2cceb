// A moving indicator: where a value stands between the ends of its range. Outside of it the pointer
// stops at the end, turns into an outline with a mark, and says so in words.

import { measured } from "./format.js";
import { make, t } from "./page.js";
import { shape } from "./shapes.js";

export class Limits {
  // ends: {low, high}, either may be null; then there is nothing to show.
  constructor({ low, high }, labelled = true) {
    this.low = low ?? null;
    this.high = high ?? null;
    this.known = this.low !== null && this.high !== null;
    this.fill = make("div", { class: "fill" });
    this.pointer = make("div", { class: "pointer" });
    this.track = make("div", { class: "track" }, this.fill, this.pointer);
    this.mark = make("span", { class: "beyond" });
    this.element = make("div", { class: "limits", role: "img" }, this.track);
    if (labelled && this.known) {
      const ends = make("div", { class: "ends", "aria-hidden": "true" });
      ends.append(make("span", {}, measured(this.low)), this.mark, make("span", {}, measured(this.high)));
      this.element.append(ends);
    }
    this.element.hidden = !this.known;
  }

  show(value) {
    if (!this.known) return;
    const missing = value === null || value === undefined || Number.isNaN(value);
    this.element.classList.toggle("empty", missing);
    if (missing) return;
    const share = (value - this.low) / (this.high - this.low);
    const zero = Math.min(Math.max(-this.low / (this.high - this.low), 0), 1);
    const at = Math.min(Math.max(share, 0), 1);
    this.fill.style.left = `${Math.min(zero, at) * 100}%`;
    this.fill.style.width = `${Math.abs(at - zero) * 100}%`;
    this.pointer.style.left = `${at * 100}%`;
    const beyond = share > 1 ? "above" : share < 0 ? "below" : "";
    if (this.beyond !== beyond) {
      this.beyond = beyond;
      this.element.classList.toggle("outside", beyond !== "");
      this.mark.replaceChildren(...(beyond ? [shape("degraded"), t(`board.${beyond}`)] : []));
    }
    const numbers = { value: measured(value), low: measured(this.low), high: measured(this.high) };
    const told = t("board.within", numbers) + (beyond ? `, ${t(`board.${beyond}`)}` : "");
    this.element.setAttribute("aria-label", told);
  }
}
