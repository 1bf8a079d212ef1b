// Operators that pick elements by their number. https://onnx.ai/onnx/operators/ has the definition of each by its name.

import { UnknownOperator } from "./unknown.js";
import { axisOf, countOf, numbersOf, stepsOf, taken, tensor, walk } from "./tensor.js";

/**
 * @typedef {import("./tensor.js").Tensor} Tensor
 * @typedef {(...tensors: Tensor[]) => Tensor} Run
 */

/** @type {Record<string, (attributes: any) => Run>} */
export const gather = {
  Gather:
    ({ axis = 0 }) =>
    (source, indices) =>
      gathered(source, indices, axisOf(axis, source.dims)),
  GatherElements:
    ({ axis = 0 }) =>
    (source, indices) =>
      taken(source, along(source.dims, indices, axisOf(axis, source.dims)), indices.dims),
  GatherND: ({ batch_dims: batch = 0 }) => {
    if (batch !== 0) throw new UnknownOperator("GatherND with batch_dims");
    return gatherNd;
  },
  ScatterElements: ({ axis = 0, reduction = "none" }) => {
    if (reduction !== "none" && reduction !== "add") throw new UnknownOperator(`ScatterElements with ${reduction}`);
    return (source, indices, updates) => {
      const found = /** @type {any} */ (source.data.slice());
      along(source.dims, indices, axisOf(axis, source.dims)).forEach((place, k) => {
        found[place] = reduction === "add" ? found[place] + updates.data[k] : updates.data[k];
      });
      return tensor(source.type, source.dims, found);
    };
  },
  Compress: ({ axis }) => {
    return (source, condition) => {
      const flat = axis === undefined ? tensor(source.type, [source.data.length], source.data) : source;
      const kept = Array.from(/** @type {Uint8Array} */ (condition.data), (each, k) => (each ? k : -1)).filter(
        (k) => k >= 0,
      );
      const indices = tensor("int64", [kept.length], BigInt64Array.from(kept, BigInt));
      return gathered(flat, indices, axis === undefined ? 0 : axisOf(axis, source.dims));
    };
  },
};

/** @param {number} index @param {number} size @returns {number} counted from the start. */
function checked(index, size) {
  if (!(index >= -size && index < size)) throw new RangeError(`there is no element ${index} of ${size}`);
  return index < 0 ? index + size : index;
}

/** @param {Tensor} source @param {Tensor} indices @param {number} axis @returns {Tensor} whole slices, by number. */
function gathered(source, indices, axis) {
  const { dims } = source;
  const numbers = numbersOf(indices).map((index) => checked(index, dims[axis]));
  const length = countOf(dims.slice(axis + 1));
  const blocks = countOf(dims.slice(0, axis));
  const places = new Uint32Array(blocks * numbers.length * length);
  let count = 0;
  for (let block = 0; block < blocks; block += 1) {
    for (const number of numbers) {
      const start = (block * dims[axis] + number) * length;
      for (let k = 0; k < length; k += 1) places[count++] = start + k;
    }
  }
  return taken(source, places, [...dims.slice(0, axis), ...indices.dims, ...dims.slice(axis + 1)]);
}

/** @param {number[]} dims @param {Tensor} indices @param {number} axis @returns {Uint32Array} one place per index. */
function along(dims, indices, axis) {
  const steps = stepsOf(dims);
  const others = steps.map((step, each) => (each === axis ? 0 : step));
  const numbers = numbersOf(indices);
  return walk(indices.dims, others).map((place, k) => place + checked(numbers[k], dims[axis]) * steps[axis]);
}

/** @type {Run} */
function gatherNd(source, indices) {
  const depth = indices.dims[indices.dims.length - 1];
  const numbers = numbersOf(indices);
  const steps = stepsOf(source.dims);
  const rest = source.dims.slice(depth);
  const places = [];
  for (let k = 0; k < numbers.length; k += depth) {
    let start = 0;
    for (let axis = 0; axis < depth; axis += 1) start += checked(numbers[k + axis], source.dims[axis]) * steps[axis];
    places.push(...walk(rest, steps.slice(depth), start));
  }
  return taken(source, places, [...indices.dims.slice(0, -1), ...rest]);
}
