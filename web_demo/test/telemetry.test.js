import assert from "node:assert/strict";
import { test } from "node:test";

import { bodiesOf, captureOf, consentOf, loggableOf, MOST } from "../js/telemetry.js";
import { DOCUMENT, makeContract, ROW } from "./fixtures.js";

const features = DOCUMENT.features.map((/** @type {any} */ feature) => ({
  ...feature,
  loggable: ["age", "grade"].includes(feature.name),
}));
const CONTRACT = makeContract({ features });
const ANSWER = { labels: [1], numbers: [0.25, 0.75] };

test("a capture holds the loggable values and the answer, and nothing else", () => {
  const told = JSON.parse(captureOf(CONTRACT, { ...ROW, income: 8172634.5, grade: null }, ANSWER));
  assert.deepEqual(told, {
    row: { age: 40, grade: null },
    answer: { label: 1, probabilities: { 0: 0.25, 1: 0.75 } },
  });
});

test("numbers are sent as they are", () => {
  const long = 2n ** 53n + 1n;
  assert.match(captureOf(CONTRACT, { ...ROW, age: long }, ANSWER), /"age": 9007199254740993/);
  const odd = { labels: [0], numbers: [1, -0] };
  assert.match(captureOf(CONTRACT, ROW, odd), /\{"0": 1\.0, "1": -0\.0\}/);
});

test("a model without loggable features tells its answers alone", () => {
  const contract = makeContract();
  assert.deepEqual(loggableOf(contract), []);
  assert.deepEqual(JSON.parse(captureOf(contract, ROW, ANSWER)).row, {});
});

test("requests hold a hundred captures and 60 kB at most; what fits in none is left out", () => {
  const capture = captureOf(CONTRACT, ROW, ANSWER);
  const bodies = bodiesOf(CONTRACT, new Array(2 * MOST + 1).fill(capture));
  assert.deepEqual(
    bodies.map(({ count }) => count),
    [MOST, MOST, 1],
  );
  assert.deepEqual(JSON.parse(bodies[2].body), { model: CONTRACT.model_sha256, captures: [JSON.parse(capture)] });
  const wide = captureOf(CONTRACT, { ...ROW, grade: "ü".repeat(14_000) }, ANSWER);
  const groups = bodiesOf(CONTRACT, [
    wide,
    wide,
    wide,
    captureOf(CONTRACT, { ...ROW, grade: "ü".repeat(31_000) }, ANSWER),
  ]);
  assert.deepEqual(
    groups.map(({ count }) => count),
    [2, 1],
  );
  assert.ok(groups.every(({ body }) => new TextEncoder().encode(body).length < 65_536));
  assert.deepEqual(bodiesOf(CONTRACT, []), []);
});

test("consent is for one endpoint and one list of features", () => {
  const one = consentOf("https://a.example", CONTRACT);
  assert.notEqual(consentOf("https://b.example", CONTRACT).key, one.key);
  assert.notEqual(consentOf("https://a.example", makeContract()).value, one.value);
});
