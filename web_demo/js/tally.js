// Counts a file's values and answers in the cells of reference.json while they pass. Pure.

import { drift } from "./drift.js";
import { decided } from "./predictor.js";

const PARTS = 40; // of an answer's range

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./context.js").Counts} Counts
 * @typedef {import("./context.js").Reference} Reference
 * @typedef {{cells: string[], training: number[], found: number[], place: (value: unknown) => number}} Cells
 *   `place`: the cell of a value; numbers below and above the training rows' have cells of their own.
 * @typedef {{name: string, cells: string[], training: number[], found: number[]} & import("./drift.js").Drift}
 *   FeatureDrift
 * @typedef {{name: string | null, low: number, high: number, counts: number[], below: number, above: number}} Histogram
 *   of one target's numbers.
 * @typedef {{name: string | null, labels: string[], counts: number[]}} LabelCounts of one target.
 * @typedef {{features: FeatureDrift[], numbers: Histogram[], labels: LabelCounts[]}} Told
 */

/**
 * @param {Contract} contract @param {Reference} reference
 * @returns {{column: (position: number, values: ArrayLike<unknown>) => void,
 *   answer: (answer: import("./answer.js").Answer) => void, told: () => Told}}
 */
export function makeTally(contract, reference) {
  const cells = contract.features.map(({ name }) => makeCells(reference.features[name], contract.missing_code));
  const numbers = contract.form.numbers === null ? [] : contract.form.targets.map(histogramOf(contract, reference));
  const labels = contract.form.targets.map(({ name, classKeys }) => ({
    name,
    labels: classKeys,
    counts: classKeys.map(() => 0),
  }));
  return {
    column(position, values) {
      const { found, place } = cells[position];
      for (let k = 0; k < values.length; k++) found[place(values[k])] += 1;
    },
    answer(answer) {
      numbers.forEach((histogram, index) => count(histogram, numberOf(contract, index, answer)));
      if (contract.form.labels > 0) labels.forEach(({ counts }, index) => (counts[answer.labels[index]] += 1));
    },
    told: () => ({
      features: contract.features.map(({ name }, index) => toldOf(name, cells[index])),
      numbers,
      labels: contract.form.labels > 0 ? labels : [],
    }),
  };
}

/** @param {string} name @param {Cells} cells @returns {FeatureDrift} */
function toldOf(name, { cells, training, found }) {
  return { name, cells, training, found, ...drift(training, found) };
}

/**
 * @param {Counts | undefined} counted of the training rows.
 * @param {string} missingCode
 * @returns {Cells}
 */
function makeCells(counted, missingCode) {
  const missing = counted?.missing ?? 0;
  if (counted?.categories !== undefined) return textCells(counted.categories, counted.other ?? 0, missing, missingCode);
  const { edges = [], counts = [] } = counted ?? {};
  const training = counts.length === 0 ? [0, missing] : [0, ...counts, 0, missing];
  const inner = counts.map((_, k) => `${edges[k]} to ${edges[k + 1]}`);
  const cells = counts.length === 0 ? ["known", "missing"] : ["below", ...inner, "above", "missing"];
  return { cells, training, found: training.map(() => 0), place: (value) => numberPlace(edges, cells.length, value) };
}

/** @param {readonly number[]} edges @param {number} cells @param {unknown} value @returns {number} */
function numberPlace(edges, cells, value) {
  const number = Number(value ?? NaN);
  if (Number.isNaN(number)) return cells - 1;
  if (edges.length === 0 || number < edges[0]) return 0;
  if (number > edges[edges.length - 1]) return cells - 2;
  let [low, high] = [0, edges.length - 2]; // the bin is among these; each holds its lower edge, the last one both
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (number >= edges[middle]) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}

/**
 * @param {Record<string, number>} categories @param {number} other @param {number} missing @param {string} missingCode
 * @returns {Cells}
 */
function textCells(categories, other, missing, missingCode) {
  const names = Object.keys(categories);
  const places = new Map(names.map((name, k) => [name, k]));
  const training = [...names.map((name) => categories[name]), other, missing];
  const truth = ["false", "true"]; // how a graph's booleans are counted
  return {
    cells: [...names, "other", "missing"],
    training,
    found: training.map(() => 0),
    place(value) {
      if (value === missingCode || value === null) return names.length + 1;
      const text = typeof value === "number" ? truth[value] : String(value);
      return places.get(text) ?? names.length;
    },
  };
}

/** @param {Contract} contract @param {Reference} reference */
function histogramOf(contract, reference) {
  /** @param {import("./answer.js").Target} target @returns {Histogram} */
  return ({ name }) => {
    const { edges = [] } =
      (contract.form.several ? reference.answers.targets?.[String(name)] : reference.answers) ?? {};
    const [low, high] = contract.form.numbers === "probabilities" ? [0, 1] : [edges[0], edges[edges.length - 1]];
    const counts = new Array(PARTS).fill(0);
    return { name, low: low ?? 0, high: high ?? 1, counts, below: 0, above: 0 };
  };
}

/** @param {Histogram} histogram @param {number} number */
function count(histogram, number) {
  const { low, high, counts } = histogram;
  if (number < low) histogram.below += 1;
  else if (number > high) histogram.above += 1;
  else counts[Math.min(PARTS - 1, Math.floor(((number - low) / (high - low || 1)) * PARTS))] += 1;
}

/**
 * The number that stands for an answer, as reference.json counts it: of the threshold's or last class, or the value.
 *
 * @param {Contract} contract @param {number} index of the target. @param {import("./answer.js").Answer} answer
 * @returns {number}
 */
function numberOf(contract, index, answer) {
  if (contract.threshold !== null) return decided(contract, contract.threshold, answer.numbers).number;
  const { start, keys } = contract.form.targets[index];
  return answer.numbers[start + keys.length - 1];
}
