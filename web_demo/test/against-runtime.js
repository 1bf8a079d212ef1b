// Holds one operator of the evaluator, or a graph, against onnxruntime-web, bit for bit.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import { readModel } from "../js/onnx.js";
import { prepare } from "../js/evaluate.js";
import { tensor } from "../js/operators/tensor.js";
import { loadRuntime } from "../js/ort.js";
import { doubles, writeModel } from "./onnx-writer.js";

/** @typedef {import("../js/operators/tensor.js").Tensor} Tensor */

const dist = dirname(createRequire(import.meta.url).resolve("onnxruntime-web/wasm"));
const wasm = await readFile(join(dist, "ort-wasm-simd-threaded.wasm"));
const ort = await loadRuntime(pathToFileURL(join(dist, "ort.wasm.bundle.min.mjs")).href, wasm);

let seed = 1;
/** @returns {number} in [0, 1), the same ones in every run (Mulberry32). */
export function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

export const SPECIAL = [0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, NaN, Infinity, -Infinity, 5e-324, -5e-324, 2 ** -1022];
SPECIAL.push(1e308, -1e308, 710, -746, 2 ** 53, 0.9999999999999999, 1.0000000000000002, 1e-17, 3.5, -1.5, 20.5, -37);

/** @param {number} count @param {number} [size] @returns {number[]} of all sizes. */
export function numbers(count, size = 6) {
  return Array.from({ length: count }, () => (random() - 0.5) * 10 ** (random() * size - 2));
}
/** @param {number[]} dims @param {number} [size] */
export const randoms = (dims, size) =>
  doubles(
    dims,
    numbers(
      dims.reduce((a, b) => a * b, 1),
      size,
    ),
  );
export const special = doubles([SPECIAL.length], SPECIAL);
export const pairs = [doubles([SPECIAL.length, 1], SPECIAL), doubles([1, SPECIAL.length], SPECIAL)];
export const bools = tensor("bool", [6], Uint8Array.of(0, 1, 1, 0, 0, 1));
/** @param {number[]} dims @param {string[]} data */
export const strings = (dims, data) => tensor("string", dims, data);
/** @param {number[]} dims @param {ArrayLike<number>} data */
export const singles = (dims, data) => tensor("float32", dims, Float32Array.from(data));

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
export async function holds(operator, inputs, attributes = {}, types = ["float64"]) {
  const model = modelOf(operator, inputs, attributes, types);
  const feeds = /** @type {Record<string, Tensor>} */ (
    Object.fromEntries(inputs.flatMap((each, k) => (each ? [[`x${k}`, each]] : [])))
  );
  await holdsModel(model, feeds);
}

/** @param {Uint8Array} model @param {Record<string, Tensor>} feeds in the graph's order. */
export async function holdsModel(model, feeds) {
  const expected = await byRuntime(model, feeds);
  const found = prepare(readModel(model))(Object.values(feeds));
  const plain = found.map(({ type, dims, data }) => ({ type, dims, data: Array.from(/** @type {any} */ (data)) }));
  assert.deepStrictEqual(plain, expected);
}
