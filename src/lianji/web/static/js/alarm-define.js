// A row of the alarm tables as a form: looked at, saved, deleted. The plant's model is the judge.

import { differenceOf } from "./config-difference.js";
import { readFields, showFields } from "./machine-form.js";
import { ask, make, said, send, t } from "./page.js";

const byId = (id) => document.getElementById(id);
const dialog = byId("definition-dialog");
let tables = null; // what the plant has: version, fields, files, rows
let line = null; // of the row that is changed; null: a new one
let name = "";

export const mayDefine = dialog !== null;

// Change the row at a line of a file, which is known as ``named``; without a line: a new one.
export async function define(file = "", at = null, named = "") {
  byId("definition-fault").textContent = "";
  byId("definition-difference").replaceChildren();
  tables = await (await ask("/api/alarm-tables")).json();
  [line, name] = [at, named];
  const row = tables.rows.find((one) => one.file === file && one.line === at);
  if (at !== null && !row) {
    byId("said").textContent = t("alarm.gone");
    return;
  }
  byId("definition-of").textContent = at === null ? t("alarm.define") : t("alarm.change_of", { alarm: named });
  byId("definition-file").value = file || tables.files[0] || "alarms.csv";
  byId("definition-file").disabled = at !== null;
  byId("definition-files").replaceChildren(...tables.files.map((one) => make("option", { value: one })));
  byId("definition-delete").hidden = at === null;
  showFields(byId("definition-first"), byId("definition-more"), { fields: tables.fields }, row?.definition);
  dialog.showModal();
}

const asked = (definition) => ({ file: byId("definition-file").value.trim(), line, definition, base: tables.version });

async function told(work) {
  byId("definition-fault").textContent = "";
  try {
    await work();
  } catch (error) {
    byId("definition-fault").textContent = error.message;
  }
}

const look = () =>
  told(async () => {
    const body = asked(readFields({ fields: tables.fields }));
    const found = await (await send("POST", "/api/alarm-tables/rows?dry_run=true", body)).json();
    byId("definition-difference").replaceChildren(found.difference ? differenceOf(found.difference) : make("p", { class: "quiet" }, t("alarm.no_change")));
    byId("definition-fault").textContent = found.problems.map(({ cause }) => said(cause)).join(" ");
  });

const save = (definition) =>
  told(async () => {
    const { version } = await (await send("POST", "/api/alarm-tables/rows", asked(definition))).json();
    dialog.close();
    byId("said").textContent = t("alarm.saved", { id: version });
    dispatchEvent(new CustomEvent("alarms-changed"));
  });

if (mayDefine) {
  byId("define").addEventListener("click", () => define().catch((error) => (byId("said").textContent = error.message)));
  byId("definition-check").addEventListener("click", look);
  byId("definition-cancel").addEventListener("click", () => dialog.close());
  byId("definition-delete").addEventListener("click", () => {
    if (confirm(t("alarm.delete_sure", { alarm: name }))) save(null);
  });
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    save(readFields({ fields: tables.fields }));
  });
}
