// Reads model.onnx: protobuf (https://protobuf.dev/programming-guides/encoding/) -> a graph of plain objects. The
// numbers of the fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Pure.

import { allocate, countOf, tensor } from "./operators/tensor.js";

/**
 * @typedef {import("./operators/tensor.js").Tensor} Tensor
 * @typedef {import("./operators/tensor.js").Type} Type
 * @typedef {Record<string, any>} Attributes Each by its name: a number (a bigint beyond 2^53), a text, a tensor, a
 *   graph, or a list of one of these.
 * @typedef {{operator: string, inputs: string[], outputs: string[], attributes: Attributes}} Node `operator` has its
 *   domain in front, if it is of another one than ONNX's own; an input that is left out is "".
 * @typedef {{nodes: Node[], constants: Map<string, Tensor>, inputs: string[], outputs: string[]}} Graph
 * @typedef {{graph: Graph, versions: Map<string, number>}} Model `versions`: domain -> operator set.
 * @typedef {Record<number, any[]>} Message Field number -> what stands there, in order: numbers, or bytes.
 */

const DECODER = new TextDecoder();
const VARINT = 0;
const LONG = 1;
const BYTES = 2;
const SHORT = 5;
const TYPES = /** @type {Record<number, Type>} */ ({
  1: "float32",
  2: "uint8",
  6: "int32",
  7: "int64",
  8: "string",
  9: "bool",
  11: "float64",
});

/** A file that this reader does not understand. */
export class ModelError extends Error {
  /** @param {string} got */
  constructor(got) {
    super(`model.onnx must be an ONNX model as \`selfsame export\` writes it; ${got}. Run \`selfsame export\` again.`);
    this.name = "ModelError";
  }
}

/**
 * @param {Uint8Array} bytes the file.
 * @returns {Model}
 * @throws {ModelError} it is none, or holds something that no export writes.
 */
export function readModel(bytes) {
  const { 7: graphs = [], 8: sets = [] } = message(bytes);
  if (graphs.length !== 1) throw new ModelError(`it has ${graphs.length} graphs`);
  const versions = sets.map(message).map(({ 1: domain, 2: version = [] }) => [textOf(domain), Number(version[0])]);
  return { graph: readGraph(graphs[0]), versions: new Map(/** @type {[string, number][]} */ (versions)) };
}

/** @param {Uint8Array} bytes @returns {Graph} */
function readGraph(bytes) {
  const { 1: nodes = [], 5: constants = [], 11: inputs = [], 12: outputs = [] } = message(bytes);
  const named = /** @param {Uint8Array} info */ (info) => textOf(message(info)[1]);
  return {
    nodes: nodes.map(readNode),
    constants: new Map(constants.map((each) => [textOf(message(each)[8]), readTensor(each)])),
    inputs: inputs.map(named),
    outputs: outputs.map(named),
  };
}

/** @param {Uint8Array} bytes @returns {Node} */
function readNode(bytes) {
  const { 1: inputs = [], 2: outputs = [], 4: operator, 5: attributes = [], 7: domain } = message(bytes);
  const prefix = textOf(domain) && `${textOf(domain)}.`;
  return {
    operator: prefix + textOf(operator),
    inputs: inputs.map(text),
    outputs: outputs.map(text),
    attributes: Object.fromEntries(attributes.map(readAttribute)),
  };
}

/** @param {Uint8Array} bytes @returns {[string, unknown]} */
function readAttribute(bytes) {
  const found = message(bytes);
  const { 1: name, 2: float, 3: int, 4: string, 5: constant, 6: graph, 7: floats, 9: strings, 20: type = [] } = found;
  switch (type[0]) {
    case 1:
      return [textOf(name), viewOf(float[0]).getFloat32(0, true)];
    case 2:
      return [textOf(name), int?.[0] ?? 0];
    case 3:
      return [textOf(name), textOf(string)];
    case 4:
      return [textOf(name), readTensor(constant[0])];
    case 5:
      return [textOf(name), readGraph(graph[0])];
    case 6:
      return [textOf(name), fixed(floats, Float32Array)];
    case 7:
      return [textOf(name), varints(found[8])];
    case 8:
      return [textOf(name), (strings ?? []).map(text)];
  }
  throw new ModelError(`attribute ${textOf(name)} is of type ${type[0]}`);
}

