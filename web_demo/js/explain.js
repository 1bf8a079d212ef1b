// Why a row gets its answer, as POST /predict explains it. Twin of lambda_handler/explain.py; pure.

import { checkRows, ContractError } from "./contract.js";
import { answerColumns } from "./predictor.js";
import { shares } from "./shapley.js";

export const OPTION = { samples: 4, seed: 0 }; // as `"explain": true` has it
const MOST_REFERENCES = 100;
const FEWEST_REFERENCES = 10;
const MOST_CELLS = 4000; // of the reference rows, where that leaves the fewest of them

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").GraphValue} GraphValue
 * @typedef {import("./golden.js").GoldenLine} GoldenLine
 * @typedef {import("./predictor.js").ModelCall} ModelCall
 * @typedef {import("./predictor.js").Prediction} Prediction
 * @typedef {{part: "probabilities" | "scores" | "value" | "items" | "label", key: string,
 *   read: (answer: import("./answer.js").Answer) => number}} Subject Which number of an answer is explained: the part
 *   and the key in it, and how to read it.
 * @typedef {import("./shapley.js").Shares & {of: Subject, answer: number}} Explanation Of one target; `answer` is the
 *   row's own number.
 */

/**
 * The reference rows: the first recombined golden rows, in their order in the file.
 *
 * @param {Contract} contract @param {readonly GoldenLine[]} golden
 * @returns {GraphValue[][]} a column of graph values per feature.
 * @throws {RangeError} there are none.
 */
export function referenceColumns(contract, golden) {
  const most = Math.floor(MOST_CELLS / contract.features.length);
  const rows = golden
    .filter(({ stratum, answer }) => stratum === "recombined" && answer !== undefined)
    .slice(0, Math.max(FEWEST_REFERENCES, Math.min(MOST_REFERENCES, most)))
    .map(({ row }) => row);
  if (rows.length === 0) throw new RangeError("This model's bundle holds no rows to compare this one with.");
  return checkRows(contract, rows).columns;
}

/**
 * Which number of a target's answer is explained: the threshold's class's; without a threshold, of two classes the
 * second's, of more the answered one's; of items the best one's. A label alone counts 1 where it is the answered one, and else 0.
 *
 * @param {Contract} contract @param {number} index of the target. @param {number} label the answered class's position.
 * @returns {Subject}
 */
export function subjectOf({ form, threshold }, index, label) {
  const { classes, classKeys, keys, start } = form.targets[index];
  if (form.numbers === null) {
    return { part: "label", key: classKeys[label], read: ({ labels }) => Number(labels[index] === label) };
  }
  const decisive =
    threshold === null
      ? classes.length === 2 && form.numbers !== "items"
        ? 1
        : label
      : classes.indexOf(threshold.class);
  const place = keys.length === 1 ? 0 : decisive; // one number says both scores
  return { part: form.numbers, key: keys[place], read: ({ numbers }) => numbers[start + place] };
}

/**
 * Answers columns of graph values.
 *
 * @param {Contract} contract @param {ModelCall} model @param {GraphValue[][]} columns @param {number} rows
 * @returns {Promise<Prediction[]>}
 * @throws {ContractError} the model has no finite answer for one of them.
 */
export async function answersOf(contract, model, columns, rows) {
  const answers = await answerColumns(contract, model, columns, rows);
  return answers.map((answer) => {
    if (!("rejected" in answer)) return answer;
    const reason =
      "the model has no finite answer for a row between this one and others. Send values within the ranges.";
    throw new ContractError([{ row: 0, feature: null, kind: "no_answer", reason }]);
  });
}

/**
 * Why a row gets its answer.
 *
 * @param {Contract} contract @param {ModelCall} model @param {import("./contract.js").Row} row
 * @param {readonly GraphValue[][]} references as `referenceColumns` gives them.
 * @param {{samples: number, seed: number}} option
 * @param {() => Promise<boolean>} proceed asked now and then; false stops.
 * @returns {Promise<Explanation[] | null>} one per target; null where it was stopped.
 * @throws {ContractError} the row breaks the contract, or the model has no finite answer on the way to it.
 */
export async function explainRow(contract, model, row, references, option, proceed) {
  const columns = checkRows(contract, [row]).columns;
  const [answer] = await answersOf(contract, model, columns, 1);
  const subjects = contract.form.targets.map((_, index) => subjectOf(contract, index, answer.labels[index]));
  const told = await shares(
    async (values, rows) => {
      const answers = await answersOf(contract, model, values, rows);
      return answers.map((each) => subjects.map(({ read }) => read(each)));
    },
    columns.map(([value]) => value),
    references,
    option,
    proceed,
  );
  return told && told.map((each, index) => ({ ...each, of: subjects[index], answer: subjects[index].read(answer) }));
}
