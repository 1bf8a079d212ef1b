// The same rows in this browser and at an endpoint, side by side. Pure: the request is an argument.

import { readRecorded, writeForm } from "./answer.js";
import { replay, ulpDistance } from "./golden.js";
import { parseJson, writeRow } from "./json.js";

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Row} Row
 * @typedef {{labels: unknown[], numbers: number[]} | null} Answer null: the row was not answered.
 * @typedef {{answers: Answer[], milliseconds: number} | {failed: string}} Side `milliseconds`: the median of one row.
 * @typedef {(body: string) => Promise<{status: number, text: string}>} Post to /predict
 * @typedef {{compared: number, same: number, labelsDiffer: number, maxAbs: number, maxUlp: bigint}} Difference
 */

const TIMED = 5; // rows, one by one

/**
 * @param {() => Promise<Answer[]>} all @param {() => Promise<unknown>} one answers one row.
 * @returns {Promise<Side>} never rejects.
 */
async function side(all, one) {
  try {
    const answers = await all();
    /** @type {number[]} */
    const times = [];
    for (let k = 0; k < TIMED; k++) {
      const start = performance.now();
      await one();
      times.push(performance.now() - start);
    }
    return { answers, milliseconds: times.sort((a, b) => a - b)[Math.floor(TIMED / 2)] };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * @param {Contract} contract @param {import("./predictor.js").ModelCall} model @param {readonly Row[]} rows
 * @returns {Promise<Side>}
 */
export function askPage(contract, model, rows) {
  const { form } = contract;
  return side(
    async () =>
      (await replay(contract, model, rows)).map((answer) =>
        "rejected" in answer ? null : readRecorded(form, parseJson(`{${writeForm(form, answer)}}`)),
      ),
    () => replay(contract, model, rows.slice(0, 1)),
  );
}

/** @param {Contract} contract @param {Post} post @param {readonly Row[]} rows @returns {Promise<Side>} */
export function askEndpoint(contract, post, rows) {
  const ask = async (/** @type {readonly Row[]} */ some) => {
    const { status, text } = await post(`{"rows": [${some.map(writeRow).join(", ")}]}`);
    if (status !== 200) throw new Error(`the endpoint answered ${status}: ${text.slice(0, 200)}`);
    const { predictions, model } = parseJson(text);
    if (model?.sha256 !== contract.model_sha256) {
      throw new Error(`the endpoint serves another model: SHA-256 ${String(model?.sha256).slice(0, 12)}…`);
    }
    return /** @type {unknown[]} */ (predictions).map((prediction) => readRecorded(contract.form, prediction));
  };
  return side(
    () => ask(rows),
    () => ask(rows.slice(0, 1)),
  );
}

/** @param {readonly Answer[]} answers @param {readonly Answer[]} others @returns {Difference} */
export function difference(answers, others) {
  const found = { compared: 0, same: 0, labelsDiffer: 0, maxAbs: 0, maxUlp: 0n };
  answers.forEach((answer, k) => {
    const other = others[k];
    if (!answer || !other) return;
    const labels = answer.labels.every((label, t) => label === other.labels[t]);
    const ulps = answer.numbers.map((number, n) => ulpDistance(number, other.numbers[n]));
    found.compared += 1;
    found.labelsDiffer += Number(!labels);
    found.same += Number(labels && ulps.every((ulp) => ulp === 0n));
    for (const ulp of ulps) if (ulp > found.maxUlp) found.maxUlp = ulp;
    found.maxAbs = Math.max(found.maxAbs, ...answer.numbers.map((number, n) => Math.abs(number - other.numbers[n])));
  });
  return found;
}
