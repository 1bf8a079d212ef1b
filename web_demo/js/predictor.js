// Rows -> feeds -> predictions. Twin of lambda_handler/predictor.py; the model call is an argument, so this is pure.

import { checkRows, ContractError } from "./contract.js";
import { endsOf } from "./interval.js";

export const BATCH = 4096; // rows per model call: memory stays flat

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Dtype} Dtype
 * @typedef {import("./contract.js").GraphValue} GraphValue
 * @typedef {import("./contract.js").Problem} Problem
 * @typedef {import("./contract.js").Warning} Warning
 * @typedef {Float64Array | Float32Array | BigInt64Array | Uint8Array | string[]} FeedData
 * @typedef {{name: string, dtype: Dtype, data: FeedData}} Feed One graph input of shape (rows, 1).
 * @typedef {(feeds: Feed[], outputs: string[]) => Promise<ArrayLike<number | bigint>[]>} ModelCall
 *   Gives the named outputs, flattened row by row.
 * @typedef {import("./answer.js").Answer & {warnings: Warning[]}} Prediction
 */

/**
 * Answers rows.
 *
 * @param {Contract} contract
 * @param {ModelCall} model
 * @param {readonly unknown[]} rows objects of feature name and value; null = missing.
 * @returns {Promise<Prediction[]>} one per row.
 * @throws {ContractError} lists every problem of every row.
 */
export async function predict(contract, model, rows) {
  const { columns, warnings } = checkRows(contract, rows);
  /** @type {Prediction[]} */
  const predictions = [];
  for (const [start, end] of batches(rows.length)) {
    const feeds = feedsOf(contract, columns, start, end);
    predictions.push(...(await answerBatch(contract, model, feeds, warnings.slice(start, end))));
  }
  const problems = predictions.flatMap((prediction, index) =>
    isAnswer(contract, prediction) ? [] : [noAnswer(index)],
  );
  if (problems.length > 0) throw new ContractError(problems);
  return predictions;
}

/**
 * Answers columns of graph values, as `checkRows` gives them, without checking them.
 *
 * @param {Contract} contract @param {ModelCall} model @param {readonly GraphValue[][]} columns one per feature.
 * @param {number} rows that each of them holds.
 * @returns {Promise<import("./golden.js").Answer[]>} a row without a finite answer is rejected.
 */
export async function answerColumns(contract, model, columns, rows) {
  const answers = [];
  for (const [start, end] of batches(rows)) {
    answers.push(...(await answerFeeds(contract, model, feedsOf(contract, columns, start, end), end - start)));
  }
  return answers;
}

/** @param {number} rows @returns {[number, number][]} where each call of the model begins and ends. */
function batches(rows) {
  return Array.from({ length: Math.ceil(rows / BATCH) }, (_, k) => [k * BATCH, Math.min((k + 1) * BATCH, rows)]);
}

/** @param {Contract} contract @param {readonly GraphValue[][]} columns @param {number} start @param {number} end */
function feedsOf(contract, columns, start, end) {
  return contract.features.map((feature, position) => ({
    name: feature.input,
    dtype: feature.dtype,
    data: pack(feature.dtype, columns[position].slice(start, end)),
  }));
}

/** @param {Dtype} dtype @param {GraphValue[]} values @returns {FeedData} */
function pack(dtype, values) {
  switch (dtype) {
    case "float64":
      return Float64Array.from(/** @type {number[]} */ (values));
    case "float32":
      return Float32Array.from(/** @type {number[]} */ (values));
    case "int64":
      return BigInt64Array.from(/** @type {bigint[]} */ (values));
    case "bool":
      return Uint8Array.from(values, Number);
    case "string":
      return /** @type {string[]} */ (values);
  }
}

/**
 * @param {Contract} contract @param {ModelCall} model @param {Feed[]} feeds @param {Warning[][]} warnings
 * @returns {Promise<Prediction[]>}
 */
async function answerBatch(contract, model, feeds, warnings) {
  const { outputs, labels, width } = contract.form;
  const found = await model(feeds, outputs);
  return warnings.map((list, row) => {
    const graphLabels = labels > 0 ? part(found[0], row, labels) : [];
    const numbers = width > 0 ? part(found[found.length - 1], row, width) : [];
    return { labels: decide(contract, graphLabels, numbers), numbers, warnings: list };
  });
}

/**
 * Answers one batch of columns that are typed already.
 *
 * @param {Contract} contract @param {ModelCall} model @param {Feed[]} feeds one per feature.
 * @param {number} rows that each of them holds.
 * @returns {Promise<import("./golden.js").Answer[]>} a row without a finite answer is rejected.
 */
async function answerFeeds(contract, model, feeds, rows) {
  const none = new Array(rows).fill([]);
  const predictions = await answerBatch(contract, model, feeds, none);
  return predictions.map((prediction, row) =>
    isAnswer(contract, prediction) ? prediction : { rejected: [noAnswer(row)] },
  );
}

/** @param {ArrayLike<number | bigint>} flat @param {number} row @param {number} width @returns {number[]} */
function part(flat, row, width) {
  const numbers = [];
  for (let k = row * width; k < (row + 1) * width; k++) numbers.push(Number(flat[k]));
  return numbers;
}

/**
 * The labels: by the threshold where there is one, else the graph's own.
 *
 * @param {Contract} contract @param {number[]} graphLabels @param {number[]} numbers
 * @returns {number[]}
 */
function decide(contract, graphLabels, numbers) {
  if (contract.threshold === null) return graphLabels;
  const { position, number } = decided(contract, contract.threshold, numbers);
  return [number >= contract.threshold.value ? position : 1 - position];
}

/**
 * The position of the threshold's class, and what is held against the threshold: its probability, or its score (the
 * first class's is minus the second's).
 *
 * @param {Contract} contract @param {NonNullable<Contract["threshold"]>} threshold @param {number[]} numbers
 * @returns {{position: number, number: number}}
 */
export function decided({ form }, threshold, numbers) {
  const position = form.targets[0].classes.indexOf(threshold.class);
  if (form.numbers === "probabilities") return { position, number: numbers[position] };
  return { position, number: position === 0 ? -numbers[0] : numbers[0] };
}

/** @param {Contract} contract @param {Prediction} prediction */
function isAnswer({ form: { interval } }, { numbers }) {
  return (interval === null ? numbers : endsOf(interval, numbers[0])).every(Number.isFinite);
}

/** @param {number} row @returns {Problem} of a row whose answer is not finite. */
export function noAnswer(row) {
  const rule = "the model has no finite answer for this row: its numbers are too large.";
  return { row, feature: null, kind: "no_answer", reason: `${rule} Send values within the ranges.` };
}
