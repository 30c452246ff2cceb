// The buttons that move a model to another stage.

import { send } from "./send.js";

const model = document.getElementById("model");
const fault = document.getElementById("move-fault");

async function move(button) {
  if (!window.confirm(button.dataset.ask)) return;
  const { name, version } = model.dataset;
  try {
    await send(`/api/models/running/${encodeURIComponent(name)}/${version}/stage`, { stage: button.dataset.stage });
    window.location.reload();
  } catch (error) {
    fault.textContent = error.message;
    fault.hidden = false;
  }
}

for (const button of document.querySelectorAll("#moves-to button")) {
  button.addEventListener("click", () => move(button));
  button.disabled = false;
}
