// Replays rows and compares the answers with the golden ones. Twin of lambda_handler/golden.py; pure.

import { readRecorded, writeForm } from "./answer.js";
import { ContractError } from "./contract.js";
import { predict } from "./predictor.js";
import { shownScores } from "./ranking.js";

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Problem} Problem
 * @typedef {import("./predictor.js").Prediction} Prediction
 * @typedef {{rejected: Problem[]}} Rejection
 * @typedef {Prediction | Rejection} Answer
 * @typedef {{stratum: string, row: Record<string, unknown>, decidable?: boolean | boolean[], jump?: boolean,
 *   answer?: unknown, rejected?: {feature: string | null, kind: string}[]}} GoldenLine
 * @typedef {{name: string, rows: number, labelsDiffer: number, outside: number, undecidable: number, maxUlp: bigint,
 *   maxAbs: number}} Stratum
 * @typedef {{strata: Stratum[], rows: number, agree: number, apart: number[], labelsDiffer: number, outside: number,
 *   maxUlp: bigint}} Comparison `agree`: rows with nothing to object to; `apart`: the positions of the others.
 */

const NEVER = 2n ** 64n - 1n; // the distance between NaN and a number

/**
 * Answers rows in one batch; a row that breaks the contract gets its problems and spoils no other.
 *
 * @param {Contract} contract
 * @param {import("./predictor.js").ModelCall} model
 * @param {readonly unknown[]} rows
 * @returns {Promise<Answer[]>} one per row.
 */
export async function replay(contract, model, rows) {
  try {
    return await predict(contract, model, rows);
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    /** @type {Map<number, Problem[]>} */
    const rejected = new Map();
    for (const problem of error.problems) rejected.set(problem.row, [...(rejected.get(problem.row) ?? []), problem]);
    const kept = await replay(
      contract,
      model,
      rows.filter((_, index) => !rejected.has(index)),
    );
    return rows.map((_, index) => {
      const problems = rejected.get(index);
      return problems ? { rejected: problems } : /** @type {Answer} */ (kept.shift());
    });
  }
}

/**
 * Distance in float64 steps: 0 for equal numbers (also 0 and -0) and for NaN beside NaN; NaN beside a number is 2^64 - 1.
 *
 * @param {number} a
 * @param {number} b
 * @returns {bigint}
 */
export function ulpDistance(a, b) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0n : NEVER;
  const [x, y] = new BigInt64Array(Float64Array.of(a, b).buffer).map((bits) =>
    bits < 0n ? -(2n ** 63n) - bits : bits,
  );
  return x > y ? x - y : y - x;
}

/**
 * Holds answers against the original's.
 *
 * @param {Contract} contract
 * @param {readonly GoldenLine[]} golden lines of golden.jsonl.
 * @param {readonly Answer[]} answers one per golden row.
 * @returns {Comparison}
 * @throws {RangeError} nothing to compare, or not one answer per row.
 */
export function compare(contract, golden, answers) {
  if (golden.length === 0 || golden.length !== answers.length) {
    const got = `got ${answers.length} answers for ${golden.length} rows`;
    throw new RangeError(`one answer per golden row is compared; ${got}.`);
  }
  /** @type {Map<string, Stratum>} */
  const strata = new Map();
  /** @type {number[]} */
  const apart = [];
  golden.forEach((line, index) => {
    const empty = { rows: 0, labelsDiffer: 0, outside: 0, undecidable: 0, maxUlp: 0n, maxAbs: 0 };
    const stratum = strata.get(line.stratum) ?? { name: line.stratum, ...empty };
    strata.set(line.stratum, stratum);
    const before = stratum.labelsDiffer + stratum.outside;
    stratum.rows += 1;
    compareRow(contract, line, answers[index], stratum);
    if (stratum.labelsDiffer + stratum.outside > before) apart.push(index);
  });
  const all = [...strata.values()];
  return {
    strata: all,
    rows: golden.length,
    agree: golden.length - apart.length,
    apart,
    labelsDiffer: all.reduce((sum, stratum) => sum + stratum.labelsDiffer, 0),
    outside: all.reduce((sum, stratum) => sum + stratum.outside, 0),
    maxUlp: all.reduce((most, stratum) => (stratum.maxUlp > most ? stratum.maxUlp : most), 0n),
  };
}

/** @param {Contract} contract @param {GoldenLine} line @param {Answer} answer @param {Stratum} stratum */
function compareRow(contract, line, answer, stratum) {
  if (line.answer === undefined || "rejected" in answer) {
    stratum.labelsDiffer += Number(rejection(line.rejected) !== rejection("rejected" in answer ? answer.rejected : []));
    return;
  }
  const { form, tolerance } = contract;
  const recorded = readRecorded(form, line.answer);
  if (recorded === null || answer.numbers.length !== recorded.numbers.length) {
    stratum.outside += 1;
    return;
  }
  if (line.jump === true) {
    stratum.undecidable += 1;
    return;
  }
  const shown = form.ranking === null ? answer.numbers : shownScores(form.ranking, answer.numbers);
  compareNumbers(form, tolerance.relative, recorded.numbers, shown, stratum);
  if (form.labels === 0) return;
  const decidable = form.targets.map((_, k) => (Array.isArray(line.decidable) ? line.decidable[k] : line.decidable));
  const differs = form.targets.some(
    ({ classes }, k) => decidable[k] === true && classes[answer.labels[k]] !== recorded.labels[k],
  );
  stratum.undecidable += Number(!decidable.every((each) => each === true));
  stratum.labelsDiffer += Number(differs);
}

/**
 * @param {import("./answer.js").Form} form @param {number} relative @param {number[]} recorded @param {readonly number[]} got
 * @param {Stratum} stratum
 */
function compareNumbers(form, relative, recorded, got, stratum) {
  const absolute = form.targets.flatMap((target) => target.keys.map(() => target.absolute));
  const aparts = recorded.map((number, k) => Math.abs(number - got[k]));
  // Below the absolute tolerance a float64 step is too small to mean anything.
  const ulps = recorded.map((number, k) => (Math.abs(number) > absolute[k] ? ulpDistance(number, got[k]) : 0n));
  const ulp = ulps.reduce((most, each) => (each > most ? each : most), 0n);
  const apart = Math.max(0, ...aparts);
  const inside = recorded.every((number, k) => aparts[k] <= Math.max(absolute[k], relative * Math.abs(number)));
  stratum.outside += Number(!inside);
  if (apart > stratum.maxAbs) stratum.maxAbs = apart;
  if (ulp > stratum.maxUlp) stratum.maxUlp = ulp;
}

/** @param {GoldenLine["rejected"]} [problems] @returns {string} features and kinds in one comparable text. */
function rejection(problems = []) {
  return JSON.stringify([...new Set(problems.map(({ feature, kind }) => JSON.stringify([feature, kind])))].sort());
}

/**
 * One answer as JSON text, every float64 exact and the label as the contract writes it.
 *
 * @param {Contract} contract
 * @param {Answer} answer
 * @returns {string}
 */
export function writeAnswer(contract, answer) {
  if ("rejected" in answer) return JSON.stringify(answer);
  return `{${writeForm(contract.form, answer)}, "warnings": ${JSON.stringify(answer.warnings)}}`;
}
