// The page of tags: the tree on the left, the rows on the right, what is chosen among them.

import { count } from "./format.js";
import { Live } from "./live.js";
import { t } from "./page.js";
import { send } from "./send.js";
import { EditDialog, ImportDialog } from "./tag-dialogs.js";
import { TagGrid } from "./tag-grid.js";
import { TagTree } from "./tag-tree.js";
import { encodePath } from "./view.js";

const PAUSE_MS = 120;
const SEEN_MAX = 200;
const by = (id) => document.getElementById(id);

const search = by("search");
const view = { under: "", words: new URL(location.href).searchParams.get("search") ?? "" };
// All that match, or single paths.
const chosen = { all: false, paths: new Set() };

const tell = (text) => {
  by("told").textContent = text;
};
const live = new Live((samples) => grid.update(samples));

const grid = new TagGrid(by("grid"), {
  found: () => tellFound(),
  failed: (error) => tell(error.message),
  seen: (paths) => live.follow(paths.slice(0, SEEN_MAX)),
  chosen: (path) => chosen.all || chosen.paths.has(path),
  open: (tag) => location.assign(`/chart?tags=${encodePath(tag.path)}`),
  toggle,
  typed: (letter) => {
    search.focus();
    search.value += letter;
    later();
  },
});
const tree = new TagTree(by("tree"), (path) => {
  view.under = path;
  show();
});
const edit = new EditDialog(saved);
const importing = new ImportDialog(saved);

function tellFound() {
  const many = chosen.all ? grid.total : chosen.paths.size;
  const numbers = { total: count(grid.total), chosen: count(many) };
  by("found").textContent = t(many ? "tags.chosen" : "tags.found", numbers);
  by("edit").disabled = many === 0;
  by("all").checked = chosen.all;
}

function choose(all, paths = []) {
  chosen.all = all;
  chosen.paths = new Set(paths);
  grid.remark();
  tellFound();
}

async function toggle(path, on, index, range) {
  if (chosen.all) choose(false, []);
  let paths = [path];
  if (range !== null && range !== index) {
    const [from, to] = range < index ? [range, index] : [index, range];
    paths = (await grid.tags(from, Math.min(to, from + 9999))).tags.map((tag) => tag.path);
  }
  for (const one of paths) {
    if (on) chosen.paths.add(one);
    else chosen.paths.delete(one);
  }
  grid.remark();
  tellFound();
}

function selection() {
  if (chosen.all || chosen.paths.size === 0) return { search: view.words, under: view.under };
  return { paths: [...chosen.paths] };
}

function show() {
  tell("");
  choose(false);
  const asked = new URLSearchParams({ search: view.words, under: view.under });
  grid.show(asked.toString());
}

async function saved() {
  await tree.load();
  show();
}

let pause;
function later() {
  clearTimeout(pause);
  pause = setTimeout(() => {
    view.words = search.value;
    show();
  }, PAUSE_MS);
}

async function exported(format) {
  tell(t("tags.working"));
  try {
    const answer = await send(`/api/tag-tables/export?format=${format}`, selection());
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `tags.${format.split("-")[0]}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    tell("");
  } catch (error) {
    tell(error.message);
  }
}

search.value = view.words;
search.addEventListener("input", later);
search.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "Enter") return;
  event.preventDefault();
  by("grid").querySelector(".space [tabindex='0']")?.focus();
});
by("all").addEventListener("change", () => choose(by("all").checked));
by("edit").addEventListener("click", () => edit.open(selection(), chosen.all ? grid.total : chosen.paths.size));
by("import").addEventListener("click", () => importing.open(tree.site));
by("export").addEventListener("change", () => {
  const format = by("export").value;
  by("export").value = "";
  if (format) exported(format);
});

tree.load().catch((error) => tell(error.message));
show();
