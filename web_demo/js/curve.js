// What another value of one feature would change: curves of the answer, and the smallest changes that turn a decision.
// Pure.

import { Broken, takeValue } from "./contract.js";
import { answersOf } from "./explain.js";
import { makeScale } from "./scale.js";

const POINTS = 80; // at which a curve is drawn, and a turn of the decision looked for
const STEPS = 50; // at least so many values between two points are tried to come near the turn

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Feature} Feature
 * @typedef {import("./contract.js").GraphValue} GraphValue
 * @typedef {import("./predictor.js").ModelCall} ModelCall
 * @typedef {import("./predictor.js").Prediction} Prediction
 * @typedef {{scale: import("./scale.js").Scale | null, values: unknown[], graph: GraphValue[]}} Axis What a feature is
 *   tried at, as rows hold it and as the graph takes it; in order and on a scale, or a list of choices where `scale` is
 *   null.
 * @typedef {{position: number, value: unknown, others: unknown[], answer: Prediction, distance: number | null}} Turn A
 *   value of the feature at `position` that turns the decision; of choices `others` turn it, too. `distance` is the
 *   share of the scale between the two values, null where there is none.
 */

/**
 * Where a feature is tried.
 *
 * @param {Contract} contract @param {Feature} feature @param {import("./context.js").Counts | undefined} counted
 * @returns {Axis | null} null where there is nothing to try: free text, numbers without a range.
 */
export function makeAxis(contract, feature, counted) {
  const listed = feature.type === "boolean" ? [true, false] : feature.categories;
  const scale = listed === null ? makeScale(feature, counted) : null;
  if (listed === null && scale === null) return null;
  const gap = feature.missing === "allowed" && listed !== null ? [null] : [];
  const values = scale === null ? [...(listed ?? []), ...gap] : spread(feature, scale);
  const taken = values.flatMap((value) => {
    try {
      return [{ value, graph: takeValue(contract, feature, value, []) }];
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      return [];
    }
  });
  return { scale, values: taken.map(({ value }) => value), graph: taken.map(({ graph }) => graph) };
}

/** @param {Feature} feature @param {import("./scale.js").Scale} scale @returns {number[]} values along the scale. */
function spread({ type }, { last, valueAt }) {
  const points = Math.min(POINTS, last);
  const values = Array.from({ length: points + 1 }, (_, k) => valueAt(Math.round((k * last) / points)));
  return [...new Set(type === "integer" ? values.map(Math.round) : values)];
}

/**
 * Answers a row with one feature's values in turn.
 *
 * @param {Contract} contract @param {ModelCall} model
 * @param {readonly GraphValue[]} row a graph value per feature.
 * @param {number} position of the feature. @param {GraphValue[]} graph its values.
 * @returns {Promise<Prediction[]>} one per value.
 */
export function answersAlong(contract, model, row, position, graph) {
  const columns = row.map((value, k) => (k === position ? graph : graph.map(() => value)));
  return answersOf(contract, model, columns, graph.length);
}

/**
 * The mean answer of the reference rows, each with one feature's values in turn (partial dependence).
 *
 * @param {Contract} contract @param {ModelCall} model @param {readonly GraphValue[][]} references
 * @param {number} position of the feature. @param {GraphValue[]} graph its values.
 * @param {import("./explain.js").Subject} subject
 * @param {() => Promise<boolean>} proceed asked now and then; false stops.
 * @returns {Promise<number[] | null>} one per value; null where it was stopped.
 */
export async function meanAlong(contract, model, references, position, graph, subject, proceed) {
  const count = references[0].length;
  const means = [];
  for (const value of graph) {
    if (!(await proceed())) return null;
    const columns = references.map((column, k) => (k === position ? new Array(count).fill(value) : column));
    const answers = await answersOf(contract, model, columns, count);
    means.push(answers.reduce((sum, answer) => sum + subject.read(answer), 0) / count);
  }
  return means;
}

/**
 * The smallest changes of one feature alone that turn the decision: of a number the nearest value on either side, found
 * among the axis's values and then to within a fiftieth of their distance; of choices every one.
 *
 * @param {Contract} contract @param {ModelCall} model
 * @param {readonly GraphValue[]} row a graph value per feature. @param {readonly (Axis | null)[]} axes one per feature.
 * @param {number} target whose label is the decision.
 * @param {() => Promise<boolean>} proceed asked now and then; false stops.
 * @returns {Promise<Turn[] | null>} the nearest first, choices last; null where it was stopped.
 */
