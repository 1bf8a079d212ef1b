import assert from "node:assert/strict";
import { test } from "node:test";

import { compare, replay, ulpDistance, writeAnswer } from "../js/golden.js";
import { readContract } from "../js/contract.js";
import { DOCUMENT, fakeModel, makeContract, makeRegression, makeScores, makeSeveral, ROW } from "./fixtures.js";

/** @typedef {import("../js/golden.js").GoldenLine} GoldenLine */

const contract = makeContract();
const incomes = [10, 40, 70];
/** @type {GoldenLine[]} */
const GOLDEN = [
  ...incomes.map((income) => ({
    stratum: "recombined",
    row: { ...ROW, income },
    answer: { label: income >= 40 ? 1 : 0, probabilities: { 0: 1 - income / 100, 1: income / 100 } },
    decidable: true,
  })),
  { stratum: "rejected", row: { ...ROW, age: null }, rejected: [{ feature: "age", kind: "missing" }] },
];

/** @returns {Promise<any[]>} fresh answers to the golden rows. */
function answers() {
  return replay(
    contract,
    fakeModel(),
    GOLDEN.map((line) => line.row),
  );
}

test("a faithful model agrees on every row", async () => {
  const result = compare(contract, GOLDEN, await answers());
  assert.deepEqual([result.rows, result.agree, result.labelsDiffer, result.outside, result.maxUlp], [4, 4, 0, 0, 0n]);
  assert.deepEqual(
    result.strata.map(({ name, rows }) => [name, rows]),
    [
      ["recombined", 3],
      ["rejected", 1],
    ],
  );
});

test("a change in the last number of the last row is outside the tolerance", async () => {
  const changed = await answers();
  changed[2].numbers[1] += 1e-9;
  const result = compare(contract, GOLDEN, changed);
  assert.deepEqual([result.agree, result.outside, result.labelsDiffer], [3, 1, 0]);
});

test("one ulp is within rounding and is counted; for an identical certificate it is outside", async () => {
  const changed = await answers();
  changed[2].numbers[1] += 2 ** -53;
  const rounding = compare(contract, GOLDEN, changed);
  assert.deepEqual([rounding.agree, rounding.maxUlp], [4, 1n]);
  const exact = compare(makeContract({ tolerance: { class: "identical", absolute: 0, relative: 0 } }), GOLDEN, changed);
  assert.deepEqual([exact.agree, exact.outside], [3, 1]);
});

test("NaN against a number is outside", async () => {
  const changed = await answers();
  changed[0].numbers[0] = NaN;
  const result = compare(contract, GOLDEN, changed);
  assert.deepEqual([result.outside, result.maxUlp], [1, 2n ** 64n - 1n]);
});

test("swapped classes are outside on every row that they change", async () => {
  const changed = await answers();
  for (const answer of changed.slice(0, 3)) answer.numbers.reverse();
  assert.equal(compare(contract, GOLDEN, changed).outside, 3);
  const swapped = makeContract({ classes: [1, 0] });
  assert.ok(compare(swapped, GOLDEN, await answers()).outside > 0);
});

test("another label differs, and another type of label does too", async () => {
  const changed = await answers();
  changed[0].labels = [1];
  assert.equal(compare(contract, GOLDEN, changed).labelsDiffer, 1);
  for (const label of ["0", false, undefined]) {
    const golden = [{ ...GOLDEN[0], answer: { label, probabilities: { 0: 0.9, 1: 0.1 } } }, ...GOLDEN.slice(1)];
    assert.equal(compare(contract, golden, await answers()).labelsDiffer, 1);
  }
});

test("the label of an undecidable row is counted and not compared, its numbers are", async () => {
  const golden = GOLDEN.map((line, index) => ({ ...line, decidable: index !== 1 }));
  const changed = await answers();
  changed[1].labels = [0];
  const result = compare(contract, golden, changed);
  assert.deepEqual([result.labelsDiffer, result.strata[0].undecidable], [0, 1]);
  changed[1].numbers[1] += 1e-9;
  assert.equal(compare(contract, golden, changed).outside, 1);
});

