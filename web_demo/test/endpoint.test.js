import assert from "node:assert/strict";
import { test } from "node:test";

import { difference } from "../js/endpoint.js";

/** @param {unknown} label @param {number} number */
const answer = (label, number) => ({ labels: [label], numbers: [number] });

test("equal answers differ by nothing", () => {
  const one = [answer("a", 0.25), null];
  assert.deepEqual(difference(one, one), { compared: 1, same: 1, labelsDiffer: 0, maxAbs: 0, maxUlp: 0n });
});

test("one unit in the last place is counted", () => {
  const told = difference([answer("a", 1)], [answer("a", 1 + Number.EPSILON)]);
  assert.deepEqual(told, { compared: 1, same: 0, labelsDiffer: 0, maxAbs: Number.EPSILON, maxUlp: 1n });
});

test("a label of another class or type differs", () => {
  assert.equal(difference([answer("a", 1)], [answer("b", 1)]).labelsDiffer, 1);
  assert.equal(difference([answer("1", 1)], [answer(1, 1)]).labelsDiffer, 1);
});

test("a number in the place of none is no agreement", () => {
  assert.equal(difference([answer("a", NaN)], [answer("a", 1)]).same, 0);
});
