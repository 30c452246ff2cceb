// Import and bulk edit: asked for a preview first, saved when somebody says so.

import { changes, showReport, summary } from "./difference.js";
import { count } from "./format.js";
import { make, t } from "./page.js";
import { send } from "./send.js";

const by = (id) => document.getElementById(id);

// What both share: a place for the report, a button that saves what was seen.
class Dialog {
  constructor(dialog, onSaved) {
    this.dialog = dialog;
    this.place = dialog.querySelector(".difference");
    this.save = dialog.querySelector(".save");
    this.onSaved = onSaved;
    this.report = null;
    this.asking = null;
    this.save.addEventListener("click", () => this.run(false));
    dialog.addEventListener("close", () => this.asking?.abort());
  }

  open() {
    this.forget();
    this.dialog.showModal();
  }

  // What was previewed is no longer what is asked for.
  forget() {
    this.report = null;
    this.save.disabled = true;
    this.place.replaceChildren();
  }

  async run(dryRun) {
    this.asking?.abort();
    this.asking = new AbortController();
    this.save.disabled = true;
    this.dialog.setAttribute("aria-busy", "true");
    this.place.replaceChildren(make("p", { class: "quiet" }, t("tags.working")));
    try {
      const report = await (await this.ask(dryRun, this.asking.signal)).json();
      this.told(report, dryRun);
    } catch (error) {
      if (error.name !== "AbortError") this.place.replaceChildren(make("p", { class: "failure", role: "alert" }, error.message));
    } finally {
      this.dialog.removeAttribute("aria-busy");
    }
  }

  told(report, dryRun) {
    showReport(this.place, report);
    this.place.scrollIntoView({ block: "nearest" });
    if (dryRun) {
      this.report = report;
      this.save.disabled = changes(report) === 0 || report.problems.length > 0;
      if (changes(report) === 0) this.place.prepend(make("p", { class: "quiet" }, t("tags.nothing")));
      return;
    }
    this.report = null;
    this.place.prepend(make("p", { class: "saved", role: "status" }, t("tags.saved", { summary: summary(report) })));
    this.onSaved(report);
  }
}

export class ImportDialog extends Dialog {
  #file = null;

  constructor(onSaved) {
    super(by("import-dialog"), onSaved);
    const drop = by("drop");
    by("file").addEventListener("change", () => this.take(by("file").files[0]));
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      this.take(event.dataTransfer.files[0]);
    });
    for (const id of ["replace", "below", "foreign-device", "order"]) {
      by(id).addEventListener("change", () => this.#file && this.run(true));
    }
  }

  // site: where tags of other programs go below unless somebody says otherwise.
  open(site) {
    super.open();
    this.#file = null;
    by("below").value ||= site;
    by("file").value = "";
    by("drop-told").textContent = t("tags.drop");
  }

  take(file) {
    if (!file) return;
    this.#file = file;
    by("drop-told").textContent = file.name;
    this.run(true);
  }

  ask(dryRun, signal) {
    const asked = new URLSearchParams({
      name: this.#file.name,
      dry_run: dryRun,
      replace: by("replace").checked,
      below: by("below").value.trim(),
      device: by("foreign-device").value.trim(),
      order: by("order").value,
      base: dryRun ? "" : (this.report?.base ?? ""),
    });
    return send(`/api/tag-tables/import?${asked}`, this.#file, signal);
  }
}

export class EditDialog extends Dialog {
  #selection = {};

  constructor(onSaved) {
    super(by("edit-dialog"), onSaved);
    by("preview").addEventListener("click", () => this.run(true));
    this.dialog.addEventListener("input", (event) => {
      const column = event.target.dataset.cell;
      if (column) this.dialog.querySelector(`[data-column="${column}"]`).checked = true;
      this.forget();
    });
  }

  open(selection, many) {
    this.#selection = selection;
    this.dialog.querySelector("form").reset();
    by("edit-count").textContent = t("tags.edit_count", { count: count(many) });
    super.open();
  }

  ask(dryRun, signal) {
    const body = { selection: this.#selection, edit: this.#edit(), base: dryRun ? "" : (this.report?.base ?? "") };
    return send(`/api/tag-tables/edit?dry_run=${dryRun}`, body, signal);
  }

  #edit() {
    const set = {};
    for (const use of this.dialog.querySelectorAll(".use:checked")) {
      set[use.dataset.column] = this.dialog.querySelector(`[data-cell="${use.dataset.column}"]`).value;
    }
    const edit = { set, replace: [], rename: null, delete: by("delete").checked };
    const find = by("replace-find").value;
    if (find) edit.replace.push({ column: by("replace-column").value, find, by: by("replace-by").value });
    const pattern = by("rename-pattern").value.trim();
    if (pattern) edit.rename = { pattern, to: by("rename-to").value.trim() };
    return edit;
  }
}