/** @param {Uint8Array} bytes @returns {Tensor} */
function readTensor(bytes) {
  const found = message(bytes);
  const type = TYPES[found[2]?.[0]];
  if (type === undefined || found[13] !== undefined || found[14]?.[0]) {
    throw new ModelError(`a tensor is of type ${found[2]?.[0]} or lies in another file`);
  }
  const dims = varints(found[1]).map(Number);
  const data = readNumbers(type, found);
  if (data.length !== countOf(dims)) throw new ModelError(`a tensor of shape ${dims} has ${data.length} elements`);
  return tensor(type, dims, data);
}

/** @param {Type} type @param {Message} found @returns {Tensor["data"]} */
function readNumbers(type, found) {
  if (type === "string") return (found[6] ?? []).map(text);
  if (found[9] !== undefined) {
    const bytes = found[9][0].slice(); // a copy of its own, so that it is aligned
    if (type === "bool") return bytes;
    const Kind = /** @type {any} */ (allocate(type, 0).constructor);
    return new Kind(bytes.buffer);
  }
  if (type === "float32") return fixed(found[4], Float32Array);
  if (type === "float64") return fixed(found[10], Float64Array);
  if (type === "int64") return BigInt64Array.from(varints(found[7]), BigInt);
  const list = varints(found[5]).map(Number);
  return type === "int32" ? Int32Array.from(list) : Uint8Array.from(list);
}

/**
 * Splits a message into its fields.
 *
 * @param {Uint8Array} bytes
 * @returns {Message}
 */
function message(bytes) {
  /** @type {Message} */
  const found = {};
  const cursor = { bytes, at: 0 };
  while (cursor.at < bytes.length) {
    const key = Number(varint(cursor));
    (found[key >>> 3] ??= []).push(value(cursor, key & 7));
  }
  return found;
}

/** @param {{bytes: Uint8Array, at: number}} cursor @param {number} wire @returns {number | bigint | Uint8Array} */
function value(cursor, wire) {
  if (wire === VARINT) return varint(cursor);
  const length = wire === BYTES ? Number(varint(cursor)) : wire === LONG ? 8 : wire === SHORT ? 4 : NaN;
  const end = cursor.at + length;
  if (!(end <= cursor.bytes.length)) throw new ModelError("its bytes end in the middle of a field");
  const part = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return part;
}

/**
 * Seven bits a byte, the lowest first; the highest bit says that more follow.
 *
 * @param {{bytes: Uint8Array, at: number}} cursor
 * @returns {number | bigint} a bigint where a number would not be exact; negative from 2^63 on.
 */
function varint(cursor) {
  const { bytes, at } = cursor;
  let end = at;
  while (bytes[end] >= 128) end += 1;
  if (end >= bytes.length) throw new ModelError("its bytes end in the middle of a number");
  cursor.at = end + 1;
  if (end - at < 7) {
    let number = 0;
    for (let k = end; k >= at; k -= 1) number = number * 128 + (bytes[k] & 127);
    return number;
  }
  let long = 0n;
  for (let k = end; k >= at; k -= 1) long = (long << 7n) | BigInt(bytes[k] & 127);
  long = BigInt.asIntN(64, long);
  return Number.isSafeInteger(Number(long)) ? Number(long) : long;
}

/** @param {(number | bigint | Uint8Array)[]} [values] @returns {(number | bigint)[]} packed or one by one. */
function varints(values = []) {
  /** @type {(number | bigint)[]} */
  const found = [];
  for (const each of values) {
    if (!(each instanceof Uint8Array)) found.push(each);
    else for (const cursor = { bytes: each, at: 0 }; cursor.at < each.length;) found.push(varint(cursor));
  }
  return found;
}

/**
 * @template {Float32Array | Float64Array} T
 * @param {Uint8Array[] | undefined} values packed or one by one.
 * @param {{new (buffer: ArrayBuffer): T}} Kind
 * @returns {T}
 */
function fixed(values, Kind) {
  if (values?.length === 1) return new Kind(/** @type {ArrayBuffer} */ (values[0].slice().buffer));
  return new Kind(Uint8Array.from((values ?? []).flatMap((each) => Array.from(each))).buffer);
}

/** @param {Uint8Array} bytes */
function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** @param {Uint8Array} bytes UTF-8 */
function text(bytes) {
  return DECODER.decode(bytes);
}

/** @param {Uint8Array[]} [field] */
function textOf(field) {
  return field === undefined ? "" : text(field[0]);
}
