// Every operator of the evaluator against onnxruntime-web, bit for bit, on random and on special values.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { readModel } from "../js/onnx.js";
import { prepare } from "../js/evaluate.js";
import { OPERATORS } from "../js/operators/index.js";
import { tensor } from "../js/operators/tensor.js";
import { loadRuntime } from "../js/ort.js";
import { doubles, longs, writeModel } from "./onnx-writer.js";

/** @typedef {import("../js/operators/tensor.js").Tensor} Tensor */

const dist = dirname(createRequire(import.meta.url).resolve("onnxruntime-web/wasm"));
const wasm = await readFile(join(dist, "ort-wasm-simd-threaded.wasm"));
const ort = await loadRuntime(pathToFileURL(join(dist, "ort.wasm.bundle.min.mjs")).href, wasm);

let seed = 1;
/** @returns {number} in [0, 1), the same ones in every run (Mulberry32). */
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

const SPECIAL = [0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, NaN, Infinity, -Infinity, 5e-324, -5e-324, 2 ** -1022];
SPECIAL.push(1e308, -1e308, 710, -746, 2 ** 53, 0.9999999999999999, 1.0000000000000002, 1e-17, 3.5, -1.5, 20.5, -37);

/** @param {number} count @param {number} [size] @returns {number[]} of all sizes. */
function numbers(count, size = 6) {
  return Array.from({ length: count }, () => (random() - 0.5) * 10 ** (random() * size - 2));
}
/** @param {number[]} dims @param {number} [size] */
const randoms = (dims, size) =>
  doubles(
    dims,
    numbers(
      dims.reduce((a, b) => a * b, 1),
      size,
    ),
  );
const special = doubles([SPECIAL.length], SPECIAL);
const pairs = [doubles([SPECIAL.length, 1], SPECIAL), doubles([1, SPECIAL.length], SPECIAL)];
const bools = tensor("bool", [6], Uint8Array.of(0, 1, 1, 0, 0, 1));
/** @param {number[]} dims @param {string[]} data */
const strings = (dims, data) => tensor("string", dims, data);
/** @param {number[]} dims @param {ArrayLike<number>} data */
const singles = (dims, data) => tensor("float32", dims, Float32Array.from(data));

/**
 * @param {string} operator @param {(Tensor | null)[]} inputs @param {Record<string, any>} attributes
 * @param {(keyof typeof import("../js/operators/tensor.js"))[] | any[]} types of the outputs.
 */
function modelOf(operator, inputs, attributes, types) {
  const given = inputs.map((each, k) => (each ? `x${k}` : ""));
  const outputs = types.map((_, k) => `y${k}`);
  return writeModel({
    nodes: [{ operator, inputs: given, outputs, attributes }],
    inputs: Object.fromEntries(inputs.flatMap((each, k) => (each ? [[`x${k}`, each.type]] : []))),
    outputs: Object.fromEntries(types.map((type, k) => [`y${k}`, type])),
  });
}

/** @param {Uint8Array} model @param {Record<string, Tensor>} feeds */
async function byRuntime(model, feeds) {
  const session = await ort.InferenceSession.create(model);
  const tensors = Object.entries(feeds).map(([name, { type, dims, data }]) => {
    return [name, new ort.Tensor(/** @type {any} */ (type), /** @type {any} */ (data), dims)];
  });
  const found = await session.run(Object.fromEntries(tensors));
  await session.release();
  return Object.values(found).map(({ dims, data, type }) => ({
    type,
    dims: [...dims],
    data: Array.from(/** @type {any} */ (data)),
  }));
}

/** @param {string} operator @param {(Tensor | null)[]} inputs @param {Record<string, any>} [attributes] @param {any[]} [types] */
async function holds(operator, inputs, attributes = {}, types = ["float64"]) {
  const model = modelOf(operator, inputs, attributes, types);
  const feeds = /** @type {Record<string, Tensor>} */ (
    Object.fromEntries(inputs.flatMap((each, k) => (each ? [[`x${k}`, each]] : [])))
  );
  await holdsModel(model, feeds);
}

