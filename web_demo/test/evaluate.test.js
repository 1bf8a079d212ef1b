import assert from "node:assert/strict";
import { test } from "node:test";

import { createModel, ModelError, UnknownOperator } from "../js/evaluate.js";
import { exp } from "../js/libm/exp.js";
import { log } from "../js/libm/log.js";
import { readModel } from "../js/onnx.js";
import { walk } from "../js/operators/tensor.js";
import { doubles, longs, writeModel } from "./onnx-writer.js";

const DOUBLE = /** @type {const} */ ("float64");

/** @param {string} operator @param {Record<string, any>} [attributes] @param {string[]} [inputs] */
function modelOf(operator, attributes = {}, inputs = ["x"]) {
  const nodes = [{ operator, inputs, outputs: ["y"], attributes }];
  return writeModel({ nodes, inputs: { x: DOUBLE }, outputs: { y: DOUBLE }, constants: { c: longs([1], [1]) } });
}

/** @type {import("../js/predictor.js").Feed[]} */
const FEEDS = [{ name: "x", dtype: "float64", data: Float64Array.of(0.25, -3) }];

test("a model call gives the named outputs", async () => {
  const found = await createModel(modelOf("Neg"))(FEEDS, ["y"]);
  assert.deepEqual(found, [Float64Array.of(-0.25, 3)]);
});

for (const [model, name] of /** @type {[Uint8Array, RegExp][]} */ ([
  [modelOf("Det"), /it does not know Det\. Use onnxruntime-web\./],
  [modelOf("constructor"), /does not know constructor/],
  [modelOf("com.microsoft.Tokenizer"), /does not know com\.microsoft\.Tokenizer/],
  [modelOf("ai.onnx.ml.Scaler"), /does not know ai\.onnx\.ml\.Scaler/],
  [modelOf("Cos"), /does not know Cos/],
  [modelOf("Sin"), /does not know Sin/],
  [modelOf("Pow", {}, ["x", "x"]), /does not know Pow/],
  [modelOf("Einsum", { equation: "i->i" }), /does not know Einsum/],
  [modelOf("TfIdfVectorizer"), /does not know TfIdfVectorizer/],
  [modelOf("Reshape", { allowzero: 1 }, ["x", "c"]), /does not know Reshape with allowzero/],
  [modelOf("Cast", { to: 8 }), /does not know Cast to type 8/],
  [modelOf("CumSum", { reverse: 1 }, ["x", "c"]), /does not know CumSum that is exclusive or runs backwards/],
  [modelOf("Scan", { body: { nodes: [], inputs: {}, outputs: {} }, num_scan_inputs: 1, scan_input_axes: [1] }), /Scan/],
  [writeModel({ nodes: [], inputs: {}, outputs: {} }, { opset: 13 }), /does not know version 13 of ONNX/],
])) {
  test(`a model is refused: ${name}`, () => {
    assert.throws(
      () => createModel(model),
      (error) => error instanceof UnknownOperator && name.test(error.message),
    );
  });
}

test("an operator inside a branch is refused as well", () => {
  const body = { nodes: [{ operator: "Det", inputs: ["x"], outputs: ["z"] }], inputs: {}, outputs: { z: DOUBLE } };
  assert.throws(() => createModel(modelOf("If", { then_branch: body, else_branch: body })), /does not know Det/);
});

test("a form that only the shapes tell is refused when it is met", async () => {
  const axes = longs([2], [0, 2]);
  const model = writeModel({
    nodes: [
      { operator: "Unsqueeze", inputs: ["x", "last"], outputs: ["wide"] },
      { operator: "ReduceSum", inputs: ["wide", "axes"], outputs: ["y"] },
    ],
    inputs: { x: DOUBLE },
    outputs: { y: DOUBLE },
    constants: { axes, last: longs([1], [2]) },
  });
  await assert.rejects(() => createModel(model)(FEEDS, ["y"]), /does not know a sum over axes that are apart/);
});

test("bytes that are no model are refused, cut anywhere", () => {
  const model = modelOf("Concat", { axis: 0 });
  assert.throws(() => createModel(new Uint8Array()), ModelError);
  for (let length = 1; length < model.length - 40; length += 1) {
    assert.throws(() => createModel(model.subarray(0, length)), ModelError, `${length} bytes`);
  }
});

test("a value that nothing gives is refused", () => {
  assert.throws(() => createModel(modelOf("Neg", {}, ["z"])), /nothing gives z/);
});

test("lists of whole numbers are read packed and one by one", () => {
  const keys = [0, 1, 127, 128, 2 ** 40, -1, -(2 ** 40), 2n ** 62n];
  const nodes = [{ operator: "N", inputs: [], outputs: ["y"], attributes: { keys, name: "ü" } }];
  for (const packed of [true, false]) {
    const { graph } = readModel(writeModel({ nodes, inputs: {}, outputs: { y: DOUBLE } }, { packed }));
    assert.deepEqual(graph.nodes[0].attributes, { keys, name: "ü" });
  }
});

test("every kind of tensor is read as it was written", () => {
  const constants = {
    d: doubles([2, 1], [0.1, NaN]),
    i: longs([2], [-1, 2n ** 62n]),
    s: /** @type {any} */ ({ type: "string", dims: [2], data: ["", "ü"] }),
    b: /** @type {any} */ ({ type: "bool", dims: [2], data: Uint8Array.of(0, 1) }),
    f: /** @type {any} */ ({ type: "float32", dims: [], data: Float32Array.of(1.5) }),
  };
  const { graph } = readModel(writeModel({ nodes: [], inputs: {}, outputs: {}, constants }));
  assert.deepEqual(Object.fromEntries(graph.constants), constants);
});

test("a walk visits the places that the steps lead to", () => {
  assert.deepEqual([...walk([2, 3], [1, 2])], [0, 2, 4, 1, 3, 5]); // the transpose of 3 rows and 2 columns
  assert.deepEqual([...walk([2], [0], 7)], [7, 7]);
  assert.deepEqual([...walk([], [])], [0]);
  assert.deepEqual([...walk([0, 3], [3, 1])], []);
});

test("exp and log are right to one last bit", () => {
  for (let k = -700; k <= 700; k += 0.37) {
    assert.ok(Math.abs(exp(k) / Math.exp(k) - 1) < 3e-16, `exp(${k})`);
    assert.ok(Math.abs(log(Math.exp(k)) - Math.log(Math.exp(k))) <= Math.abs(k) * 3e-16, `log(exp(${k}))`);
  }
  assert.deepEqual([exp(0), exp(-Infinity), exp(Infinity), exp(NaN)], [1, 0, Infinity, NaN]);
  assert.deepEqual(
    [log(1), log(0), log(-1), log(Infinity), log(5e-324)],
    [0, -Infinity, NaN, Infinity, Math.log(5e-324)],
  );
});
