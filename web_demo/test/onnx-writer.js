// Writes small ONNX models, so that tests hold one operator against onnxruntime-web.

import { tensor } from "../js/operators/tensor.js";

/** @typedef {import("../js/operators/tensor.js").Tensor} Tensor */

const TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, string: 8, bool: 9, float64: 11 };
const utf8 = new TextEncoder();

/** @param {number | bigint} number @returns {number[]} seven bits a byte. */
function varint(number) {
  const found = [];
  let rest = BigInt.asUintN(64, BigInt(number));
  for (; rest > 127n; rest >>= 7n) found.push(Number(rest & 127n) | 128);
  return [...found, Number(rest)];
}

/** @param {number} field @param {string | ArrayLike<number>} content */
function bytes(field, content) {
  const list = typeof content === "string" ? utf8.encode(content) : content;
  return [...varint((field << 3) | 2), ...varint(list.length), ...Array.from(list)];
}

/** @param {number} field @param {number | bigint} number */
function int(field, number) {
  return [...varint(field << 3), ...varint(number)];
}

/** @param {Tensor} constant @param {string} [name] */
function writeTensor({ type, dims, data }, name = "") {
  const head = [...dims.flatMap((size) => int(1, size)), ...int(2, TYPES[type]), ...bytes(8, name)];
  if (Array.isArray(data)) return [...head, ...data.flatMap((each) => bytes(6, each))];
  return [...head, ...bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
}

/** @param {string} name @param {any} value @param {boolean} packed @returns {number[]} */
function writeAttribute(name, value, packed) {
  const head = bytes(1, name);
  if (typeof value === "number") return [...head, ...int(3, value), ...int(20, 2)];
  if (typeof value === "string") return [...head, ...bytes(4, value), ...int(20, 3)];
  if (value.nodes) return [...head, ...bytes(6, writeGraph(value)), ...int(20, 5)];
  if (value.dims) return [...head, ...bytes(5, writeTensor(value)), ...int(20, 4)];
  if (typeof value[0] === "string") {
    return [...head, ...value.flatMap((/** @type {string} */ each) => bytes(9, each)), ...int(20, 8)];
  }
  if (packed) return [...head, ...bytes(8, value.flatMap(varint)), ...int(20, 7)];
  return [...head, ...value.flatMap((/** @type {number} */ each) => int(8, each)), ...int(20, 7)];
}

/**
 * @typedef {{operator: string, inputs: string[], outputs: string[], attributes?: Record<string, any>}} Node
 * @typedef {keyof typeof TYPES | {type: keyof typeof TYPES, dims: number[]}} Info
 * @typedef {{nodes: Node[], inputs: Record<string, Info>, outputs: Record<string, Info>,
 *   constants?: Record<string, Tensor>}} Graph
 */

/** @param {Node} node @param {boolean} packed @returns {number[]} */
function writeNode({ operator, inputs, outputs, attributes = {} }, packed) {
  const dot = operator.lastIndexOf(".");
  return [
    ...inputs.flatMap((name) => bytes(1, name)),
    ...outputs.flatMap((name) => bytes(2, name)),
    ...bytes(4, operator.slice(dot + 1)),
    ...Object.entries(attributes).flatMap(([name, value]) => bytes(5, writeAttribute(name, value, packed))),
    ...(dot > 0 ? bytes(7, operator.slice(0, dot)) : []),
  ];
}

/** @param {Graph} graph @param {boolean} [packed] @returns {number[]} */
function writeGraph({ nodes, inputs, outputs, constants = {} }, packed = false) {
  const info = /** @param {[string, Info]} entry */ ([name, about]) => {
    if (typeof about === "string") return [...bytes(1, name), ...bytes(2, bytes(1, int(1, TYPES[about])))];
    const shape = bytes(
      2,
      about.dims.flatMap((size) => bytes(1, int(1, size))),
    );
    return [...bytes(1, name), ...bytes(2, bytes(1, [...int(1, TYPES[about.type]), ...shape]))];
  };
  return [
    ...nodes.flatMap((node) => bytes(1, writeNode(node, packed))),
    ...bytes(2, "graph"),
    ...Object.entries(constants).flatMap(([name, constant]) => bytes(5, writeTensor(constant, name))),
    ...Object.entries(inputs).flatMap((entry) => bytes(11, info(entry))),
    ...Object.entries(outputs).flatMap((entry) => bytes(12, info(entry))),
  ];
}

/**
 * @param {Graph} graph
 * @param {{opset?: number, packed?: boolean}} [options] `packed`: lists of whole numbers as export/pack.py writes them.
 * @returns {Uint8Array<ArrayBuffer>} the bytes of a model.
 */
export function writeModel(graph, { opset = 21, packed = false } = {}) {
  const set = /** @param {string} domain @param {number} version */ (domain, version) =>
    bytes(8, [...bytes(1, domain), ...int(2, version)]);
  const graphBytes = bytes(7, writeGraph(graph, packed));
  return Uint8Array.from([...int(1, 10), ...graphBytes, ...set("", opset), ...set("ai.onnx.ml", 5)]);
}

/** @param {number[]} dims @param {ArrayLike<number>} numbers */
export const doubles = (dims, numbers) => tensor("float64", dims, Float64Array.from(numbers));

/** @param {number[]} dims @param {ArrayLike<number | bigint>} numbers */
export const longs = (dims, numbers) => tensor("int64", dims, BigInt64Array.from(Array.from(numbers, BigInt)));
