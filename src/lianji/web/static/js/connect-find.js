// Find machines in the network, and what a machine offers.

import { count } from "./format.js";
import { make, t } from "./page.js";
import { send } from "./send.js";

const byId = (id) => document.getElementById(id);

// page: {tell, working, machine(), rows, choose(protocol, values), setField(name, value)}
export function finding(page) {
  byId("scan").addEventListener("click", () => scan(page));
  byId("browse").addEventListener("click", () => browse(page));
  for (const id of ["range", "start"]) {
    byId(id).addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      byId(id === "range" ? "scan" : "browse").click();
    });
  }
}

async function scan(page) {
  const asked = { hosts: byId("range").value.trim(), consent: byId("consent").checked };
  const found = await page.working(byId("scan"), t("connect.scanning"), byId("scanned"), async () =>
    (await send("/api/machines/scan", asked)).json());
  if (!found) return;
  const items = found.map((one) => make("li", {}, useButton(page, one)));
  byId("scanned").replaceChildren(items.length ? make("ul", { class: "found" }, ...items) : make("p", {}, t("connect.scan_none")));
}

function useButton(page, { host, port, protocol }) {
  const button = make("button", { type: "button" }, `${t("connect.use", { host, port })} (${protocol})`);
  button.addEventListener("click", () => {
    page.choose(protocol, protocol === "opcua" ? { url: `opc.tcp://${host}:${port}` } : { host, port });
  });
  return button;
}

async function browse(page) {
  const asked = { machine: { ...page.machine(), tags: null }, start: byId("start").value.trim() };
  const found = await page.working(byId("browse"), t("connect.browsing"), byId("browsed"), async () =>
    (await send("/api/machines/browse", asked)).json());
  if (found) showFound(page, found);
}

// What was found, to choose from: words narrow the list down, "All" means what is shown.
function showFound(page, found) {
  const place = byId("browsed");
  if (found.length === 0) {
    place.replaceChildren(make("p", {}, t("connect.found_none")));
    return;
  }
  const rows = found.map(foundRow);
  const shown = () => rows.filter(({ line }) => !line.hidden);
  const all = make("input", { type: "checkbox", "aria-label": t("connect.all") });
  const words = make("input", { type: "search", id: "found-words", "aria-label": t("connect.narrow"), placeholder: t("connect.narrow") });
  const take = make("button", { type: "button" }, t("connect.take"));
  const told = make("span", { class: "quiet", role: "status" });
  const tell = () => {
    const chosen = rows.filter(({ box }) => box.checked).length;
    take.disabled = chosen === 0;
    told.textContent = t("connect.chosen", { chosen: count(chosen), shown: count(shown().length), count: count(found.length) });
    all.checked = shown().length > 0 && shown().every(({ box }) => box.checked);
  };
  words.addEventListener("input", () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { line, text } of rows) line.hidden = !wanted.every((word) => text.includes(word));
    tell();
  });
  words.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  all.addEventListener("change", () => {
    for (const { box } of shown()) box.checked = all.checked;
    tell();
  });
  take.addEventListener("click", () => {
    page.rows.dropEmpty();
    const there = new Set(page.rows.paths);
    for (const { box, one } of rows) if (box.checked && !there.has(one.row.path)) page.rows.add(one.row);
    place.replaceChildren();
  });
  const heads = [make("th", {}, all), ...["connect.name", "connect.type", "connect.value"].map((key) => make("th", { scope: "col" }, t(key)))];
  const body = make("tbody", {}, ...rows.map(({ line }) => line));
  body.addEventListener("change", tell);
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body);
  place.replaceChildren(
    make("p", {}, t("connect.found", { count: count(found.length) })),
    make("div", { class: "inline" }, words, told),
    make("div", { class: "scroll" }, table),
    take,
  );
  tell();
}

function foundRow(one) {
  const box = make("input", { type: "checkbox", "aria-label": one.name });
  const { address, unit, description_en: about } = one.row;
  const name = make("td", { class: "found-name" }, one.name || address);
  if (about) name.append(" ", make("span", { class: "quiet" }, about));
  if (address !== one.name) name.append(make("small", {}, address));
  const line = make("tr", {}, make("td", {}, box), name, make("td", {}, one.type), make("td", {}, `${one.value} ${unit}`.trim()));
  return { box, one, line, text: `${one.name} ${address} ${about}`.toLowerCase() };
}
