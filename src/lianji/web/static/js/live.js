// Live samples for one page, out of the stream that all tabs of a browser share (live-hub.js).

import { Hub } from "./live-hub.js";
import { answered, notAnswered } from "./page.js";

const WORKER_MS_MAX = 4000;

export class Live {
  #send = null;
  #tags = [];
  #up = true;
  #onSamples;
  #onBack;

  // onSamples([{tag, time_ms, value, text, quality, quality_name}]); onBack() when the server is
  // there again after it was away.
  constructor(onSamples, onBack = () => {}) {
    this.#onSamples = onSamples;
    this.#onBack = onBack;
    this.#join();
    addEventListener("pagehide", () => this.#send?.({ bye: true }));
    addEventListener("pageshow", ({ persisted }) => persisted && this.#ask());
    document.addEventListener("resume", () => this.#ask());
  }

  follow(tags) {
    if (tags.length === this.#tags.length && tags.every((tag, i) => tag === this.#tags[i])) return;
    this.#tags = [...tags];
    this.#ask();
  }

  #ask() {
    this.#send?.({ want: this.#tags });
  }

  #join() {
    if (!("SharedWorker" in globalThis)) {
      this.#joinHere();
      return;
    }
    const worker = new SharedWorker("/static/js/live-worker.js", { type: "module", name: "lianji-live" });
    const { port } = worker;
    const giveUp = () => {
      clearTimeout(late);
      port.close();
      this.#joinHere();
    };
    const late = setTimeout(giveUp, WORKER_MS_MAX);
    worker.onerror = giveUp;
    port.onmessage = ({ data }) => {
      clearTimeout(late);
      this.#take(data);
    };
    this.#send = (message) => port.postMessage(message);
  }

  // Without a worker (old browsers, some phones) the page has a stream of its own.
  #joinHere() {
    const hub = new Hub();
    const post = (message) => this.#take(message);
    this.#send = ({ want, here, bye }) => {
      if (want) hub.want(post, want);
      else if (here) hub.here(post);
      else if (bye) hub.leave(post);
    };
    this.#ask();
  }

  #take({ samples, up, sinceMs, ping }) {
    if (samples) this.#onSamples(samples);
    if (ping) this.#send({ here: true });
    if (up === false) {
      this.#up = false;
      notAnswered(sinceMs);
    } else if (up === true) {
      answered();
      if (!this.#up) this.#onBack();
      this.#up = true;
    }
  }
}
