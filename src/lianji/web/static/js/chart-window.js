// Least, mean and most of each tag over the window that is shown, from the historian itself and not
// from what is drawn. Windows of hours are taken to whole minutes and windows of days to whole
// hours, which the historian has ready: at most a hundredth of the window more or less.

import { ask } from "./page.js";
import { encodePath } from "./view.js";

const MINUTE_US = 60e6;
const HOUR_US = 3600e6;
const FINE = 100;
const FUNCTIONS = ["minimum", "maximum", "time_average2"];

export async function windowOf(tags, startMs, endMs, signal) {
  const span = (endMs - startMs) * 1000;
  const grain = span > FINE * HOUR_US ? HOUR_US : span > FINE * MINUTE_US ? MINUTE_US : 1;
  const start = Math.floor(Math.round(startMs * 1000) / grain) * grain;
  const end = Math.max(Math.round((endMs * 1000) / grain) * grain, start + grain);
  const paths = tags.map((tag) => encodePath(tag.path)).join(",");
  const step = grain > 1 ? `${(end - start) / 1e6}s` : `${end - start}us`;
  const address = `/api/aggregate?format=json&tags=${paths}&start=${start}&end=${end}&step=${step}&functions=${FUNCTIONS}`;
  const { rows } = await (await ask(address, signal)).json();
  return new Map(rows.map((row) => [row.tag, { least: row.minimum, most: row.maximum, mean: row.time_average2 }]));
}
