// The state timeline as a table: a row a stretch, the newest first, with the words of its state.

import { moment, span } from "./format.js";
import { make, t } from "./page.js";

const ROWS_MAX = 200;

export class StretchTable {
  #rows = make("tbody");
  #more = make("p", { class: "quiet" });

  constructor() {
    const heads = ["tag", "state", "from", "lasted"].map((name) => make("th", { scope: "col" }, t(`board.table_${name}`)));
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), this.#rows);
    this.element = make("div", { class: "stretches", tabindex: "0" }, table, this.#more);
  }

  // all: [{name, stretches: [{from, to, state}], said(state)}]
  show(all) {
    const found = all.flatMap(({ name, stretches, said }) => stretches.map((one) => ({ ...one, name, words: said(one.state) })));
    found.sort((a, b) => b.from - a.from);
    this.#rows.replaceChildren(...found.slice(0, ROWS_MAX).map((one) => row(one)));
    this.#more.textContent = found.length > ROWS_MAX ? t("board.table_more", { shown: ROWS_MAX, count: found.length }) : "";
  }
}

function row({ name, words, from, to }) {
  const cells = [words, moment(from), span((to - from) / 1000)].map((text) => make("td", {}, text));
  return make("tr", {}, make("th", { scope: "row" }, name), ...cells);
}
