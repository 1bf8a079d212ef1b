// Operators that look at one element at a time; tensors of several shapes are stretched to a common one first.
// https://onnx.ai/onnx/operators/ has the definition of each by its name.

import { exp } from "../libm/exp.js";
import { log } from "../libm/log.js";
import { tanh } from "../libm/tanh.js";
import { allocate, commonDims, countOf, stretched, tensor } from "./tensor.js";

/**
 * @typedef {import("./tensor.js").Tensor} Tensor
 * @typedef {import("./tensor.js").Type} Type
 * @typedef {(...tensors: Tensor[]) => Tensor} Run
 */

/**
 * An operator of one tensor. int64 elements are bigints, with which JavaScript's operators count just as well.
 *
 * @param {(x: any) => any} f
 * @param {Type} [type] of the result, where it is another one.
 * @returns {() => Run}
 */
function unary(f, type) {
  return () => (source) => {
    const found = allocate(type ?? source.type, source.data.length);
    for (let k = 0; k < found.length; k += 1) found[k] = f(source.data[k]);
    return tensor(type ?? source.type, source.dims, found);
  };
}

/**
 * An operator of two tensors.
 *
 * @param {(a: any, b: any) => any} f
 * @param {Type} [type] of the result, where it is another one.
 * @returns {() => Run}
 */
function binary(f, type) {
  return () => (first, second) => {
    const dims = commonDims([first.dims, second.dims]);
    const found = allocate(type ?? first.type, countOf(dims));
    const a = first.data.length === 1 ? first.data : stretched(first, dims).data;
    const b = second.data.length === 1 ? second.data : stretched(second, dims).data;
    const moveA = Number(a.length > 1);
    const moveB = Number(b.length > 1);
    for (let k = 0; k < found.length; k += 1) found[k] = f(a[k * moveA], b[k * moveB]);
    return tensor(type ?? first.type, dims, found);
  };
}

/**
 * An operator of any number of tensors: from the first to the last, two at a time.
 *
 * @param {Run} run
 * @returns {() => Run}
 */
function variadic(run) {
  return () =>
    (first, ...others) =>
      others.reduce((sum, each) => run(sum, each), first);
}

/**
 * Of 0 and -0 onnxruntime's Max and Min keep the first one's, or, if that is one number along a line, the second one's.
 *
 * @param {Run} run
 * @returns {Run}
 */
function constantLast(run) {
  return (first, second) => {
    const one = first.data.length === 1 || (first.dims.at(-1) === 1 && second.dims.at(-1) !== 1);
    return one ? run(second, first) : run(first, second);
  };
}

/** @param {any} x @returns {any} */
const negative = (x) => -x;

/** @param {number} x @returns {number} halves go to the even neighbour. */
function round(x) {
  const nearest = Math.round(x);
  if (Math.abs(x % 1) !== 0.5 || nearest % 2 === 0) return nearest === 0 ? x * 0 : nearest;
  return nearest - 1;
}

/** @param {number} x @returns {number} onnxruntime's formula for float64, which has no digits of its own far below 0. */
function sigmoid(x) {
  const tail = 1 / (1 + exp(-Math.abs(x)));
  return x >= 0 ? tail : 1 - tail;
}

/** @type {Record<string, (attributes: any) => Run>} */
export const elementwise = {
  Abs: unary((x) => (x < 0 ? -x : x === 0 ? 0 * 0 : x)),
  Ceil: unary(Math.ceil),
  Exp: unary(exp),
  Floor: unary(Math.floor),
  Identity: unary((x) => x),
  IsNaN: unary(Number.isNaN, "bool"),
  Log: unary(log),
  Neg: unary(negative),
  Not: unary((x) => !x),
  Reciprocal: unary((x) => 1 / x),
  Relu: unary((x) => (x < 0 ? 0 : x)),
  Round: unary(round),
  Sigmoid: unary(sigmoid),
  Sign: unary((x) => (typeof x === "bigint" ? BigInt(Math.sign(Number(x))) : x === 0 ? 0 : Math.sign(x))),
  Sqrt: unary(Math.sqrt),
  Tanh: unary(tanh),
  Add: binary((a, b) => a + b),
  And: binary((a, b) => a && b),
  Div: binary((a, b) => a / b),
  Equal: binary((a, b) => a === b, "bool"),
  Greater: binary((a, b) => a > b, "bool"),
  GreaterOrEqual: binary((a, b) => a >= b, "bool"),
  Less: binary((a, b) => a < b, "bool"),
  LessOrEqual: binary((a, b) => a <= b, "bool"),
  Mul: binary((a, b) => a * b),
  Or: binary((a, b) => a || b),
  StringConcat: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Max: variadic(constantLast(binary((a, b) => (a < b || b !== b ? b : a))())),
  Min: variadic(constantLast(binary((a, b) => (b < a || b !== b ? b : a))())),
  Sum: variadic(binary((a, b) => a + b)()),
  IsInf: ({ detect_negative: below = 1, detect_positive: above = 1 }) =>
    unary((x) => (x === Infinity && above === 1) || (x === -Infinity && below === 1), "bool")(),
  Mod: ({ fmod = 0 }) => (fmod === 1 ? binary((a, b) => a % b)() : binary(floorMod)()),
  Clip: () => clip,
  Where: () => where,
};

/** @param {any} a @param {any} b @returns {any} the remainder with the sign of the divisor. */
function floorMod(a, b) {
  const rest = a % b;
  return rest != 0 && rest < 0 !== b < 0 ? rest + b : rest; // != 0 is also false for 0n
}

/** @type {Run} where a limit is left out, it is the largest finite number. */
function clip(source, low, high) {
  const found = allocate(source.type, source.data.length);
  const least = low ? low.data[0] : -Number.MAX_VALUE;
  const most = high ? high.data[0] : Number.MAX_VALUE;
  source.data.forEach((x, k) => (found[k] = x < least ? least : x > most ? most : x));
  return tensor(source.type, source.dims, found);
}

/** @type {Run} */
function where(condition, first, second) {
  const dims = commonDims([condition.dims, first.dims, second.dims]);
  const [choice, a, b] = [condition, first, second].map((each) => stretched(each, dims).data);
  const found = allocate(first.type, choice.length);
  for (let k = 0; k < found.length; k += 1) found[k] = choice[k] ? a[k] : b[k];
  return tensor(first.type, dims, found);
}
