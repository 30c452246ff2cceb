// The page of jobs: asks every two seconds, shows what runs and how far it is.

import { count, measured, moment, NONE, size, span } from "./format.js";
import { ask, language, make, send, t } from "./page.js";
import { showRows } from "./rows.js";

const PERIOD_MS = 2000;
const LOG_PARTS_MAX = 500;
const byId = (id) => document.getElementById(id);
const given = JSON.parse(byId("page").textContent);
const mayChange = given.user !== null && given.user.may.includes("configure");
const isOpen = ({ state }) => state === "queued" || state === "running";
const reasonOf = (job) => (language === "zh" ? job.reason_zh : job.reason_en);
let log = null; // {id, end}

const STATES = {
  queued: t("jobs.queued"),
  running: t("jobs.running"),
  done: t("jobs.done"),
  failed: t("jobs.failed"),
  stopped: t("jobs.stopped"),
};

function stateOf(job) {
  return job.state === "running" && job.stop_by ? t("jobs.stopping") : STATES[job.state];
}

function farOf({ done, of }) {
  if (of > 0) return `${count(done)} / ${count(of)}`;
  return done > 0 ? count(done) : "";
}

function metricsOf({ metrics }) {
  return Object.entries(metrics).map(([name, value]) => `${name} ${measured(value)}`).join("\n");
}

function memoryOf(job) {
  const bytes = job.state === "running" ? job.memory_bytes : job.memory_peak_bytes;
  return bytes > 0 ? t("jobs.of", { now: size(bytes), most: size(job.memory_mb * 2 ** 20) }) : NONE;
}

function cpuOf({ cpu_s }) {
  if (cpu_s === 0) return NONE;
  return cpu_s < 60 ? `${cpu_s.toFixed(1)} s` : span(cpu_s);
}

function stateCell(job) {
  const cell = make("td", { class: job.state }, make("b", {}, stateOf(job)));
  const words = [reasonOf(job), language === "zh" ? job.waits_zh : job.waits_en];
  if (job.preemptions > 0) words.push(t("jobs.gave_way", { count: job.preemptions }));
  const why = words.filter(Boolean).join(" · ");
  if (why && job.state !== "done") cell.append(make("span", { class: "why" }, why));
  return cell;
}

function makeRow(job) {
  const name = make("button", { type: "button" }, job.name);
  name.addEventListener("click", () => openLog(job));
  const bar = make("td", {}, make("progress", { max: "1" }), make("span", { class: "far" }));
  const line = make(
    "tr", { "data-id": job.id }, make("th", { scope: "row" }, name, " ", make("code", {}, job.id)),
    stateCell(job), bar, make("td", { class: "metrics" }),
  );
  for (let place = 0; place < 4; place += 1) line.append(make("td", { class: "number" }));
  line.append(make("td", {}), make("td", {}), make("td", { class: "time" }), make("td", {}));
  if (mayChange && isOpen(job) && !job.stop_by) {
    const stop = make("button", { type: "button" }, t("jobs.stop"));
    stop.addEventListener("click", () => stopJob(job, stop));
    line.lastChild.append(stop);
  }
  return line;
}

function jobRow(job) {
  return {
    key: `${job.id}\n${job.state}\n${job.stop_by}\n${reasonOf(job)}\n${job.waits_en}\n${job.preemptions}`,
    make: () => makeRow(job),
    cells: [
      undefined, undefined, undefined, metricsOf(job), cpuOf(job),
      memoryOf(job), count(job.attempts), String(job.priority), job.tenant, job.owner,
      moment(job.since_us / 1000),
    ],
  };
}

function showProgress(jobs) {
  for (const job of jobs) {
    const line = byId("jobs").querySelector(`tr[data-id="${job.id}"]`);
    const bar = line.querySelector("progress");
    bar.hidden = !(job.of > 0);
    if (job.of > 0) bar.value = Math.min(1, job.done / job.of);
    bar.setAttribute("aria-label", `${t("jobs.progress")} ${job.name}`);
    line.querySelector(".far").textContent = farOf(job);
  }
}

