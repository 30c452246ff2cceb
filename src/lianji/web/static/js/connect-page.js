// The page to connect a machine: choose, fill in, find, test, save; and what is there already.

import { differenceOf } from "./config-difference.js";
import { finding } from "./connect-find.js";
import { showAfter } from "./connect-after.js";
import { readFields, setField, showFields } from "./machine-form.js";
import { answered, ask, make, notAnswered, said, t } from "./page.js";
import { send } from "./send.js";
import { TagRows } from "./tag-rows.js";
import { showTrial } from "./trial-view.js";
import { TemplatesView } from "./templates-view.js";
import { Versions } from "./versions-view.js";
import { wordOrder } from "./word-order.js";

const REFRESH_MS = 2000;
const MODBUS_TYPES = ["uint16", "int16", "uint32", "int32", "float32", "float32@CDAB", "float32@BADC", "float32@DCBA", "float64", "uint64", "int64", "bool", "string[16]"];
const HOSTS = ["host", "url", "serial"];

const byId = (id) => document.getElementById(id);
const rows = new TagRows(byId("rows").tBodies[0]);
const versions = new Versions(byId("versions").tBodies[0], { changed: () => refresh(), failed: tell });
const templates = new TemplatesView((version) => {
  showAfter(byId("after"), version, []);
  refresh().catch(tell);
});
const order = wordOrder(byId("order"), machine, take);
let forms = [];
let chosen = null; // the form of the protocol
let editing = null; // the name of the machine that is edited, or null for a new one
let base = null;
let site = "";
let asTheyAre = false; // the tags are too many for this page

function tell(error) {
  byId("fault").textContent = error?.message ?? "";
  byId("fault").hidden = !error;
}

// The machine as it is filled in.
function machine() {
  return { name: byId("name").value.trim(), protocol: chosen.protocol, fields: readFields(chosen), tags: asTheyAre ? null : rows.read() };
}

const nameOrAny = (asked) => ({ ...asked, name: asked.name || "new-machine" });

function choose(protocol, values = {}) {
  chosen = forms.find((form) => form.protocol === protocol);
  for (const input of document.querySelectorAll("[name=protocol]")) {
    input.checked = input.value === protocol;
    input.disabled = editing !== null;
  }
  showFields(byId("fields"), byId("more"), chosen, values);
  byId("browsing").hidden = protocol === "modbus";
  byId("tags-help").hidden = protocol !== "modbus";
  byId("types").replaceChildren(...(protocol === "modbus" ? MODBUS_TYPES : []).map((type) => make("option", { value: type })));
  byId("steps").hidden = false;
}

function showRows(shown) {
  asTheyAre = !shown;
  for (const part of [byId("rows"), byId("add")]) part.hidden = !shown;
  byId("many").hidden = shown;
}

function begin() {
  showRows(true);
  editing = null;
  chosen = null;
  byId("editor").reset();
  byId("editor-title").textContent = t("connect.new");
  byId("name").readOnly = false;
  byId("steps").hidden = true;
  rows.clear();
  rows.add();
  for (const id of ["trial", "browsed", "scanned"]) byId(id).replaceChildren();
  byId("preview").hidden = true;
  for (const input of document.querySelectorAll("[name=protocol]")) {
    input.disabled = false;
    input.checked = false;
  }
  order.close();
  tell(null);
}

async function edit(name) {
  begin();
  if (templates.has(name)) {
    await templates.edit(name);
    return;
  }
  const detail = await (await ask(`/api/machines/${encodeURIComponent(name)}`)).json();
  editing = name;
  base = detail.version;
  choose(detail.machine.protocol, detail.machine.fields);
  byId("editor-title").textContent = t("connect.editing", { name });
  byId("name").value = name;
  byId("name").readOnly = true;
  rows.clear();
  showRows(detail.machine.tags !== null);
  for (const tag of detail.machine.tags ?? []) rows.add(tag);
  byId("editor").scrollIntoView();
  byId("editor-title").focus?.();
}

async function remove(name) {
  if (!confirm(t("connect.remove_sure", { name }))) return;
  try {
    const answer = await fetch(`/api/machines/${encodeURIComponent(name)}`, { method: "DELETE" });
    answered();
    if (!answer.ok) {
      const fault = await answer.json();
      throw new Error(`${said(fault.cause)} ${said(fault.remedy)}`);
    }
    if (editing === name) begin();
    await refresh();
  } catch (error) {
    if (error instanceof TypeError) notAnswered();
    tell(error);
  }
}