export async function findTurns(contract, model, row, axes, target, proceed) {
  const [now] = await answersOf(
    contract,
    model,
    row.map((value) => [value]),
    1,
  );
  const turns = [];
  for (const [position, axis] of axes.entries()) {
    if (axis === null) continue;
    if (!(await proceed())) return null;
    const answers = await answersAlong(contract, model, row, position, axis.graph);
    const turned = (/** @type {Prediction} */ answer) => answer.labels[target] !== now.labels[target];
    if (axis.scale === null) turns.push(...turnOfChoice(position, axis, answers, turned));
    else turns.push(...(await turnsOfNumber({ contract, model, row, position, axis, turned }, answers)));
  }
  return turns.sort((one, other) => (one.distance ?? 2) - (other.distance ?? 2));
}

/**
 * @param {number} position @param {Axis} axis @param {Prediction[]} answers
 * @param {(answer: Prediction) => boolean} turned
 * @returns {Turn[]}
 */
function turnOfChoice(position, { values }, answers, turned) {
  const found = values.flatMap((value, k) => (value !== null && turned(answers[k]) ? [k] : []));
  if (found.length === 0) return [];
  const [first, ...rest] = found;
  return [
    { position, value: values[first], others: rest.map((k) => values[k]), answer: answers[first], distance: null },
  ];
}

/**
 * @typedef {{contract: Contract, model: ModelCall, row: readonly GraphValue[], position: number, axis: Axis,
 *   turned: (answer: Prediction) => boolean}} Search
 */

/**
 * @param {Search} search @param {Prediction[]} answers at the axis's values.
 * @returns {Promise<Turn[]>} at most one on either side; none where the value is missing.
 */
async function turnsOfNumber(search, answers) {
  const { row, position, axis, turned } = search;
  const start = Number(row[position]);
  const values = axis.values.map(Number);
  const turns = [];
  for (const side of [-1, 1]) {
    const ahead = values.flatMap((value, k) => (side * (value - start) > 0 ? [k] : []));
    if (side < 0) ahead.reverse();
    const met = ahead.findIndex((k) => turned(answers[k]));
    if (met < 0) continue;
    const from = met === 0 ? start : values[ahead[met - 1]];
    const found = await nearer(search, from, { value: values[ahead[met]], answer: answers[ahead[met]] });
    turns.push({ position, ...found, others: [], distance: distanceOf(axis, start, found.value) });
  }
  return turns;
}

/** @param {Axis} axis @param {number} one @param {number} other @returns {number | null} */
function distanceOf({ scale }, one, other) {
  return scale && Math.abs(scale.positionOf(other) - scale.positionOf(one)) / scale.last;
}

/**
 * Comes from a value that turns the decision nearer to one that does not, by halves; every value is asked for.
 *
 * @param {Search} search @param {number} from which does not. @param {{value: number, answer: Prediction}} found
 * @returns {Promise<{value: number, answer: Prediction}>}
 */
async function nearer({ contract, model, row, position, turned }, from, found) {
  const feature = contract.features[position];
  const between = latticeOf(from, found.value, feature.type === "integer" || feature.whole === true);
  let [low, high] = [-1, between.length]; // the last that does not turn it, the first that does
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const value = between[middle];
    const [answer] = await answersAlong(contract, model, row, position, [takeValue(contract, feature, value, [])]);
    if (turned(answer)) [high, found] = [middle, { value, answer }];
    else low = middle;
  }
  return found;
}

/**
 * Values of few digits strictly between two numbers, from the first towards the second.
 *
 * @param {number} from @param {number} to @param {boolean} whole
 * @returns {number[]} at least `STEPS` of them where floats or whole numbers allow it, at most ten times as many.
 */
export function latticeOf(from, to, whole) {
  const gap = Math.abs(to - from);
  const digits = Math.ceil(-Math.log10(gap / STEPS));
  const [step, places] = whole && digits > 0 ? [1, 0] : [10 ** -digits, Math.max(0, Math.min(digits, 20))];
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  const first = Math.floor(low / step);
  const count = Math.ceil(high / step) - first;
  const values = Array.from({ length: count + 1 }, (_, k) => Number(((first + k) * step).toFixed(places)));
  const inside = [...new Set(values)].filter((value) => low < value && value < high);
  return from < to ? inside : inside.reverse();
}
