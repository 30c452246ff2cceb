// After saving: the first values as they come, and whether the change holds.

import { ask, make, said, t } from "./page.js";
import { encodePath } from "./view.js";

const PERIOD_MS = 500;
const SHOWN = 12;
let timer = null;

export function showAfter(place, version, paths) {
  clearTimeout(timer);
  const told = make("p", { class: "verdict" });
  const body = make("tbody");
  const shown = paths.slice(0, SHOWN);
  const cells = new Map(shown.map((path) => [path, make("td", { class: "number" }, t("connect.waiting"))]));
  for (const [path, cell] of cells) body.append(make("tr", {}, make("th", { scope: "row" }, path), cell));
  const chart = make("a", { href: `/chart?tags=${shown.slice(0, 6).map(encodePath).join(",")}` }, t("connect.to_chart"));
  const table = make("table", { id: "first-values" }, make("caption", {}, t("connect.first_value")), body);
  place.replaceChildren(told, ...(shown.length ? [table, chart] : []));
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });

  const look = async () => {
    try {
      const state = await (await ask(`/api/configuration/versions/${version.id}`)).json();
      tellState(told, state);
      let waiting = state.state === "on_trial";
      for (const [path, cell] of cells) {
        const value = await lastOf(path);
        if (value === null) waiting = true;
        else cell.textContent = value;
      }
      if (state.state === "rolled_back") return;
      timer = setTimeout(look, waiting ? PERIOD_MS : PERIOD_MS * 4);
    } catch {
      timer = setTimeout(look, PERIOD_MS * 4);
    }
  };
  look();
}

function tellState(told, { id, state, rolled_back: fault }) {
  const words = state === "on_trial" ? t("connect.trial", { id }) : t("connect.saved", { id });
  told.textContent = fault ? `${said(fault.cause)} ${said(fault.remedy)}` : words;
  told.classList.toggle("bad", Boolean(fault));
}

// The newest value as text, or null while there is none.
async function lastOf(path) {
  const answer = await fetch(`/api/last?tags=${encodePath(path)}`);
  if (!answer.ok) return null;
  const { rows } = await answer.json();
  if (rows.length === 0) return null;
  const { value, text } = rows[0];
  return text ?? (value === null ? null : String(Number(value.toPrecision(7))));
}
