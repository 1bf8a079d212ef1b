// Operators along an axis. https://onnx.ai/onnx/operators/ has the definition of each by its name.

import { exp } from "../libm/exp.js";
import { UnknownOperator } from "./unknown.js";
import { allocate, axisOf, countOf, numbersOf, stepsOf, tensor, walk } from "./tensor.js";

/**
 * @typedef {import("./tensor.js").Tensor} Tensor
 * @typedef {(...tensors: any[]) => any} Run
 */

const LONG = 128;
const MOST_BYTES_APART = 32000;

/** @type {Record<string, (attributes: any) => Run>} */
export const reduce = {
  ArgMax: (attributes) => best(attributes, (x, y) => x > y),
  ArgMin: (attributes) => best(attributes, (x, y) => x < y),
  CumSum: ({ exclusive = 0, reverse = 0 }) => {
    if (exclusive || reverse) throw new UnknownOperator("CumSum that is exclusive or runs backwards");
    return (source, axis) => cumSum(source, axisOf(numbersOf(axis)[0], source.dims));
  },
  ReduceMax: folded((line) => line.reduce((x, y) => (x < y ? y : x))),
  ReduceMin: folded((line) => line.reduce((x, y) => (y < x ? y : x))),
  ReduceSum: folded(sum, blockOf),
  ReduceMean: folded((line, block) => sum(line, block) / line.length, blockOf),
  Softmax:
    ({ axis = -1 }) =>
    (source) =>
      softmax(source, axisOf(axis, source.dims)),
  TopK: ({ axis = -1, largest = 1, sorted = 1 }) => {
    if (!sorted) throw new UnknownOperator("TopK that is not sorted");
    return (source, count) => topK(source, numbersOf(count)[0], axisOf(axis, source.dims), largest ? 1 : -1);
  },
};

/**
 * Adds up in onnxruntime-web's order: a long middle axis, as a matrix product with ones, in blocks.
 *
 * @param {any[]} line @param {number} block
 * @returns {any}
 */
function sum(line, block) {
  let total = line[0];
  for (let k = 1; k < Math.min(block, line.length); k += 1) total += line[k];
  for (let start = block; start < line.length; start += block) total += sum(line.slice(start, start + block), block);
  return total;
}

/** @param {number[]} dims @param {number[]} axes next to each other. @returns {number} how many terms are added at once. */
function blockOf(dims, axes) {
  const first = Math.min(...axes);
  if (Math.max(...axes) - first >= axes.length) throw new UnknownOperator("a sum over axes that are apart");
  const outside = countOf(dims.slice(0, first));
  const inside = countOf(dims.slice(first + axes.length));
  const terms = countOf(dims) / (outside * inside);
  if (outside === 1 || inside === 1 || terms < LONG) return Infinity;
  return inside * 8 < MOST_BYTES_APART ? 16 : 4;
}

/**
 * The lines of a tensor along some axes: the places of the first elements, and of the others from there.
 *
 * @param {number[]} dims @param {number[]} axes
 * @returns {{starts: Uint32Array, further: Uint32Array, kept: number[]}} `kept`: the shape with a size of 1 there.
 */
function linesOf(dims, axes) {
  const steps = stepsOf(dims);
  const kept = dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const inside = dims.map((size, axis) => (axes.includes(axis) ? size : 1));
  return { starts: walk(kept, steps), further: walk(inside, steps), kept };
}

/** @param {number[]} dims @param {number[]} axes */
const without = (dims, axes) => dims.filter((_, axis) => !axes.includes(axis));

/** @param {any} attributes @param {(x: any, y: any) => boolean} better @returns {Run} the number of the best one. */
function best({ axis: along = 0, keepdims = 1, select_last_index: last = 0 }, better) {
  return (source) => {
    const axis = axisOf(along, source.dims);
    const { starts, further, kept } = linesOf(source.dims, [axis]);
    const found = BigInt64Array.from(starts, (start) => {
      let chosen = 0;
      for (let k = 1; k < further.length; k += 1) {
        const [x, y] = [source.data[start + further[k]], source.data[start + further[chosen]]];
        if (better(x, y) || (last === 1 && x === y)) chosen = k;
      }
      return BigInt(chosen);
    });
    return tensor("int64", keepdims ? kept : without(source.dims, [axis]), found);
  };
}

/** @param {Tensor} source @param {number} axis @returns {Tensor} each element and all before it, added one by one. */
function cumSum({ type, dims, data }, axis) {
  const { starts, further } = linesOf(dims, [axis]);
  const found = allocate(type, data.length);
  for (const start of starts) {
    let before = -1;
    for (const step of further) {
      const place = start + step;
      found[place] = before < 0 ? data[place] : found[before] + /** @type {any} */ (data[place]);
      before = place;
    }
  }
  return tensor(type, dims, found);
}

/**
 * @param {(line: any[], block: number) => any} f @param {(dims: number[], axes: number[]) => number} [blockFor]
 * @returns {(attributes: any) => Run}
 */
function folded(f, blockFor = () => Infinity) {
  return ({ keepdims = 1, noop_with_empty_axes: noop = 0 }) => {
    return (source, axes) => {
      const chosen = (axes ? numbersOf(axes) : []).map((/** @type {number} */ k) => axisOf(k, source.dims));
      if (chosen.length === 0 && noop) return source;
      const over = chosen.length > 0 ? chosen : source.dims.map((/** @type {any} */ _, /** @type {number} */ k) => k);
      const { starts, further, kept } = linesOf(source.dims, over);
      const block = blockFor(source.dims, over);
      const found = allocate(source.type, starts.length);
      starts.forEach(
        (start, k) =>
          (found[k] = f(
            Array.from(further, (step) => source.data[start + step]),
            block,
          )),
      );
      return tensor(source.type, keepdims ? kept : without(source.dims, over), found);
    };
  };
}

/** @param {Tensor} source @param {number} axis @returns {Tensor} */
function softmax({ type, dims, data }, axis) {
  if (type !== "float64") throw new UnknownOperator(`Softmax of ${type}`);
  const numbers = /** @type {Float64Array} */ (data);
  const { starts, further } = linesOf(dims, [axis]);
  const found = new Float64Array(countOf(dims));
  for (const start of starts) {
    const most = further.reduce((max, step) => Math.max(max, numbers[start + step]), -Infinity);
    let total = 0;
    for (const step of further) total += found[start + step] = exp(numbers[start + step] - most);
    for (const step of further) found[start + step] /= total;
  }
  return tensor(type, dims, found);
}

/** @param {Tensor} source @param {number} count @param {number} axis @param {number} sign @returns {Tensor[]} */
function topK({ type, dims, data }, count, axis, sign) {
  const { starts, further } = linesOf(dims, [axis]);
  const sizes = dims.map((size, each) => (each === axis ? count : size));
  const values = allocate(type, countOf(sizes));
  const indices = new BigInt64Array(values.length);
  const steps = stepsOf(sizes);
  const targets = walk(
    sizes.map((size, each) => (each === axis ? 1 : size)),
    steps,
  );
  starts.forEach((start, line) => {
    const at = /** @param {number} k */ (k) => /** @type {any} */ (data[start + further[k]]);
    const order = Array.from(further.keys()).sort((x, y) => (at(x) === at(y) ? x - y : at(x) < at(y) ? sign : -sign));
    for (let k = 0; k < count; k += 1) {
      values[targets[line] + k * steps[axis]] = at(order[k]);
      indices[targets[line] + k * steps[axis]] = BigInt(order[k]);
    }
  });
  return [tensor(type, sizes, values), tensor("int64", sizes, indices)];
}
