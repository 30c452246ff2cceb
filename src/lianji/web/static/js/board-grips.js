// Moving and sizing tiles by pointer. Nothing changes before the pointer is let go.

const FAR_PX = 6;

export class Grips {
  #host;
  #on;
  #held = null; // {index, element, x, y, sizing, moved, target}

  // on: {move(from, to), size(index, width, height)}
  constructor(host, on) {
    this.#host = host;
    this.#on = on;
    host.addEventListener("pointerdown", (event) => this.#take(event));
    host.addEventListener("pointermove", (event) => this.#drag(event));
    host.addEventListener("pointerup", (event) => this.#drop(event));
    host.addEventListener("pointercancel", () => this.#end());
    host.addEventListener("click", (event) => this.#quiet(event), true);
  }

  #take(event) {
    if (!document.body.classList.contains("editing-board") || event.button !== 0) return;
    const element = event.target.closest(".tile");
    if (!element || event.target.closest("button")) return;
    event.preventDefault();
    element.focus();
    const sizing = Boolean(event.target.closest(".corner"));
    this.#held = { index: Number(element.dataset.index), element, x: event.clientX, y: event.clientY, sizing, moved: false, target: null };
    this.#host.setPointerCapture(event.pointerId);
  }

  #drag(event) {
    const held = this.#held;
    if (!held) return;
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.moved && Math.hypot(dx, dy) < FAR_PX) return;
    held.moved = true;
    if (held.sizing) {
      const size = this.#sized(dx, dy);
      held.element.style.gridColumn = `span ${size.width}`;
      held.element.style.gridRow = `span ${size.height}`;
      return;
    }
    held.element.classList.add("held");
    held.element.style.transform = `translate(${dx}px, ${dy}px)`;
    this.#mark(this.#over(event));
  }

  // The tile under the pointer, but for the one that is held.
  #over(event) {
    const found = document.elementsFromPoint(event.clientX, event.clientY);
    return found.map((element) => element.closest(".tile")).find((tile) => tile && tile !== this.#held.element && this.#host.contains(tile)) ?? null;
  }

  #mark(target) {
    if (target === this.#held.target) return;
    this.#held.target?.classList.remove("before", "after");
    this.#held.target = target;
    if (target) target.classList.add(Number(target.dataset.index) < this.#held.index ? "before" : "after");
  }

  #sized(dx, dy) {
    const { element } = this.#held;
    const style = getComputedStyle(this.#host);
    const columns = style.gridTemplateColumns.split(" ");
    const column = Number.parseFloat(columns[0]) + Number.parseFloat(style.columnGap);
    const row = Number.parseFloat(style.gridAutoRows) + Number.parseFloat(style.rowGap);
    this.#held.size ??= { width: span(element.style.gridColumn), height: span(element.style.gridRow) };
    const { width, height } = this.#held.size;
    return {
      width: Math.min(Math.max(width + Math.round(dx / column), 1), columns.length),
      height: Math.max(height + Math.round(dy / row), 1),
    };
  }

  #drop(event) {
    const held = this.#held;
    if (!held) return;
    const size = held.sizing && held.moved ? this.#sized(event.clientX - held.x, event.clientY - held.y) : null;
    const to = held.target ? Number(held.target.dataset.index) : null;
    this.#end();
    if (size) this.#on.size(held.index, size.width, size.height);
    else if (held.moved && to !== null) this.#on.move(held.index, to);
  }

  #end() {
    if (!this.#held) return;
    this.#mark(null);
    this.#held.element.classList.remove("held");
    this.#held.element.style.transform = "";
    this.#held = null;
  }

  // While editing a click on a tile's link leads nowhere.
  #quiet(event) {
    if (!document.body.classList.contains("editing-board")) return;
    if (event.target.closest("a")) event.preventDefault();
  }
}

const span = (text) => Number(/span (\d+)/.exec(text)?.[1] ?? 1);
