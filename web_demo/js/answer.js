// The form of an answer: what a model's labels and numbers are called. Twin of lambda_handler/answer.py; pure.

import { endsOf } from "./interval.js";
import { writeFloat } from "./json.js";
import { readRanking, scoresOf, writeItems } from "./ranking.js";

/**
 * @typedef {string | number | bigint | boolean} Label
 * @typedef {{name: string | null, classes: Label[], classKeys: string[], keys: string[], start: number,
 *   absolute: number}} Target One thing that a row is asked for: its key under `targets` (null where it is the only
 *   one), its classes (none for a number), the classes as texts, what its numbers are called, the position of the
 *   first of them in a row of numbers, and how far one may stand from the recorded one, whatever its size.
 * @typedef {{outputs: string[], numbers: "probabilities" | "scores" | "value" | "items" | null,
 *   several: boolean, targets: Target[], labels: number, width: number,
 *   interval: import("./interval.js").Interval | null, ranking: import("./ranking.js").Ranking | null}} Form
 *   `outputs`: the graph's, its labels first; `numbers`: what the numbers are; `labels` and `width`: how many labels and
 *   numbers a row has; `interval`: around a value; `ranking`: of the items.
 * @typedef {{labels: number[], numbers: number[]}} Answer One row's: labels as positions in the targets' classes.
 */

/**
 * Reads the form from contract.json.
 *
 * @param {any} document
 * @param {any} literals the same, with every number as the text that it was written as.
 * @returns {Form}
 */
export function readForm(document, literals) {
  const { outputs, tolerance } = document;
  const kinds = /** @type {const} */ (["probabilities", "scores", "value", "items"]);
  const numbers = kinds.find((kind) => (outputs[kind] ?? null) !== null);
  const several = document.targets !== null;
  /** @type {{name: string | null, classes: Label[] | null}[]} */
  const told = several ? document.targets : [{ name: null, classes: document.classes }];
  /** @type {{classes: unknown[] | null}[]} */
  const written = several ? literals.targets : [literals];
  let width = 0;
  const targets = told.map(({ name, classes }, index) => {
    const classKeys = (written[index].classes ?? []).map(String);
    const keys = keysOf(numbers ?? null, classKeys);
    const absolute = Array.isArray(tolerance.absolute) ? tolerance.absolute[index] : tolerance.absolute;
    width += keys.length;
    return { name, classes: classes ?? [], classKeys, keys, start: width - keys.length, absolute };
  });
  return {
    outputs: [outputs.label, numbers && outputs[numbers]].filter((name) => typeof name === "string"),
    numbers: numbers ?? null,
    several,
    targets,
    labels: outputs.label === null ? 0 : targets.length,
    width,
    interval: document.interval ?? null,
    ranking: readRanking(document),
  };
}

/** @param {Form["numbers"]} numbers @param {string[]} classKeys @returns {string[]} */
function keysOf(numbers, classKeys) {
  if (numbers === null) return [];
  if (numbers === "scores" && classKeys.length === 2) return classKeys.slice(1); // one number says both
  return classKeys.length > 0 ? classKeys : ["value"];
}

/**
 * One target's numbers.
 *
 * @param {Target} target @param {Answer} answer
 * @returns {number[]}
 */
export function numbersOf(target, answer) {
  return answer.numbers.slice(target.start, target.start + target.keys.length);
}

/**
 * One answer as the inside of a JSON object, every float64 exact and the labels as the contract writes them.
 *
 * @param {Form} form @param {Answer} answer
 * @returns {string}
 */
export function writeForm(form, answer) {
  if (form.ranking !== null) return writeItems(form.ranking, answer.numbers);
  const parts = form.targets.map((target, index) => writePart(form, target, answer.labels[index], answer));
  if (!form.several) return parts[0];
  const named = form.targets.map(({ name }, index) => `${JSON.stringify(name)}: {${parts[index]}}`);
  return `"targets": {${named.join(", ")}}`;
}

/** @param {Form} form @param {Target} target @param {number} label @param {Answer} answer @returns {string} */
function writePart(form, target, label, answer) {
  const numbers = numbersOf(target, answer).map(writeFloat);
  if (form.numbers === "value") return `"value": ${numbers[0]}${writeEnds(form, answer)}`;
  const key = target.classKeys[label];
  const text = `"label": ${typeof target.classes[label] === "string" ? JSON.stringify(key) : key}`;
  if (form.numbers === null) return text;
  const pairs = target.keys.map((name, k) => `${JSON.stringify(name)}: ${numbers[k]}`);
  return `${text}, "${form.numbers}": {${pairs.join(", ")}}`;
}

/** @param {Form} form @param {Answer} answer */
function writeEnds({ interval }, answer) {
  return interval === null ? "" : `, "interval": [${endsOf(interval, answer.numbers[0]).map(writeFloat).join(", ")}]`;
}

/** @param {Form} form @param {any} part @returns {boolean} whether it holds the interval of its value, or none. */
function hasEnds({ interval }, part) {
  if (interval === null) return part?.interval === undefined;
  const ends = endsOf(interval, part?.value);
  return (
    Array.isArray(part?.interval) && part.interval.length === 2 && ends.every((end, k) => end === part.interval[k])
  );
}

/**
 * The labels (as classes) and the numbers of a recorded answer.
 *
 * @param {Form} form @param {any} recorded
 * @returns {{labels: unknown[], numbers: number[]} | null} null where it has another form than this
 *   one, or not the interval that belongs to its value.
 */
export function readRecorded(form, recorded) {
  if (form.ranking !== null) {
    const scores = scoresOf(form.ranking, recorded?.items);
    return scores && { labels: [recorded.items[0]?.id ?? form.ranking.items[0].id], numbers: scores };
  }
  /** @type {unknown[]} */
  const labels = [];
  /** @type {number[]} */
  const numbers = [];
  for (const target of form.targets) {
    const part = form.several ? recorded.targets?.[String(target.name)] : recorded;
    if (form.labels > 0) labels.push(part?.label);
    if (form.numbers === null) continue;
    const shown = form.numbers === "value" ? { value: part?.value } : (part?.[form.numbers] ?? {});
    if (Object.keys(shown).length !== target.keys.length || !hasEnds(form, part)) return null;
    numbers.push(...target.keys.map((key) => shown[key]));
  }
  return numbers.every((number) => typeof number === "number") ? { labels, numbers } : null;
}
