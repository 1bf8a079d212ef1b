// LabelEncoder: https://onnx.ai/onnx/operators/onnx_aionnxml_LabelEncoder.html

import { UnknownOperator } from "./unknown.js";
import { allocate, tensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

const LISTS = /** @type {const} */ ({ strings: "string", int64s: "int64", floats: "float32" });
/** @type {Record<string, string>} */
const DEFAULTS = { string: "default_string", int64: "default_int64", float32: "default_float" };

/** @param {any} attributes @returns {(source: Tensor) => Tensor} */
export function LabelEncoder(attributes) {
  const keys = table(attributes, "keys");
  const values = table(attributes, "values");
  const found = new Map(Array.from(/** @type {any} */ (keys.data), (key, k) => [key, values.data[k]]));
  const other = otherwise(attributes, values);
  return (source) => {
    const data = allocate(values.type, source.data.length);
    for (let k = 0; k < data.length; k += 1) data[k] = found.get(source.data[k]) ?? other;
    return tensor(values.type, source.dims, data);
  };
}

/** @param {any} attributes @param {"keys" | "values"} what @returns {Tensor} */
function table(attributes, what) {
  const whole = attributes[`${what}_tensor`];
  if (whole !== undefined) return whole;
  for (const [name, type] of Object.entries(LISTS)) {
    const list = attributes[`${what}_${name}`];
    if (list === undefined) continue;
    return tensor(type, [list.length], type === "int64" ? BigInt64Array.from(list, BigInt) : list);
  }
  throw new UnknownOperator(`LabelEncoder without ${what}`);
}

/** @param {any} attributes @param {Tensor} values @returns {any} what a key that is not listed becomes. */
function otherwise(attributes, { type }) {
  if (attributes.default_tensor !== undefined) return attributes.default_tensor.data[0];
  const given = attributes[DEFAULTS[type]];
  if (type === "int64") return BigInt(given ?? -1);
  return given ?? (type === "string" ? "_Unused" : -0);
}
