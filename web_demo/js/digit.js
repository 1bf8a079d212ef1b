// A drawing as scikit-learn's digits data counts it: 32 by 32 dots, 8 by 8 fields of 4 by 4 dots, 0 to 16 with ink. Pure.
//
// https://archive.ics.uci.edu/dataset/80: NIST's program made each digit fill its 32 by 32 dots before they were counted.

import { FIELDS, fieldNames } from "./pixels.js";

/**
 * @typedef {[number, number]} Point x to the right, y down, in any unit.
 * @typedef {Point[]} Stroke
 */

const DOTS = 32;
const FIELD = DOTS / FIELDS; // dots per side
const PEN = 3.2; // dots from the middle of a line to its edge

/**
 * Counts the dots with ink in each field; the drawing is first made as high as the dots, and put in their middle.
 *
 * @param {readonly Stroke[]} strokes
 * @returns {Record<string, number>} 64 features of a row; all 0 without a stroke.
 */
export function countInk(strokes) {
  const fitted = fit(strokes);
  const counts = new Map(fieldNames().map((name) => [name, 0]));
  for (let y = 0; y < DOTS; y += 1) {
    for (let x = 0; x < DOTS; x += 1) {
      if (!fitted.some((stroke) => touches(stroke, [x + 0.5, y + 0.5]))) continue;
      const name = `pixel_${Math.floor(y / FIELD)}_${Math.floor(x / FIELD)}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return Object.fromEntries(counts);
}

/** @param {readonly Stroke[]} strokes @returns {Stroke[]} in dots; a drawing wider than high is made as wide as the dots. */
function fit(strokes) {
  const points = strokes.flat();
  if (points.length === 0) return [];
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = (DOTS - 2 * PEN) / Math.max(right - left, bottom - top, 1e-9);
  const [x0, y0] = [(left + right) / 2, (top + bottom) / 2];
  return strokes.map((stroke) => stroke.map(([x, y]) => [DOTS / 2 + (x - x0) * scale, DOTS / 2 + (y - y0) * scale]));
}

/** @param {Stroke} stroke @param {Point} dot @returns {boolean} */
function touches(stroke, dot) {
  return stroke.some((point, k) => distance(dot, point, stroke[Math.max(0, k - 1)]) <= PEN);
}

/** @param {Point} dot @param {Point} a @param {Point} b @returns {number} from the dot to the line from a to b. */
function distance([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

/**
 * The ten digits as a person may draw them, in a square of 100.
 *
 * @type {readonly Stroke[][]}
 */
export const DRAWN = [
  [arc(50, 50, 28, 44, -90, 270)],
  [
    [
      [36, 26],
      [54, 8],
      [54, 94],
    ],
  ],
  [[...arc(50, 30, 24, 22, -170, 45), [28, 92], [78, 92]]],
  [[...arc(48, 28, 22, 20, -150, 90), ...arc(48, 70, 26, 22, -90, 150)]],
  [
    [
      [58, 8],
      [22, 62],
      [80, 62],
    ],
    [
      [60, 40],
      [60, 94],
    ],
  ],
  [[[74, 8], [34, 8], [30, 46], ...arc(48, 66, 28, 26, -110, 140)]],
  [[[62, 6], [36, 40], ...arc(50, 68, 24, 24, 180, 540)]],
  [
    [
      [24, 10],
      [78, 10],
      [44, 94],
    ],
    [
      [36, 52],
      [70, 52],
    ],
  ],
  [arc(54, 27, 17, 20, 110, 470), arc(47, 71, 19, 23, -70, 290)],
  [[...arc(50, 32, 24, 24, 0, -360), [74, 32], [66, 94]]],
];

/**
 * @param {number} x @param {number} y the middle @param {number} rx @param {number} ry
 * @param {number} from degrees, 0 to the right, clockwise @param {number} to
 * @returns {Stroke}
 */
function arc(x, y, rx, ry, from, to) {
  return Array.from({ length: 25 }, (_, k) => {
    const angle = ((from + ((to - from) * k) / 24) * Math.PI) / 180;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)];
  });
}
