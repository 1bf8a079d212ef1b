// A curve of the answer over one feature: this row's, the average row's, and where it stands now.

import { draw, make, style } from "./page-dom.js";
import { show } from "./words.js";

const TICKS = [0, 0.5, 1];
const MARGIN = 0.06; // of the height, above and below

/**
 * @typedef {import("./scale.js").Scale} Scale
 * @typedef {{values: number[], along: number[], mean: number[], now: {value: number, number: number} | null,
 *   threshold: number | null, words: (number: number) => string}} Drawn `along`: this row's answer at each value;
 *   `mean`: the reference rows'; `now` is null where the value is missing.
 */

/**
 * Makes an empty chart with a slider below it.
 *
 * @param {string} name of the feature. @param {Scale} scale @param {(value: number) => void} onMove
 * @returns {{element: HTMLElement, show: (drawn: Drawn) => void}}
 */
export function makeCurve(name, scale, onMove) {
  const [mean, along, line] = ["mean", "along", "threshold"].map((kind) => draw("path", { class: kind }));
  const dot = make("span", { class: "curve-dot" });
  const svg = draw(
    "svg",
    { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
    mean,
    line,
    along,
  );
  const plot = make("div", { class: "curve-plot", role: "img" });
  plot.append(svg, dot);
  const ends = make("div", { class: "curve-y", "aria-hidden": "true" });
  const ticks = TICKS.map((share) => make("span", {}, show(scale.valueAt(Math.round(share * scale.last)))));
  const slider = make("input", {
    type: "range",
    min: 0,
    max: scale.last,
    step: 1,
    "aria-label": `${name}, along the curve`,
  });
  slider.addEventListener("input", () => onMove(scale.valueAt(Number(slider.value))));
  const element = make(
    "div",
    { class: "curve" },
    ends,
    plot,
    make("div", { class: "curve-x" }, slider, make("div", { class: "curve-ticks", "aria-hidden": "true" }, ...ticks)),
  );
  return {
    element,
    show: (drawn) => {
      const { low, high } = extent(drawn);
      const x = (/** @type {number} */ value) => (100 * scale.positionOf(value)) / scale.last;
      const y = (/** @type {number} */ number) => 100 - (100 * (number - low)) / (high - low);
      const path = (/** @type {number[]} */ numbers) =>
        numbers
          .map((number, k) => `${k === 0 ? "M" : "L"}${x(drawn.values[k]).toFixed(2)} ${y(number).toFixed(2)}`)
          .join("");
      along.setAttribute("d", path(drawn.along));
      mean.setAttribute("d", path(drawn.mean));
      const { threshold, now } = drawn;
      const seen = threshold !== null && low <= threshold && threshold <= high;
      line.setAttribute("d", seen ? `M0 ${y(threshold).toFixed(2)}H100` : "");
      dot.hidden = now === null;
      if (now !== null) {
        style(style(dot, "--x", `${x(now.value)}%`), "--y", `${y(now.number)}%`);
        slider.value = String(scale.positionOf(now.value));
      }
      slider.setAttribute("aria-valuetext", now === null ? "unknown" : `${now.value}: ${drawn.words(now.number)}`);
      ends.replaceChildren(...[high, low].map((end) => make("span", {}, drawn.words(end))));
      plot.setAttribute("aria-label", summary(name, drawn));
    },
  };
}

/** @param {Drawn} drawn @returns {{low: number, high: number}} what the height stands for. */
function extent({ along, mean, now, words }) {
  const numbers = [...along, ...mean, ...(now === null ? [] : [now.number])];
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const room = MARGIN * (most - least) || Math.abs(most) * MARGIN || 1;
  const share = words(0).endsWith("%"); // shares stay between 0 and 1
  return {
    low: share ? Math.max(0, least - room) : least - room,
    high: share ? Math.min(1, most + room) : most + room,
  };
}

/** @param {string} name @param {Drawn} drawn @returns {string} the curve in a sentence. */
function summary(name, { values, along, words }) {
  const [least, most] = [Math.min(...along), Math.max(...along)];
  const at = (/** @type {number} */ number) => `${words(number)} (at ${show(values[along.indexOf(number)])})`;
  return `The answer over ${name}: from ${at(least)} to ${at(most)}`;
}
