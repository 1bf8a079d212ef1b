// A slider's scale for one feature: positions 0 … last, each a value of the training range. Pure.

import { binsOf, density, quantile, rank } from "./distribution.js";

/**
 * @typedef {{last: number, valueAt: (position: number) => number, positionOf: (value: number) => number,
 *   shape: number[]}} Scale `shape`: how many training values lie at each part of it, relative to the fullest.
 */

const POSITIONS = 500;
const PARTS = 40; // of the shape
const CROWDED = 1 / 3; // of the range: where 90 % of the values lie in less, an even scale would be mostly empty

/**
 * Even steps where the values spread over the range; where a few far ones stretch it, each position stands for as many
 * training values as the next.
 *
 * @param {import("./contract.js").Feature} feature
 * @param {import("./context.js").Counts | undefined} counted the feature's training values.
 * @returns {Scale | null} null where there is nothing to slide over.
 */
export function makeScale(feature, counted) {
  if (feature.range === null || feature.range.some((end) => Math.abs(Number(end)) > Number.MAX_SAFE_INTEGER))
    return null;
  const [low, high] = feature.range.map(Number);
  if (!(low < high)) return null;
  const bins = binsOf(counted);
  const crowded = bins !== null && quantile(bins, 0.95) - quantile(bins, 0.05) < CROWDED * (high - low);
  const last = feature.whole && !crowded && high - low < POSITIONS ? high - low : POSITIONS;
  const even = {
    at: (/** @type {number} */ share) => low + share * (high - low),
    of: (/** @type {number} */ value) => (value - low) / (high - low),
  };
  const { at, of } = crowded
    ? {
        at: (/** @type {number} */ share) => quantile(bins, share),
        of: (/** @type {number} */ value) => rank(bins, value),
      }
    : even;
  const shape = bins === null || crowded ? [] : density(bins, low, high, PARTS);
  return {
    last,
    shape,
    valueAt: (position) => {
      if (position <= 0) return low;
      if (position >= last) return high;
      const value = at(position / last);
      const gap = Math.max(at((position + 1) / last) - value, (high - low) * 1e-6);
      return Math.min(high, Math.max(low, rounded(value, feature.whole ? Math.max(1, gap) : gap)));
    },
    positionOf: (value) => Math.round(last * Math.min(1, Math.max(0, of(value)))),
  };
}

/** @param {number} value @param {number} gap @returns {number} the nearest number of as many digits as the gap asks for. */
function rounded(value, gap) {
  const digits = Math.ceil(-Math.log10(gap));
  return digits >= 0 ? Number(value.toFixed(Math.min(digits, 20))) : Math.round(value * 10 ** digits) / 10 ** digits;
}
