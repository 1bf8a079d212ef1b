// Text to values and back, cell by cell, as a contract types them. Twin of lambda_handler/text.py; pure.

import { repr } from "./repr.js";

/** @typedef {import("./contract.js").Feature} Feature */

const MISSING_CODES = new Set(["", "NA", "NaN", "nan", "null", "NULL", "N/A", "?"]); // of text only ""
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const LONGEST_INTEGER = 1000; // characters
// What Python strips; JavaScript's trim() knows U+FEFF in addition and lacks U+001C to U+001F and U+0085.
const BLANK = "[\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const BLANKS = new RegExp(`^${BLANK}|${BLANK}$`, "g");

/** @param {string} text @returns {string} without the blanks around it. */
export function strip(text) {
  return text.replace(BLANKS, "");
}

/**
 * A cell as the feature's type; null where it is missing, the text itself where it does not fit. Blanks around a cell
 * do not count, but for a category that has them itself.
 *
 * @param {Feature} feature @param {string} cell
 * @returns {string | number | bigint | boolean | null}
 */
export function readCell(feature, cell) {
  const text = strip(cell);
  if (feature.type === "category" || feature.type === "text") {
    return text !== cell && feature.categories?.includes(cell) ? cell : text || null;
  }
  if (MISSING_CODES.has(text)) return null;
  if (feature.type === "boolean") return readBoolean(text);
  const digits = asciiDigits(text);
  if (!NUMBER.test(digits) || !Number.isFinite(Number(digits))) return text;
  if (feature.type !== "integer" || !/^[+-]*\d+$/.test(digits)) return Number(digits);
  return text.length < LONGEST_INTEGER ? readInteger(digits) : text;
}

/** @param {string} text @returns {boolean | string} */
function readBoolean(text) {
  const folded = text.toUpperCase().toLowerCase();
  if (folded === "true" || text === "1") return true;
  return folded === "false" || text === "0" ? false : text;
}

/** @param {string} digits @returns {number | bigint} */
function readInteger(digits) {
  const number = Number(digits) + 0;
  return Number.isSafeInteger(number) ? number : BigInt(digits.replace(/^\+/, ""));
}

/**
 * Writes the decimal digits of other scripts as ASCII, since Python reads them: they stand in runs of ten from 0 to 9.
 *
 * @param {string} text
 * @returns {string}
 */
function asciiDigits(text) {
  return text.replace(/(?![0-9])\p{Nd}/gu, (digit) => {
    const code = Number(digit.codePointAt(0));
    let zero = code;
    while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
    return String((code - zero) % 10);
  });
}

/**
 * A value as a cell: nothing for null, a float so that it is read back bit for bit.
 *
 * @param {string | number | bigint | boolean | null | undefined} value a number is a float.
 * @returns {string}
 */
export function writeCell(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? repr(value) : String(value);
}

/**
 * A text as it stands in a CSV line.
 *
 * @param {string} text @param {string} delimiter
 * @returns {string}
 */
export function quoteCell(text, delimiter) {
  return /["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
}
