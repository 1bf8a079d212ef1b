import assert from "node:assert/strict";
import { test } from "node:test";

import { checkRows } from "../js/contract.js";
import { answersAlong, findTurns, latticeOf, makeAxis, meanAlong } from "../js/curve.js";
import { subjectOf } from "../js/explain.js";
import { fakeModel, makeContract, ROW } from "./fixtures.js";

const go = async () => true;
const contract = makeContract();
const [income, age, grade, home, married, debt] = contract.features;
const axes = contract.features.map((feature) => makeAxis(contract, feature, undefined));
const graph = (/** @type {import("../js/contract.js").Row} */ row) =>
  checkRows(contract, [row]).columns.map(([value]) => value);

test("numbers are tried over their range, choices each, numbers without a range not at all", () => {
  const axis = makeAxis(contract, income, undefined);
  assert.deepEqual([axis?.values[0], axis?.values.at(-1)], [0, 100]);
  assert.ok(axis?.values.every(Number.isInteger));
  assert.deepEqual(makeAxis(contract, grade, undefined)?.values, ["A", "B", null]);
  assert.deepEqual(makeAxis(contract, grade, undefined)?.graph.at(-1), contract.missing_code);
  assert.deepEqual(makeAxis(contract, home, undefined)?.values, ["own", "rent"]);
  assert.deepEqual(makeAxis(contract, married, undefined)?.graph, [true, false]);
  assert.equal(makeAxis(contract, debt, undefined), null);
  assert.equal(makeAxis(contract, { ...grade, type: "text", categories: null }, undefined), null);
});

test("integers are whole and of the graph's type; what the contract rejects is not tried", () => {
  const axis = makeAxis(contract, { ...age, range: [18, 90] }, undefined);
  assert.ok(axis?.values.every(Number.isInteger));
  assert.equal(new Set(axis?.values).size, axis?.values.length);
  assert.equal(typeof axis?.graph[0], "bigint");
  const wide = makeAxis(contract, { ...age, range: [100, 200] }, undefined); // accepts ends at 150
  assert.equal(Math.max(.../** @type {number[]} */ (wide?.values)), 150);
});

test("a curve goes through the row, a mean over the reference rows", async () => {
  const subject = subjectOf(contract, 0, 0);
  const values = [0, 50, 100];
  const along = await answersAlong(contract, fakeModel(), graph(ROW), 0, values);
  assert.deepEqual(along.map(subject.read), [0, 0.5, 1]);
  const references = checkRows(contract, [ROW, { ...ROW, income: 10 }]).columns;
  assert.deepEqual(await meanAlong(contract, fakeModel(), references, 0, values, subject, go), [0, 0.5, 1]);
  const [mean] = (await meanAlong(contract, fakeModel(), references, 1, [1n], subject, go)) ?? [];
  assert.ok(Math.abs(mean - 0.3) < 1e-15);
  assert.equal(await meanAlong(contract, fakeModel(), references, 0, values, subject, async () => false), null);
});

test("the nearest number that turns the decision is found exactly, on either side", async () => {
  const turns = await findTurns(contract, fakeModel(), graph(ROW), axes, 0, go);
  assert.deepEqual(
    turns?.map(({ position, value, distance }) => [position, value, distance]),
    [[0, 39, 0.11]],
  ); // threshold 0.4: 40 does not turn it
  const from = await findTurns(contract, fakeModel(), graph({ ...ROW, income: 3 }), axes, 0, go);
  assert.deepEqual([from?.length, from?.[0].value, from?.[0].answer.labels[0]], [1, 40, 1]);
  const outside = await findTurns(contract, fakeModel(), graph({ ...ROW, income: 1e6 }), axes, 0, go);
  assert.equal(outside?.[0].value, 39);
});

test("between two values of the axis the turn is come near by halves", async () => {
  const fine = { ...contract, features: contract.features.map((each) => ({ ...each, whole: null })) };
  const [axis] = fine.features.map((feature) => makeAxis(fine, feature, undefined));
  assert.ok(!axis?.values.includes(39.99));
  for (const [from, to] of [
    [50, 39.99],
    [3, 40],
    [39.99, 40],
    [40, 39.99],
  ]) {
    const turns = await findTurns(fine, fakeModel(), graph({ ...ROW, income: from }), [axis], 0, go);
    assert.deepEqual([turns?.length, turns?.[0].value], [1, to], `from ${from}`);
  }
});

test("of a missing number no distance is known, so nothing is said of it", async () => {
  const turns = await findTurns(contract, fakeModel(), graph({ ...ROW, income: null, age: 40 }), axes, 0, go).catch(
    String,
  );
  assert.match(String(turns), /no finite answer/); // the fake model answers NaN: said, not hidden
  const model = fakeModel();
  /** @type {typeof model} */
  const filling = (feeds, outputs) => {
    const data = Float64Array.from(/** @type {Float64Array} */ (feeds[0].data), (value) => value || 0);
    return model([{ ...feeds[0], data }, ...feeds.slice(1)], outputs);
  };
  assert.deepEqual(await findTurns(contract, filling, graph({ ...ROW, income: null }), axes, 0, go), []);
});

test("choices that turn the decision are all told, after the numbers", async () => {
  /** @type {import("../js/predictor.js").ModelCall} */
  const model = async (feeds, outputs) => {
    const rows = Array.from(/** @type {Float64Array} */ (feeds[0].data), (value, k) => {
      const share = value / 200 + (feeds[2].data[k] === "A" ? 0.4 : 0) + (feeds[4].data[k] === 0 ? 0.3 : 0);
      return Math.min(1, share);
    });
    return outputs.map((name) => (name === "label" ? rows.map(() => 0n) : rows.flatMap((share) => [1 - share, share])));
  };
  const turns = await findTurns(contract, model, graph(ROW), axes, 0, go);
  assert.deepEqual(
    turns?.map(({ position, value }) => [position, value]),
    [
      [0, 80],
      [2, "A"],
      [4, false],
    ],
  );
});

test("a lattice lies strictly between its ends, from the first to the second, in few digits", () => {
  const values = latticeOf(0.1, 0.2, false);
  assert.ok(values.length >= 50 && values.length <= 500);
  assert.ok(values.every((value) => 0.1 < value && value < 0.2 && String(value).length <= 5));
  assert.deepEqual(latticeOf(0.2, 0.1, false), [...values].reverse());
  assert.deepEqual(latticeOf(3, 6, true), [4, 5]);
  assert.deepEqual(latticeOf(3, 4, true), []);
  assert.ok(latticeOf(0, 1e6, true).every(Number.isInteger));
  assert.ok(latticeOf(0, 1e6, true).length >= 50);
});
