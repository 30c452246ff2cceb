// The dialogue that puts alarms aside: on the shelf for a time, or out of service with a reason.

import { act } from "./alarm-acts.js";
import { t } from "./page.js";

const byId = (id) => document.getElementById(id);

export class PutAside {
  #dialog = byId("aside-dialog");
  #alarms = [];

  constructor() {
    byId("shelve").addEventListener("click", () => this.#shelve());
    byId("take-out").addEventListener("click", () => this.#takeOut());
  }

  open(alarms, name) {
    this.#alarms = alarms;
    byId("aside-of").textContent = name;
    byId("aside-fault").textContent = "";
    byId("reason").value = "";
    this.#dialog.showModal();
  }

  async #shelve() {
    const minutes = Number(byId("minutes").value);
    const more = { minutes, note: byId("reason").value };
    this.#close(await act("shelve", this.#alarms, "alarm.shelve", more));
  }

  async #takeOut() {
    const note = byId("reason").value;
    if (!note.trim()) {
      byId("aside-fault").textContent = t("alarm.reason_missing");
      byId("reason").focus();
      return;
    }
    this.#close(await act("take-out", this.#alarms, "alarm.take_out", { note }));
  }

  #close(done) {
    if (done) this.#dialog.close();
    else byId("aside-fault").textContent = byId("said").textContent;
  }
}
