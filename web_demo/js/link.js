// A row in the fragment of an address, which browsers do not send to the server. Pure.

import { checkRows, ContractError } from "./contract.js";
import { parseJson, writeValue } from "./json.js";

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Row} Row
 */

/**
 * Writes a row as `age=41&grade=%22B%22&income=null`: values as JSON, so that a text stays a text and no digit is lost.
 *
 * @param {Row} row
 * @returns {string} without `#`.
 */
export function writeFragment(row) {
  const pairs = Object.entries(row).map(([name, value]) => [name, writeValue(value)]);
  return new URLSearchParams(pairs).toString();
}

/**
 * Reads a fragment; what does not fit the contract is left out, with a sentence.
 *
 * @param {Contract} contract
 * @param {string} fragment with or without `#`.
 * @returns {{row: Row, notes: string[]}} the features that it names.
 */
export function readFragment(contract, fragment) {
  /** @type {Map<string, unknown>} */
  const found = new Map();
  /** @type {string[]} */
  const notes = [];
  const known = new Set(contract.features.map(({ name }) => name));
  for (const [name, json] of new URLSearchParams(fragment.replace(/^#/, ""))) {
    try {
      if (!known.has(name)) notes.push(`The link names ${name.slice(0, 80)}, which this model does not have.`);
      else found.set(name, parseJson(json));
    } catch {
      notes.push(`The link's ${name} is not readable; the example's stays.`);
    }
  }
  for (const { feature, reason } of problemsOf(contract, found)) {
    found.delete(feature);
    notes.push(`The link's value was not taken: ${reason}`);
  }
  return { row: Object.fromEntries(found), notes };
}

/**
 * @param {Contract} contract @param {Map<string, unknown>} found
 * @returns {{feature: string, reason: string}[]} what the contract says against the values, one per feature at most.
 */
function problemsOf(contract, found) {
  const examples = contract.features.map(({ name, example }) => [name, example]);
  try {
    checkRows(contract, [Object.fromEntries([...examples, ...found])]);
    return [];
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return error.problems.flatMap(({ feature, reason }) =>
      feature !== null && found.has(feature) ? [{ feature, reason }] : [],
    );
  }
}
