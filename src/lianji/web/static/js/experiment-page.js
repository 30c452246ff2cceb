// Metrics of runs by step: one chart a metric, one line a run, asked for again while any of them runs.

import { plainOptions } from "./step-chart.js";
import { ask, t } from "./page.js";
import { SLOTS, swatch } from "./style.js";

const PERIOD_MS = 5000;
const host = document.querySelector(".metric-charts");
const runs = JSON.parse(host?.dataset.runs ?? "[]");
const drawn = runs.slice(0, SLOTS);
const plots = new Map(); // the chart's element -> {plot, told}

for (const cell of document.querySelectorAll("[data-run]")) {
  const slot = drawn.indexOf(cell.dataset.run);
  if (slot >= 0 && host) cell.prepend(swatch(slot), " ");
}
if (host && runs.length > drawn.length) {
  document.getElementById("drawn").textContent = t("experiments.drawn", { count: drawn.length });
}

function draw(element, series) {
  const told = JSON.stringify(series);
  const before = plots.get(element);
  if (before?.told === told && before.width === element.clientWidth) return;
  before?.plot.destroy();
  const tables = series.map(({ steps, values }) => [steps, values]);
  const slots = series.map(({ run }) => drawn.indexOf(run));
  const size = { width: Math.max(element.clientWidth, 200), height: 220 };
  const options = plainOptions(series.map(({ run }) => run), slots, size);
  const plot = new uPlot(options, uPlot.join(tables), element);
  plots.set(element, { plot, told, series, width: element.clientWidth });
}

async function load(element) {
  const query = new URLSearchParams({ metric: element.dataset.metric });
  for (const run of drawn) query.append("runs", run);
  const answer = await ask(`/api/experiments/${host.dataset.experiment}/metric?${query}`);
  const { series } = await answer.json();
  if (series.length) draw(element, series);
}

async function keepLoading() {
  const elements = [...host.querySelectorAll("[data-metric]")];
  if (!document.hidden) await Promise.all(elements.map(load)).catch((error) => console.error(error));
  setTimeout(keepLoading, PERIOD_MS);
}

function redraw() {
  for (const [element, { series, plot }] of [...plots]) {
    plot.destroy();
    plots.delete(element);
    draw(element, series);
  }
}

if (host) {
  document.addEventListener("theme", redraw);
  addEventListener("resize", redraw);
  keepLoading();
}
