// Values and numbers in words, for messages.

import { repr } from "./repr.js";

/**
 * What was got, cut to a length that fits a message.
 *
 * @param {unknown} value
 * @param {Typed} [feature] that it was sent for.
 * @returns {string}
 */
export function describe(value, feature) {
  if (value === null || value === undefined) return "null";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "string") return `the text ${JSON.stringify(cut(value))}${cut(value) === value ? "" : "…"}`;
  if (typeof value === "number") return `the number ${literal(value, feature)}`;
  if (typeof value === "bigint") {
    const text = String(value);
    return text.length > 40 ? "an integer of over 40 digits" : `the number ${text}`;
  }
  return Array.isArray(value) ? "a list" : "an object";
}

/** @typedef {{type: string}} Typed A feature, as far as its type. */

/** @param {string} text @returns {string} its first 40 characters. */
function cut(text) {
  return [...text.slice(0, 80)].slice(0, 40).join("");
}

/**
 * A value as the contract and the API write it: a feature of type `number` has floats, which keep their point.
 *
 * @param {unknown} value
 * @param {Typed} [feature]
 * @returns {string}
 */
export function literal(value, feature) {
  if (typeof value !== "number") return typeof value === "bigint" ? String(value) : JSON.stringify(value);
  return feature?.type === "number" || !Number.isSafeInteger(value) ? repr(value) : String(value);
}

/**
 * A number as people write it: `50,000`, `0.25`, `1e+300`.
 *
 * @param {number | bigint} exact
 * @returns {string}
 */
export function show(exact) {
  const number = Number(exact);
  const size = Math.abs(number);
  if (Object.is(number, -0)) return "-0";
  if (Number.isInteger(number) && size < 1e15) return grouped(String(number));
  const short = String(Number(number.toPrecision(6)));
  return size >= 1e15 || size < 1e-4 ? short : grouped(short);
}

/** @param {string} digits @returns {string} with a comma before every three of the whole ones; Intl takes 25 ms to start. */
function grouped(digits) {
  return digits.replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));
}

/**
 * A training range, without separators in numbers of four digits: they may be years.
 *
 * @param {readonly [number | bigint, number | bigint]} range
 * @returns {string}
 */
export function showRange(range) {
  const [low, high] = range.map((end) => (Math.abs(Number(end)) < 10000 ? show(end).replace(",", "") : show(end)));
  return `${low} to ${high}`;
}

/**
 * The first ten values of a list, texts quoted.
 *
 * @param {readonly (string | number | bigint | boolean)[]} values
 * @param {Typed} [feature] that they belong to.
 * @returns {string}
 */
export function listed(values, feature) {
  const written = values.slice(0, 10).map((value) => literal(value, feature));
  return written.join(", ") + (values.length > 10 ? ", …" : "");
}

/**
 * What to send for a feature.
 *
 * @param {{type: string, example: unknown, missing: string}} feature
 * @returns {string}
 */
export function send(feature) {
  const example = literal(feature.example, feature);
  const unknown = feature.missing === "allowed" && feature.example !== null ? ", or null when it is unknown" : "";
  return `Send for example ${example}${unknown}.`;
}

/**
 * A bundle's name as a title: `loan-default` is `Loan default`.
 *
 * @param {string} name
 * @returns {string}
 */
export function title(name) {
  const words = name.replace(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * A share as a percentage: `23.7 %`.
 *
 * @param {number} share from 0 to 1
 * @returns {string}
 */
export function percent(share) {
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  if (share < 1 && share >= 0.9995) return "> 99.9 %";
  return `${(share * 100).toFixed(1)} %`;
}

/**
 * What becomes of an answer where the model is in service, by its contract's degree of automation.
 *
 * @param {import("./contract.js").Contract} contract
 * @returns {string | null} null where the model decides.
 */
export function inService({ automation: { degree, abstain } }) {
  if (degree === "full") return null;
  if (degree === "assist") return "In service this is a suggestion: a person decides.";
  if (degree === "shadow") return "In service this answer is recorded and not given.";
  if (abstain === null) return "In service a person decides, without this answer.";
  return `In service a person decides from ${show(abstain[0])} to ${show(abstain[1])}, the model elsewhere.`;
}

/**
 * A row's value in words.
 *
 * @param {unknown} value
 * @param {string | null} unit
 * @returns {string}
 */
export function valueWords(value, unit) {
  if (value === null || value === undefined) return "unknown";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number" && typeof value !== "bigint") return String(value).trim() === "" ? '""' : String(value);
  return unit === null ? show(value) : `${show(value)} ${unit}`;
}

/**
 * A number of an answer in words: a share as a percentage, other numbers in four digits.
 *
 * @param {"probabilities" | "scores" | "value" | "items" | "label"} part
 * @param {number} number
 * @param {boolean} [signed] with its sign, for what is added: shares in percentage points.
 * @returns {string}
 */
export function numberWords(part, number, signed = false) {
  const share = part === "probabilities" || part === "label";
  if (!signed) return share ? percent(number) : show(Number(number.toPrecision(4)));
  const size = Math.abs(number);
  const text = share ? `${(100 * size).toFixed(2)} pp` : show(Number(size.toPrecision(3)));
  return Number.parseFloat(text) === 0 ? text : `${number < 0 ? "−" : "+"}${text}`;
}

/**
 * A standard error in words, to stand behind what is added.
 *
 * @param {"probabilities" | "scores" | "value" | "items" | "label"} part
 * @param {number} error
 * @returns {string}
 */
export function errorWords(part, error) {
  return `± ${numberWords(part, error, true).replace("+", "").replace(" pp", "")}`;
}

/**
 * Why something failed, as a sentence or part of one.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function reasonOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * How far numbers lie apart: `2.2e-16`, `8`.
 *
 * @param {number} apart
 * @returns {string}
 */
export function gapWords(apart) {
  return apart > 0 && apart < 0.01 ? apart.toExponential(1) : show(Number(apart.toPrecision(2)));
}
