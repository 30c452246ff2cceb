// A model at its hub: sent to the plants that are ticked.

import { send, t } from "./page.js";

const form = document.getElementById("send");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = document.getElementById("send-said");
  const button = form.querySelector("button");
  const edges = new FormData(form).getAll("edge");
  if (!edges.length) {
    said.textContent = t("models.send_none");
    return;
  }
  const { name, version } = document.getElementById("model").dataset;
  button.disabled = true;
  try {
    const answer = await send("POST", `/api/models/${encodeURIComponent(name)}/send`, { edges, version: Number(version) });
    const told = await answer.json();
    said.textContent = t("models.send_sent", { edges: told.edges.join(", ") });
    form.reset();
  } catch (error) {
    said.textContent = error.message;
  }
  button.disabled = false;
});

const button = form?.querySelector("button");
if (button) button.disabled = false; // without this script the form would only load the page again