function tenantRow(tenant) {
  const most = (now, limit) => (limit === null ? now : t("jobs.of", { now, most: limit }));
  return {
    key: tenant.name,
    make: () => {
      const line = make("tr", {}, make("th", { scope: "row" }));
      for (let place = 0; place < 6; place += 1) line.append(make("td", { class: "number" }));
      return line;
    },
    cells: [
      tenant.name, measured(tenant.weight), `${(tenant.share * 100).toFixed(1)} %`,
      String(most(tenant.running, tenant.running_max)), count(tenant.queued),
      String(most(tenant.cpus, tenant.cpus_max)), `${most(tenant.memory_mb, tenant.memory_mb_max)} MB`,
    ],
  };
}

function fill(select, names) {
  if ([...select.options].map(({ value }) => value).join("\n") === names.join("\n")) return;
  const chosen = select.value;
  select.replaceChildren(...names.map((name) => make("option", { value: name }, name)));
  if (names.includes(chosen)) select.value = chosen;
}

function showForm({ specs, tenants }) {
  if (!byId("train")) return;
  byId("train").hidden = specs.length === 0;
  byId("no-spec").hidden = specs.length > 0;
  fill(byId("train-spec"), specs);
  fill(byId("train-tenant"), tenants.length > 0 ? tenants.map(({ name }) => name) : ["plant"]);
}

function say(wrong) {
  byId("wrong").textContent = wrong;
  byId("wrong").hidden = wrong === "";
}

async function refresh() {
  const shown = await (await ask("/api/jobs")).json();
  showRows(byId("jobs").tBodies[0], shown.jobs.map(jobRow));
  showProgress(shown.jobs);
  showRows(byId("tenants").tBodies[0], shown.tenants.map(tenantRow));
  byId("no-job").hidden = shown.jobs.length > 0;
  showForm(shown);
  await readLog();
}

async function stopJob(job, button) {
  if (!confirm(t("jobs.stop_sure", { name: job.name }))) return;
  button.disabled = true;
  try {
    await send("POST", `/api/jobs/${job.id}/stop`);
    say("");
    await refresh();
  } catch (error) {
    say(error.message);
    button.disabled = false;
  }
}

async function openLog(job) {
  log = { id: job.id, end: -64000 };
  byId("log-of").textContent = `${job.name} ${job.id}`;
  byId("log-text").textContent = "";
  byId("log").hidden = false;
  await readLog();
  byId("log-text").focus();
}

async function readLog() {
  if (log === null) return;
  const { id, end } = log;
  let said;
  try {
    said = await (await ask(`/api/jobs/${id}/log?start=${end}`)).json();
  } catch (error) {
    if (error.code === "job-unknown") log = null; // it is too old and went
    return;
  }
  if (log === null || log.id !== id || log.end !== end) return; // another was opened meanwhile
  const text = byId("log-text");
  const atEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 4;
  if (said.end < end) text.textContent = ""; // it was cut
  if (said.text) text.append(said.text);
  if (text.childNodes.length > LOG_PARTS_MAX) text.firstChild.remove();
  log.end = said.end;
  text.dataset.empty = text.textContent === "" ? t("jobs.log_none") : "";
  if (atEnd) text.scrollTop = text.scrollHeight;
}

byId("log-close").addEventListener("click", () => {
  log = null;
  byId("log").hidden = true;
});

byId("train")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = {
    spec: byId("train-spec").value,
    tenant: byId("train-tenant").value,
    priority: Number(byId("train-priority").value),
    memory_mb: Number(byId("train-memory").value),
  };
  try {
    await send("POST", "/api/jobs", asked);
    say("");
    await refresh();
  } catch (error) {
    say(error.message);
  }
});

async function look() {
  try {
    await refresh();
  } catch {
    // the banner says so; the next look tries again
  }
  setTimeout(look, PERIOD_MS);
}
look();
