// The status page: asks every two seconds, shows what is.

import { count, moment, NONE, quick, rate, size, span } from "./format.js";
import { ask, make, said, t } from "./page.js";
import { showFacts, showRows } from "./rows.js";
import { shape } from "./shapes.js";

const PERIOD_MS = 2000;
const at = (us) => (us === null ? NONE : moment(us / 1000));
const byId = (id) => document.getElementById(id);

function showFigures({ devices, rates, uptime_s, spool, history }) {
  const ill = devices.filter(({ state }) => state === "fault" || state === "degraded").length;
  const well = ill === 0 ? t("status.devices_well") : t("status.devices_ill", { count: ill });
  const figures = [
    [t("status.devices"), `${count(devices.length)} · ${well}`, ill > 0],
    [t("status.samples_per_s"), rate(rates.samples_per_s)],
    [t("status.requests_per_s"), rate(rates.requests_per_s)],
    [t("status.rows"), count(history.rows + history.unflushed)],
    [t("status.spool"), size(spool.bytes)],
  ];
  if (rates.memory_bytes !== null) figures.push([t("status.memory"), size(rates.memory_bytes)]);
  if (rates.cpu_share !== null) {
    figures.push([t("status.cpu"), `${(rates.cpu_share * 100).toFixed(0)} %`]);
  }
  figures.push([t("status.uptime"), span(uptime_s)]);
  showFacts(byId("figures"), figures);
}

function deviceRow(device) {
  const { name, state } = device;
  return {
    key: `${name}\n${state}\n${said(device.state_text)}`,
    make: () => {
      const words = make("span", { class: "state" }, shape(state), said(device.state_text));
      const line = make("tr", { class: `device ${state}` }, make("td", {}, words));
      line.append(make("th", { scope: "row" }, name), make("td", {}, device.protocol));
      for (let place = 0; place < 4; place += 1) line.append(make("td", { class: "number" }));
      line.append(make("td", { class: "time" }));
      return line;
    },
    cells: [
      undefined,
      undefined,
      undefined,
      count(device.tags),
      rate(device.samples_per_s),
      rate(device.requests_per_s),
      device.cycle_ms === null ? NONE : quick(device.cycle_ms * 1000),
      at(device.last_good_us),
    ],
  };
}

function faultRow({ name, state, error }) {
  const cause = said(error.cause);
  const remedy = said(error.remedy);
  return {
    key: `${name}\n${state}\n${error.code}\n${cause}`,
    make: () =>
      make(
        "tr",
        { class: `why ${state}` },
        make("td"),
        make(
          "td",
          { colspan: "7" },
          make("p", {}, make("b", {}, t("page.cause")), " ", cause),
          make("p", {}, make("b", {}, t("page.remedy")), " ", remedy),
          make("code", {}, error.code),
        ),
      ),
    cells: [],
  };
}

function showDevices(devices) {
  const rows = devices.flatMap((device) =>
    device.error ? [deviceRow(device), faultRow(device)] : [deviceRow(device)],
  );
  if (rows.length === 0) {
    const none = make("tr", {}, make("td", { colspan: "8", class: "hint" }, t("status.no_devices")));
    rows.push({ key: "none", make: () => none, cells: [] });
  }
  showRows(byId("devices").tBodies[0], rows);
}

function showSpool(spool) {
  const readers = Object.entries(spool.readers).map(([name, lag]) => `${name} ${count(lag)}`);
  const policy = t(`status.policy_${spool.policy.replace(/[- ]/g, "_")}`);
  const used =
    spool.bytes_max === null
      ? size(spool.bytes)
      : t("status.used_of", { used: size(spool.bytes), most: size(spool.bytes_max) });
  const left =
    spool.hours_left === null ? t("status.hours_endless") : span(spool.hours_left * 3600);
  showFacts(byId("spool"), [
    [t("status.on_disk"), used],
    [t("status.records"), count(spool.records)],
    [t("status.oldest"), at(spool.oldest_us)],
    [t("status.readers"), readers.join(" · ") || t("page.none")],
    [t("status.policy"), policy.startsWith("status.") ? spool.policy || NONE : policy],
    [t("status.hours_left"), left, spool.hours_left !== null && spool.hours_left < 24],
    [t("status.gaps"), count(spool.gaps), spool.gaps > 0],
    [t("status.quarantined"), count(spool.quarantined), spool.quarantined > 0],
  ]);
}

const troubles = ({ cause, remedy }) => [
  [t("page.cause"), said(cause), true],
  [t("page.remedy"), said(remedy), true],
];

const LITTLE_BYTES = 1024 ** 3;

function diskFact({ free_bytes: free, total_bytes: total }) {
  const of = t("status.used_of", { used: size(free), most: size(total) });
  return [t("status.disk_free"), of, free < LITTLE_BYTES];
}

function showHistory(history, disk) {
  showFacts(byId("history"), [
    [t("status.rows"), count(history.rows)],
    [t("status.files"), count(history.files)],
    [t("status.on_disk"), size(history.bytes)],
    [t("status.unflushed"), count(history.unflushed)],
    [t("status.last_flush"), at(history.last_flush_us)],
    ...(history.waiting ? [[t("status.waiting"), count(history.waiting), true]] : []),
    ...(history.unreadable ? [[t("status.unreadable"), count(history.unreadable), true]] : []),
    ...(disk ? [diskFact(disk)] : []),
    ...(history.error ? troubles(history.error) : []),
  ]);
}

function stageRow({ stage, count: batches, ...times }) {
  const name = t(`stage.${stage}`);
  return {
    key: stage,
    make: () => {
      const line = make("tr", {}, make("th", { scope: "row" }));
      for (let place = 0; place < 5; place += 1) line.append(make("td", { class: "number" }));
      return line;
    },
    cells: [
      name.startsWith("stage.") ? stage : name,
      count(batches),
      quick(times.wait_p50_us),
      quick(times.wait_p99_us),
      quick(times.served_p50_us),
      quick(times.served_p99_us),
    ],
  };
}

async function refresh() {
  const status = await (await ask("/api/status")).json();
  showFigures(status);
  showDevices(status.devices);
  showSpool(status.spool);
  showHistory(status.history, status.disk);
  showRows(byId("stages").tBodies[0], status.stages.map(stageRow));
  const versions = Object.entries(status.versions).map(([name, number]) => `${name} ${number}`);
  byId("versions").textContent = versions.join(" · ");
}

async function keepRefreshing() {
  if (!document.hidden) await refresh().catch((error) => console.error(error));
  setTimeout(keepRefreshing, PERIOD_MS);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh().catch((error) => console.error(error));
});
keepRefreshing();
