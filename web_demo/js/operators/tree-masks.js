// TreeEnsemble for many rows: the same bits as trees.js, without a branch per node. Only the worker loads it.
//
// A column's splits cut its numbers into cells, and every number of a cell gets the same answers from all nodes that ask
// for that column. So one mask per cell and tree says which leaves those answers leave over, a bit per leaf; the masks of
// a row's cells, and-ed, leave one bit: its leaf. (After QuickScorer: Lucchese and others, SIGIR 2015.)

import { allocate, tensor } from "./tensor.js";
import { answerOf, readForest, TreeEnsemble as walkTrees } from "./trees.js";

/**
 * @typedef {import("./tensor.js").Tensor} Tensor
 * @typedef {import("./trees.js").Forest} Forest
 * @typedef {{masks: Int32Array, weights: Float64Array, targets: Int32Array, words: number, bits: number,
 *   columns: Column[], width: number}} Table `masks`: a line of words for every cell of every column; a line of ones comes
 *   first. `bits`: of a word for each tree, from the highest on. `weights`, `targets`: of the leaf of each of those bits,
 *   in their order.
 * @typedef {{feature: number, ends: Float64Array, apart: boolean, line: number, nodes: number[], samples: number[]}} Column
 *   `ends`: of its cells, rising. `apart`: whether an end is a cell of its own. `line`: of its first cell.
 *   `samples`: a number out of each cell, NaN last.
 */

const WORD = 32; // bits
const SIZES = [8, 16, WORD]; // bits for a tree
const AT_ONCE = 4; // columns whose masks are and-ed in one go
const MOST_COLUMNS = 24; // with more the trees are walked: that costs by their depth, and masks by the columns
const MOST_MASKS = 2 ** 21; // 8 MiB
const FEW = 64; // rows that are not worth a table

/** @param {any} attributes @returns {(source: Tensor) => Tensor} */
export function TreeEnsemble(attributes) {
  const walk = walkTrees(attributes);
  /** @type {Table | null | undefined} */
  let table;
  return (source) => {
    if (source.type !== "float64" || source.dims[0] < FEW) return walk(source);
    if (table === undefined) table = makeTable(readForest(attributes));
    return table === null ? walk(source) : lookUp(table, source);
  };
}

/** @param {Forest} forest @returns {Table | null} null where the trees do not suit it. */
export function makeTable(forest) {
  const columns = columnsOf(forest);
  const most = Math.max(...forest.roots.map((root) => countLeaves(forest, root)));
  const bits = SIZES.find((size) => size >= most);
  if (columns.length > MOST_COLUMNS || bits === undefined) return null;
  const words = Math.ceil((forest.roots.length * bits) / WORD);
  const lines = columns.reduce((sum, { samples }) => sum + samples.length, 1);
  if (lines * words > MOST_MASKS) return null;
  const { yes, no, word, ...leaves } = leavesOf(forest, bits, words);
  const masks = new Int32Array(lines * words).fill(-1);
  let line = 1;
  for (const column of columns) {
    column.line = line;
    for (const x of column.samples) {
      for (const node of column.nodes) {
        masks[line * words + word[node]] &= ~(answerOf(forest, node, x) ? no : yes)[node];
      }
      line += 1;
    }
  }
  return { masks, ...leaves, words, bits, columns, width: forest.width };
}

/** @param {Forest} forest @param {number} place a node, or the complement of a leaf. @returns {number} */
function countLeaves(forest, place) {
  return place < 0 ? 1 : countLeaves(forest, forest.yes[place]) + countLeaves(forest, forest.no[place]);
}

/** @param {Forest} forest @returns {Column[]} those that a node asks for. */
function columnsOf({ columns: features, splits, modes, members }) {
  /** @type {Map<number, number[]>} */
  const nodes = new Map();
  features.forEach((feature, node) => nodes.set(feature, [...(nodes.get(feature) ?? []), node]));
  return Array.from(nodes, ([feature, asking]) => {
    const found = asking.flatMap((node) => [...(members[node] ?? [splits[node]])]);
    const ends = Float64Array.from(new Set(found)).sort();
    const apart = asking.some((node) => modes[node] !== 0); // else a cell holds its upper end: x <= split
    return { feature, ends, apart, line: 0, nodes: asking, samples: samplesOf(ends, apart) };
  });
}

