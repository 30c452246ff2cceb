// A screen on the wall: no controls, big type, a clock, page after page, and a plain sign when what
// it shows is old. A dashboard that is too long for one screen is shown in parts.

import { clock, date, moment } from "./format.js";
import { make, t } from "./page.js";
import { shape } from "./shapes.js";
import { inLanguage } from "./tile.js";

export const COLUMNS = 12;
const ROWS_A_SCREEN = 11;
const STALE_MS = 90_000;
const EVERY_S = 20;

// {wall, rotate: [names], everyMs} as the address says it.
export function readWall() {
  const asked = new URLSearchParams(location.search);
  const everyS = Number(asked.get("every")) || EVERY_S;
  return {
    wall: asked.has("wall"),
    rotate: (asked.get("rotate") ?? "").split(",").filter(Boolean),
    everyMs: Math.max(everyS, 3) * 1000,
  };
}

// Tiles in parts that fit a screen: {heading, tiles}. A heading begins a part where it can, and a
// part's first heading goes to the top of the screen.
export function screensOf(tiles) {
  const sections = [];
  for (const tile of tiles) {
    if (heads(tile) || sections.length === 0) sections.push([]);
    sections.at(-1).push(tile);
  }
  const screens = [];
  for (const section of sections) {
    const together = [...(screens.at(-1) ?? []), ...section];
    if (screens.length && rowsOf(together) <= ROWS_A_SCREEN) screens[screens.length - 1] = together;
    else screens.push(section);
  }
  return (screens.length ? screens : [[]]).map((tiles) =>
    tiles.length > 1 && heads(tiles[0]) ? { heading: inLanguage(tiles[0]), tiles: tiles.slice(1) } : { heading: "", tiles },
  );
}

const heads = (tile) => tile.kind === "text" && !tile.text && tile.width === COLUMNS;

// How many rows tiles take, laid out as the grid does it: onward only, where they fit.
export function rowsOf(tiles) {
  const taken = [];
  const free = (row, column, { width, height }) => {
    for (let r = row; r < row + height; r += 1) {
      for (let c = column; c < column + width; c += 1) if (taken[r]?.[c]) return false;
    }
    return true;
  };
  let [row, column] = [0, 0];
  for (const tile of tiles) {
    while (column + tile.width > COLUMNS || !free(row, column, tile)) {
      column += 1;
      if (column + tile.width > COLUMNS) [row, column] = [row + 1, 0];
    }
    for (let r = row; r < row + tile.height; r += 1) {
      taken[r] ??= [];
      for (let c = column; c < column + tile.width; c += 1) taken[r][c] = true;
    }
  }
  return taken.length;
}

export class Sign {
  #element;
  #clock;
  #startedMs = Date.now();

  constructor(element, clockElement) {
    this.#element = element;
    this.#clock = clockElement;
  }

  // newestMs: of the newest sample, or undefined; awaySinceMs: of the server, or null.
  show(newestMs, awaySinceMs) {
    const now = Date.now();
    this.#clock.textContent = `${date(now)} ${clock(now)}`;
    const since = newestMs ?? this.#startedMs;
    let told = "";
    if (awaySinceMs) told = t("wall.away", { time: moment(awaySinceMs) });
    else if (now - since > STALE_MS) told = t("wall.stale", { time: moment(since) });
    if (this.#element.textContent === told) return;
    this.#element.replaceChildren(...(told ? [shape("fault"), make("span", {}, told)] : []));
  }
}
