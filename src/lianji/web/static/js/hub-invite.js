// The dialog that invites a plant: asks for the line, shows it to be copied.

import { t } from "./page.js";
import { send } from "./send.js";

const byId = (id) => document.getElementById(id);

// name and sites: what to begin with; nothing for a new plant.
export function openInvite(name = "", sites = []) {
  byId("invite-name").value = name;
  byId("invite-name").readOnly = name !== "";
  byId("invite-sites").value = sites.join(", ");
  show("", "");
  byId("invite-dialog").showModal();
}

function show(wrong, line) {
  byId("invite-wrong").textContent = wrong;
  byId("invite-wrong").hidden = wrong === "";
  byId("invite-line").textContent = line;
  byId("invite-done").hidden = line === "";
  byId("invite-copy").hidden = line === "" || !navigator.clipboard;
  byId("invite-copy").textContent = t("hub.copy");
  byId("invite-send").hidden = line !== "";
}

async function invite(event) {
  event.preventDefault();
  const name = byId("invite-name").value.trim();
  const sites = byId("invite-sites").value.split(/[,，]/).map((site) => site.trim()).filter(Boolean);
  byId("invite-send").disabled = true;
  try {
    const answer = await send(`/api/hub/plants/${encodeURIComponent(name)}/invite`, { sites });
    show("", (await answer.json()).line);
    byId("invite-line").focus();
  } catch (error) {
    show(error.message, "");
  } finally {
    byId("invite-send").disabled = false;
  }
}

export function wireInvite() {
  if (!byId("invite-form")) return;
  byId("invite-form").addEventListener("submit", invite);
  byId("invite-close").addEventListener("click", () => byId("invite-dialog").close());
  byId("invite-copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(byId("invite-line").textContent);
    byId("invite-copy").textContent = t("hub.copied");
  });
}
