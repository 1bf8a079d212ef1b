// The contract: what a row must hold, and what is wrong with one that does not. Twin of lambda_handler/contract.py.

import { readForm } from "./answer.js";
import { parseJson, parseLiterals } from "./json.js";
import { describe, listed, literal, send, show } from "./words.js";

export const FORMAT = 2;
const MOST_UNKNOWN = 20; // unknown features of one row that are named
const FLOAT32_LIMIT = 3.4028235677973366e38; // the smallest magnitude that rounds to an infinite float32
const INT64_LIMIT = 2n ** 63n;

/**
 * @typedef {"float64" | "float32" | "int64" | "bool" | "string"} Dtype
 * @typedef {{
 *   name: string, input: string, type: "number" | "integer" | "boolean" | "category" | "text", dtype: Dtype,
 *   unit: string | null, description: string | null, missing: "allowed" | "rejected",
 *   range: [number | bigint, number | bigint] | null, accepts: [number | bigint, number | bigint] | null,
 *   categories: (string | number | bigint | boolean)[] | null, unseen: "allowed" | "rejected" | null, whole: boolean | null,
 *   loggable: boolean, example: string | number | bigint | boolean | null,
 * }} Feature
 * @typedef {{
 *   format: number, name: string, version: string, task: "classification" | "regression" | "ranking", description: string | null,
 *   notice: string | null, target: {name: string, unit: string | null, description: string | null},
 *   missing_code: string, features: Feature[],
 *   threshold: {class: import("./answer.js").Label, value: number} | null,
 *   automation: {degree: "shadow" | "human only" | "assist" | "partial" | "full", abstain: [number, number] | null},
 *   capture: {share: number},
 *   tolerance: {class: string, relative: number}, model_sha256: string, form: import("./answer.js").Form,
 * }} Contract `form`: what it answers; the rest is docs/bundle.md's contract.json.
 * @typedef {{row: number, feature: string | null, kind: string, reason: string}} Problem
 * @typedef {{feature: string, kind: string, message: string}} Warning
 * @typedef {number | bigint | boolean | string} GraphValue
 * @typedef {Record<string, unknown>} Row
 */

/** A bundle that must not be used: the rule, what was got, what to do. */
export class BundleError extends Error {
  /** @param {string} rule @param {string} got @param {string} [remedy] */
  constructor(rule, got, remedy = "Run `selfsame export` again.") {
    super(`${rule}; ${got}. ${remedy}`);
    this.name = "BundleError";
  }
}

/** Rows that break the contract; `problems` lists each row and feature. */
export class ContractError extends Error {
  /** @param {Problem[]} problems */
  constructor(problems) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
    super(`row ${problems[0].row}: ${problems[0].reason}${more}`);
    this.name = "ContractError";
    this.problems = problems;
  }
}

/** One problem on its way out of a check. */
export class Broken extends Error {
  /** @param {string} kind @param {string} reason */
  constructor(kind, reason) {
    super(reason);
    this.kind = kind;
  }
}

/**
 * Refuses a document of another format by name.
 *
 * @param {string} file
 * @param {any} document
 * @throws {BundleError} `document.format` is not this page's.
 */
export function checkFormat(file, document) {
  const found = document?.format;
  if (found === FORMAT) return;
  const remedy = found > FORMAT ? "Build the site again with a newer selfsame." : "Run `selfsame export` again.";
  throw new BundleError(`${file}: bundle format ${found ?? "unknown"}`, `this page reads ${FORMAT}`, remedy);
}

/**
 * Reads contract.json.
 *
 * @param {string} text
 * @returns {Contract}
 * @throws {BundleError} it is not JSON, or of another format.
 */
export function readContract(text) {
  let document;
  try {
    document = parseJson(text);
  } catch (error) {
    throw new BundleError("contract.json must be JSON", String(error));
  }
  checkFormat("contract.json", document);
  return { ...document, form: readForm(document, parseLiterals(text)) };
}

