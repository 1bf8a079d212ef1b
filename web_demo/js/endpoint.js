// The same rows in this browser and at an endpoint, side by side. Pure: the request is an argument.

import { readRecorded, writeForm } from "./answer.js";
import { ContractError } from "./contract.js";
import { replay, ulpDistance } from "./golden.js";
import { parseJson, writeRow } from "./json.js";

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Row} Row
 * @typedef {{labels: unknown[], numbers: number[]} | null} Answer null: the row was not answered.
 * @typedef {{answers: Answer[], milliseconds: number} | {failed: string}} Side `milliseconds`: the median of one row.
 * @typedef {(body: string) => Promise<{status: number, text: string}>} Post to /predict
 * @typedef {{compared: number, same: number, labelsDiffer: number, undecided: number, outside: number, maxAbs: number,
 *   maxUlp: bigint}} Difference `undecided`: other labels where the original itself is undecided; `outside`: numbers
 *   farther apart than the contract's tolerance.
 * @typedef {{decidable?: boolean | boolean[], jump?: boolean}} Told What a golden row says of its answer.
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
      (await replay(contract, model, rows)).map((answer) => ("rejected" in answer ? null : recordedOf(form, answer))),
    () => replay(contract, model, rows.slice(0, 1)),
  );
}

/** @param {Contract} contract @param {Post} post @param {readonly Row[]} rows @returns {Promise<Side>} */
export function askEndpoint(contract, post, rows) {
  const ask = async (/** @type {readonly Row[]} */ some) => {
    const predictions = await predictionsOf(contract, post, some);
    return predictions.map((prediction) => readRecorded(contract.form, prediction));
  };
  return side(
    () => ask(rows),
    () => ask(rows.slice(0, 1)),
  );
}

/**
 * An answer as the API writes it and others read it.
 *
 * @param {import("./answer.js").Form} form @param {import("./answer.js").Answer} answer
 * @returns {Answer}
 */
export function recordedOf(form, answer) {
  return readRecorded(form, parseJson(`{${writeForm(form, answer)}}`));
}

/**
 * One row's answer by the endpoint, in the form of the page's own.
 *
 * @param {Contract} contract @param {Post} post @param {Row} row
 * @returns {Promise<import("./predictor.js").Prediction>}
 * @throws {ContractError} the endpoint rejects the row.
 * @throws {Error} it fails, or gives no answer.
 */
export async function answerAt(contract, post, row) {
  const [prediction] = await predictionsOf(contract, post, [row]);
  const { form } = contract;
  const read = readRecorded(form, prediction);
  const labels = read?.labels.map((label, k) => form.targets[k].classes.indexOf(/** @type {any} */ (label))) ?? [];
  if (read === null || labels.includes(-1)) {
    const said = prediction.decision ?? prediction.status ?? "none";
    throw new Error(`the endpoint gives no answer for this row (${said}): a person decides`);
  }
  return { labels, numbers: read.numbers, warnings: prediction.warnings };
}

/**
 * @param {Contract} contract @param {Post} post @param {readonly Row[]} rows
 * @returns {Promise<any[]>}
 */
async function predictionsOf(contract, post, rows) {
  const { status, text } = await post(`{"rows": [${rows.map(writeRow).join(", ")}]}`);
  if (status === 422) throw new ContractError(parseJson(text).errors);
  if (status !== 200) throw new Error(`the endpoint answered ${status}: ${text.slice(0, 200)}`);
  const { predictions, model } = parseJson(text);
  if (model?.sha256 !== contract.model_sha256) {
    throw new Error(`the endpoint serves another model: SHA-256 ${String(model?.sha256).slice(0, 12)}…`);
  }
  return predictions;
}

/**
 * @param {Contract} contract @param {readonly Answer[]} answers @param {readonly Answer[]} others
 * @param {readonly Told[]} [rows] without them every label counts.
 * @returns {Difference}
 */
export function difference(contract, answers, others, rows = []) {
  const found = { compared: 0, same: 0, labelsDiffer: 0, undecided: 0, outside: 0, maxAbs: 0, maxUlp: 0n };
  answers.forEach((answer, k) => {
    const other = others[k];
    if (!answer || !other) return;
    const { decidable = true, jump = false } = rows[k] ?? {};
    const apart = answer.labels.flatMap((label, t) => (label === other.labels[t] ? [] : [t]));
    const counted = apart.filter((t) => !jump && (Array.isArray(decidable) ? decidable[t] : decidable));
    const ulps = answer.numbers.map((number, n) => ulpDistance(number, other.numbers[n]));
    const gaps = answer.numbers.map((number, n) => Math.abs(number - other.numbers[n]));
    found.compared += 1;
    found.labelsDiffer += Number(counted.length > 0);
    found.undecided += Number(apart.length > 0 && counted.length === 0);
    found.outside += Number(!jump && !withinTolerance(contract, answer.numbers, gaps));
    found.same += Number(apart.length === 0 && ulps.every((ulp) => ulp === 0n));
    for (const ulp of ulps) if (ulp > found.maxUlp) found.maxUlp = ulp;
    found.maxAbs = Math.max(found.maxAbs, ...gaps);
  });
  return found;
}

/** @param {Contract} contract @param {number[]} numbers @param {number[]} gaps */
function withinTolerance({ form, tolerance }, numbers, gaps) {
  const absolute = form.targets.flatMap((target) => target.keys.map(() => target.absolute));
  return gaps.every((gap, k) => gap <= Math.max(absolute[k], tolerance.relative * Math.abs(numbers[k])));
}
