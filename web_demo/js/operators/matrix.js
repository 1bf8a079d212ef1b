// Matrix products in the order of onnxruntime-web's sums. https://onnx.ai/onnx/operators/onnx__Gemm.html and
// https://onnx.ai/onnx/operators/onnx__MatMul.html
//
// A sum of float64 depends on its order. onnxruntime-web multiplies with Eigen, which holds a row-major matrix for the
// transpose of a column-major one, and orders the terms of one element by the shapes alone:
//   - small (fewer than 20 rows, columns and terms together), or both factors lie along the sum: one after the other;
//   - one row or one column, 128 terms and more, the other factor's terms apart in memory: in blocks of 16;
//   - else in blocks of at most 408 terms (16 KiB of cache); in each, where four rows are taken at once, the even and
//     the odd terms apart, eight at a time.

import { UnknownOperator } from "./unknown.js";
import { countOf, tensor } from "./tensor.js";

/**
 * @typedef {import("./tensor.js").Tensor} Tensor
 * @typedef {{data: Float64Array, size: number, across: number, along: number}} Factor `size` vectors; `across`: from
 *   one to the next, `along`: from one of its numbers to the next.
 */

const FEW = 20;
const MOST_TOGETHER = 408;
const MOST_BYTES_APART = 32000;

/** @param {any} attributes @returns {(a: Tensor, b: Tensor, c?: Tensor) => Tensor} */
export function Gemm({ transA = 0, transB = 0, alpha = 1, beta = 1 }) {
  if (alpha !== 1 || beta !== 1) throw new UnknownOperator("Gemm with alpha or beta");
  return (a, b, c) => {
    checkType(a);
    const first = factor(a, transA);
    const second = factor(b, 1 - transB);
    const dims = [first.size, second.size];
    const found = new Float64Array(countOf(dims));
    if (c !== undefined) addTo(found, dims, c);
    multiply(first, second, a.dims[transA ? 0 : 1], found);
    return tensor("float64", dims, found);
  };
}

/** @returns {(a: Tensor, b: Tensor) => Tensor} */
export function MatMul() {
  return (a, b) => {
    checkType(a);
    if (a.dims.length !== 2 || b.dims.length !== 2) throw new UnknownOperator("MatMul of more than two axes");
    const found = new Float64Array(a.dims[0] * b.dims[1]);
    const first = factor(a, 0);
    multiply(first, factor(b, 1), a.dims[1], found, first.size === 1 ? Infinity : undefined);
    return tensor("float64", [a.dims[0], b.dims[1]], found);
  };
}

/** @param {Tensor} a */
function checkType({ type }) {
  if (type !== "float64") throw new UnknownOperator(`a matrix product of ${type}`);
}

/** @param {Tensor} matrix @param {number} turned whether its columns are the vectors. @returns {Factor} */
function factor({ dims, data }, turned) {
  const [rows, columns] = dims;
  const numbers = /** @type {Float64Array} */ (data);
  if (turned) return { data: numbers, size: columns, across: 1, along: columns };
  return { data: numbers, size: rows, across: columns, along: 1 };
}

/** @param {Float64Array} found @param {number[]} dims @param {Tensor} c is stretched to that shape. */
function addTo(found, [rows, columns], { dims, data }) {
  const [high, wide] = [1, 1, ...dims].slice(-2);
  for (let k = 0; k < rows * columns; k += 1) {
    const row = high === 1 ? 0 : Math.floor(k / columns);
    found[k] = /** @type {Float64Array} */ (data)[row * wide + (wide === 1 ? 0 : k % columns)];
  }
}

/**
 * Adds the products of all vectors of two factors.
 *
 * @param {Factor} a @param {Factor} b @param {number} terms of each sum. @param {Float64Array} found row by row.
 * @param {number} [block] how many terms are added at once.
 */
function multiply(a, b, terms, found, block = blockOf(a, b, terms)) {
  const fours = Math.min(a.size, b.size) > 1 && a.size + b.size + terms >= FEW ? a.size - (a.size % 4) : 0;
  for (let row = 0; row < a.size; row += 1) {
    for (let column = 0; column < b.size; column += 1) {
      let sum = found[row * b.size + column];
      for (let start = 0; start < terms; start += block) {
        const end = Math.min(start + block, terms);
        sum += row < fours ? sumByTwo(a, row, b, column, start, end) : sumInOrder(a, row, b, column, start, end);
      }
      found[row * b.size + column] = sum;
    }
  }
}

/** @param {Factor} a @param {Factor} b @param {number} terms @returns {number} how many are added at once. */
function blockOf(a, b, terms) {
  if (a.size === 1 && b.size === 1) return terms;
  if (a.size === 1 || b.size === 1) {
    const matrix = a.size === 1 ? b : a;
    if (terms < 128 || matrix.along === 1) return terms;
    return matrix.along * 8 < MOST_BYTES_APART ? 16 : 4;
  }
  if (a.size + b.size + terms < FEW || terms <= MOST_TOGETHER) return terms;
  const rest = terms % MOST_TOGETHER;
  if (rest === 0) return MOST_TOGETHER;
  return MOST_TOGETHER - 8 * Math.floor((MOST_TOGETHER - 1 - rest) / (8 * (Math.floor(terms / MOST_TOGETHER) + 1)));
}

/** @param {Factor} a @param {number} row @param {Factor} b @param {number} column @param {number} start @param {number} end */
function sumInOrder(a, row, b, column, start, end) {
  const [from, to] = [row * a.across, column * b.across];
  let sum = 0;
  for (let k = start; k < end; k += 1) sum += a.data[from + k * a.along] * b.data[to + k * b.along];
  return sum;
}

/** @param {Factor} a @param {number} row @param {Factor} b @param {number} column @param {number} start @param {number} end */
function sumByTwo(a, row, b, column, start, end) {
  const [from, to] = [row * a.across, column * b.across];
  const product = /** @param {number} k */ (k) => a.data[from + k * a.along] * b.data[to + k * b.along];
  const whole = end - ((end - start) % 8);
  let even = 0;
  let odd = 0;
  for (let k = start; k < whole; k += 2) {
    even += product(k);
    odd += product(k + 1);
  }
  let sum = even + odd;
  for (let k = whole; k < end; k += 1) sum += product(k);
  return sum;
}
