// Which state held when: a line a tag, a stretch a state. States differ by pattern and by their
// name in the stretch; only what is abnormal has a colour.

import { between } from "./format.js";
import { ask, language, make, t } from "./page.js";
import { decodePlot } from "./plot-wire.js";
import { severity } from "./quality.js";
import { inWords } from "./tag.js";
import { StretchTable } from "./stretch-table.js";
import { nameOf, Tile } from "./tile.js";
import { encodePath, spanMs } from "./view.js";

const PATTERNS = 8;
const SEVERAL = "several";
const ABNORMAL = /alarm|fault|error|trip|fail|报警|故障|异常|急停/i;
const STILL = /\b(off|stop|stopped|idle)\b|停|关机/i;

export class StatesTile extends Tile {
  #series = [];
  #newest = new Map();
  #lines;
  #drawing;
  #asTable;
  #table = new StretchTable();

  constructor(tile, tags) {
    super(tile, tags);
    this.#lines = tags.map((tag) => {
      const strip = make("div", { class: "strip", role: "img" });
      const now = make("b", { class: "now" });
      const name = make("span", { class: "name", title: tag.path }, nameOf(tag));
      const line = make("li", {}, name, strip, now);
      return { tag, strip, now, line, names: stateNames(tag) };
    });
    const open = make("ul", { class: "strips" }, ...this.#lines.map(({ line }) => line));
    this.from = make("span");
    this.#drawing = [open, make("p", { class: "from quiet" }, this.from), this.#legend()];
    this.body.append(...this.#drawing);
    this.#asTable = make("button", { type: "button", class: "as-table", "aria-pressed": "false" }, t("board.as_table"));
    this.#asTable.addEventListener("click", () => this.#swap());
    this.element.insertBefore(this.#asTable, this.body);
  }

  // The strips, or the same as a table for whoever cannot read them.
  #swap() {
    const wanted = this.#asTable.getAttribute("aria-pressed") === "false";
    this.#asTable.setAttribute("aria-pressed", wanted);
    this.body.replaceChildren(...(wanted ? [this.#table.element] : this.#drawing));
    this.draw();
  }

  // Each name once, however many tags have it.
  #legend() {
    const shown = new Map();
    for (const { names } of this.#lines) {
      for (const { name, kind } of names.values()) if (!shown.has(name)) shown.set(name, kind);
    }
    const entries = [...shown].map(([name, kind]) => make("li", { title: name }, make("i", { class: `stretch ${kind}` }), shortName(name)));
    entries.push(make("li", {}, make("i", { class: "stretch several" }), t("board.several")));
    entries.push(make("li", {}, make("i", { class: "stretch missing" }), t("board.unknown")));
    return make("ul", { class: "key-list" }, ...entries);
  }

  async refresh() {
    if (this.tags.length === 0 || !this.element.isConnected) return;
    const paths = this.tags.map((tag) => encodePath(tag.path)).join(",");
    const pixels = Math.max(this.#lines[0].strip.clientWidth, 200);
    try {
      const answer = await ask(`/api/plot?format=binary&tags=${paths}&start=-${this.tile.span}&end=now&pixels=${pixels}`);
      this.#series = decodePlot(await answer.arrayBuffer()).series;
      for (const sample of this.#newest.values()) this.#append(sample);
      this.draw();
    } catch {
      // what was drawn stays; the page says that the server is away
    }
  }

  take(sample) {
    this.#newest.set(sample.tag, sample);
    this.#append(sample);
    const line = this.#lines.find(({ tag }) => tag.path === sample.tag);
    line.now.textContent = shortName(inWords(line.tag, sample.value, sample.text));
  }

  #append({ tag, time_ms, value, quality }) {
    const one = this.#series.find(({ path }) => path === tag);
    if (!one || time_ms <= (one.times.at(-1) ?? 0)) return;
    one.times.push(time_ms);
    one.values.push(value ?? Number.NaN);
    one.quality.push(quality);
  }

  #meant(state, names) {
    if (state === null) return { name: t("board.unknown"), kind: "missing" };
    if (state === SEVERAL) return { name: t("board.several"), kind: "several" };
    return names.get(state) ?? { name: String(state), kind: "pattern-0" };
  }

  draw() {
    const endMs = Date.now();
    const startMs = endMs - spanMs(this.tile.span);
    this.from.textContent = between(startMs, endMs);
    if (this.#table.element.isConnected) {
      const all = this.#lines.map(({ tag, names }, index) => ({
        name: nameOf(tag),
        stretches: this.#series[index] ? stretchesOf(this.#series[index], startMs, endMs) : [],
        said: (state) => this.#meant(state, names).name,
      }));
      this.#table.show(all);
      return;
    }
    this.#lines.forEach(({ strip, names, tag }, index) => {
      if (!this.#series[index]) return;
      const found = stretchesOf(this.#series[index], startMs, endMs);
      const wide = endMs - startMs;
      const pixels = strip.clientWidth || 400;
      const abnormal = (state) => names.get(state)?.kind === "abnormal";
      const drawn = drawable(found, (2 * wide) / pixels, abnormal).map(({ from, to, state }) => {
        const { name, kind } = this.#meant(state, names);
        const part = make("i", { class: `stretch ${kind}`, title: `${name} · ${between(from, to)}` });
        part.style.left = `${((from - startMs) / wide) * 100}%`;
        part.style.width = `${((to - from) / wide) * 100}%`;
        if (((to - from) / wide) * pixels > 8 * name.length + 16) part.append(make("span", {}, shortName(name)));
        return part;
      });
      strip.replaceChildren(...drawn);
      strip.setAttribute("aria-label", `${nameOf(tag)}: ${shares(found, names, wide)}`);
    });
  }
}

