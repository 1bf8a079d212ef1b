// A pen that is moved with the keyboard, for a pad to draw on.

import { draw, make } from "./page-dom.js";

/** @typedef {import("./digit.js").Point} Point */

const STEP = 0.05; // of the pad's side
const QUIET = 300; // milliseconds without a movement before the place is said
/** @type {Record<string, Point>} */
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Lets arrows move a pen over a pad, Space and Enter put it down and lift it, and Escape lift it.
 *
 * @param {SVGElement} pad @param {number} side of the pad, in its own unit.
 * @param {(point: Point) => void} begin of a stroke. @param {(point: Point) => void} move of the pen that is down.
 * @param {() => void} after every change.
 * @returns {{pen: SVGElement, said: HTMLElement, lift: () => void}} `pen`: the mark of the pen, part of the drawing;
 *   `said`: where it is, in words.
 */
export function drawWithKeys(pad, side, begin, move, after) {
  const pen = draw("circle", { class: "pen", r: side * 0.045 });
  const said = make("p", { class: "out-of-sight", role: "status", "aria-label": "The pen" });
  /** @type {Point} */
  let at = [side / 2, side * 0.15];
  let down = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let saying;
  const show = () => {
    pen.setAttribute("cx", String(at[0]));
    pen.setAttribute("cy", String(at[1]));
    pen.classList.toggle("down", down);
  };
  const tell = () => {
    clearTimeout(saying);
    const [across, below] = at.map((place) => Math.round((100 * place) / side));
    saying = setTimeout(() => {
      said.textContent = `Pen ${down ? "down" : "up"}, ${across} % across, ${below} % down`;
    }, QUIET);
  };
  const lift = () => {
    down = false;
    show();
  };
  pad.addEventListener("keydown", (event) => {
    const way = WAYS[event.key];
    if (way !== undefined) {
      at = /** @type {Point} */ (at.map((place, k) => Math.min(side, Math.max(0, place + way[k] * STEP * side))));
      if (down) move(at);
    } else if (event.key === " " || event.key === "Enter") {
      down = !down;
      if (down) begin(at);
    } else if (event.key === "Escape") {
      down = false;
    } else {
      return;
    }
    event.preventDefault();
    show();
    tell();
    after();
  });
  show();
  return { pen, said, lift };
}
