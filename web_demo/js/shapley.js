// What each feature adds to a row's answer: Shapley values, sampled. Twin of lambda_handler/shapley.py, which names the
// source: the same draws, the same calls of the model, the same order of every sum. Pure.

/**
 * @typedef {import("./contract.js").GraphValue} GraphValue
 * @typedef {{base: number, contributions: number[], errors: number[]}} Shares How one number of a row's answer comes
 *   about: it is `base` (its mean over the reference rows) plus the sum of `contributions`, one per feature; `errors`
 *   are their standard errors, for the orders that were not drawn.
 * @typedef {(columns: GraphValue[][], rows: number) => Promise<number[][]>} Numbers Columns of graph values in, numbers
 *   per row out.
 */

/**
 * Whole numbers from 0 to 2^32 - 1: mulberry32 by Tommy Ettinger, public domain.
 *
 * @param {number} seed from 0 to 2^32 - 1.
 * @returns {() => number}
 */
export function generator(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/**
 * The numbers from 0 to `size` - 1 in a random order (Fisher and Yates).
 *
 * @param {number} size @param {() => number} draw
 * @returns {number[]}
 */
export function permutation(size, draw) {
  const places = Array.from({ length: size }, (_, k) => k);
  for (let last = size - 1; last > 0; last--) {
    const chosen = Math.floor((draw() * (last + 1)) / 2 ** 32);
    [places[last], places[chosen]] = [places[chosen], places[last]];
  }
  return places;
}

/**
 * Tells a row's numbers apart into what each feature adds.
 *
 * @param {Numbers} numbers asked once for the row, once for all reference rows, and once for the walks from each.
 * @param {readonly GraphValue[]} row a graph value per feature.
 * @param {readonly GraphValue[][]} references a column of graph values per feature, all of one length, at least 1.
 * @param {{samples: number, seed: number}} option `samples`: the orders drawn for each reference row, at least 2.
 * @param {() => Promise<boolean>} proceed asked before each reference row; false stops.
 * @returns {Promise<Shares[] | null>} one per number; null where it was stopped.
 */
export async function shares(numbers, row, references, { samples, seed }, proceed) {
  const [features, count, draw] = [row.length, references[0].length, generator(seed)];
  const [ends] = await numbers(
    row.map((value) => [value]),
    1,
  );
  const starts = await numbers([...references], count);
  const totals = ends.map(() => new Array(features).fill(0));
  const spreads = ends.map(() => new Array(features).fill(0));
  for (const [index, start] of starts.entries()) {
    if (!(await proceed())) return null;
    const orders = Array.from({ length: samples }, () => permutation(features, draw));
    const origin = references.map((column) => column[index]);
    const rows = samples * 2 * (features - 1);
    const found = rows > 0 ? await numbers(walks(row, origin, orders), rows) : [];
    ends.forEach((end, k) => {
      const met = found.map((each) => each[k]);
      collect(changes(met, start[k], end, orders), totals[k], spreads[k]);
    });
  }
  return ends.map((_, k) => ({
    base: mean(starts.map((start) => start[k])),
    contributions: totals[k].map((total) => total / count),
    errors: spreads[k].map((spread) => Math.sqrt(spread) / count),
  }));
}

/**
 * The rows between `origin` and `row`, both left out, per order forwards and then backwards.
 *
 * @param {readonly GraphValue[]} row where each walk ends. @param {readonly GraphValue[]} origin where it begins.
 * @param {readonly number[][]} orders of each walk the turn of every feature, from 0.
 * @returns {GraphValue[][]} columns.
 */
function walks(row, origin, orders) {
  const last = row.length - 1;
  return row.map((value, feature) => {
    /** @type {GraphValue[]} */
    const column = [];
    const add = (/** @type {GraphValue} */ each, /** @type {number} */ times) => {
      for (let k = 0; k < times; k++) column.push(each);
    };
    for (const { [feature]: turn } of orders) {
      add(origin[feature], turn);
      add(value, last - turn);
      add(origin[feature], last - turn);
      add(value, turn);
    }
    return column;
  });
}

/**
 * What each feature changes at its turn.
 *
 * @param {readonly number[]} found @param {number} start @param {number} end @param {readonly number[][]} orders
 * @returns {number[][]} per feature one number per order, the mean of both directions.
 */
function changes(found, start, end, orders) {
  const last = orders[0].length - 1;
  /** @type {number[][]} */
  const changed = orders[0].map(() => []);
  orders.forEach((turns, k) => {
    const first = k * 2 * last;
    const forth = [start, ...found.slice(first, first + last), end];
    const back = [start, ...found.slice(first + last, first + 2 * last), end];
    turns.forEach((turn, feature) => {
      const change = forth[turn + 1] - forth[turn] + (back[last - turn + 1] - back[last - turn]);
      changed[feature].push(change / 2);
    });
  });
  return changed;
}

/**
 * Adds one reference row's mean changes to `totals`, and the variances of those means to `spreads`.
 *
 * @param {readonly number[][]} changed @param {number[]} totals @param {number[]} spreads
 */
function collect(changed, totals, spreads) {
  changed.forEach((drawn, feature) => {
    const middle = mean(drawn);
    const squares = drawn.reduce((sum, change) => sum + (change - middle) * (change - middle), 0);
    totals[feature] += middle;
    spreads[feature] += squares / (drawn.length - 1) / drawn.length;
  });
}

/** @param {readonly number[]} numbers @returns {number} */
function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
