// JSON read and written so that no number changes on the way: JSON.parse rounds long integers, JSON.stringify loses -0.

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INEXACT = /(?:^|[^\d.])\d{16,}(?![\d.eE])|-0(?![\d.eE])/; // where JSON.parse may round an integer, or give it a sign
const TAG = "\u0000number:"; // no text of ours begins with NUL, so a tagged literal cannot be mistaken for text

/**
 * Parses JSON and gives every number literal to `number`.
 *
 * @param {string} text
 * @param {(literal: string) => unknown} number
 * @returns {any}
 * @throws {SyntaxError} where JSON.parse throws one.
 */
function parseWith(text, number) {
  JSON.parse(text);
  const tagged = text.replace(TOKENS, (token) => (token.startsWith('"') ? token : JSON.stringify(TAG + token)));
  return JSON.parse(tagged, (_key, value) =>
    typeof value === "string" && value.startsWith(TAG) ? number(value.slice(TAG.length)) : value,
  );
}

/**
 * Parses JSON; an integer that a float64 cannot hold becomes a BigInt.
 *
 * @param {string} text
 * @returns {any}
 */
export function parseJson(text) {
  if (!INEXACT.test(text)) return JSON.parse(text);
  return parseWith(text, (literal) => {
    if (!/^-?\d+$/.test(literal)) return Number(literal);
    const value = Number(literal);
    return Number.isSafeInteger(value) ? value + 0 : BigInt(literal);
  });
}

/**
 * Parses JSON; every number stays the text that it was written as ("1.0" and "1" are different class labels).
 *
 * @param {string} text
 * @returns {any}
 */
export function parseLiterals(text) {
  return parseWith(text, (literal) => literal);
}

/**
 * Parses one JSON document per line, as `parseJson` does; empty lines are skipped.
 *
 * @param {string} text
 * @returns {any[]}
 */
export function parseLines(text) {
  return text.split("\n").filter(Boolean).map(parseJson);
}

/**
 * The same in turns.
 *
 * @param {string} text
 * @param {() => Promise<void>} pause awaited before each document.
 * @returns {Promise<any[]>}
 */
export async function parseLinesInTurns(text, pause) {
  const documents = [];
  for (const line of text.split("\n").filter(Boolean)) {
    await pause();
    documents.push(parseJson(line));
  }
  return documents;
}

/**
 * Writes a float64 so that it is read back bit for bit, and as a float also by readers that tell 1 from 1.0.
 *
 * @param {number} value a finite number
 * @returns {string}
 */
export function writeFloat(value) {
  if (Object.is(value, -0)) return "-0.0";
  const text = JSON.stringify(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/**
 * Writes a row of numbers (also BigInt), texts, booleans and nulls as one JSON object.
 *
 * @param {Record<string, unknown>} row
 * @returns {string}
 */
export function writeRow(row) {
  const pairs = Object.entries(row).map(([name, value]) => `${JSON.stringify(name)}: ${writeValue(value)}`);
  return `{${pairs.join(", ")}}`;
}

/**
 * Writes a number (also BigInt), text, boolean or null as JSON.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function writeValue(value) {
  if (typeof value === "bigint") return String(value);
  if (value === Infinity || value === -Infinity) return value > 0 ? "1e999" : "-1e999";
  return Object.is(value, -0) ? "-0.0" : JSON.stringify(value);
}
