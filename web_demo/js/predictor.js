// Rows -> feeds -> predictions. Twin of lambda_handler/predictor.py; the model call is an argument, so this is pure.

import { checkRows, ContractError } from "./contract.js";

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
 * @typedef {{label: string | number | boolean, probabilities: number[], warnings: Warning[]}} Classification
 *   `probabilities` in class order.
 * @typedef {{value: number, warnings: Warning[]}} Regression
 * @typedef {Classification | Regression} Prediction
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
  for (let start = 0; start < rows.length; start += BATCH) {
    const end = Math.min(start + BATCH, rows.length);
    const feeds = contract.features.map((feature, position) => ({
      name: feature.input,
      dtype: feature.dtype,
      data: pack(feature.dtype, columns[position].slice(start, end)),
    }));
    predictions.push(...(await answerBatch(contract, model, feeds, warnings.slice(start, end))));
  }
  const problems = predictions.flatMap((prediction, index) => (isAnswer(prediction) ? [] : [noAnswer(index)]));
  if (problems.length > 0) throw new ContractError(problems);
  return predictions;
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
  if (contract.task === "regression") {
    const [values] = await model(feeds, [String(contract.outputs.value)]);
    return warnings.map((list, row) => ({ value: Number(values[row]), warnings: list }));
  }
  const classes = contract.classes ?? [];
  const outputs = [String(contract.outputs.label), String(contract.outputs.probabilities)];
  const [labels, flat] = await model(feeds, outputs);
  return warnings.map((list, row) => {
    const probabilities = Array.from(classes, (_, k) => Number(flat[row * classes.length + k]));
    return { label: classes[labelIndex(contract, Number(labels[row]), probabilities)], probabilities, warnings: list };
  });
}

/**
 * The position of the label: by the threshold where there is one, else the graph's own.
 *
 * @param {Contract} contract @param {number} graphLabel @param {number[]} probabilities
 */
function labelIndex(contract, graphLabel, probabilities) {
  if (contract.threshold === null) return graphLabel;
  const positive = (contract.classes ?? []).indexOf(contract.threshold.class);
  return probabilities[positive] >= contract.threshold.value ? positive : 1 - positive;
}

/** @param {Prediction} prediction */
function isAnswer(prediction) {
  return "value" in prediction ? Number.isFinite(prediction.value) : prediction.probabilities.every(Number.isFinite);
}

/** @param {number} row @returns {Problem} */
function noAnswer(row) {
  const rule = "the model has no finite answer for this row: its numbers are too large.";
  return { row, feature: null, kind: "no_answer", reason: `${rule} Send values within the ranges.` };
}