/**
 * Checks rows and turns them into columns of graph values.
 *
 * @param {Contract} contract
 * @param {readonly unknown[]} rows one object per row, feature name to value; null = missing.
 * @returns {{columns: GraphValue[][], warnings: Warning[][]}} One list per feature in contract order (a missing number
 *   is NaN, a missing string the missing code), and one list of warnings per row.
 * @throws {ContractError} lists every problem of every row.
 */
export function checkRows(contract, rows) {
  /** @type {Problem[]} */
  const problems = [];
  /** @type {Warning[][]} */
  const warnings = rows.map(() => []);
  /** @type {GraphValue[][]} */
  const columns = contract.features.map(() => []);
  const names = new Set(contract.features.map((feature) => feature.name));
  rows.forEach((row, index) => {
    if (!isRow(row)) {
      const reason = `a row is an object of feature names and values; got ${describe(row)}.`;
      problems.push({ row: index, feature: null, kind: "row", reason });
      return;
    }
    contract.features.forEach((feature, position) => {
      try {
        columns[position].push(checkValue(contract, feature, row, warnings[index]));
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        problems.push({ row: index, feature: feature.name, kind: error.kind, reason: error.message });
      }
    });
    const unknown = Object.keys(row).filter((key) => !names.has(key));
    for (const name of unknown.slice(0, MOST_UNKNOWN)) {
      const reason = `${describe(name).slice(9)} is not a feature of this model. Leave it out.`;
      problems.push({ row: index, feature: name.slice(0, 80), kind: "unknown", reason });
    }
  });
  if (problems.length > 0) throw new ContractError(problems);
  if (contract.form.ranking === null) return { columns, warnings };
  return { columns, warnings: warnings.map((list) => list.filter(({ kind }) => kind !== "imputed")) }; // a short history
}

/** @param {unknown} row @returns {row is Row} */
function isRow(row) {
  return typeof row === "object" && row !== null && !Array.isArray(row);
}

/**
 * @param {Contract} contract @param {Feature} feature @param {Row} row @param {Warning[]} warnings
 * @returns {GraphValue}
 */
function checkValue(contract, feature, row, warnings) {
  if (!Object.hasOwn(row, feature.name)) {
    throw new Broken("absent", `${feature.name} is required and is not there. ${send(feature)}`);
  }
  return takeValue(contract, feature, row[feature.name], warnings);
}

/**
 * The graph's value of a feature's value.
 *
 * @param {Contract} contract @param {Feature} feature @param {unknown} value @param {Warning[]} warnings gets them.
 * @returns {GraphValue}
 * @throws {Broken} the feature does not take it.
 */
export function takeValue(contract, feature, value, warnings) {
  if (value === null || value === undefined || Number.isNaN(value)) return missing(contract, feature, warnings);
  if (feature.type === "number") return checkNumber(feature, value, warnings);
  if (feature.type === "integer") return checkInteger(feature, value, warnings);
  if (feature.type === "boolean") return checkBoolean(feature, value);
  return checkCategory(contract, feature, value, warnings);
}

/** @param {Contract} contract @param {Feature} feature @param {Warning[]} warnings @returns {GraphValue} */
function missing(contract, feature, warnings) {
  if (feature.missing === "rejected" || feature.dtype === "int64" || feature.dtype === "bool") {
    const rule = `${feature.name} must not be missing: the original estimator rejects such rows.`;
    throw new Broken("missing", `${rule} ${send(feature)}`);
  }
  const message = `${feature.name}: missing; the model answers with a substitute of its own for it.`;
  warnings.push({ feature: feature.name, kind: "imputed", message });
  return feature.dtype === "string" ? contract.missing_code : NaN;
}

/** @param {Feature} feature @param {unknown} value @param {Warning[]} warnings @returns {number} */
function checkNumber(feature, value, warnings) {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new Broken("type", `${feature.name} takes a number; got ${describe(value, feature)}. ${send(feature)}`);
  }
  const number = Number(value);
  const single = feature.dtype === "float32";
  if (!Number.isFinite(number) || (single && Math.abs(number) >= FLOAT32_LIMIT)) {
    const rule = `${feature.name} takes a finite ${single ? 32 : 64}-bit number`;
    throw new Broken("not_finite", `${rule}; got ${describe(value, feature)}. ${send(feature)}`);
  }
  const seen = single ? Math.fround(number) : number; // what the model sees is what is checked
  checkListed(feature, seen);
  checkRange(feature, seen, warnings);
  return seen;
}

