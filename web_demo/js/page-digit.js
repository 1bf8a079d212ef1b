// A pad to draw a digit on, for a model that reads one; beside it, the 64 numbers as the model sees them.

import { DRAWN, countInk } from "./digit.js";
import { draw, make, part } from "./page-dom.js";
import { drawWithKeys } from "./page-keys.js";
import { fieldNames } from "./pixels.js";

/**
 * @typedef {import("./digit.js").Stroke} Stroke
 * @typedef {{element: SVGElement, said: HTMLElement, set: (strokes: readonly Stroke[]) => void,
 *   undo: () => void}} Pad `said`: where the pen is, for those who cannot see it.
 */

const SIDE = 100; // of the pad, in its own unit
const FULL = 16; // dots of a field
const FIRST = 3; // the digit that is drawn at first
const HELP =
  "Draw with a finger or the mouse. With the keyboard, arrows move the pen and Space puts it down or lifts it.";

/**
 * Shows the pad in place of the fields, which a button shows.
 *
 * @type {import("./context.js").Mount}
 */
export function mount(section, context) {
  const pad = makePad((strokes) => context.setRow(countInk(strokes)));
  const digits = DRAWN.map((strokes, digit) => button(String(digit), () => pad.set(strokes), `Draw a ${digit} for me`));
  section.replaceChildren(
    make("h2", { id: "digit-title" }, "Draw a digit"),
    make(
      "div",
      { class: "drawing" },
      make("div", { class: "drawing-pad" }, pad.element, pad.said),
      make(
        "figure",
        {},
        makeGrid(context),
        make(
          "figcaption",
          { class: "hint" },
          "What the model sees: dots of ink in 8 by 8 fields, the drawing made to fit.",
        ),
      ),
    ),
    make("p", { id: "pad-help", class: "hint" }, HELP),
    make(
      "div",
      { class: "pens" },
      button("Clear", () => pad.set([])),
      button("Undo", pad.undo),
      numbersButton(),
    ),
    make("p", { class: "hint" }, "Or have one drawn:"),
    make("div", { class: "pens", role: "group", "aria-label": "Have a digit drawn" }, ...digits),
  );
  if (location.hash.length < 2) pad.set(DRAWN[FIRST]);
}

/** @param {string} text @param {() => void} act @param {string} [label] */
function button(text, act, label) {
  const made = make("button", { type: "button", class: "quiet", "aria-label": label ?? null }, text);
  made.addEventListener("click", act);
  return made;
}

/** Shows and hides the form. */
function numbersButton() {
  const made = button("Show the 64 numbers", () => {
    const form = part("form");
    form.hidden = !form.hidden;
    made.setAttribute("aria-expanded", String(!form.hidden));
  });
  made.setAttribute("aria-expanded", "false");
  return made;
}

/** @param {(strokes: readonly Stroke[]) => void} onDraw @returns {Pad} */
function makePad(onDraw) {
  /** @type {Stroke[]} */
  let strokes = [];
  let pending = false;
  const element = draw("svg", {
    class: "pad",
    viewBox: `0 0 ${SIDE} ${SIDE}`,
    role: "application", // so that a screen reader leaves the arrow keys to it
    tabindex: 0,
    "aria-label": "Drawing area",
    "aria-describedby": "pad-help",
  });
  const show = () => {
    pending = false;
    const lines = strokes.map((stroke) => {
      const points = stroke.length === 1 ? [stroke[0], stroke[0]] : stroke;
      return draw("polyline", { points: points.map((point) => point.join(",")).join(" ") });
    });
    element.replaceChildren(...lines, keys.pen);
    onDraw(strokes);
  };
  const showSoon = () => {
    if (!pending) requestAnimationFrame(show); // a pen moves more often than the screen
    pending = true;
  };
  const begin = (/** @type {import("./digit.js").Point} */ point) => strokes.push([point]);
  const move = (/** @type {import("./digit.js").Point} */ point) => strokes[strokes.length - 1].push(point);
  const keys = drawWithKeys(element, SIDE, begin, move, showSoon);
  followPen(element, begin, move, () => {
    keys.lift();
    showSoon();
  });
  return {
    element,
    said: keys.said,
    set: (given) => {
      keys.lift();
      strokes = given.map((stroke) => [...stroke]);
      show();
    },
    undo: () => {
      keys.lift();
      strokes.pop();
      show();
    },
  };
}

/**
 * @param {SVGElement} element
 * @param {(point: import("./digit.js").Point) => void} begin @param {(point: import("./digit.js").Point) => void} move
 * @param {() => void} after
 */
function followPen(element, begin, move, after) {
  let down = false;
  /** @param {PointerEvent} event @param {(point: import("./digit.js").Point) => void} add */
  const put = (event, add) => {
    const box = element.getBoundingClientRect();
    add([((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE]);
    after();
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    down = true;
    element.setPointerCapture(event.pointerId);
    event.preventDefault();
    put(event, begin);
  });
  element.addEventListener("pointermove", (event) => {
    if (down) for (const each of event.getCoalescedEvents?.() ?? [event]) put(each, move);
  });
  for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (down = false));
}

/** @param {import("./context.js").Context} context @returns {SVGElement} */
function makeGrid({ onChange }) {
  const fields = fieldNames().map((name, k) => ({
    name,
    rect: draw("rect", { x: k % 8, y: Math.floor(k / 8), width: 1, height: 1 }),
  }));
  onChange((row) => {
    for (const { name, rect } of fields) {
      const ink = Number(row[name]) / FULL;
      rect.setAttribute("fill-opacity", String(ink >= 0 ? Math.min(1, ink) : 0));
    }
  });
  const rects = fields.map(({ rect }) => rect);
  return draw("svg", { class: "grid", viewBox: "0 0 8 8", role: "img", "aria-label": "The 8 by 8 fields" }, ...rects);
}
