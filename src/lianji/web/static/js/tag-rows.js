// The small table of a machine's tags: address, type, path, unit, scale.

import { make, t } from "./page.js";

const COLUMNS = ["address", "type", "path", "unit", "scale"];
const LABELS = { address: "connect.at", type: "connect.type", path: "connect.path", unit: "connect.unit", scale: "connect.scale" };

const isEmpty = (inputs) => !inputs.address.value.trim() && !inputs.path.value.trim();

export class TagRows {
  #body;
  #rows = []; // {tag: as it came, inputs: by column, line}

  constructor(body) {
    this.#body = body;
  }

  clear() {
    this.#rows = [];
    this.#body.replaceChildren();
  }

  add(tag = {}) {
    const inputs = {};
    const line = make("tr");
    for (const column of COLUMNS) {
      const input = make("input", { "aria-label": t(LABELS[column]), "data-column": column });
      if (column === "type") input.setAttribute("list", "types");
      input.value = tag[column] ?? (column === "scale" ? 1 : "");
      inputs[column] = input;
      line.append(make("td", {}, input));
    }
    const row = { tag, inputs, line };
    const drop = make("button", { type: "button", class: "small", "aria-label": t("connect.drop_row", { number: this.#rows.length + 1 }) }, "×");
    drop.addEventListener("click", () => {
      this.#rows = this.#rows.filter((one) => one !== row);
      line.remove();
    });
    line.append(make("td", {}, drop));
    this.#rows.push(row);
    this.#body.append(line);
    return inputs.address;
  }

  dropEmpty() {
    for (const { inputs, line } of this.#rows) if (isEmpty(inputs)) line.remove();
    this.#rows = this.#rows.filter(({ inputs }) => !isEmpty(inputs));
  }

  // Rows without anything in them are none.
  read() {
    return this.#rows.filter(({ inputs }) => !isEmpty(inputs)).map(({ tag, inputs }) => {
      const scale = inputs.scale.value.trim();
      return {
        ...tag,
        address: inputs.address.value.trim(),
        type: inputs.type.value.trim(),
        path: inputs.path.value.trim(),
        unit: inputs.unit.value.trim(),
        scale: scale === "" ? 1 : Number.isNaN(Number(scale)) ? scale : Number(scale),
      };
    });
  }

  get paths() {
    return this.read().map(({ path }) => path);
  }

  change(path, values) {
    const row = this.#rows.find(({ inputs }) => inputs.path.value.trim() === path);
    for (const [column, value] of Object.entries(values)) row.inputs[column].value = value;
  }
}
