// Tensors, and the one idea behind most operators that move elements: an element's place is a sum of steps. Pure.

/**
 * @typedef {"float64" | "float32" | "int64" | "int32" | "uint8" | "bool" | "string"} Type
 * @typedef {Float64Array | Float32Array | BigInt64Array | Int32Array | Uint8Array | string[]} Data
 * @typedef {{type: Type, dims: number[], data: Data}} Tensor Row by row: the last index runs fastest. int64 is held
 *   exactly, as bigint.
 */

const KINDS = {
  float64: Float64Array,
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  string: /** @type {any} */ (Array),
};

/** @param {Type} type @param {number} count @returns {any} room for that many elements. */
export function allocate(type, count) {
  return new KINDS[type](count);
}

/** @param {Type} type @param {number[]} dims @param {Data} data @returns {Tensor} */
export function tensor(type, dims, data) {
  return { type, dims, data };
}

/** @param {readonly number[]} dims @returns {number} how many elements a shape has. */
export function countOf(dims) {
  return dims.reduce((product, size) => product * size, 1);
}

/** @param {readonly number[]} dims @returns {number[]} how far apart two neighbours along each axis lie. */
export function stepsOf(dims) {
  return dims.map((_, axis) => countOf(dims.slice(axis + 1)));
}

/** @param {number} axis may be negative: counted from the end. @param {readonly number[]} dims */
export function axisOf(axis, dims) {
  return axis < 0 ? axis + dims.length : axis;
}

/** @param {Tensor} list of whole numbers. @returns {number[]} */
export function numbersOf({ data }) {
  return Array.from(/** @type {ArrayLike<number | bigint>} */ (data), Number);
}

/**
 * The places that a walk over a shape visits.
 *
 * @param {readonly number[]} dims the walk's shape.
 * @param {readonly number[]} steps how far one index further along each axis leads.
 * @param {number} [start]
 * @returns {Uint32Array} one place per element of the shape.
 */
export function walk(dims, steps, start = 0) {
  let places = Uint32Array.of(start);
  dims.forEach((size, axis) => {
    const further = new Uint32Array(places.length * size);
    let count = 0;
    for (const place of places) for (let k = 0; k < size; k += 1) further[count++] = place + k * steps[axis];
    places = further;
  });
  return places;
}

/** @param {Tensor} source @param {ArrayLike<number>} places @param {number[]} dims @returns {Tensor} */
export function taken({ type, data }, places, dims) {
  const found = allocate(type, places.length);
  for (let k = 0; k < places.length; k += 1) found[k] = data[places[k]];
  return tensor(type, dims, found);
}

/**
 * The shape that tensors are stretched to: https://onnx.ai/onnx/repo-docs/Broadcasting.html
 *
 * @param {readonly (readonly number[])[]} shapes
 * @returns {number[]}
 */
export function commonDims(shapes) {
  const rank = Math.max(...shapes.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((dims) => dims[axis + dims.length - rank] ?? 1).filter((size) => size !== 1);
    if (sizes.some((size) => size !== sizes[0])) throw new RangeError(`shapes ${shapes.join(" and ")} do not fit`);
    return sizes[0] ?? 1;
  });
}

/**
 * A tensor stretched to a shape: an axis of size 1 repeats its one element.
 *
 * @param {Tensor} source @param {number[]} dims
 * @returns {Tensor}
 */
export function stretched(source, dims) {
  if (source.data.length === countOf(dims)) return { ...source, dims };
  const missing = dims.length - source.dims.length;
  const steps = stepsOf(source.dims).map((step, axis) => (source.dims[axis] === 1 ? 0 : step));
  return taken(source, walk(dims, [...Array(missing).fill(0), ...steps]), dims);
}