/** @param {Uint8Array} model @param {Record<string, Tensor>} feeds in the graph's order. */
async function holdsModel(model, feeds) {
  const expected = await byRuntime(model, feeds);
  const found = prepare(readModel(model))(Object.values(feeds));
  const plain = found.map(({ type, dims, data }) => ({ type, dims, data: Array.from(/** @type {any} */ (data)) }));
  assert.deepStrictEqual(plain, expected);
}

/** @type {Record<string, () => Promise<void>>} */
const TESTS = {};
for (const operator of ["Abs", "Ceil", "Exp", "Floor", "Log", "Neg", "Reciprocal", "Relu", "Round", "Sigmoid"]) {
  TESTS[operator] = async () => {
    await holds(operator, [special]);
    await holds(operator, [randoms([5000])]);
  };
}
for (const operator of ["Sign", "Sqrt", "Tanh", "Identity"]) TESTS[operator] = () => holds(operator, [special]);
for (const operator of ["Add", "Div", "Mul", "Sub", "Max", "Min", "Sum"])
  TESTS[operator] = () => holds(operator, pairs);
for (const operator of ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]) {
  TESTS[operator] = () => holds(operator, pairs, {}, ["bool"]);
}
Object.assign(TESTS, {
  MaxOfThree: () => holds("Max", [special, doubles([1], [NaN]), doubles([1, 1], [3])]),
  SumOfThree: () => holds("Sum", [randoms([3, 1]), randoms([1, 4]), randoms([3, 4])]),
  AbsOfWholes: () => holds("Abs", [longs([3], [-3, 0, 2])], {}, ["int64"]),
  AddOfWholes: () => holds("Add", [longs([3], [-3, 2n ** 62n, 2]), longs([1], [2n ** 62n])], {}, ["int64"]),
  DivOfWholes: () => holds("Div", [longs([4], [-7, 7, -7, 7]), longs([4], [2, 2, -2, -2])], {}, ["int64"]),
  ModOfWholes: () => holds("Mod", [longs([4], [-7, 7, -7, 7]), longs([4], [4, 4, -4, -4])], {}, ["int64"]),
  Mod: () => holds("Mod", pairs, { fmod: 1 }),
  EqualOfTexts: () => holds("Equal", [strings([3, 1], ["a", "b", "ü"]), strings([1, 2], ["b", "ü"])], {}, ["bool"]),
  And: () => holds("And", [bools, tensor("bool", [1], Uint8Array.of(1))], {}, ["bool"]),
  Or: () => holds("Or", [bools, tensor("bool", [1], Uint8Array.of(0))], {}, ["bool"]),
  Not: () => holds("Not", [bools], {}, ["bool"]),
  IsNaN: () => holds("IsNaN", [special], {}, ["bool"]),
  IsInf: async () => {
    await holds("IsInf", [special], {}, ["bool"]);
    await holds("IsInf", [special], { detect_negative: 0 }, ["bool"]);
    await holds("IsInf", [special], { detect_positive: 0 }, ["bool"]);
  },
  Clip: async () => {
    await holds("Clip", [special, doubles([], [-1]), doubles([], [2])]);
    await holds("Clip", [special, null, doubles([], [2])]);
    await holds("Clip", [special, doubles([], [0])]);
  },
  Where: () => holds("Where", [bools, randoms([3, 1]), randoms([6])]),
  StringConcat: () => holds("StringConcat", [strings([2, 1], ["a", "ü"]), strings([1, 2], ["", "é"])], {}, ["string"]),
});
Object.assign(TESTS, {
  Cast: async () => {
    await holds("Cast", [special], { to: 1 }, ["float32"]);
    await holds("Cast", [randoms([4000], 12)], { to: 1 }, ["float32"]);
    await holds("Cast", [special], { to: 9 }, ["bool"]);
    await holds("Cast", [randoms([300])], { to: 7 }, ["int64"]);
    await holds("Cast", [doubles([6], [...SPECIAL.slice(9, 12), 2 ** 63, -(2 ** 63), 1e300])], { to: 7 }, ["int64"]);
    await holds("Cast", [singles([3], [0.1, NaN, -0])], { to: 11 });
    const long = longs([5], [2n ** 53n + 1n, 2n ** 62n + 2n ** 38n + 1n, -(2n ** 63n), 16777217, -5]);
    await holds("Cast", [long], { to: 11 });
    await holds("Cast", [long], { to: 1 }, ["float32"]);
    await holds("Cast", [bools], { to: 7 }, ["int64"]);
    await holds("Cast", [bools], { to: 11 });
  },
  Concat: async () => {
    await holds("Concat", [randoms([2, 3]), randoms([2, 1])], { axis: 1 });
    await holds("Concat", [strings([1, 2], ["a", "b"]), strings([2, 2], ["c", "d", "e", "f"])], { axis: -2 }, [
      "string",
    ]);
  },
  Expand: () => holds("Expand", [randoms([3, 1]), longs([3], [2, 1, 4])]),
  Reshape: () => holds("Reshape", [randoms([2, 6]), longs([3], [0, -1, 3])]),
  Shape: async () => {
    await holds("Shape", [randoms([2, 6])], {}, ["int64"]);
    await holds("Shape", [randoms([2, 6])], { start: 0, end: 1 }, ["int64"]);
    await holds("Shape", [randoms([2, 6])], { start: -1 }, ["int64"]);
  },
  Size: () => holds("Size", [randoms([2, 6])], {}, ["int64"]),
  Slice: async () => {
    await holds("Slice", [randoms([4, 5]), longs([1], [1]), longs([1], [99]), longs([1], [1]), longs([1], [2])]);
    await holds("Slice", [
      randoms([4, 5]),
      longs([2], [-1, 3]),
      longs([2], [-9, 0]),
      longs([2], [0, 1]),
      longs([2], [-2, -1]),
    ]);
    await holds("Slice", [randoms([4, 5]), longs([1], [2]), longs([1], [-1])]);
  },
  Squeeze: async () => {
    await holds("Squeeze", [randoms([3, 1]), longs([1], [-1])]);
    await holds("Squeeze", [randoms([1, 3, 1])]);
  },
  Unsqueeze: () => holds("Unsqueeze", [randoms([3, 2]), longs([2], [0, -1])]),
  Transpose: async () => {
    await holds("Transpose", [randoms([2, 3, 4])], { perm: [1, 2, 0] });
    await holds("Transpose", [randoms([2, 3])]);
  },
  Pad: async () => {
    await holds("Pad", [randoms([2, 2]), longs([4], [0, 0, 0, 1])]);
    await holds("Pad", [randoms([2, 2]), longs([4], [1, 2, 0, 1]), doubles([], [7])]);
  },
  Gather: async () => {
    await holds("Gather", [randoms([4, 3]), longs([2, 2], [0, -1, 2, 1])], { axis: 0 });
    await holds("Gather", [randoms([4, 3]), longs([2], [2, 0])], { axis: 1 });
    await holds("Gather", [randoms([4, 3]), longs([], [1])], { axis: 1 });
  },
  GatherElements: () => holds("GatherElements", [randoms([3, 4]), longs([3, 2], [0, -1, 2, 1, 3, 3])], { axis: 1 }),
  GatherND: async () => {
    await holds("GatherND", [randoms([3, 4]), longs([2, 2], [0, 1, -1, 3])]);
    await holds("GatherND", [randoms([3, 4]), longs([2, 1], [2, 0])]);
  },
  ScatterElements: async () => {
    const indices = longs([3, 2], [0, 0, 2, 1, 3, 3]);
    await holds("ScatterElements", [randoms([3, 4]), indices, randoms([3, 2])], { axis: 1, reduction: "add" });
    await holds("ScatterElements", [randoms([3, 4]), longs([3, 2], [0, 3, 2, 1, 3, 0]), randoms([3, 2])], { axis: 1 });
  },
  Compress: async () => {
    await holds("Compress", [randoms([6, 2]), bools], { axis: 0 });
    await holds("Compress", [randoms([3, 2]), bools]);
  },
});
for (const operator of ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"]) {
  TESTS[operator] = async () => {
    await holds(operator, [randoms([7, 1]), longs([1], [0])], { keepdims: 0 });
    for (const dims of [
      [1, 9],
      [5, 40],
      [3, 300],
    ]) {
      await holds(operator, [randoms(dims), longs([1], [1])], { keepdims: 1 });
      await holds(operator, [randoms(dims), longs([1], [0])], { keepdims: 0 });
    }
    for (const axis of [0, 1, 2]) await holds(operator, [randoms([4, 5, 6]), longs([1], [axis])]);
    await holds(operator, [randoms([4, 5, 6]), longs([2], [1, 2])]);
    await holds(operator, [randoms([3, 200, 2]), longs([1], [1])]);
    await holds(operator, [randoms([1, 200, 2]), longs([1], [1])]);
    await holds(operator, [randoms([4, 33])]);
    await holds(operator, [doubles([4, 3], [NaN, 1, 2, 1, NaN, 2, 1, 2, NaN, 0, -0, 0]), longs([1], [1])]);
  };
}
Object.assign(TESTS, {
  ArgMax: async () => {
    const ties = doubles([5, 3], [1, 1, 0, 0, 2, 2, NaN, 1, 2, 1, NaN, 2, 1, 2, NaN]);
    for (const select_last_index of [0, 1]) await holds("ArgMax", [ties], { axis: 1, select_last_index }, ["int64"]);
    await holds("ArgMax", [randoms([5, 3])], { axis: 0, keepdims: 0 }, ["int64"]);
  },
  ArgMin: async () => {
    const ties = doubles([5, 3], [1, 1, 3, 3, 2, 2, NaN, 1, 2, 1, NaN, 2, 1, 2, NaN]);
    for (const select_last_index of [0, 1]) await holds("ArgMin", [ties], { axis: 1, select_last_index }, ["int64"]);
  },
  CumSum: async () => {
    await holds("CumSum", [randoms([4, 50]), longs([], [1])]);
    await holds("CumSum", [randoms([4, 5, 3]), longs([], [-2])]);
    await holds("CumSum", [longs([3], [1, 2, 3]), longs([], [0])], {}, ["int64"]);
  },
  Softmax: async () => {
    for (const dims of [
      [1, 3],
      [200, 7],
      [3, 100],
    ]) {
      await holds("Softmax", [randoms(dims, 3)], { axis: 1 });
      await holds("Softmax", [randoms(dims, 3)], { axis: 0 });
    }
    await holds("Softmax", [doubles([3, 2], [0, NaN, Infinity, 1, -Infinity, 2])]);
  },
  TopK: async () => {
    const table = doubles([3, 5], [1, 2, 2, 0, 1, 3, 3, 3, 3, 3, 5, 4, 3, 2, 1]);
    for (const largest of [0, 1]) {
      await holds("TopK", [table, longs([1], [3])], { axis: 1, largest }, ["float64", "int64"]);
      await holds("TopK", [randoms([30, 4]), longs([1], [7])], { axis: 0, largest }, ["float64", "int64"]);
    }
  },
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

test("an operator that is off by one last bit is noticed", async () => {
  const right = OPERATORS.Exp;
  try {
    OPERATORS.Exp = () => (x) => tensor("float64", x.dims, Float64Array.from(/** @type {any} */ (x.data), Math.exp));
    await assert.rejects(() => holds("Exp", [randoms([5000])]), assert.AssertionError);
    OPERATORS.Exp = () => (x) => ({ ...x, dims: [x.data.length, 1] });
    await assert.rejects(() => holds("Exp", [doubles([1], [NaN])]), assert.AssertionError);
  } finally {
    OPERATORS.Exp = right;
  }
});

test("every operator of the evaluator is held against onnxruntime-web", () => {
  const untested = Object.keys(OPERATORS).filter((name) => !(name in TESTS));
  assert.deepEqual(untested, []);
});
