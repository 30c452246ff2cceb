// Zooming and panning with wheel, fingers, mouse and keys. All end in one of four words:
// zoom(startMs, endMs, ended), out(), cursor(stepPx), clear().

const WHEEL_RATE = 0.0016;
const KEY_ZOOM = 0.5;
const KEY_PAN = 0.2;
const FINGER_MOVES_PX = 4;

export class Gestures {
  #u = null;
  #on;
  #fingers = new Map(); // pointer id -> x within the plot
  #began = null;
  #ended = null;

  // on: {range() -> [startMs, endMs], zoom(startMs, endMs), out(), cursor(stepPx), clear()}
  constructor(host, on) {
    this.#on = on;
    host.addEventListener("keydown", (event) => this.#key(event));
  }

  // A new plot is there: its surface is the one that is touched from now on.
  watch(u) {
    this.#u = u;
    this.#fingers.clear();
    const { over } = u;
    over.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    over.addEventListener("pointerdown", (event) => this.#down(event));
    over.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) over.addEventListener(name, (event) => this.#up(event));
  }

  // Scale about a share of the width: 0.5 shows half as much.
  #scale(factor, share = 0.5) {
    const [start, end] = this.#on.range();
    const at = start + (end - start) * share;
    this.#on.zoom(at - (at - start) * factor, at + (end - at) * factor);
  }

  #pan(share) {
    const [start, end] = this.#on.range();
    const by = (end - start) * share;
    this.#on.zoom(start + by, end + by);
  }

  #share = (event) => (event.clientX - this.#u.rect.left) / this.#u.rect.width;

  #wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 30 : 1;
    const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
    if (Math.abs(sideways) > Math.abs(event.deltaY) || event.shiftKey) {
      this.#pan((sideways * unit) / this.#u.rect.width);
    } else {
      this.#scale(Math.exp(event.deltaY * unit * WHEEL_RATE), this.#share(event));
    }
  }

  // -- fingers move and pinch; a mouse pans with Shift or its middle button ---------------------

  #pans = (event) => event.pointerType === "touch" || event.shiftKey || event.button === 1;

  #down(event) {
    if (!this.#pans(event)) return;
    event.preventDefault();
    this.#u.over.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, this.#share(event));
    this.#hold();
  }

  #hold() {
    this.#began = { shares: [...this.#fingers.values()], range: this.#on.range() };
  }

  #move(event) {
    if (!this.#fingers.has(event.pointerId)) return;
    this.#fingers.set(event.pointerId, this.#share(event));
    const [start, end] = this.#began.range;
    const [was, now] = [this.#began.shares, [...this.#fingers.values()]];
    const span = end - start;
    if (now.length === 1) {
      if (Math.abs(now[0] - was[0]) * this.#u.rect.width < FINGER_MOVES_PX) return;
      const by = (was[0] - now[0]) * span;
      this.#on.zoom(start + by, end + by);
      return;
    }
    // what was under each finger stays under it
    const factor = Math.abs(was[0] - was[1]) / Math.max(Math.abs(now[0] - now[1]), 0.02);
    const from = start + span * was[0] - span * factor * now[0];
    this.#on.zoom(from, from + span * factor);
  }

  #up(event) {
    if (!this.#fingers.delete(event.pointerId)) return;
    this.#hold();
    if (event.pointerType !== "touch" || this.#fingers.size) return;
    const twice = this.#ended && event.timeStamp - this.#ended.at < 350 && Math.abs(event.clientX - this.#ended.x) < 30;
    this.#ended = { at: event.timeStamp, x: event.clientX };
    if (twice) this.#on.out();
  }

  // -- keys -------------------------------------------------------------------------------------

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button, input")) return;
    const acts = {
      "+": () => this.#scale(KEY_ZOOM),
      "=": () => this.#scale(KEY_ZOOM),
      "-": () => this.#scale(1 / KEY_ZOOM),
      _: () => this.#scale(1 / KEY_ZOOM),
      ArrowUp: () => this.#scale(KEY_ZOOM),
      ArrowDown: () => this.#scale(1 / KEY_ZOOM),
      ArrowLeft: () => (event.shiftKey ? this.#on.cursor(-8) : this.#pan(-KEY_PAN)),
      ArrowRight: () => (event.shiftKey ? this.#on.cursor(8) : this.#pan(KEY_PAN)),
      Backspace: () => this.#on.out(),
      Escape: () => this.#on.clear(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }
}
