import assert from "node:assert/strict";
import { test } from "node:test";

import { ContractError } from "../js/contract.js";
import { answerBlock, blockOf } from "../js/file-block.js";
import { replay } from "../js/golden.js";
import { predict } from "../js/predictor.js";
import { fakeModel, makeContract, makeRegression, makeScores, makeSeveral, ROW } from "./fixtures.js";

const INCOMES = [0, 39.99999999999999, 40, 40.00000000000001, 50, 100];
/** @type {import("../js/interval.js").Interval} */
const INTERVAL = { level: 0.9, kind: "ratio", low: 0.5, high: 1e300 };

/** @param {import("../js/contract.js").Contract} contract @param {number[]} incomes */
function feedsOf(contract, incomes) {
  return contract.features.map(({ input, dtype }, k) => ({
    name: input,
    dtype,
    data: k === 0 ? Float64Array.from(incomes) : new Float64Array(incomes.length),
  }));
}

for (const [name, contract, several] of /** @type {[string, import("../js/contract.js").Contract, boolean][]} */ ([
  ["a threshold on a probability", makeContract(), false],
  ["a threshold on the first class", makeContract({ threshold: { class: 0, value: 0.6 } }), false],
  ["the graph's own labels", makeContract({ threshold: null }), false],
  ["a threshold on a score", makeScores({ threshold: { class: -1, value: 0 } }), false],
  ["a value", makeRegression(), false],
  ["several targets", makeSeveral(), true],
])) {
  test(`${name}: a block answers as predict does`, async () => {
    const model = fakeModel([], several);
    const block = await answerBlock(contract, model, feedsOf(contract, INCOMES), INCOMES.length);
    const rows = INCOMES.map((income) => ({ ...ROW, income }));
    const expected = blockOf(contract.form, await predict(contract, model, rows));
    assert.deepEqual(Array.from(block.labels), Array.from(expected.labels));
    assert.deepEqual(Array.from(block.numbers), Array.from(expected.numbers));
    assert.deepEqual(block.without, new Map());
  });
}

test("a row without a finite answer has the reason that predict gives", async () => {
  const plain = makeRegression();
  /** @type {import("../js/contract.js").Contract} */
  const contract = { ...plain, form: { ...plain.form, interval: INTERVAL } };
  const incomes = [1, 1e10, 2, Infinity];
  const model = fakeModel();
  const block = await answerBlock(contract, model, feedsOf(contract, incomes), incomes.length);
  const rows = incomes.slice(0, 3).map((income) => ({ ...ROW, income }));
  const reasons = await predict(contract, model, rows).catch((error) => {
    assert.ok(error instanceof ContractError);
    return error.problems.map(({ row, reason }) => [row, [reason]]);
  });
  assert.deepEqual([...block.without].slice(0, 1), reasons, "the interval's end is infinite");
  assert.deepEqual([...block.without.keys()], [1, 3]);
});

test("answers of single rows become a block", async () => {
  const rows = [ROW, { ...ROW, age: -1 }, { ...ROW, income: 30 }];
  const contract = makeContract();
  const block = blockOf(contract.form, await replay(contract, fakeModel(), rows));
  assert.deepEqual(Array.from(block.labels), [1, 0, 0]);
  assert.deepEqual([...block.without.keys()], [1]);
  assert.equal(block.numbers[5], 0.3);
});
