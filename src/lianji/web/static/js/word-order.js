// The word-order helper: every reading of some registers side by side; a click takes one.

import { make, t } from "./page.js";
import { send } from "./send.js";

const LIKELY_MIN = 0.5;
const UNLIKELY_MAX = 0.25;

function shown(value) {
  if (value === null) return "–";
  const size = Math.abs(value);
  return size >= 1e10 || (size > 0 && size < 1e-5) ? value.toExponential(3) : String(Number(value.toPrecision(7)));
}

// machine(): what is filled in now; onTaken(path, {type, scale}).
export function wordOrder(place, machine, onTaken) {
  async function open(path, address) {
    const expected = make("input", { id: "expected", inputmode: "decimal", size: 10 });
    const list = make("div", { class: "readings" });
    const told = make("p", { class: "help" });
    const close = make("button", { type: "button", class: "small" }, t("connect.close"));
    close.addEventListener("click", () => { place.hidden = true; });
    const label = make("label", { for: "expected" }, t("connect.expected"), " ");
    place.replaceChildren(
      make("div", { class: "inline" }, make("strong", {}, t("connect.order_title", { address })), label, expected, close),
      told,
      list,
    );
    place.hidden = false;

    const show = async () => {
      const shown = expected.value.trim().replace(",", ".");
      const asked = { machine: machine(), address, expected: shown && !Number.isNaN(Number(shown)) ? Number(shown) : null };
      try {
        const { hex, readings } = await (await send("/api/machines/decode", asked)).json();
        told.textContent = t("connect.order_help", { hex });
        list.replaceChildren(...readings.map((reading) => choice(reading)));
      } catch (error) {
        told.textContent = error.message;
      }
    };
    const choice = (reading) => {
      const unlikely = reading.likely < UNLIKELY_MAX;
      const value = shown(reading.value);
      const scale = reading.scale === 1 ? "" : ` × ${reading.scale}`;
      const button = make(
        "button",
        { type: "button", class: unlikely ? "reading unlikely" : "reading", "data-type": reading.type },
        make("span", {}, reading.type),
        make("b", {}, value + scale),
      );
      if (reading.likely >= LIKELY_MIN) button.append(make("small", {}, t("connect.likely")));
      button.addEventListener("click", () => {
        place.hidden = true;
        onTaken(path, { type: reading.type, scale: reading.scale });
      });
      return button;
    };
    let wait;
    expected.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(show, 300);
    });
    await show();
    expected.focus();
  }
  return { open, close: () => { place.hidden = true; } };
}
