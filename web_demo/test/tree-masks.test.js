import assert from "node:assert/strict";
import { test } from "node:test";

import { tensor } from "../js/operators/tensor.js";
import { makeTable, TreeEnsemble } from "../js/operators/tree-masks.js";
import { readForest, TreeEnsemble as walkTrees } from "../js/operators/trees.js";
import { random, SPECIAL } from "./against-runtime.js";
import { doubles } from "./onnx-writer.js";

const COLUMNS = 5;
const MEMBER = 6;

/**
 * A forest of random trees.
 *
 * @param {{trees: number, leaves: number, modes: number[], targets?: number, columns?: number}} wanted
 *   `leaves`: of the largest tree.
 */
function forest({ trees, leaves, modes, targets = 1, columns = COLUMNS }) {
  /** @type {Record<string, number[]>} */
  const lists = { feature: [], mode: [], split: [], yes: [], no: [], yesLeaf: [], noLeaf: [], missing: [] };
  /** @type {number[]} */
  const members = [];
  /** @type {{target: number, weight: number}[]} */
  const ends = [];
  /** @param {number} count of leaves. @param {number} tree @returns {[number, number]} a place, and whether a leaf. */
  const grow = (count, tree) => {
    if (count === 1) return [ends.push({ target: tree % targets, weight: random() - 0.5 }) - 1, 1];
    const node = lists.feature.length;
    const mode = modes[Math.floor(random() * modes.length)];
    for (const list of Object.values(lists)) list.push(0);
    lists.feature[node] = Math.floor(random() * columns);
    lists.mode[node] = mode;
    lists.split[node] = random() < 0.2 ? Infinity : Math.round(random() * 40) / 4 - 5;
    lists.missing[node] = Number(random() < 0.5);
    if (mode === MEMBER) members.push(...new Set([-1, 0, 3, 4.5, 40].filter(() => random() < 0.5)), NaN);
    const left = 1 + Math.floor(random() * (count - 1));
    [lists.yes[node], lists.yesLeaf[node]] = grow(left, tree);
    [lists.no[node], lists.noLeaf[node]] = grow(count - left, tree);
    return [node, 0];
  };
  const roots = Array.from({ length: trees }, (_, tree) => grow(2 + Math.floor(random() * (leaves - 1)), tree)[0]);
  return {
    tree_roots: roots,
    nodes_featureids: lists.feature,
    nodes_modes: tensor("uint8", [lists.mode.length], Uint8Array.from(lists.mode)),
    nodes_splits: doubles([lists.split.length], lists.split),
    nodes_truenodeids: lists.yes,
    nodes_falsenodeids: lists.no,
    nodes_trueleafs: lists.yesLeaf,
    nodes_falseleafs: lists.noLeaf,
    nodes_missing_value_tracks_true: lists.missing,
    membership_values: doubles([members.length], members),
    leaf_targetids: ends.map(({ target }) => target),
    leaf_weights: doubles(
      [ends.length],
      ends.map(({ weight }) => weight),
    ),
    n_targets: targets,
  };
}

/** @param {number} rows @param {number} [columns] of splits, of numbers between and next to them, and of special ones. */
function table(rows, columns = COLUMNS) {
  const values = Array.from({ length: rows * columns }, () => {
    const turn = random();
    if (turn < 0.1) return SPECIAL[Math.floor(random() * SPECIAL.length)];
    const split = Math.round(random() * 48) / 4 - 6;
    return turn < 0.6 ? split : turn < 0.7 ? split * (1 + 2 ** -52) : random() * 12 - 6;
  });
  return doubles([rows, columns], values);
}

for (const [what, wanted] of /** @type {[string, Parameters<typeof forest>[0]][]} */ ([
  ["four trees to a word", { trees: 33, leaves: 8, modes: [0] }],
  ["two trees to a word", { trees: 21, leaves: 16, modes: [0, MEMBER] }],
  ["a word for each tree", { trees: 10, leaves: 32, modes: [0, 1, 2, 3, 4, 5, MEMBER] }],
  ["several targets", { trees: 30, leaves: 7, modes: [0, MEMBER], targets: 3 }],
  ["more columns than are taken at once", { trees: 40, leaves: 8, modes: [0], columns: 23 }],
])) {
  test(`${what}: the same bits as walking the trees`, () => {
    for (let turn = 0; turn < 20; turn += 1) {
      const attributes = forest(wanted);
      assert.notEqual(makeTable(readForest(attributes)), null, "the trees are not walked");
      const rows = table(300, wanted.columns);
      assert.deepStrictEqual(TreeEnsemble(attributes)(rows), walkTrees(attributes)(rows));
    }
  });
}

test("the comparison sees one weight that is off by its last bit", () => {
  const attributes = forest({ trees: 8, leaves: 8, modes: [0] });
  const rows = table(300);
  const expected = walkTrees(attributes)(rows);
  const weights = /** @type {Float64Array} */ (attributes.leaf_weights.data);
  for (let k = 0; k < weights.length; k += 1) weights[k] *= 1 + 2 ** -50;
  assert.notDeepStrictEqual(TreeEnsemble(attributes)(rows), expected);
});

test("large trees, many columns and few rows are walked", () => {
  const large = forest({ trees: 40, leaves: 70, modes: [0] });
  const wide = forest({ trees: 99, leaves: 8, modes: [0], columns: 300 });
  for (const attributes of [large, wide]) assert.equal(makeTable(readForest(attributes)), null);
  for (const attributes of [large, forest({ trees: 4, leaves: 4, modes: [0] })]) {
    for (const rows of [table(3), table(100)]) {
      assert.deepStrictEqual(TreeEnsemble(attributes)(rows), walkTrees(attributes)(rows));
    }
  }
});

test("float32 sums are rounded tree by tree", () => {
  const attributes = forest({ trees: 20, leaves: 8, modes: [0] });
  const { dims, data } = table(200);
  const rows = tensor("float32", dims, Float32Array.from(/** @type {Float64Array} */ (data)));
  assert.deepStrictEqual(TreeEnsemble(attributes)(rows), walkTrees(attributes)(rows));
});
