// Tables that change in place: only a cell whose words changed is touched, so that a selection
// of text and a reader's place survive the refresh.

import { make } from "./page.js";

// rows: [{key, make: () => tr, cells: [text, ...]}]; a text of undefined leaves its cell alone.
export function showRows(body, rows) {
  const old = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  rows.forEach((row, index) => {
    let line = old.get(row.key);
    if (!line) {
      line = row.make();
      line.dataset.key = row.key;
    }
    old.delete(row.key);
    if (body.rows[index] !== line) body.insertBefore(line, body.rows[index] ?? null);
    row.cells.forEach((text, place) => {
      const cell = line.cells[place];
      if (text !== undefined && cell.textContent !== text) cell.textContent = text;
    });
  });
  for (const line of old.values()) line.remove();
}

// facts: [[term, description, abnormal?], ...] into a <dl>.
export function showFacts(list, facts) {
  const same = list.children.length === facts.length;
  if (!same) {
    list.replaceChildren(...facts.map(() => make("div", {}, make("dt"), make("dd"))));
  }
  facts.forEach(([term, description, abnormal], index) => {
    const [dt, dd] = list.children[index].children;
    if (dt.textContent !== term) dt.textContent = term;
    if (dd.textContent !== description) dd.textContent = description;
    dd.classList.toggle("abnormal", Boolean(abnormal));
  });
}
