// Light or dark: as the system says, or as the switch was last left. It is kept in a cookie, so
// that the server sends the page in it and nothing flashes.

import { make, t } from "./page.js";

const CHOICES = ["", "light", "dark"];
const DRAWN = {
  "": "M8 2a6 6 0 1 1 0 12A6 6 0 1 1 8 2Z M8 2v12",
  light: "M8 5a3 3 0 1 1 0 6A3 3 0 1 1 8 5Z M8 .8v2 M8 13.2v2 M.8 8h2 M13.2 8h2 M3 3l1.3 1.3 M11.7 11.7 13 13 M13 3l-1.3 1.3 M4.3 11.7 3 13",
  dark: "M13.5 10.2A6 6 0 1 1 5.8 2.5 5 5 0 0 0 13.5 10.2Z",
};
const YEAR_S = 31_536_000;
const root = document.documentElement;
const button = document.getElementById("theme");

function show() {
  const theme = root.dataset.theme ?? "";
  const label = t(theme ? `theme.${theme}` : "theme.system");
  const svg = make("svg", { class: "shape", viewBox: "0 0 16 16", "aria-hidden": "true" });
  svg.append(make("path", { d: DRAWN[theme] }));
  button.replaceChildren(svg);
  button.title = label;
  button.setAttribute("aria-label", label);
}

button?.addEventListener("click", () => {
  const next = CHOICES[(CHOICES.indexOf(root.dataset.theme ?? "") + 1) % CHOICES.length];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  document.cookie = `lianji-theme=${next}; path=/; max-age=${next ? YEAR_S : 0}; samesite=lax`;
  show();
  document.dispatchEvent(new CustomEvent("theme"));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.dispatchEvent(new CustomEvent("theme"));
});
if (button) show();
