// Products, trees, tables and graphs inside nodes against onnxruntime-web, bit for bit.

import assert from "node:assert/strict";
import { test } from "node:test";

import { elementwise } from "../js/operators/elementwise.js";
import { gather } from "../js/operators/gather.js";
import { OPERATORS } from "../js/operators/index.js";
import { reduce } from "../js/operators/reduce.js";
import { shape } from "../js/operators/shape.js";
import { tensor } from "../js/operators/tensor.js";
import { holds, holdsModel, random, randoms, strings } from "./against-runtime.js";
import { doubles, longs, writeModel } from "./onnx-writer.js";

/** @type {Record<string, () => Promise<void>>} */
const TESTS = {};
Object.assign(TESTS, {
  Gemm: async () => {
    const sizes = [
      [1, 3, 1],
      [1, 30, 1],
      [5, 30, 1],
      [1, 200, 1],
      [1, 200, 3],
      [7, 200, 1],
      [4, 8, 2],
      [4, 8, 9],
    ];
    sizes.push([33, 64, 10], [9, 700, 6], [5, 408, 2], [6, 1500, 3], [4100, 130, 1], [50, 61, 7], [3, 410, 2]);
    for (const [rows, terms, columns] of sizes) {
      for (const [transA, transB] of [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
      ]) {
        const a = randoms(transA ? [terms, rows] : [rows, terms]);
        const b = randoms(transB ? [columns, terms] : [terms, columns]);
        await holds("Gemm", [a, b], { transA, transB });
        await holds("Gemm", [a, b, randoms([1, columns])], { transA, transB });
      }
    }
    for (const dims of [[], [1], [3], [4, 1], [4, 3]])
      await holds("Gemm", [randoms([4, 7]), randoms([7, 3]), randoms(dims)]);
  },
  MatMul: async () => {
    const sizes = [
      [1, 3, 1],
      [4, 1, 5],
      [1, 30, 1],
      [5, 30, 1],
      [1, 200, 1],
      [1, 200, 3],
      [7, 200, 1],
      [4, 8, 2],
    ];
    sizes.push([33, 64, 10], [9, 700, 6], [5, 408, 2], [6, 1500, 3], [50, 61, 7]);
    for (const [rows, terms, columns] of sizes)
      await holds("MatMul", [randoms([rows, terms]), randoms([terms, columns])]);
    await holds("MatMul", [doubles([2, 1], [0, -1]), doubles([1, 2], [-1, 0])]);
    await holds("MatMul", [doubles([2, 2], [0, -1, NaN, Infinity]), doubles([2, 2], [-1, 0, -0, 0])]);
  },
});
const trees = {
  tree_roots: [0, 3],
  nodes_featureids: [0, 1, 2, 0],
  nodes_modes: tensor("uint8", [4], Uint8Array.of(0, 0, 6, 0)),
  nodes_splits: doubles([4], [0.5, 1, 0, 1]),
  nodes_truenodeids: [1, 0, 2, 4],
  nodes_falsenodeids: [2, 1, 3, 0],
  nodes_trueleafs: [0, 1, 1, 1],
  nodes_falseleafs: [0, 1, 1, 1],
  nodes_missing_value_tracks_true: [1, 0, 1, 0],
  membership_values: doubles([4], [1, 5, 40, NaN]),
  leaf_targetids: [0, 0, 0, 0, 1],
  leaf_weights: doubles([5], [0.1, 0.2, 0.3, 0.7, 1 / 3]),
  n_targets: 2,
  aggregate_function: 1,
  post_transform: 0,
};
Object.assign(TESTS, {
  "ai.onnx.ml.TreeEnsemble": async () => {
    const table = Array.from({ length: 60 }, () => [random() * 2 - 0.5, random() * 2, Math.floor(random() * 7)]);
    table.push(
      [0.5, 1, 40],
      [0.5000000000000001, 1, 40],
      [NaN, NaN, 2],
      [Infinity, 0, 5],
      [-Infinity, 1, 0],
      [1, 1, 99],
    );
    await holds("ai.onnx.ml.TreeEnsemble", [doubles([table.length, 3], table.flat())], trees);
    for (const mode of [1, 2, 3, 4, 5]) {
      const modes = tensor("uint8", [4], Uint8Array.of(mode, mode, mode, mode));
      const { membership_values: _, ...others } = trees;
      await holds("ai.onnx.ml.TreeEnsemble", [doubles([table.length, 3], table.flat())], {
        ...others,
        nodes_modes: modes,
      });
    }
  },
  "ai.onnx.ml.LabelEncoder": async () => {
    const words = { keys_strings: ["a", "ü", ""], values_int64s: [3, -1, 2 ** 40], default_int64: -7 };
    await holds("ai.onnx.ml.LabelEncoder", [strings([4, 1], ["", "a", "ü", "b"])], words, ["int64"]);
    const codes = { keys_int64s: [1, -2], values_strings: ["one", "less"], default_string: "other" };
    await holds("ai.onnx.ml.LabelEncoder", [longs([3], [1, -2, 3])], codes, ["string"]);
    const table = {
      keys_tensor: doubles([3], [1.5, NaN, 0]),
      values_tensor: doubles([3], [7, 8, 9]),
      default_tensor: doubles([1], [-1]),
    };
    await holds("ai.onnx.ml.LabelEncoder", [doubles([5, 1], [NaN, 1.5, 2, 0, -0])], table);
  },
});