/** @param {Float64Array} ends @param {boolean} apart @returns {number[]} */
function samplesOf(ends, apart) {
  if (!apart) return [...ends, Infinity, NaN];
  const samples = [-Infinity];
  ends.forEach((end, k) => samples.push(end, k + 1 < ends.length ? between(end, ends[k + 1]) : Infinity));
  return [...samples, NaN];
}

/** @param {number} low @param {number} high @returns {number} any number between them, where there is one. */
function between(low, high) {
  return Math.max(low, -Number.MAX_VALUE) / 2 + Math.min(high, Number.MAX_VALUE) / 2;
}

/**
 * Gives each leaf a bit of its tree, and each node the bits of the leaves on either side of it in the tree's word.
 *
 * @param {Forest} forest @param {number} bits for each tree. @param {number} words
 */
function leavesOf(forest, bits, words) {
  const [yes, no, word] = [0, 1, 2].map(() => new Int32Array(forest.yes.length));
  const weights = new Float64Array(words * WORD); // of places without a leaf 0, which changes no sum
  const targets = new Int32Array(words * WORD);
  let next = 0;
  /** @param {number} place @returns {number} the bits of the leaves below. */
  const bitsBelow = (place) => {
    if (place < 0) {
      weights[next] = forest.weights[~place];
      targets[next] = forest.targets[~place];
      next += 1;
      return 1 << (WORD - 1 - ((next - 1) % WORD));
    }
    word[place] = Math.floor(next / WORD);
    yes[place] = bitsBelow(forest.yes[place]);
    no[place] = bitsBelow(forest.no[place]);
    return yes[place] | no[place];
  };
  forest.roots.forEach((root, tree) => {
    next = tree * bits;
    bitsBelow(root);
  });
  return { yes, no, word, weights, targets };
}

/** @param {Table} table @param {Tensor} source @returns {Tensor} */
function lookUp(table, { type, dims, data }) {
  const per = Math.max(AT_ONCE, Math.ceil(table.columns.length / AT_ONCE) * AT_ONCE);
  const lines = new Int32Array(dims[0] * per);
  table.columns.forEach((column, k) => {
    findLines(column, /** @type {Float64Array} */ (data), dims[1], lines.subarray(k), per);
  });
  const found = allocate(type, dims[0] * table.width);
  addLeaves(table, lines, per, found);
  return tensor(type, [dims[0], table.width], found);
}

/**
 * Which line of masks each row's number in a column has.
 *
 * @param {Column} column @param {Float64Array} data @param {number} width of a row of `data`.
 * @param {Int32Array} lines gets them, `per` places apart. @param {number} per
 */
function findLines({ feature, ends, apart, line, samples }, data, width, lines, per) {
  const unknown = line + samples.length - 1;
  for (let at = feature, to = 0; to < lines.length; at += width, to += per) {
    const x = data[at];
    let low = 0; // how many ends are less than x, found by halving
    for (let count = ends.length; count > 0;) {
      const half = count >> 1;
      const less = Number(ends[low + half] < x);
      low += less * (half + 1);
      count = less === 1 ? count - half - 1 : half;
    }
    if (x !== x) lines[to] = unknown;
    else lines[to] = line + (apart ? 2 * low + Number(ends[low] === x) : low);
  }
}

/** @param {Table} table @param {Int32Array} lines `per` of them for each row. @param {number} per @param {any} found */
function addLeaves({ masks, weights, targets, words, bits, width }, lines, per, found) {
  const left = new Int32Array(words);
  for (let row = 0, at = 0; at < lines.length; row += 1) {
    left.fill(-1);
    for (const next = at + per; at < next; at += AT_ONCE) {
      const [a, b] = [lines[at] * words, lines[at + 1] * words];
      const [c, d] = [lines[at + 2] * words, lines[at + 3] * words];
      for (let k = 0; k < words; k += 1) left[k] &= masks[a + k] & masks[b + k] & masks[c + k] & masks[d + k];
    }
    if (width === 1) found[row] = sumOf(left, weights, bits);
    else {
      for (let leaf = 0; leaf < weights.length; leaf += bits) {
        const own = leaf + Math.clz32(left[leaf >> 5] << leaf);
        found[row * width + targets[own]] += weights[own];
      }
    }
  }
}

/**
 * @param {Int32Array} left one bit per tree. @param {Float64Array} weights @param {number} bits for each tree.
 * @returns {number} added up in the trees' order.
 */
function sumOf(left, weights, bits) {
  let sum = 0;
  for (let leaf = 0; leaf < weights.length; leaf += bits) sum += weights[leaf + Math.clz32(left[leaf >> 5] << leaf)];
  return sum;
}
