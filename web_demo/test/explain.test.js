import assert from "node:assert/strict";
import { test } from "node:test";

import { ContractError } from "../js/contract.js";
import { explainRow, OPTION, referenceColumns, subjectOf } from "../js/explain.js";
import { generator, permutation, shares } from "../js/shapley.js";
import { fakeModel, makeContract, makeRegression, makeScores, makeSeveral, ROW } from "./fixtures.js";

const go = async () => true;

/** @param {number[][]} rows @returns {import("../js/golden.js").GoldenLine[]} recombined rows of income and age. */
function golden(rows) {
  return rows.map(([income, age]) => ({ stratum: "recombined", row: { ...ROW, income, age }, answer: {} }));
}

test("the draws are mulberry32's, as in Python", () => {
  const draw = generator(0);
  assert.deepEqual([draw(), draw(), draw(), draw()], [1144304738, 1416247, 958946056, 627933444]);
  const other = generator(2 ** 32 - 1);
  assert.deepEqual([other(), other(), other()], [3850105811, 813802916, 3073704848]);
});

test("a permutation holds every place once and follows the draws", () => {
  const places = permutation(50, generator(5));
  assert.deepEqual(
    [...places].sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, k) => k),
  );
  assert.deepEqual(permutation(50, generator(5)), places);
  assert.notDeepEqual(permutation(50, generator(6)), places);
  assert.deepEqual(
    permutation(3, () => 0),
    [1, 2, 0],
  );
});

/** @param {(row: number[]) => number} model @returns {import("../js/shapley.js").Numbers} */
function numbersOf(model) {
  return async (columns, rows) =>
    Array.from({ length: rows }, (_, k) => [model(columns.map((column) => Number(column[k])))]);
}

/** @param {number} n @returns {number} */
function factorial(n) {
  return n < 2 ? 1 : n * factorial(n - 1);
}

/**
 * Shapley values by their definition.
 *
 * @param {(row: number[]) => number} model @param {number[]} row @param {number[][]} references rows.
 */
function exact(model, row, references) {
  const worth = (/** @type {number} */ set) =>
    references.reduce((sum, other) => sum + model(row.map((value, k) => (set & (1 << k) ? value : other[k]))), 0) /
    references.length;
  return row.map((_, feature) => {
    let total = 0;
    for (let set = 0; set < 1 << row.length; set++) {
      if (set & (1 << feature)) continue;
      const size = set.toString(2).replaceAll("0", "").length;
      const weight = (factorial(size) * factorial(row.length - size - 1)) / factorial(row.length);
      total += weight * (worth(set | (1 << feature)) - worth(set));
    }
    return total;
  });
}

const tangled = (/** @type {number[]} */ [a, b, c, d, e, f]) => a * b + Math.max(c, d) * e - f * a * c;
const LINE = [3, -1, 2, 5, 0.5, 1];
const OTHERS = [
  [0, 0, 0, 0, 0, 0],
  [1, 2, -1, 4, 2, 3],
  [-2, 1, 6, 1, 1, 0],
];
const COLUMNS = LINE.map((_, k) => OTHERS.map((row) => row[k]));

test("contributions are Shapley's within their errors, and add up exactly", async () => {
  const right = exact(tangled, LINE, OTHERS);
  for (const [samples, seed] of [
    [4, 0],
    [64, 9],
  ]) {
    const told = await shares(numbersOf(tangled), LINE, COLUMNS, { samples, seed }, go);
    assert.ok(told);
    const [{ base, contributions, errors }] = told;
    contributions.forEach((value, k) => assert.ok(Math.abs(value - right[k]) <= 4 * errors[k] + 1e-12, `${k}`));
    const sum = contributions.reduce((total, each) => total + each, base);
    assert.ok(Math.abs(sum - tangled(LINE)) < 1e-12);
    assert.ok(Math.max(...errors) > 0);
  }
});