// A row that has an address gets a path to begin with.
function proposePaths() {
  const name = byId("name").value.trim();
  for (const line of byId("rows").tBodies[0].rows) {
    const [address, , path] = line.querySelectorAll("input");
    if (name && address.value.trim() && !path.value.trim()) {
      path.value = `${site}/${name}/${address.value.trim().replace(/[^\p{L}\p{N}._-]+/gu, "-")}`;
    }
  }
}

async function working(button, words, place, work) {
  tell(null);
  button.disabled = true;
  place?.replaceChildren(make("p", { class: "quiet" }, words));
  try {
    return await work();
  } catch (error) {
    place?.replaceChildren();
    tell(error);
    return null;
  } finally {
    button.disabled = false;
  }
}

async function test() {
  proposePaths();
  const trial = await working(byId("test"), t("connect.testing"), byId("trial"), async () =>
    (await send("/api/machines/test", nameOrAny(machine()))).json());
  if (trial) showTrial(byId("trial"), trial, chosen.protocol === "modbus" ? order.open : null);
}

// A reading of the word-order helper was taken.
function take(path, values) {
  rows.change(path, values);
  test();
}

const asked = () => ({ machine: machine(), base, new: editing === null, note: byId("note").value.trim(), force: byId("force").checked });

async function look() {
  proposePaths();
  const found = await working(byId("look"), "", null, async () => (await send("/api/machines/check", asked())).json());
  if (!found) return;
  const problems = found.problems.map((fault) => make("p", { class: "fault" }, `${said(fault.cause)} ${said(fault.remedy)}`));
  const difference = found.difference ? differenceOf(found.difference) : make("p", {}, t("connect.nothing"));
  byId("preview").replaceChildren(...problems, difference);
  byId("preview").hidden = false;
}

async function save() {
  proposePaths();
  const what = asked();
  const version = await working(byId("save"), "", null, async () => (await send("/api/machines", what)).json());
  if (!version) return;
  begin();
  showAfter(byId("after"), version, (what.machine.tags ?? []).map(({ path }) => path));
  await refresh();
}

function machineLine({ name, protocol, fields, tags }) {
  const line = make("tr", { "data-machine": name });
  const button = (key, act) => {
    const made = make("button", { type: "button", class: "small", "aria-label": t(`connect.${key}_one`, { name }) }, t(`connect.${key}`));
    made.addEventListener("click", act);
    return made;
  };
  const where = HOSTS.map((field) => fields[field]).find(Boolean) ?? "";
  line.append(
    make("th", { scope: "row" }, name),
    make("td", {}, protocol),
    make("td", {}, where && fields.host ? `${where}:${fields.port}` : where),
    make("td", { class: "number" }, String(tags)),
    make("td", {}, ...(forms.some((form) => form.protocol === protocol) ? [button("edit", () => edit(name).catch(tell))] : []), button("remove", () => remove(name))),
  );
  return line;
}

async function refresh() {
  const [found] = await Promise.all([(await ask("/api/machines")).json(), versions.refresh(), templates.refresh()]);
  site = found.site;
  if (editing === null) base = found.version;
  const lines = found.machines.map(machineLine);
  const none = make("tr", {}, make("td", { colspan: 5, class: "quiet" }, t("connect.none")));
  const body = byId("machines").tBodies[0];
  if (body.dataset.told === JSON.stringify(found.machines)) return;
  body.dataset.told = JSON.stringify(found.machines);
  body.replaceChildren(...(lines.length ? lines : [none]));
}

function protocolChoice(form) {
  const input = make("input", { type: "radio", name: "protocol", value: form.protocol });
  input.addEventListener("change", () => choose(form.protocol));
  return make("label", { class: "protocol" }, input, make("strong", {}, said(form.title)), make("small", {}, said(form.help)));
}

async function start() {
  forms = await (await ask("/api/protocols")).json();
  byId("protocols").replaceChildren(...forms.map(protocolChoice));
  byId("add").addEventListener("click", () => rows.add().focus());
  byId("test").addEventListener("click", test);
  byId("look").addEventListener("click", look);
  byId("cancel").addEventListener("click", begin);
  byId("editor").addEventListener("submit", (event) => {
    event.preventDefault();
    if (chosen) save();
  });
  finding({ tell, working, machine: () => nameOrAny(machine()), rows, choose, setField });
  begin();
  await refresh();
  setInterval(() => { if (!document.hidden) refresh().catch(() => {}); }, REFRESH_MS);
}

start().catch(tell);
