// TreeEnsemble: https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html
//
// A tree is a list of questions. Each one asks for one column of the row: is it at most the split (or a member of a
// set)? Where a node leads to is one number here: another node, or, as its complement, a leaf.

import { UnknownOperator } from "./unknown.js";
import { allocate, tensor } from "./tensor.js";

/**
 * @typedef {import("./tensor.js").Tensor} Tensor
 * @typedef {{columns: Int32Array, splits: Float64Array, modes: Uint8Array, missing: Uint8Array, yes: Int32Array,
 *   no: Int32Array, members: (Set<number> | undefined)[], roots: number[], targets: Int32Array, weights: Float64Array,
 *   width: number}} Forest
 */

const MEMBER = 6;
const ANSWERS = [
  /** @type {(x: number, split: number) => boolean} */ (x, split) => x <= split,
  /** @type {(x: number, split: number) => boolean} */ (x, split) => x < split,
  /** @type {(x: number, split: number) => boolean} */ (x, split) => x >= split,
  /** @type {(x: number, split: number) => boolean} */ (x, split) => x > split,
  /** @type {(x: number, split: number) => boolean} */ (x, split) => x === split,
  /** @type {(x: number, split: number) => boolean} */ (x, split) => x !== split,
];
const SUM = 1;

/** @param {any} attributes @returns {(source: Tensor) => Tensor} */
export function TreeEnsemble(attributes) {
  if ((attributes.aggregate_function ?? SUM) !== SUM) throw new UnknownOperator("TreeEnsemble that does not sum");
  if (attributes.post_transform) throw new UnknownOperator("TreeEnsemble with post_transform");
  const forest = readForest(attributes);
  return ({ type, dims, data }) => {
    const found = allocate(type, dims[0] * forest.width);
    for (let row = 0; row < dims[0]; row += 1) {
      for (const root of forest.roots) {
        const leaf = leafOf(forest, root, /** @type {Float64Array} */ (data), row * dims[1]);
        found[row * forest.width + forest.targets[leaf]] += forest.weights[leaf];
      }
    }
    return tensor(type, [dims[0], forest.width], found);
  };
}

/** @param {Forest} forest @param {number} root @param {Float64Array} data @param {number} start of the row. */
function leafOf(forest, root, data, start) {
  const { columns, yes, no } = forest;
  let node = root;
  while (node >= 0) node = answerOf(forest, node, data[start + columns[node]]) ? yes[node] : no[node];
  return ~node;
}

/** @param {Forest} forest @param {number} node @param {number} x @returns {boolean} what the node says of a number. */
export function answerOf({ splits, modes, missing, members }, node, x) {
  const mode = modes[node];
  const says =
    mode === 0 ? x <= splits[node] : mode === MEMBER ? members[node]?.has(x) : ANSWERS[mode](x, splits[node]);
  return says === true || (missing[node] === 1 && x !== x);
}

/** @param {any} attributes @returns {Forest} */
export function readForest(attributes) {
  const count = attributes.nodes_featureids.length;
  const next = /** @param {number[]} nodes @param {number[]} isLeaf */ (nodes, isLeaf) =>
    Int32Array.from(nodes, (place, k) => (isLeaf[k] ? ~place : place));
  const modes = Uint8Array.from(attributes.nodes_modes.data);
  const unknown = modes.find((mode) => mode > MEMBER);
  if (unknown !== undefined) throw new UnknownOperator(`TreeEnsemble with mode ${unknown}`);
  return {
    columns: Int32Array.from(attributes.nodes_featureids),
    splits: Float64Array.from(attributes.nodes_splits.data),
    modes,
    missing: Uint8Array.from(attributes.nodes_missing_value_tracks_true ?? new Uint8Array(count)),
    yes: next(attributes.nodes_truenodeids, attributes.nodes_trueleafs),
    no: next(attributes.nodes_falsenodeids, attributes.nodes_falseleafs),
    members: membersOf(modes, attributes.membership_values?.data ?? []),
    roots: attributes.tree_roots,
    targets: Int32Array.from(attributes.leaf_targetids),
    weights: Float64Array.from(attributes.leaf_weights.data),
    width: attributes.n_targets,
  };
}

/** @param {Uint8Array} modes @param {ArrayLike<number>} values set after set, each ended by NaN. */
function membersOf(modes, values) {
  /** @type {(Set<number> | undefined)[]} */
  const members = [];
  let place = 0;
  modes.forEach((mode, node) => {
    if (mode !== MEMBER) return;
    const set = new Set();
    for (; place < values.length && !Number.isNaN(values[place]); place += 1) set.add(values[place]);
    place += 1;
    members[node] = /** @type {Set<number>} */ (set);
  });
  return members;
}
