import assert from "node:assert/strict";
import { test } from "node:test";

import { ContractError } from "../js/contract.js";
import { BATCH, predict } from "../js/predictor.js";
import { fakeModel, makeContract, makeRegression, makeScores, makeSeveral, ROW } from "./fixtures.js";

test("each dtype gets its typed array", async () => {
  /** @type {import("../js/predictor.js").Feed[][]} */
  const calls = [];
  await predict(makeContract(), fakeModel(calls), [ROW]);
  assert.deepEqual(calls[0], [
    { name: "x0", dtype: "float64", data: Float64Array.of(50) },
    { name: "x1", dtype: "int64", data: BigInt64Array.of(40n) },
    { name: "x2", dtype: "string", data: ["B"] },
    { name: "x3", dtype: "string", data: ["own"] },
    { name: "x4", dtype: "bool", data: Uint8Array.of(1) },
    { name: "x5", dtype: "float32", data: Float32Array.of(1) },
    { name: "x6", dtype: "float64", data: Float64Array.of(1) },
  ]);
});

test("with a threshold the label is its class from the threshold on", async () => {
  const rows = [39, 40, 41].map((income) => ({ ...ROW, income }));
  const answers = await predict(makeContract(), fakeModel(), rows);
  assert.deepEqual(
    answers.map(({ labels }) => labels[0]),
    [0, 1, 1],
  );
  assert.deepEqual(answers[0].numbers, [1 - 0.39, 0.39]);
});

test("a threshold on the first class counts that class", async () => {
  const contract = makeContract({ threshold: { class: 0, value: 0.7 } });
  const rows = [20, 40].map((income) => ({ ...ROW, income }));
  const answers = await predict(contract, fakeModel(), rows);
  assert.deepEqual(
    answers.map(({ labels }) => labels[0]),
    [0, 1],
  );
});

test("a threshold on scores: the first class counts with the score turned round", async () => {
  const rows = [49, 50, 51].map((income) => ({ ...ROW, income }));
  for (const [threshold, expected] of /** @type {const} */ ([
    [{ class: 1, value: 0 }, [0, 1, 1]],
    [{ class: -1, value: 0 }, [0, 0, 1]],
    [{ class: 1, value: 1 }, [0, 0, 1]],
  ])) {
    const answers = await predict(makeScores({ threshold }), fakeModel(), rows);
    assert.deepEqual(
      answers.map(({ labels }) => labels[0]),
      expected,
    );
    assert.deepEqual(answers[0].numbers, [-1]);
  }
});

test("several targets: labels and numbers side by side", async () => {
  const rows = [20, 30].map((income) => ({ ...ROW, income }));
  const answers = await predict(makeSeveral(), fakeModel([], true), rows);
  assert.deepEqual(
    answers.map(({ labels, numbers }) => [labels, numbers]),
    [
      [
        [1, 2],
        [0.8, 0.2, 0, 0, 1],
      ],
      [
        [1, 2],
        [0.7, 0.3, 0, 0, 1],
      ],
    ],
  );
});

test("without a threshold the graph's label counts", async () => {
  const contract = makeContract({ threshold: null, classes: ["no", "yes"] });
  const [answer] = await predict(contract, fakeModel(), [{ ...ROW, income: 90 }]);
  assert.deepEqual(answer.labels, [0]);
});

test("a regressor gives a value and the row's warnings", async () => {
  const [answer] = await predict(makeRegression(), fakeModel(), [{ ...ROW, income: 120 }]);
  assert.equal(answer.numbers[0], 120);
  assert.equal(answer.warnings[0].kind, "out_of_range");
});

test("batches are cut, and every row gets its own answer", async () => {
  /** @type {import("../js/predictor.js").Feed[][]} */
  const calls = [];
  const rows = Array.from({ length: BATCH + 2 }, (_, index) => ({ ...ROW, income: index }));
  const answers = await predict(makeRegression(), fakeModel(calls), rows);
  assert.deepEqual(
    calls.map((feeds) => feeds[0].data.length),
    [BATCH, 2],
  );
  assert.deepEqual(
    answers.map(({ numbers }) => numbers[0]),
    rows.map(({ income }) => income),
  );
});

test("no rows, no answers", async () => {
  assert.deepEqual(await predict(makeContract(), fakeModel(), []), []);
});

test("a row without a finite answer is rejected", async () => {
  await assert.rejects(predict(makeRegression(), fakeModel(), [ROW, { ...ROW, income: null }]), (error) => {
    assert.ok(error instanceof ContractError);
    assert.deepEqual(
      error.problems.map(({ row, feature, kind }) => [row, feature, kind]),
      [[1, null, "no_answer"]],
    );
    return true;
  });
});
