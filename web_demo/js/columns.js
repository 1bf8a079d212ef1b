// Cells typed straight into the graph's arrays, without an object per cell. What is not plain about a cell goes the way
// of every other row: cells.js types it, contract.js judges it. Pure.

import { readCell } from "./cells.js";
import { Broken, takeValue } from "./contract.js";
import { decode } from "./csv.js";

const POWERS = Array.from({ length: 16 }, (_, k) => 10 ** k); // exact
const MOST_DIGITS = 15; // so many are exact in a float64, and so is their quotient by a power of ten
const FLOAT32_MAX = 3.4028234663852886e38;
const MOST_KEPT = 10000; // different texts of a column that are remembered

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Feature} Feature
 * @typedef {(bytes: Uint8Array, start: number, end: number, at: number) => string | null} Take Puts a cell's value at a
 *   place of the column; gives the reason where the feature does not take it.
 * @typedef {{take: Take, data: import("./predictor.js").FeedData, feed: (count: number) => import("./predictor.js").Feed}}
 *   Column
 */

/**
 * @param {Contract} contract @param {Feature} feature @param {number} capacity in rows.
 * @returns {Column}
 */
export function makeColumn(contract, feature, capacity) {
  const data = makeData(feature.dtype, capacity);
  const other = takeOther(contract, feature, data);
  return {
    take: feature.dtype === "string" ? takeText(data, other) : takeNumber(feature, data, other),
    data,
    feed: (count) => ({
      name: feature.input,
      dtype: feature.dtype,
      data: Array.isArray(data) ? data.slice(0, count) : data.subarray(0, count),
    }),
  };
}

/** @param {import("./contract.js").Dtype} dtype @param {number} capacity @returns {any} an array of that type. */
function makeData(dtype, capacity) {
  if (dtype === "string") return new Array(capacity).fill("");
  return new { float64: Float64Array, float32: Float32Array, int64: BigInt64Array, bool: Uint8Array }[dtype](capacity);
}

/**
 * The way of any cell.
 *
 * @param {Contract} contract @param {Feature} feature @param {any} data
 * @returns {Take}
 */
function takeOther(contract, feature, data) {
  const gaps = feature.missing === "allowed" && feature.dtype !== "int64" && feature.dtype !== "bool";
  const gap = feature.dtype === "string" ? contract.missing_code : NaN;
  return (bytes, start, end, at) => {
    const value = readCell(feature, decode(bytes.subarray(start, end)));
    if (value === null && gaps) {
      data[at] = gap;
      return null;
    }
    try {
      const taken = takeValue(contract, feature, value, []);
      data[at] = typeof taken === "boolean" ? Number(taken) : taken;
      return null;
    } catch (error) {
      if (error instanceof Broken) return error.message;
      throw error;
    }
  };
}

/** @param {Feature} feature @param {any} data @param {Take} other @returns {Take} */
function takeNumber(feature, data, other) {
  if (feature.type === "boolean" || feature.unseen === "rejected") return other;
  const whole = feature.type === "integer";
  const single = feature.dtype === "float32";
  const most = single ? FLOAT32_MAX : Number.MAX_VALUE;
  const [low, high] = feature.accepts === null ? [-most, most] : feature.accepts.map(Number);
  const wide = feature.accepts?.some((end) => typeof end === "bigint") === true; // Number() may have rounded it
  if (wide) return other;
  const long = feature.dtype === "int64";
  return (bytes, start, end, at) => {
    const number = parseNumber(bytes, start, end);
    const value = single ? Math.fround(number) : number;
    if (!(low <= value && value <= high) || (whole && !Number.isInteger(value))) return other(bytes, start, end, at);
    data[at] = long ? BigInt(value) : whole ? value + 0 : value;
    return null;
  };
}

/**
 * A plain decimal number of at most 15 digits: exact, since both its digits and the power of ten are.
 *
 * @param {Uint8Array} bytes @param {number} start @param {number} end
 * @returns {number} NaN for anything else.
 */
export function parseNumber(bytes, start, end) {
  const negative = bytes[start] === 45;
  let [mantissa, digits, scale, point] = [0, 0, 0, false];
  for (let k = negative ? start + 1 : start; k < end; k++) {
    const digit = bytes[k] - 48;
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digits += 1;
      if (point) scale += 1;
    } else if (bytes[k] === 46 && !point) point = true;
    else return NaN;
  }
  if (digits === 0 || digits > MOST_DIGITS) return NaN;
  const value = scale === 0 ? mantissa : mantissa / POWERS[scale];
  return negative ? -value : value;
}

/**
 * Texts are looked up by their bytes: each different one is decoded and judged once.
 *
 * @param {any} data @param {Take} other
 * @returns {Take}
 */
function takeText(data, other) {
  /** @type {Map<number, {bytes: Uint8Array, value: string, reason: string | null}[]>} */
  const known = new Map();
  return (bytes, start, end, at) => {
    const hash = hashOf(bytes, start, end);
    const found = known.get(hash)?.find((each) => isAt(each.bytes, bytes, start, end));
    if (found !== undefined) {
      data[at] = found.value;
      return found.reason;
    }
    const reason = other(bytes, start, end, at);
    const entry = { bytes: bytes.slice(start, end), value: data[at], reason };
    if (known.size < MOST_KEPT) known.set(hash, [...(known.get(hash) ?? []), entry]);
    return reason;
  };
}

/** @param {Uint8Array} bytes @param {number} start @param {number} end @returns {number} FNV-1a. */
function hashOf(bytes, start, end) {
  let hash = 0x811c9dc5;
  for (let k = start; k < end; k++) hash = Math.imul(hash ^ bytes[k], 16777619);
  return hash;
}

/** @param {Uint8Array} one @param {Uint8Array} bytes @param {number} start @param {number} end */
function isAt(one, bytes, start, end) {
  if (one.length !== end - start) return false;
  for (let k = 0; k < one.length; k++) if (one[k] !== bytes[start + k]) return false;
  return true;
}