/** @param {Feature} feature @param {unknown} value @param {Warning[]} warnings @returns {number | bigint} */
function checkInteger(feature, value, warnings) {
  const whole = typeof value === "bigint" || (Number.isInteger(value) && Math.abs(Number(value)) <= 2 ** 53);
  const number = whole ? BigInt(/** @type {number | bigint} */ (value)) : INT64_LIMIT;
  if (number < -INT64_LIMIT || number >= INT64_LIMIT) {
    const rule = `${feature.name} takes a whole 64-bit number`;
    throw new Broken("type", `${rule}; got ${describe(value, feature)}. ${send(feature)}`);
  }
  checkListed(feature, number);
  checkRange(feature, number, warnings);
  return feature.dtype === "float64" ? Number(number) : number; // of at most 2^53 there, by its `accepts`
}

/** @param {Feature} feature @param {unknown} value @returns {number | boolean} */
function checkBoolean(feature, value) {
  if (typeof value !== "boolean") {
    throw new Broken("type", `${feature.name} takes true or false; got ${describe(value, feature)}. ${send(feature)}`);
  }
  checkListed(feature, value);
  return feature.dtype === "bool" ? value : Number(value);
}

/**
 * @param {Contract} contract @param {Feature} feature @param {unknown} value @param {Warning[]} warnings
 * @returns {string}
 */
function checkCategory(contract, feature, value, warnings) {
  if (typeof value !== "string") {
    throw new Broken("type", `${feature.name} takes text; got ${describe(value, feature)}. ${send(feature)}`);
  }
  if (/[\0\p{Surrogate}]/u.test(value)) {
    // The runtimes disagree about such text: wasm cuts it at NUL, Python cannot encode a lone surrogate.
    const rule = `${feature.name} takes Unicode text without NUL and lone surrogates`;
    throw new Broken("type", `${rule}; got ${describe(value, feature)}. ${send(feature)}`);
  }
  if (value === contract.missing_code) {
    const rule = `${feature.name}: this text is reserved for missing values.`;
    throw new Broken("reserved", `${rule} Send null when the value is unknown.`);
  }
  const known = feature.categories ?? [];
  if (feature.unseen === null || known.includes(value)) return value;
  checkListed(feature, value);
  const message = `${feature.name}: ${describe(value)} was not seen in training.`;
  warnings.push({ feature: feature.name, kind: "unseen", message });
  return value;
}

/** @param {Feature} feature @param {string | number | bigint | boolean} value */
function checkListed(feature, value) {
  const known = feature.categories ?? [];
  const found = typeof value === "bigint" ? known.some((each) => value === BigInt(each)) : known.includes(value);
  if (feature.unseen !== "rejected" || found) return;
  const rule = `${feature.name} takes one of ${listed(known, feature)}`;
  throw new Broken("unseen", `${rule}; got ${describe(value, feature)}. Send one of these.`);
}

/** @param {Feature} feature @param {number | bigint} number @param {Warning[]} warnings */
function checkRange(feature, number, warnings) {
  const { name, accepts, range } = feature;
  if (accepts !== null && !(accepts[0] <= number && number <= accepts[1])) {
    const [low, high] = accepts.map((end) => literal(end, feature));
    const rule = `${name} must be from ${low} to ${high}, where the original estimator answers`;
    throw new Broken("out_of_bounds", `${rule}; got ${describe(number, feature)}. ${send(feature)}`);
  }
  if (range !== null && !(range[0] <= number && number <= range[1])) {
    const message = `${name}: ${show(number)} is outside the training range, ${show(range[0])} to ${show(range[1])}.`;
    warnings.push({ feature: name, kind: "out_of_range", message });
  }
  if (feature.whole && typeof number === "number" && !Number.isInteger(number)) {
    const message = `${name}: ${show(number)} is not a whole number, as all training values were.`;
    warnings.push({ feature: name, kind: "fraction", message });
  }
}
