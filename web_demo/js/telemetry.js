// Answers of this page, gathered for the endpoint that the visitor agreed to: loggable values alone. Pure.

import { writeForm } from "./answer.js";
import { writeRow } from "./json.js";

export const MOST = 100; // captures of one request
const MOST_BYTES = 60_000; // of one request: browsers send up to 64 KiB of a page that is being closed

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Row} Row
 */

/**
 * The features whose values may be sent, in the contract's order.
 *
 * @param {Contract} contract
 * @returns {string[]}
 */
export function loggableOf({ features }) {
  return features.filter(({ loggable }) => loggable).map(({ name }) => name);
}

/**
 * One answer as it is sent.
 *
 * @param {Contract} contract @param {Row} row @param {import("./answer.js").Answer} answer
 * @returns {string} JSON
 */
export function captureOf(contract, row, answer) {
  const kept = Object.fromEntries(loggableOf(contract).map((name) => [name, row[name] ?? null]));
  return `{"row": ${writeRow(kept)}, "answer": {${writeForm(contract.form, answer)}}}`;
}

/**
 * The bodies of as few requests as carry all captures; one that is too long for any is left out.
 *
 * @param {Contract} contract @param {readonly string[]} captures
 * @returns {{body: string, count: number}[]}
 */
export function bodiesOf({ model_sha256 }, captures) {
  /** @type {string[][]} */
  const groups = [];
  let room = 0;
  for (const capture of captures) {
    const size = new TextEncoder().encode(capture).length + 2;
    if (size > MOST_BYTES) continue;
    if (groups.length === 0 || size > room || groups[groups.length - 1].length === MOST) {
      groups.push([]);
      room = MOST_BYTES;
    }
    room -= size;
    groups[groups.length - 1].push(capture);
  }
  return groups.map((group) => ({
    body: `{"model": ${JSON.stringify(model_sha256)}, "captures": [${group.join(", ")}]}`,
    count: group.length,
  }));
}

/**
 * What is remembered of a visitor's consent: it holds for one endpoint and these features alone.
 *
 * @param {string} endpoint @param {Contract} contract
 * @returns {{key: string, value: string}}
 */
export function consentOf(endpoint, contract) {
  return { key: `selfsame capture ${endpoint}`, value: JSON.stringify(loggableOf(contract)) };
}
