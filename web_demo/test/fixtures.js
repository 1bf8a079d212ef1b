// A contract with every type and rule, and a model in plain JavaScript that stands for onnxruntime-web.

import { readContract } from "../js/contract.js";

const rest = { unit: null, description: null, missing: "rejected", range: null, accepts: null };
const none = { categories: null, unseen: null, whole: null, loggable: false };

/** @type {Record<string, any>} */
export const DOCUMENT = {
  format: 2,
  name: "tiny",
  version: "1",
  task: "classification",
  description: null,
  notice: null,
  target: { name: "y", unit: null, description: null },
  missing_code: "\ue000missing",
  features: [
    {
      ...rest,
      ...none,
      name: "income",
      input: "x0",
      type: "number",
      dtype: "float64",
      missing: "allowed",
      range: [0, 100],
      whole: true,
      example: 50,
    },
    { ...rest, ...none, name: "age", input: "x1", type: "integer", dtype: "int64", accepts: [0, 150], example: 40 },
    {
      ...rest,
      ...none,
      name: "grade",
      input: "x2",
      type: "category",
      dtype: "string",
      missing: "allowed",
      categories: ["A", "B"],
      unseen: "allowed",
      example: "B",
    },
    {
      ...rest,
      ...none,
      name: "home",
      input: "x3",
      type: "category",
      dtype: "string",
      categories: ["own", "rent"],
      unseen: "rejected",
      example: "own",
    },
    { ...rest, ...none, name: "married", input: "x4", type: "boolean", dtype: "bool", example: true },
    { ...rest, ...none, name: "debt", input: "x5", type: "number", dtype: "float32", example: 1 },
    {
      ...rest,
      ...none,
      name: "insured",
      input: "x6",
      type: "boolean",
      dtype: "float64",
      missing: "allowed",
      example: null,
    },
  ],
  outputs: { label: "label", probabilities: "probabilities", scores: null, value: null },
  classes: [0, 1],
  targets: null,
  threshold: { class: 1, value: 0.4 },
  automation: { degree: "full", abstain: null },
  capture: { share: 0 },
  tolerance: { class: "rounding", absolute: 1e-12, relative: 1e-12 },
  model_sha256: "00",
};

/**
 * The contract, with some keys replaced.
 *
 * @param {Record<string, unknown>} [changes]
 */
export function makeContract(changes = {}) {
  return readContract(JSON.stringify({ ...DOCUMENT, ...changes }));
}

/** The contract of a regressor. */
export function makeRegression() {
  const outputs = { label: null, probabilities: null, scores: null, value: "value" };
  return makeContract({ task: "regression", outputs, classes: null, threshold: null });
}

/** @type {Record<string, unknown>} */
export const ROW = { income: 50, age: 40, grade: "B", home: "own", married: true, debt: 1, insured: true };

/** The contract of an outlier detector: one score for two classes. */
export function makeScores(changes = {}) {
  const outputs = { label: "label", probabilities: null, scores: "scores", value: null };
  return makeContract({ outputs, classes: [-1, 1], threshold: null, ...changes });
}

/** The contract of a classifier of two targets. */
export function makeSeveral(changes = {}) {
  const targets = [
    { name: "late", classes: [false, true] },
    { name: "size", classes: ["big", "odd", "small"] },
  ];
  return makeContract({ classes: null, threshold: null, targets, ...changes });
}

/**
 * A model call: the probability of class 1 is income / 100, the score is income - 50, the value is income, the graph's
 * label is always 0; with `targets` its rows have two labels, 1 and 2, and five probabilities. It keeps the feeds that
 * it was given in `calls`.
 *
 * @param {import("../js/predictor.js").Feed[][]} [calls]
 * @param {boolean} [targets]
 * @returns {import("../js/predictor.js").ModelCall}
 */
export function fakeModel(calls = [], targets = false) {
  return async (feeds, outputs) => {
    calls.push(feeds);
    const income = /** @type {Float64Array} */ (feeds[0].data);
    const rows = Array.from(income);
    return outputs.map((name) => {
      if (targets && name === "label") return rows.flatMap(() => [1, 2]);
      if (targets) return rows.flatMap((value) => [1 - value / 100, value / 100, 0, 0, 1]);
      if (name === "label") return new BigInt64Array(income.length);
      if (name === "scores") return rows.map((value) => value - 50);
      return name === "value" ? income : rows.flatMap((value) => [1 - value / 100, value / 100]);
    });
  };
}
