// One stream of live samples for many pages. A browser allows six connections to a server and a
// stream holds one, so the pages of a browser share it: this runs in a SharedWorker (live-worker.js)
// or, where there is none, in the page itself.
//
// To a page it posts {samples: [...]}, {up: true}, {up: false, sinceMs} and {ping: true}.

const TAGS_A_STREAM = 500;
const ADDRESS_MAX = 14_000;
const GATHER_MS = 20;
const RETRY_MS = 2000;
const SILENT_MS = 12_000; // the server speaks every five seconds, also when nothing changes
const LOOK_MS = 2000;
const PING_MS = 30_000;
const GONE_MS = 150_000;

const encode = (path) => encodeURIComponent(path).replaceAll("%2F", "/");

export class Hub {
  #pages = new Map(); // post function -> {tags, heardMs}
  #known = new Map(); // path -> newest sample
  #streamed = new Set();
  #sources = [];
  #pause = null;
  #heardMs = Date.now();
  #openedMs = 0;
  #pingedMs = Date.now();
  #up = null; // nobody knows before the first word

  constructor() {
    setInterval(() => this.#look(), LOOK_MS);
  }

  // A page wants these tags, and no longer those that it wanted before.
  want(post, tags) {
    this.#pages.set(post, { tags: new Set(tags), heardMs: Date.now() });
    if (this.#up !== null) post(this.#state());
    const samples = tags.map((tag) => this.#known.get(tag)).filter(Boolean);
    if (samples.length) post({ samples });
    this.#gather();
  }

  here(post) {
    const page = this.#pages.get(post);
    if (page) page.heardMs = Date.now();
  }

  leave(post) {
    this.#pages.delete(post);
    this.#gather();
  }

  #state = () => (this.#up ? { up: true } : { up: false, sinceMs: this.#heardMs });

  #wanted() {
    const wanted = new Set();
    for (const { tags } of this.#pages.values()) for (const tag of tags) wanted.add(tag);
    return wanted;
  }

  #gather() {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#fit(), GATHER_MS);
  }

  // What is streamed stays while it holds all that is wanted and not much else.
  #fit() {
    const wanted = this.#wanted();
    const enough = [...wanted].every((tag) => this.#streamed.has(tag));
    if (!enough || (this.#streamed.size > 2 * wanted.size && this.#streamed.size > 50) || wanted.size === 0) {
      this.#open(wanted);
    }
  }

  #open(wanted) {
    for (const source of this.#sources) source.close();
    this.#streamed = wanted;
    this.#openedMs = Date.now();
    for (const path of this.#known.keys()) if (!wanted.has(path)) this.#known.delete(path);
    this.#sources = addresses(wanted).map((address) => this.#source(address));
  }

  #source(address) {
    const source = new EventSource(address);
    source.onmessage = ({ data }) => {
      this.#hear();
      this.#spread(JSON.parse(data).samples);
    };
    source.addEventListener("alive", () => this.#hear());
    source.onerror = () => {
      if (!this.#sources.includes(source)) return;
      this.#lose();
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#retry(source), RETRY_MS);
    };
    return source;
  }

  #hear() {
    this.#heardMs = Date.now();
    if (this.#up !== true) this.#tell(true);
  }

  #lose() {
    if (this.#up !== false) this.#tell(false);
  }

  #tell(up) {
    this.#up = up;
    for (const post of this.#pages.keys()) post(this.#state());
  }

  #spread(samples) {
    for (const sample of samples) this.#known.set(sample.tag, sample);
    for (const [post, { tags }] of this.#pages) {
      const own = samples.filter(({ tag }) => tags.has(tag));
      if (own.length) post({ samples: own });
    }
  }

  #retry(source) {
    if (this.#sources.includes(source)) this.#open(this.#wanted());
  }

  // A line that was cut without a word is noticed here, and pages that went without one.
  #look() {
    const now = Date.now();
    if (this.#sources.length && now - Math.max(this.#heardMs, this.#openedMs) > SILENT_MS) {
      this.#lose();
      this.#open(this.#wanted());
    }
    if (now - this.#pingedMs < PING_MS) return;
    this.#pingedMs = now;
    for (const [post, page] of this.#pages) {
      if (now - page.heardMs > GONE_MS) this.leave(post);
      else post({ ping: true });
    }
  }
}

// Paths in as few addresses as their lengths allow.
function addresses(paths) {
  const found = [];
  let [some, length] = [[], 0];
  for (const path of [...paths].sort()) {
    const text = encode(path);
    if (some.length >= TAGS_A_STREAM || (some.length && length + text.length > ADDRESS_MAX)) {
      found.push(some);
      [some, length] = [[], 0];
    }
    some.push(text);
    length += text.length + 1;
  }
  if (some.length) found.push(some);
  return found.map((one) => `/api/live?tags=${one.join(",")}`);
}
