// The demo within a plant: begun on the first run's page, taken out from a line on every page.

import { send, t } from "./page.js";

const start = document.getElementById("demo-start");
const remove = document.getElementById("demo-remove");

start?.addEventListener("click", async () => {
  const said = document.getElementById("demo-said");
  start.disabled = true;
  said.textContent = t("welcome.demo_starting");
  try {
    await send("POST", "/api/demo");
    location.assign("/");
  } catch (error) {
    said.textContent = error.message;
    start.disabled = false;
  }
});

remove?.addEventListener("click", async () => {
  if (!confirm(t("demo.remove_sure"))) return;
  remove.disabled = true;
  try {
    await send("DELETE", "/api/demo");
    location.assign("/");
  } catch (error) {
    alert(error.message);
    remove.disabled = false;
  }
});
