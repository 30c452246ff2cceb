// What every page shares: its words, its language, asking the API, making elements.

const given = JSON.parse(document.getElementById("page").textContent);

export const language = given.language;

export function t(key, values = {}) {
  const text = given.texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// A sentence of the API in the page's language.
export const said = (words) => words[language];

// make("td", {class: "number"}, "12", another): attributes, then texts and elements.
export function make(name, attributes = {}, ...content) {
  const svg = ["svg", "path", "line", "circle"].includes(name);
  const element = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...content);
  return element;
}

const banner = document.getElementById("no-answer");
let silentSince = null;

export function answered() {
  silentSince = null;
  banner.hidden = true;
  document.body.classList.remove("stale");
}

export function notAnswered(sinceMs = Date.now()) {
  silentSince ??= new Date(sinceMs);
  const time = silentSince.toTimeString().slice(0, 8);
  banner.textContent = t("page.no_answer", { time });
  banner.hidden = false;
  document.body.classList.add("stale");
}

// Since when (ms) the server has not answered; null while it does.
export const awaySince = () => silentSince?.getTime() ?? null;

// What the API says; a failure becomes an Error whose message is cause and remedy.
export const ask = (address, signal) => fetched(address, { signal });

// The same for what changes something: send("PUT", address, {...}).
export const send = (method, address, content) =>
  fetched(address, {
    method,
    headers: content === undefined ? {} : { "Content-Type": "application/json" },
    body: content === undefined ? undefined : JSON.stringify(content),
  });

async function fetched(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error.name !== "AbortError") notAnswered();
    throw error;
  }
  answered();
  if (response.status === 401 && given.user) {
    // Logged out meanwhile: the log-in leads back to this view.
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {}); // this page is on its way out
  }
  if (!response.ok) {
    const fault = await response.json();
    const error = new Error(`${said(fault.cause)} ${said(fault.remedy)}`);
    error.code = fault.code;
    throw error;
  }
  return response;
}

// The other language keeps the view, which lives in the address.
document.getElementById("language").addEventListener("click", (event) => {
  event.preventDefault();
  const address = new URL(location.href);
  address.searchParams.set("lang", language === "zh" ? "en" : "zh");
  location.assign(address);
});
