// The dashboard page: shows one, or, on a wall, one after another; hands over to the editor.

import { Board } from "./board.js";
import { Live } from "./live.js";
import { ask, awaySince, t } from "./page.js";
import { inLanguage } from "./tile.js";
import { readWall, rowsOf, screensOf, Sign } from "./wall.js";

const DRAW_MS = 1000;
const REFRESH_MS = 60_000;
const FRONT = "overview";

const byId = (id) => document.getElementById(id);
const host = byId("board");
const { wall, rotate, everyMs } = readWall();
const board = new Board(host);
const live = new Live((samples) => board.take(samples), () => board.refresh());
const sign = new Sign(byId("sign"), byId("clock"));
let kept = { name: host.dataset.name, version: "", made: false, dashboard: { tiles: [] } };
let editor = null;

const addressOf = (name) => (name === FRONT ? "/" : `/dashboard/${encodeURIComponent(name)}`);

async function fetchOne(name) {
  return (await ask(`/api/dashboards/${encodeURIComponent(name)}`)).json();
}

function hint(text) {
  byId("hint").textContent = text;
  byId("hint").hidden = !text;
}

function titled(title) {
  byId("title").textContent = title;
  document.title = `${title} · ${document.querySelector(".plant").textContent}`;
}

async function show(tiles) {
  await board.learn(tiles.flatMap(({ tags }) => tags));
  board.show(tiles);
  live.follow([...new Set(tiles.flatMap(({ tags }) => tags))]);
}

async function load(name) {
  kept = await fetchOne(name);
  titled(inLanguage(kept.dashboard) || name);
  byId("made").hidden = !kept.made;
  hint(kept.dashboard.tiles.length ? "" : t(kept.made ? "board.no_tags" : "board.empty"));
  await show(kept.dashboard.tiles);
  performance.mark("board-shown");
}

async function listThem() {
  const entries = await (await ask("/api/dashboards")).json();
  const choose = byId("choose");
  choose.replaceChildren(...entries.map((entry) => new Option(inLanguage(entry) || entry.name, entry.name, false, entry.name === kept.name)));
  choose.hidden = entries.length < 2;
  choose.onchange = () => location.assign(addressOf(choose.value));
}

async function edit() {
  const { Editor } = await import("./board-edit.js");
  editor ??= new Editor({
    host,
    board,
    show,
    titled,
    kept: () => kept,
    leave: async (name) => {
      if (name !== kept.name) location.assign(name ? addressOf(name) : "/");
      else await load(kept.name);
      await listThem();
    },
  });
  await editor.begin();
}

// -- the wall ---------------------------------------------------------------------------------

async function runWall() {
  document.body.classList.add("wall");
  for (const name of [".looking", ".choose"]) document.querySelector(name).hidden = true;
  document.querySelector(".of-wall").hidden = false;
  byId("made").remove();
  byId("leave").href = addressOf(host.dataset.name);
  byId("full").addEventListener("click", () => document.documentElement.requestFullscreen());
  const names = rotate.length ? rotate : [host.dataset.name];
  for (let next = 0; ; next = (next + 1) % names.length) {
    let screens = null;
    try {
      kept = await fetchOne(names[next]);
      screens = screensOf(kept.dashboard.tiles);
    } catch (error) {
      if (!awaySince()) hint(error.message);
    }
    for (const { heading, tiles } of screens ?? []) {
      hint("");
      titled([inLanguage(kept.dashboard) || kept.name, heading].filter(Boolean).join(" · "));
      host.style.setProperty("--rows", String(Math.max(rowsOf(tiles), 1)));
      await show(tiles).catch(() => {});
      await pause(everyMs);
    }
    if (screens === null) await pause(3000);
  }
}

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

function tick() {
  board.draw();
  board.look();
  if (!wall) return;
  const newest = [...board.newest.values()].map(({ time_ms }) => time_ms);
  sign.show(newest.length ? Math.max(...newest) : undefined, awaySince());
}

async function start() {
  byId("edit").addEventListener("click", edit);
  setInterval(tick, DRAW_MS);
  setInterval(() => document.hidden || board.refresh(), REFRESH_MS);
  if (wall) {
    await runWall();
    return;
  }
  await load(host.dataset.name);
  await listThem();
}

start().catch((error) => hint(error.message));