test("a model that does not depend on a feature gives it nothing", async () => {
  const told = await shares(
    numbersOf(([a, , c]) => a * c),
    LINE,
    COLUMNS,
    OPTION,
    go,
  );
  assert.deepEqual([told?.[0].contributions[1], told?.[0].errors[1]], [0, 0]);
});

test("it stops when it is told to", async () => {
  let left = 2;
  const told = await shares(numbersOf(tangled), LINE, COLUMNS, OPTION, async () => left-- > 0);
  assert.equal(told, null);
});

test("reference rows are the first recombined ones that the original answers, fewer for wide models", () => {
  const contract = makeContract();
  const lines = [
    { stratum: "boundary", row: { ...ROW, income: 1 }, answer: {} },
    ...golden([[10, 20]]),
    { stratum: "recombined", row: { ...ROW, income: 2 } },
    ...golden(Array.from({ length: 200 }, (_, k) => [k, 30])),
  ];
  const columns = referenceColumns(contract, lines);
  assert.deepEqual([columns.length, columns[0].length], [contract.features.length, 100]);
  assert.deepEqual(columns[0].slice(0, 3), [10, 0, 1]);
  const wide = { ...contract, features: new Array(80).fill(contract.features[0]) };
  assert.equal(
    referenceColumns(
      wide,
      lines.map((line) => ({ ...line, row: { income: 1 } })),
    )[0].length,
    50,
  );
  assert.throws(() => referenceColumns(contract, lines.slice(0, 1)), /no rows to compare/);
});

test("the number that is explained", () => {
  const told = (
    /** @type {import("../js/contract.js").Contract} */ contract,
    /** @type {number} */ label,
    index = 0,
  ) => {
    const { part, key, read } = subjectOf(contract, index, label);
    return [part, key, read({ labels: [label, label], numbers: [0.1, 0.2, 0.3, 0.4, 0.5] })];
  };
  assert.deepEqual(told(makeContract(), 0), ["probabilities", "1", 0.2]);
  assert.deepEqual(told(makeContract({ threshold: { class: 0, value: 0.5 } }), 1), ["probabilities", "0", 0.1]);
  assert.deepEqual(told(makeContract({ threshold: null }), 0), ["probabilities", "1", 0.2]);
  assert.deepEqual(told(makeScores(), 0), ["scores", "1", 0.1]);
  assert.deepEqual(told(makeRegression(), 0), ["value", "value", 0.1]);
  assert.deepEqual(told(makeSeveral(), 2, 1), ["probabilities", "small", 0.5]);
  assert.deepEqual(told(makeSeveral(), 0, 0), ["probabilities", "true", 0.2]);
  const outputs = { label: "label", probabilities: null, scores: null, value: null };
  assert.deepEqual(told(makeContract({ outputs, threshold: null }), 1), ["label", "1", 1]);
});

test("a row is explained by the features that the model reads", async () => {
  const contract = makeContract();
  const references = referenceColumns(contract, golden([[10, 20], [30, 40]])); // prettier-ignore
  const told = await explainRow(contract, fakeModel(), ROW, references, OPTION, go);
  assert.ok(told);
  assert.equal(told[0].answer, 0.5);
  assert.ok(Math.abs(told[0].base - 0.2) < 1e-15);
  assert.ok(Math.abs(told[0].contributions[0] - 0.3) < 1e-15);
  assert.deepEqual(told[0].contributions.slice(1), [0, 0, 0, 0, 0, 0]);
});

test("without a finite answer on the way there is no explanation", async () => {
  const contract = makeRegression();
  const references = referenceColumns(contract, golden([[10, 20]]));
  /** @type {import("../js/predictor.js").ModelCall} */
  const broken = async (feeds) => [Array.from({ length: feeds[0].data.length }, (_, k) => (k === 5 ? NaN : 1))];
  await assert.rejects(explainRow(contract, broken, ROW, references, OPTION, go), ContractError);
});
