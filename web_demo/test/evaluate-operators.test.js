// Operators on elements and axes against onnxruntime-web, bit for bit, on random and on special values.

import assert from "node:assert/strict";
import { test } from "node:test";

import { elementwise } from "../js/operators/elementwise.js";
import { gather } from "../js/operators/gather.js";
import { OPERATORS } from "../js/operators/index.js";
import { reduce } from "../js/operators/reduce.js";
import { shape } from "../js/operators/shape.js";
import { tensor } from "../js/operators/tensor.js";
import { bools, holds, pairs, randoms, singles, SPECIAL, special, strings } from "./against-runtime.js";
import { doubles, longs } from "./onnx-writer.js";

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

test("every operator on elements and axes is held against onnxruntime-web", () => {
  const known = Object.keys({ ...elementwise, ...gather, ...reduce, ...shape, Cast: null });
  assert.deepEqual(
    known.filter((name) => !(name in TESTS)),
    [],
  );
});
