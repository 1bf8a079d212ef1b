// Pictures of numbers: bars, and how the training rows' numbers lie along a scale.

import { density } from "./distribution.js";
import { draw, make, style } from "./page-dom.js";

const PARTS = 60;

/**
 * The outline of heights as one shape, 100 wide and 24 high, stretched to its place by the style sheet.
 *
 * @param {readonly number[]} heights from 0 to 1.
 * @param {string} name its class.
 * @returns {SVGElement}
 */
export function drawShape(heights, name) {
  const width = 100 / heights.length;
  const steps = heights.map((height, k) => `V${(24 - height * 24).toFixed(2)}H${((k + 1) * width).toFixed(2)}`);
  const path = draw("path", { d: `M0 24${steps.join("")}V24Z` });
  return draw("svg", { class: name, viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" }, path);
}

/**
 * How the training rows' numbers lie from `low` to `high`.
 *
 * @param {import("./distribution.js").Bins} bins @param {number} low @param {number} high
 */
export function drawDensity(bins, low, high) {
  return drawShape(density(bins, low, high, PARTS), "density");
}

/**
 * A bar filled to a share.
 *
 * @param {number} share from 0 to 1.
 * @param {...HTMLElement} marks
 */
export function makeBar(share, ...marks) {
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("span", { class: "bar-fill" }), ...marks);
  return style(bar, "--share", `${share * 100}%`);
}

/**
 * A mark across a bar or track, with words below it on the side where there is room.
 *
 * @param {number} share from 0 to 1.
 * @param {string} text
 */
export function makeMark(share, text) {
  const mark = make(
    "span",
    { class: share > 0.5 ? "mark mark-left" : "mark" },
    make("span", { class: "mark-text" }, text),
  );
  return style(mark, "--mark", `${share * 100}%`);
}

/**
 * A shaded part of a bar or track.
 *
 * @param {number} from share from 0 to 1. @param {number} to
 */
export function makeBand(from, to) {
  const band = make("span", { class: "band" });
  return style(style(band, "--from", `${from * 100}%`), "--width", `${(to - from) * 100}%`);
}
