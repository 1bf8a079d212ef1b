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
export function rank(bins, value) {
  return ranks(bins, [value])[0];
}

/**
 * The ranks of values in rising order, in one pass over the bins: a page draws many of them with each answer.
 *
 * @param {Bins} bins @param {readonly number[]} values
 * @returns {number[]}
 */
function ranks({ edges, counts }, values) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let [bin, below] = [0, 0];
  return values.map((value) => {
    while (bin < counts.length && (edges[bin + 1] > edges[bin] ? edges[bin + 1] <= value : edges[bin] < value)) {
      below += counts[bin];
      bin += 1;
    }
    const inside = (value - edges[bin]) / (edges[bin + 1] - edges[bin]);
    return (below + (inside > 0 ? counts[bin] * inside : 0)) / total; // behind the last bin and in one without width: NaN
  });
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
  const ends = ranks(
    bins,
    Array.from({ length: parts + 1 }, (_, k) => low + ((high - low) * k) / parts),
  );
  const shares = ends.slice(1).map((end, k) => end - ends[k]);
  const most = Math.max(...shares);
  return shares.map((share) => (most > 0 ? share / most : 0));
}
