import assert from "node:assert/strict";
import { test } from "node:test";

import { drift } from "../js/drift.js";
import { makeTally } from "../js/tally.js";
import { makeContract } from "./fixtures.js";

test("the index is the definition's", () => {
  // (0.3 - 0.6) ln(0.3 / 0.6) + (0.7 - 0.4) ln(0.7 / 0.4), with so many rows that half a count does not matter
  const { index } = drift([600000, 400000], [300000, 700000]);
  assert.ok(Math.abs(index - (-0.3 * Math.log(0.5) + 0.3 * Math.log(1.75))) < 1e-5, String(index));
});

test("the verdicts follow the index, and chance is not one", () => {
  assert.equal(drift([5000, 5000], [5000, 5000]).verdict, "none");
  assert.equal(drift([5000, 5000], [3300, 6700]).verdict, "moderate");
  assert.equal(drift([5000, 5000], [1000, 9000]).verdict, "large");
  assert.equal(drift([5000, 5000], [1, 4]).verdict, "none", "five rows say nothing");
  assert.equal(drift([5000, 5000, 0], [0, 0, 5000]).verdict, "large", "a cell that training never had");
  assert.equal(drift([0, 0], [5, 5]).verdict, "unknown");
});

test("chance reaches the index of its bound once in a hundred times", () => {
  let seed = 7;
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) / 2 ** 32;
  const draw = () => {
    const counts = new Array(10).fill(0);
    for (let k = 0; k < 1000; k++) counts[Math.floor(random() * 10)] += 1;
    return counts;
  };
  const over = Array.from({ length: 2000 }, () => drift(draw(), draw())).filter(({ index, chance }) => index > chance);
  assert.ok(over.length > 4 && over.length < 50, `${over.length} of 2000`);
});

/** @param {any} counts @param {unknown[]} values */
function foundIn(counts, values) {
  const features = [makeContract().features[0]];
  const contract = { ...makeContract(), features };
  const tally = makeTally(contract, { rows: 100, answers: { missing: 0 }, features: { income: counts } });
  tally.column(0, values);
  return tally.told().features[0].found;
}

test("numbers fall into the bins of the reference, outside of them, or are missing", () => {
  const bins = { missing: 0, edges: [0, 10, 20, 30], counts: [10, 10, 10] };
  const values = [-0.1, 0, 9.9, 10, 19, 20, 30, 30.1, NaN, null, 5n];
  assert.deepEqual(foundIn(bins, values), [1, 3, 2, 2, 1, 2]);
  assert.deepEqual(foundIn({ missing: 0, edges: [3, 3], counts: [10] }, [2, 3, 4]), [1, 1, 1, 0]);
  assert.deepEqual(foundIn({ missing: 9, edges: [], counts: [] }, [2, null]), [1, 1]);
});

test("texts and truth values fall into their category, another one, or are missing", () => {
  const texts = { missing: 0, categories: { A: 10, true: 10 }, other: 0 };
  assert.deepEqual(foundIn(texts, ["A", "Z", true, 1, makeContract().missing_code, null]), [1, 2, 1, 2]);
});
