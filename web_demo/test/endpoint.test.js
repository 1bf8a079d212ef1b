import assert from "node:assert/strict";
import { test } from "node:test";

import { ContractError } from "../js/contract.js";
import { answerAt, difference } from "../js/endpoint.js";
import { makeContract, ROW } from "./fixtures.js";

const CONTRACT = makeContract();
const SHA256 = CONTRACT.model_sha256;

/** @param {unknown} label @param {number} number */
const answer = (label, number) => ({ labels: [label], numbers: [number] });
const SAME = { compared: 1, same: 1, labelsDiffer: 0, undecided: 0, outside: 0, maxAbs: 0, maxUlp: 0n };

/** @param {number} status @param {unknown} value @returns {import("../js/endpoint.js").Post} */
const says = (status, value) => async () => ({ status, text: JSON.stringify(value) });

test("equal answers differ by nothing", () => {
  const one = [answer("a", 0.25), null];
  assert.deepEqual(difference(CONTRACT, one, one), SAME);
});

test("one unit in the last place is counted, and lies within the tolerance", () => {
  const told = difference(CONTRACT, [answer("a", 1)], [answer("a", 1 + Number.EPSILON)]);
  assert.deepEqual(told, { ...SAME, same: 0, maxAbs: Number.EPSILON, maxUlp: 1n });
  assert.equal(difference(CONTRACT, [answer("a", 1)], [answer("a", 1.001)]).outside, 1);
  assert.equal(difference(CONTRACT, [answer("a", 1)], [answer("a", NaN)]).outside, 1);
  assert.equal(difference(CONTRACT, [answer("a", 1)], [answer("a", 7)], [{ jump: true }]).outside, 0);
});

test("a label of another class or type differs", () => {
  assert.equal(difference(CONTRACT, [answer("a", 1)], [answer("b", 1)]).labelsDiffer, 1);
  assert.equal(difference(CONTRACT, [answer("1", 1)], [answer(1, 1)]).labelsDiffer, 1);
});

test("where the original is undecided another label is told, and is no difference", () => {
  const told = (/** @type {import("../js/endpoint.js").Told} */ line) =>
    difference(CONTRACT, [answer("a", 1)], [answer("b", 1)], [line]);
  for (const line of [{ decidable: false }, { decidable: [false] }, { jump: true }]) {
    assert.deepEqual(told(line), { ...SAME, same: 0, undecided: 1 });
  }
  assert.deepEqual(told({ decidable: true }), { ...SAME, same: 0, labelsDiffer: 1 });
});

test("a number in the place of none is no agreement", () => {
  assert.equal(difference(CONTRACT, [answer("a", NaN)], [answer("a", 1)]).same, 0);
});

test("one row is answered by the endpoint in the page's own form", async () => {
  const warnings = [{ feature: "age", kind: "out_of_range", message: "odd" }];
  const prediction = { label: 1, probabilities: { 0: 0.25, 1: 0.75 }, warnings };
  let sent = "";
  const found = await answerAt(
    CONTRACT,
    (body) => {
      sent = body;
      return says(200, { predictions: [prediction], model: { sha256: SHA256 } })(body);
    },
    ROW,
  );
  assert.deepEqual(found, { labels: [1], numbers: [0.25, 0.75], warnings });
  assert.deepEqual(Object.keys(JSON.parse(sent).rows[0]), Object.keys(ROW));
});

test("what the endpoint refuses, withholds or cannot give is told", async () => {
  const ask = (/** @type {number} */ status, /** @type {unknown} */ value) =>
    answerAt(CONTRACT, says(status, value), ROW);
  const problem = { row: 0, feature: "age", kind: "type", reason: "age takes a number." };
  await assert.rejects(ask(422, { errors: [problem] }), ContractError);
  await assert.rejects(ask(503, { detail: "away" }), /answered 503: .*away/);
  const withheld = { decision: "refer", warnings: [] };
  await assert.rejects(ask(200, { predictions: [withheld], model: { sha256: SHA256 } }), /\(refer\): a person decides/);
  await assert.rejects(ask(200, { predictions: [withheld], model: { sha256: "0" } }), /another model/);
});
