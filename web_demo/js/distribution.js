// What counts per bin say about values: how many lie below one, where a share of them lies, how dense they are. Pure.

/**
 * @typedef {import("./context.js").Counts} Counts
 * @typedef {{edges: number[], counts: number[]}} Bins `counts[k]` values lie from `edges[k]` to `edges[k + 1]`.
 */

/**
 * @param {Counts | undefined} counted
 * @returns {Bins | null} null where there are no bins of numbers.
 */
export function binsOf(counted) {
  if (counted?.edges === undefined || counted.counts === undefined || counted.counts.length === 0) return null;
  return { edges: counted.edges, counts: counted.counts };
}

/**
 * The share of values below one, as if those of a bin lay evenly in it.
 *
 * @param {Bins} bins @param {number} value
 * @returns {number} from 0 to 1.
 */
export function rank({ edges, counts }, value) {
  let below = 0;
  let total = 0;
  counts.forEach((count, k) => {
    const [low, high] = [edges[k], edges[k + 1]];
    const inside = high > low ? (value - low) / (high - low) : Number(value > low);
    below += count * Math.min(1, Math.max(0, inside));
    total += count;
  });
  return below / total;
}

/**
 * The value below which a share of the values lies: the inverse of `rank`.
 *
 * @param {Bins} bins @param {number} share from 0 to 1.
 * @returns {number}
 */
export function quantile({ edges, counts }, share) {
  let left = share * counts.reduce((sum, count) => sum + count, 0);
  for (const [k, count] of counts.entries()) {
    if (left <= count) return edges[k] + (edges[k + 1] - edges[k]) * (left / count);
    left -= count;
  }
  return edges[edges.length - 1];
}

/**
 * How many values lie in each of `parts` even parts of [low, high], relative to the fullest.
 *
 * @param {Bins} bins @param {number} low @param {number} high @param {number} parts
 * @returns {number[]} from 0 to 1.
 */
export function density(bins, low, high, parts) {
  const ends = Array.from({ length: parts + 1 }, (_, k) => rank(bins, low + ((high - low) * k) / parts));
  const shares = ends.slice(1).map((end, k) => end - ends[k]);
  const most = Math.max(...shares);
  return shares.map((share) => (most > 0 ? share / most : 0));
}
