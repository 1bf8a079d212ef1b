// Operators that move elements and change none. https://onnx.ai/onnx/operators/ has the definition of each by its name.

import { UnknownOperator } from "./unknown.js";
import { allocate, axisOf, countOf, numbersOf, stepsOf, stretched, taken, tensor, walk } from "./tensor.js";

/**
 * @typedef {import("./tensor.js").Tensor} Tensor
 * @typedef {(...tensors: Tensor[]) => Tensor} Run
 */

/** @type {Record<string, (attributes: any) => Run>} */
export const shape = {
  Concat:
    ({ axis }) =>
    (...parts) =>
      concat(parts, axisOf(axis, parts[0].dims)),
  Expand: () => (source, wanted) => expand(source, numbersOf(wanted)),
  Reshape: () => (source, wanted) => tensor(source.type, reshaped(source, numbersOf(wanted)), source.data),
  Shape:
    ({ start = 0, end }) =>
    ({ dims }) =>
      whole(dims.slice(start, end)),
  Size: () => (source) => tensor("int64", [], BigInt64Array.of(BigInt(source.data.length))),
  Slice: () => slice,
  Squeeze: () => (source, axes) => {
    const gone = axes && numbersOf(axes).map((axis) => axisOf(axis, source.dims));
    const dims = source.dims.filter((size, axis) => (gone ? !gone.includes(axis) : size !== 1));
    return tensor(source.type, dims, source.data);
  },
  Transpose: ({ perm }) => {
    return (source) => {
      const order = perm ?? source.dims.map((_, axis) => source.dims.length - 1 - axis);
      const steps = stepsOf(source.dims);
      const dims = order.map((/** @type {number} */ axis) => source.dims[axis]);
      const walked = order.map((/** @type {number} */ axis) => steps[axis]);
      return taken(source, walk(dims, walked), dims);
    };
  },
  Unsqueeze: () => (source, axes) => {
    const dims = [...source.dims];
    const rank = dims.length + axes.data.length;
    const added = numbersOf(axes).map((axis) => (axis < 0 ? axis + rank : axis));
    for (const axis of added.sort((a, b) => a - b)) dims.splice(axis, 0, 1);
    return tensor(source.type, dims, source.data);
  },
  Pad: ({ mode = "constant" }) => {
    if (mode !== "constant") throw new UnknownOperator(`Pad in mode ${mode}`);
    return pad;
  },
};

/** @param {number[]} numbers @returns {Tensor} */
export function whole(numbers) {
  return tensor("int64", [numbers.length], BigInt64Array.from(numbers, BigInt));
}

/** @param {Tensor[]} parts @param {number} axis @returns {Tensor} */
function concat(parts, axis) {
  const { type, dims: first } = parts[0];
  const dims = first.map((size, k) => (k === axis ? parts.reduce((sum, { dims: each }) => sum + each[axis], 0) : size));
  const found = allocate(type, countOf(dims));
  const blocks = countOf(first.slice(0, axis)); // of each part, one behind the other
  const lengths = parts.map(({ dims: each }) => countOf(each.slice(axis)));
  let place = 0;
  for (let block = 0; block < blocks; block += 1) {
    parts.forEach(({ data }, part) => {
      const start = block * lengths[part];
      for (let k = 0; k < lengths[part]; k += 1) found[place++] = data[start + k];
    });
  }
  return tensor(type, dims, found);
}

/** @param {Tensor} source @param {number[]} wanted @returns {Tensor} a size of 1 there keeps the tensor's own. */
function expand(source, wanted) {
  const rank = Math.max(wanted.length, source.dims.length);
  const from = /** @param {number[]} list @param {number} axis */ (list, axis) => list[axis + list.length - rank] ?? 1;
  const dims = Array.from({ length: rank }, (_, axis) => {
    return from(wanted, axis) === 1 ? from(source.dims, axis) : from(wanted, axis);
  });
  return stretched(source, dims);
}

/** @param {Tensor} source @param {number[]} wanted 0: as it is; -1: what is left. @returns {number[]} */
function reshaped({ dims, data }, wanted) {
  const sizes = wanted.map((size, axis) => (size === 0 ? dims[axis] : size));
  const known = countOf(sizes.filter((size) => size !== -1));
  return sizes.map((size) => (size === -1 ? data.length / known : size));
}

/** @type {Run} */
function slice(source, starts, ends, axes, steps) {
  const { dims } = source;
  const sizes = [...dims];
  const strides = stepsOf(dims);
  let first = 0;
  const [from, to] = [numbersOf(starts), numbersOf(ends)];
  const along = axes ? numbersOf(axes) : from.map((_, axis) => axis);
  along.forEach((each, k) => {
    const axis = axisOf(each, dims);
    const step = steps ? numbersOf(steps)[k] : 1;
    const last = step > 0 ? dims[axis] : dims[axis] - 1;
    const clamp = /** @param {number} place @param {number} least */ (place, least) => {
      return Math.min(Math.max(place < 0 ? place + dims[axis] : place, least), last);
    };
    const begin = clamp(from[k], 0);
    const end = clamp(to[k], step > 0 ? 0 : -1);
    sizes[axis] = Math.max(0, Math.ceil((end - begin) / step));
    first += begin * strides[axis];
    strides[axis] *= step;
  });
  return taken(source, walk(sizes, strides, first), sizes);
}

/** @type {Run} */
function pad(source, pads, filler, axes) {
  const rank = source.dims.length;
  const around = numbersOf(pads);
  const before = Array(rank).fill(0);
  const dims = [...source.dims];
  const along = axes ? numbersOf(axes).map((axis) => axisOf(axis, dims)) : dims.map((_, axis) => axis);
  along.forEach((axis, k) => {
    before[axis] = around[k];
    dims[axis] += around[k] + around[k + along.length];
  });
  if (around.some((count) => count < 0)) throw new UnknownOperator("Pad that cuts");
  const found = allocate(source.type, countOf(dims));
  found.fill(filler?.data[0] ?? (source.type === "int64" ? 0n : source.type === "string" ? "" : 0));
  const steps = stepsOf(dims);
  const start = before.reduce((sum, count, axis) => sum + count * steps[axis], 0);
  walk(source.dims, steps, start).forEach((place, k) => (found[place] = source.data[k]));
  return tensor(source.type, dims, found);
}
