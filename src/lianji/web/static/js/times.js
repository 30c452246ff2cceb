// Moments that the server wrote in UTC, in the reader's own time.

import { moment } from "./format.js";

for (const element of document.querySelectorAll("time[datetime]")) {
  const at = Date.parse(element.dateTime);
  if (Number.isFinite(at)) element.textContent = moment(at);
}
