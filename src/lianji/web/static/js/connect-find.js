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

function showFound(page, found) {
  const place = byId("browsed");
  if (found.length === 0) {
    place.replaceChildren(make("p", {}, t("connect.found_none")));
    return;
  }
  const boxes = found.map((one) => {
    const box = make("input", { type: "checkbox", "aria-label": one.name });
    return { box, one };
  });
  const all = make("input", { type: "checkbox", "aria-label": t("connect.all") });
  all.addEventListener("change", () => { for (const { box } of boxes) box.checked = all.checked; });
  const heads = [make("th", {}, all), ...["connect.at", "connect.type", "connect.value"].map((key) => make("th", { scope: "col" }, t(key)))];
  const lines = boxes.map(({ box, one }) =>
    make("tr", {}, make("td", {}, box), make("td", {}, one.row.address), make("td", {}, one.type), make("td", {}, one.value)));
  const take = make("button", { type: "button" }, t("connect.take"));
  take.addEventListener("click", () => {
    page.rows.dropEmpty();
    const there = new Set(page.rows.paths);
    for (const { box, one } of boxes) if (box.checked && !there.has(one.row.path)) page.rows.add(one.row);
    place.replaceChildren();
  });
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines));
  place.replaceChildren(make("p", {}, t("connect.found", { count: count(found.length) })), make("div", { class: "scroll" }, table), take);
}