test("at a jump neither label nor numbers are compared, elsewhere they are", async () => {
  const golden = GOLDEN.map((line, index) => ({ ...line, jump: index === 1 }));
  const changed = await answers();
  changed[1].labels = [0];
  changed[1].numbers[1] += 0.5;
  const result = compare(contract, golden, changed);
  assert.deepEqual([result.labelsDiffer, result.outside, result.strata[0].undecidable], [0, 0, 1]);
  changed[2].numbers[1] += 0.5;
  assert.equal(compare(contract, golden, changed).outside, 1);
  changed[1].numbers.pop();
  assert.equal(compare(contract, golden, changed).outside, 2);
});

test("a large number may be further away, in proportion", () => {
  const regression = makeRegression();
  const golden = [{ stratum: "special", row: ROW, answer: { value: 1e9 }, decidable: true }];
  assert.equal(compare(regression, golden, [{ labels: [], numbers: [1e9 + 5e-4], warnings: [] }]).outside, 0);
  assert.equal(compare(regression, golden, [{ labels: [], numbers: [1e9 + 2e-3], warnings: [] }]).outside, 1);
});

test("an answer instead of a rejection differs, and so do the reverse and another reason", async () => {
  const [first, , , rejected] = await answers();
  const rest = (await answers()).slice(1, 3);
  assert.equal(compare(contract, GOLDEN, [first, ...rest, first]).labelsDiffer, 1);
  assert.equal(compare(contract, GOLDEN, [rejected, ...rest, rejected]).labelsDiffer, 1);
  const other = { rejected: [{ ...rejected.rejected[0], kind: "type" }] };
  assert.equal(compare(contract, GOLDEN, [first, ...rest, other]).labelsDiffer, 1);
});

test("a missing class, or another one, is outside", async () => {
  const short = await answers();
  short[0].numbers.pop();
  assert.equal(compare(contract, GOLDEN, short).outside, 1);
  const renamed = [{ ...GOLDEN[0], answer: { label: 0, probabilities: { 0: 0.9, 2: 0.1 } } }, ...GOLDEN.slice(1)];
  assert.equal(compare(contract, renamed, await answers()).outside, 1);
});

test("nothing to compare, or too few answers, is an error", async () => {
  assert.throws(() => compare(contract, [], []), /got 0 answers for 0 rows/);
  assert.throws(() => compare(contract, GOLDEN, []), /got 0 answers for 4 rows/);
});

test("a regressor's value is compared", async () => {
  const regression = makeRegression();
  const golden = [{ stratum: "special", row: ROW, answer: { value: 50 }, decidable: true }];
  const same = await replay(regression, fakeModel(), [ROW]);
  assert.equal(compare(regression, golden, same).agree, 1);
  assert.equal(compare(regression, golden, [{ labels: [], numbers: [50.1], warnings: [] }]).outside, 1);
});

test("a rejected row keeps its place and spoils no other", async () => {
  const rows = [{ ...ROW, home: "boat" }, ROW, 3, { ...ROW, income: 10 }];
  const got = await replay(contract, fakeModel(), rows);
  assert.deepEqual(
    got.map((answer) => ("rejected" in answer ? answer.rejected.map(({ kind }) => kind) : null)),
    [["unseen"], null, ["row"], null],
  );
  assert.deepEqual([got[1]], await replay(contract, fakeModel(), [ROW]));
});

test("ulp distances are counted in float64 steps", () => {
  const next = 1 + 2 ** -52;
  for (const [a, b, steps] of /** @type {[number, number, bigint][]} */ ([
    [1, 1, 0n],
    [0, -0, 0n],
    [NaN, NaN, 0n],
    [1, next, 1n],
    [-1, -next, 1n],
    [5e-324, -5e-324, 2n],
    [1, NaN, 2n ** 64n - 1n],
  ])) {
    assert.equal(ulpDistance(a, b), steps, `${a} and ${b}`);
    assert.equal(ulpDistance(b, a), steps, `${b} and ${a}`);
  }
});