/** @param {string} operator @param {string[]} inputs @param {string[]} outputs @param {any} [attributes] */
const node = (operator, inputs, outputs, attributes) => ({ operator, inputs, outputs, attributes });
const long = /** @type {const} */ ("int64");
const double = /** @type {const} */ ("float64");
const bool = /** @type {const} */ ("bool");
Object.assign(TESTS, {
  If: async () => {
    const branch = /** @param {string} operator @param {string} name */ (operator, name) => ({
      nodes: [node(operator, ["x1"], [name])],
      inputs: {},
      outputs: { [name]: double },
    });
    const attributes = { then_branch: branch("Neg", "a"), else_branch: branch("Abs", "b") };
    for (const choice of [0, 1]) {
      const graph = {
        nodes: [node("If", ["x0"], ["y0"], attributes)],
        inputs: { x0: bool, x1: double },
        outputs: { y0: double },
      };
      await holdsModel(writeModel(graph), { x0: tensor("bool", [], Uint8Array.of(choice)), x1: doubles([2], [1, -1]) });
    }
  },
  Loop: async () => {
    const body = {
      nodes: [
        node("Add", ["state", "x1"], ["next"]),
        node("Less", ["next", "limit"], ["on"]),
        node("Identity", ["turn"], ["kept"]),
      ],
      inputs: { turn: { type: long, dims: [] }, going: { type: bool, dims: [] }, state: double },
      outputs: { on: bool, next: double, kept: long },
      constants: { limit: doubles([], [3]) },
    };
    const graph = {
      nodes: [node("Loop", ["x0", "", "x1"], ["y0", "y1"], { body })],
      inputs: { x0: long, x1: double },
      outputs: { y0: double, y1: long },
    };
    for (const most of [2, 99]) await holdsModel(writeModel(graph), { x0: longs([], [most]), x1: doubles([], [0.7]) });
  },
  Scan: async () => {
    const body = {
      nodes: [node("Add", ["state", "row"], ["next"]), node("Mul", ["next", "x1"], ["out"])],
      inputs: { state: { type: double, dims: [3] }, row: { type: double, dims: [3] } },
      outputs: { next: { type: double, dims: [3] }, out: { type: double, dims: [3, 3] } },
    };
    const graph = {
      nodes: [node("Scan", ["x0", "x1"], ["y0", "y1"], { body, num_scan_inputs: 1 })],
      inputs: { x0: double, x1: double },
      outputs: { y0: double, y1: double },
    };
    await holdsModel(writeModel(graph), { x0: randoms([3]), x1: randoms([3, 3]) });
  },
});

for (const [name, run] of Object.entries(TESTS)) test(`${name} as onnxruntime-web`, run);

test("every other operator is held against onnxruntime-web", () => {
  const elsewhere = Object.keys({ ...elementwise, ...gather, ...reduce, ...shape, Cast: null });
  assert.deepEqual(
    Object.keys(OPERATORS).filter((name) => !elsewhere.includes(name) && !(name in TESTS)),
    [],
  );
});
