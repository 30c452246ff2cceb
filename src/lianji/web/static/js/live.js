// Live samples of the chosen tags. A hidden tab lets go of its stream: a browser has only six
// connections to a server, and a stream holds one.

import { answered, notAnswered } from "./page.js";
import { encodePath } from "./view.js";

export class Live {
  #source = null;
  #tags = [];
  #onSamples;

  constructor(onSamples) {
    this.#onSamples = onSamples;
    document.addEventListener("visibilitychange", () => this.#open());
    addEventListener("pagehide", () => this.#source?.close());
  }

  follow(tags) {
    if (tags.join() === this.#tags.join()) return;
    this.#tags = [...tags];
    this.#open();
  }

  #open() {
    this.#source?.close();
    this.#source = null;
    if (this.#tags.length === 0 || document.hidden) return;
    const source = new EventSource(`/api/live?tags=${this.#tags.map(encodePath).join(",")}`);
    source.onopen = answered;
    source.onmessage = ({ data }) => this.#onSamples(JSON.parse(data).samples);
    source.onerror = () => {
      notAnswered();
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#retry(source), 2000);
    };
    this.#source = source;
  }

  #retry(source) {
    if (this.#source === source) this.#open();
  }
}
