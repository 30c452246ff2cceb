// The versions of the configuration: who changed what, its difference, undo, restore, keep.

import { differenceOf } from "./config-difference.js";
import { moment } from "./format.js";
import { ask, make, said, t } from "./page.js";
import { send } from "./send.js";

const SHOWN_FILES = 4;

export class Versions {
  #body;
  #on;
  #told = "";

  // on: {changed(version), failed(error)}
  constructor(body, on) {
    this.#body = body;
    this.#on = on;
  }

  async refresh() {
    const versions = await (await ask("/api/configuration/versions")).json();
    const told = JSON.stringify(versions);
    if (told !== this.#told) {
      this.#told = told;
      this.#body.replaceChildren(...versions.map((version) => this.#line(version)));
    }
    return versions;
  }

  #line(version) {
    const { id, state } = version;
    const files = version.files.slice(0, SHOWN_FILES).join(", ") + (version.files.length > SHOWN_FILES ? " …" : "");
    const what = make("td", { class: "what" }, [version.how === "change" && version.note ? "" : t(`versions.how_${version.how}`), version.note].filter(Boolean).join(" "));
    if (version.rolled_back) what.append(make("p", {}, said(version.rolled_back.cause)));
    const line = make("tr", { class: state, "data-version": id });
    const does = make("td");
    if (state === "on_trial") does.append(this.#button("keep", id, () => this.#post(id, "keep")));
    does.append(this.#button("show", id, () => this.#show(line, id)));
    if (version.how !== "start" && state !== "rolled_back") does.append(this.#button("undo", id, () => this.#post(id, "undo")));
    if (state === "kept") does.append(this.#button("restore", id, () => this.#restore(id)));
    line.append(
      make("th", { scope: "row", class: "number" }, id),
      make("td", { class: "time" }, moment(version.time_us / 1000)),
      make("td", {}, version.author || (version.how === "hand" ? t("versions.how_hand") : "–")),
      what,
      make("td", {}, files),
      make("td", { class: "state" }, t(`versions.${state}`)),
      does,
    );
    return line;
  }

  #button(key, id, act) {
    const button = make("button", { type: "button", class: "small", "aria-label": t(`versions.${key}_one`, { id }) }, t(`versions.${key}`));
    button.addEventListener("click", act);
    return button;
  }

  async #show(line, id) {
    if (line.nextElementSibling?.classList.contains("of-version")) {
      line.nextElementSibling.remove();
      return;
    }
    const { difference } = await (await ask(`/api/configuration/versions/${id}`)).json();
    line.after(make("tr", { class: "of-version" }, make("td", { colspan: 7 }, differenceOf(difference))));
  }

  #restore(id) {
    if (confirm(t("versions.restore_sure", { id }))) this.#post(id, "restore");
  }

  async #post(id, verb) {
    try {
      const made = await (await send(`/api/configuration/versions/${id}/${verb}`, {})).json();
      this.#on.changed(made);
    } catch (error) {
      this.#on.failed(error);
    }
  }
}