test("answers are written exactly, with labels as the contract writes them", () => {
  const written = writeAnswer(makeRegression(), { labels: [], numbers: [-0], warnings: [] });
  assert.equal(written, '{"value": -0.0, "warnings": []}');
  const answer = { labels: [1], numbers: [0, 1], warnings: [] };
  assert.equal(writeAnswer(contract, answer), '{"label": 1, "probabilities": {"0": 0.0, "1": 1.0}, "warnings": []}');
  const floats = readContract(JSON.stringify(DOCUMENT).replace('"classes":[0,1]', '"classes":[0.0,1.0]'));
  assert.match(writeAnswer(floats, answer), /^{"label": 1.0, /);
  const words = makeContract({ classes: ["no", 'y"es'], threshold: null });
  assert.match(writeAnswer(words, answer), /^{"label": "y\\"es", /);
});

test("scores, labels alone and several targets are written under their names", () => {
  const score = { labels: [0], numbers: [-0.5], warnings: [] };
  assert.equal(writeAnswer(makeScores(), score), '{"label": -1, "scores": {"1": -0.5}, "warnings": []}');
  const outputs = { label: "label", probabilities: null, scores: null, value: null };
  const alone = makeContract({ outputs, classes: ["a", "b", "c"], threshold: null });
  assert.equal(writeAnswer(alone, { labels: [2], numbers: [], warnings: [] }), '{"label": "c", "warnings": []}');
  const both = { labels: [1, 2], numbers: [0, 1, 0.25, 0.25, 0.5], warnings: [] };
  assert.deepEqual(JSON.parse(writeAnswer(makeSeveral(), both)), {
    targets: {
      late: { label: true, probabilities: { false: 0, true: 1 } },
      size: { label: "small", probabilities: { big: 0.25, odd: 0.25, small: 0.5 } },
    },
    warnings: [],
  });
});

test("every label and number of several targets is compared, an undecidable label alone is not", async () => {
  const several = makeSeveral();
  const late = { label: true, probabilities: { false: 0.5, true: 0.5 } };
  const size = { label: "small", probabilities: { big: 0, odd: 0, small: 1 } };
  const answered = () => replay(several, fakeModel([], true), [ROW]);
  /** @param {any} answer @param {any} [decidable] */
  const result = async (answer, decidable = [true, true]) => {
    const line = { stratum: "special", row: ROW, answer, decidable };
    const { labelsDiffer, outside, strata } = compare(several, [line], await answered());
    return [labelsDiffer, outside, strata[0].undecidable];
  };
  assert.deepEqual(await result({ targets: { late, size } }), [0, 0, 0]);
  const other = { ...size, label: "odd" };
  assert.deepEqual(await result({ targets: { late, size: other } }), [1, 0, 0]);
  assert.deepEqual(await result({ targets: { late, size: other } }, [false, true]), [1, 0, 1]);
  assert.deepEqual(await result({ targets: { late, size: other } }, [true, false]), [0, 0, 1]);
  const last = { ...size, probabilities: { ...size.probabilities, small: 1 - 1e-9 } };
  assert.deepEqual(await result({ targets: { late, size: last } }), [0, 1, 0]);
  assert.deepEqual(await result({ targets: { late } }), [0, 1, 0]);
  assert.deepEqual(await result(late), [0, 1, 0]);
});

test("each target has its own tolerance", () => {
  const outputs = { label: null, probabilities: null, scores: null, value: "value" };
  const targets = ["cost", "days"].map((name) => ({ name, classes: null }));
  const tolerance = { class: "rounding", absolute: [1e-3, 1e-9], relative: 0 };
  const values = makeContract({ task: "regression", outputs, classes: null, threshold: null, targets, tolerance });
  const answer = { targets: { cost: { value: 1000 }, days: { value: 1 } } };
  const golden = [{ stratum: "special", row: ROW, answer, decidable: true }];
  const outside = (/** @type {number[]} */ numbers) =>
    compare(values, golden, [{ labels: [], numbers, warnings: [] }]).outside;
  assert.deepEqual(
    [
      [1000.0005, 1],
      [1000, 1.0005],
      [1000.002, 1],
    ].map(outside),
    [0, 1, 1],
  );
});
