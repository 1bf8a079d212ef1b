// Counts a file's values and answers in the cells of reference.json while they pass. Pure.

import { drift } from "./drift.js";
import { heldNumber } from "./file-block.js";
import { decided } from "./predictor.js";
import { show } from "./words.js";

const PARTS = 40; // of an answer's range

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./context.js").Counts} Counts
 * @typedef {import("./context.js").Reference} Reference
 * @typedef {import("./file-block.js").Block} Block
 * @typedef {{cells: string[], training: number[], found: number[], edges: readonly number[] | null,
 *   place: (value: unknown) => number}} Cells `edges`: of numbers. `place`: the cell of a value; numbers below and above
 *   the training rows' have cells of their own.
 * @typedef {{name: string, cells: string[], training: number[], found: number[]} & import("./drift.js").Drift}
 *   FeatureDrift
 * @typedef {{name: string | null, low: number, high: number, counts: number[], below: number, above: number}} Histogram
 *   of one target's numbers.
 * @typedef {{name: string | null, labels: string[], counts: number[]}} LabelCounts of one target.
 * @typedef {{features: FeatureDrift[], numbers: Histogram[], labels: LabelCounts[]}} Told
 * @typedef {{column: (position: number, values: ArrayLike<unknown>) => void,
 *   texts: (position: number, texts: readonly string[], codes: Int32Array) => void,
 *   answers: (block: Block) => void, told: () => Told}} Tally `column` and `texts` take a feature's values, the latter as
 *   places in a list of different ones.
 */

/**
 * @param {Contract} contract @param {Reference} reference
 * @returns {Tally}
 */
export function makeTally(contract, reference) {
  const { form } = contract;
  const cells = contract.features.map(({ name }) => makeCells(reference.features[name], contract.missing_code));
  const numbers =
    form.numbers === null || form.ranking !== null ? [] : form.targets.map(histogramOf(contract, reference));
  const labels = form.targets.map(({ name, classKeys }) => ({
    name,
    labels: classKeys,
    counts: classKeys.map(() => 0),
  }));
  return {
    column(position, values) {
      const { found, place, edges } = cells[position];
      if (edges !== null && values instanceof Float64Array) countNumbers(edges, found, values);
      else for (let k = 0; k < values.length; k++) found[place(values[k])] += 1;
    },
    texts(position, texts, codes) {
      const { found, place } = cells[position];
      const counts = new Int32Array(texts.length);
      for (let k = 0; k < codes.length; k++) counts[codes[k]] += 1;
      counts.forEach((count, code) => {
        if (count > 0) found[place(texts[code])] += count;
      });
    },
    answers(block) {
      numbers.forEach((histogram, index) => countAnswers(contract, index, histogram, block));
      if (form.labels > 0) labels.forEach(({ counts }, index) => countLabels(form.labels, index, counts, block));
    },
    told: () => ({
      features: contract.features.map(({ name }, index) => toldOf(name, cells[index])),
      numbers,
      labels: form.labels > 0 ? labels : [],
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
  const inner = counts.map((_, k) => `${show(edges[k])} to ${show(edges[k + 1])}`);
  const cells = counts.length === 0 ? ["known", "missing"] : ["below", ...inner, "above", "missing"];
  const found = training.map(() => 0);
  return { cells, training, found, edges, place: (value) => numberPlace(edges, cells.length, Number(value ?? NaN)) };
}

/** @param {readonly number[]} edges @param {number[]} found @param {Float64Array} values */
function countNumbers(edges, found, values) {
  for (let k = 0; k < values.length; k++) found[numberPlace(edges, found.length, values[k])] += 1;
}

/** @param {readonly number[]} edges @param {number} cells @param {number} number @returns {number} */
function numberPlace(edges, cells, number) {
  if (number !== number) return cells - 1;
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
    edges: null,
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

/**
 * Counts the number that stands for each answer, as reference.json does: of the threshold's or last class, or the value.
 *
 * @param {Contract} contract @param {number} index of the target. @param {Histogram} histogram @param {Block} block
 */
function countAnswers(contract, index, histogram, { rows, numbers, without }) {
  const { threshold, form } = contract;
  const { start, keys } = form.targets[index];
  const position = threshold === null ? -1 : decided(contract, threshold, []).position;
  for (let row = 0; row < rows; row++) {
    if (without.size > 0 && without.has(row)) continue;
    if (position >= 0) count(histogram, heldNumber(contract, position, numbers, row));
    else count(histogram, numbers[row * form.width + start + keys.length - 1]);
  }
}

/** @param {Histogram} histogram @param {number} number */
function count(histogram, number) {
  const { low, high, counts } = histogram;
  if (number < low) histogram.below += 1;
  else if (number > high) histogram.above += 1;
  else counts[Math.min(PARTS - 1, Math.floor(((number - low) / (high - low || 1)) * PARTS))] += 1;
}

/** @param {number} labels per row. @param {number} index @param {number[]} counts @param {Block} block */
function countLabels(labels, index, counts, { rows, labels: found, without }) {
  for (let row = 0; row < rows; row++) {
    if (without.size === 0 || !without.has(row)) counts[found[row * labels + index]] += 1;
  }
}
