// Cast: https://onnx.ai/onnx/operators/onnx__Cast.html

import { UnknownOperator } from "./unknown.js";
import { allocate, tensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor @typedef {import("./tensor.js").Type} Type */

const TYPES = /** @type {Record<number, Type>} */ ({
  1: "float32",
  7: "int64",
  9: "bool",
  11: "float64",
});
const LIMIT = 2 ** 63;

/** @param {{to: number}} attributes @returns {(source: Tensor) => Tensor} */
export function Cast({ to }) {
  const type = TYPES[to];
  if (type === undefined) throw new UnknownOperator(`Cast to type ${to}`);
  return (source) => {
    if (source.type === "string") throw new UnknownOperator("Cast of text");
    const convert = conversion(source.type, type);
    const found = allocate(type, source.data.length);
    for (let k = 0; k < found.length; k += 1) found[k] = convert(source.data[k]);
    return tensor(type, source.dims, found);
  };
}

/** @param {Type} from @param {Type} to @returns {(x: any) => any} what a typed array of the result does not do itself. */
function conversion(from, to) {
  if (to === "bool") return (x) => x != 0;
  if (to === "int64") return from === "int64" ? (x) => x : whole;
  if (from !== "int64") return (x) => x;
  return to === "float32" ? singleOf : Number;
}

/** @param {number} x @returns {bigint} without its fraction; the nearest int64 of a larger one, 0 of NaN. */
function whole(x) {
  if (Math.abs(x) < LIMIT) return BigInt(Math.trunc(x));
  if (Number.isNaN(x)) return 0n;
  return x < 0 ? -(2n ** 63n) : 2n ** 63n - 1n;
}

/**
 * The nearest float32, rounded once: a bigint becomes a float64 on the way, which must not settle a tie, so what it
 * would lose is left in its last bit.
 *
 * @param {bigint} x
 * @returns {number}
 */
function singleOf(x) {
  const size = x < 0n ? -x : x;
  if (size < 2n ** 53n) return Number(x);
  const odd = (size >> 11n) << 11n;
  const kept = Number(size === odd ? size : odd | (2n ** 11n));
  return x < 0n ? -kept : kept;
}
