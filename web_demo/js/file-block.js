// Answers of many rows side by side, without an object per row: what predictor.js gives, in two arrays. Pure.

import { endsOf } from "./interval.js";
import { decided, noAnswer } from "./predictor.js";

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {{rows: number, labels: ArrayLike<number>, numbers: ArrayLike<number>, without: Map<number, string[]>}} Block
 *   `labels` and `numbers` of one row after another. `without`: why a row has no answer; its place holds no meaning.
 */

/**
 * Answers one batch of columns that are typed already.
 *
 * @param {Contract} contract
 * @param {import("./predictor.js").ModelCall} model
 * @param {import("./predictor.js").Feed[]} feeds one per feature.
 * @param {number} rows that each of them holds.
 * @returns {Promise<Block>} as `predict` answers each of its rows; one without a finite answer is in `without`.
 */
export async function answerBlock(contract, model, feeds, rows) {
  const { outputs, labels, width } = contract.form;
  const found = rows === 0 ? [[], []] : await model(feeds, outputs);
  const numbers = width > 0 ? floats(found[found.length - 1]) : new Float64Array(0);
  const own = labels > 0 && contract.threshold === null ? Int32Array.from(found[0], Number) : null;
  const without = new Map();
  for (let row = 0; row < rows; row++) {
    if (!hasAnswer(contract, numbers, row)) without.set(row, [noAnswer(row).reason]);
  }
  return { rows, labels: own ?? decide(contract, numbers, rows), numbers, without };
}

/** @param {ArrayLike<number | bigint>} numbers @returns {Float64Array} */
function floats(numbers) {
  return numbers instanceof Float64Array ? numbers : Float64Array.from(/** @type {any} */ (numbers), Number);
}

/** @param {Contract} contract @param {Float64Array} numbers @param {number} row @returns {boolean} whether it is finite. */
function hasAnswer({ form: { interval, width } }, numbers, row) {
  if (interval !== null) return endsOf(interval, numbers[row]).every(Number.isFinite);
  for (let k = row * width; k < (row + 1) * width; k++) if (!Number.isFinite(numbers[k])) return false;
  return true;
}

/**
 * The labels by the threshold; none where there is none.
 *
 * @param {Contract} contract @param {Float64Array} numbers @param {number} rows
 */
function decide(contract, numbers, rows) {
  const { threshold } = contract;
  const labels = new Int32Array(threshold === null ? 0 : rows);
  if (threshold === null) return labels;
  const { position } = decided(contract, threshold, []);
  for (let row = 0; row < rows; row++) {
    labels[row] = heldNumber(contract, position, numbers, row) >= threshold.value ? position : 1 - position;
  }
  return labels;
}

/**
 * What of a row's numbers is held against the threshold, as `decided` gives it.
 *
 * @param {Contract} contract @param {number} position of the threshold's class. @param {ArrayLike<number>} numbers
 * @param {number} row
 */
export function heldNumber({ form }, position, numbers, row) {
  if (form.numbers === "probabilities") return numbers[row * form.width + position];
  return position === 0 ? -numbers[row] : numbers[row];
}

/**
 * @param {import("./answer.js").Form} form @param {readonly import("./golden.js").Answer[]} answers
 * @returns {Block} the same answers.
 */
export function blockOf(form, answers) {
  const labels = new Int32Array(answers.length * form.labels);
  const numbers = new Float64Array(answers.length * form.width);
  const without = new Map();
  answers.forEach((answer, row) => {
    if ("rejected" in answer) {
      const reasons = answer.rejected.map(({ reason }) => reason);
      without.set(row, reasons);
    } else {
      labels.set(answer.labels, row * form.labels);
      numbers.set(answer.numbers, row * form.width);
    }
  });
  return { rows: answers.length, labels, numbers, without };
}