// {from, to, state} one behind the other; the state is null where it is not known.
export function stretchesOf({ times, values, quality }, startMs, endMs) {
  const found = [];
  for (let i = 0; i < times.length; i += 1) {
    const from = Math.max(times[i], startMs);
    const to = Math.min(i + 1 < times.length ? times[i + 1] : endMs, endMs);
    if (to <= from) continue;
    const known = !Number.isNaN(values[i]) && severity(quality[i]) !== "bad";
    const state = known ? values[i] : null;
    const last = found.at(-1);
    if (last && last.state === state && last.to === from) last.to = to;
    else found.push({ from, to, state });
  }
  return found;
}

// Where states change faster than two pixels it is said so ("several in turn") rather than one of
// them drawn for all; what is abnormal is never hidden in that.
function drawable(found, leastMs, isAbnormal) {
  const kept = [];
  for (const one of found) {
    const last = kept.at(-1);
    const joined = last && last.to === one.from;
    if (one.to - one.from >= leastMs || isAbnormal(one.state)) {
      if (joined && last.state === one.state) last.to = one.to;
      else kept.push({ ...one });
    } else if (joined && last.state === SEVERAL) {
      last.to = one.to;
    } else {
      kept.push({ ...one, state: SEVERAL });
    }
  }
  return kept;
}

function shares(found, names, wide) {
  const sums = new Map();
  for (const { from, to, state } of found) sums.set(state, (sums.get(state) ?? 0) + to - from);
  return [...sums]
    .sort((a, b) => b[1] - a[1])
    .map(([state, ms]) => `${state === null ? t("board.unknown") : (names.get(state)?.name ?? state)} ${((100 * ms) / wide).toFixed(0)} %`)
    .join(", ");
}

// State -> {name, kind}: abnormal ones are marked, still ones are hollow, others have patterns.
function stateNames(tag) {
  const names = new Map();
  let pattern = 0;
  for (const [state, name] of Object.entries(tag.enumeration ?? {})) {
    let kind = `pattern-${pattern % PATTERNS}`;
    if (ABNORMAL.test(name)) kind = "abnormal";
    else if (STILL.test(name)) kind = "still";
    else pattern += 1;
    names.set(Number(state), { name, kind });
  }
  return names;
}

// "注射 injecting" is too long for a stretch: the half in the page's language.
function shortName(name) {
  const halves = /^([\u4e00-\u9fff]\S*) (.+)$/.exec(name);
  return halves ? halves[language === "zh" ? 1 : 2] : name;
}
