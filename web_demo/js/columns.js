// Cells typed straight into the graph's arrays, without an object per cell. What is not plain about a cell goes the way
// of every other row: cells.js types it, contract.js judges it. Pure.

import { readCell } from "./cells.js";
import { Broken, takeValue } from "./contract.js";
import { decode } from "./csv.js";

const POWERS = Array.from({ length: 16 }, (_, k) => 10 ** k); // exact
const MOST_DIGITS = 15; // so many are exact in a float64, and so is their quotient by a power of ten
const FLOAT32_MAX = 3.4028234663852886e38;
const MOST_KEPT = 10000; // different texts of a column that are remembered
const SLOTS = 2 ** 15; // of the table that finds them

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Feature} Feature
 * @typedef {(bytes: Uint8Array, start: number, end: number, at: number) => string | null} Take Puts a cell's value at a
 *   place of the column; gives the reason where the feature does not take it.
 * @typedef {{take: Take, feed: (count: number) => import("./predictor.js").Feed,
 *   tell: (tally: import("./tally.js").Tally, position: number, count: number) => void}} Column `feed`: the first values,
 *   as the graph takes them. `tell` has them counted.
 */

/**
 * @param {Contract} contract @param {Feature} feature @param {number} capacity in rows.
 * @returns {Column}
 */
export function makeColumn(contract, feature, capacity) {
  if (feature.dtype === "string") return makeTexts(contract, feature, capacity);
  const data = makeData(feature.dtype, capacity);
  return {
    take: takeNumber(feature, data, takeOther(contract, feature, data)),
    feed: (count) => ({ name: feature.input, dtype: feature.dtype, data: data.subarray(0, count) }),
    tell: (tally, position, count) => tally.column(position, data.subarray(0, count)),
  };
}

/** @param {Exclude<import("./contract.js").Dtype, "string">} dtype @param {number} capacity @returns {any} */
function makeData(dtype, capacity) {
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
    const value = start === end ? null : readCell(feature, decode(bytes.subarray(start, end)));
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
 * A column of texts, held as places in a list of the different ones: each of these is decoded and judged once.
 *
 * @param {Contract} contract @param {Feature} feature @param {number} capacity
 * @returns {Column}
 */
function makeTexts(contract, feature, capacity) {
  const codes = new Int32Array(capacity);
  const slots = new Int32Array(SLOTS); // 1 + a code, 0 where it is free
  /** @type {{cell: Uint8Array, reason: string | null}[]} */
  const known = [];
  /** @type {string[]} */
  const texts = [];
  const judged = [""];
  const judge = takeOther(contract, feature, judged);
  return {
    take(bytes, start, end, at) {
      let slot = hashOf(bytes, start, end) & (SLOTS - 1);
      for (; slots[slot] > 0; slot = (slot + 1) & (SLOTS - 1)) {
        const code = slots[slot] - 1;
        if (!isAt(known[code].cell, bytes, start, end)) continue;
        codes[at] = code;
        return known[code].reason;
      }
      const reason = judge(bytes, start, end, 0);
      if (known.length < MOST_KEPT) {
        slots[slot] = known.push({ cell: bytes.slice(start, end), reason });
      }
      codes[at] = texts.push(judged[0]) - 1;
      return reason;
    },
    feed(count) {
      const data = new Array(count);
      for (let row = 0; row < count; row++) data[row] = texts[codes[row]];
      return { name: feature.input, dtype: "string", data };
    },
    tell(tally, position, count) {
      tally.texts(position, texts, codes.subarray(0, count));
      texts.length = known.length; // what was not remembered is not needed any more
    },
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
