import assert from "node:assert/strict";
import { test } from "node:test";

import { binsOf, density, quantile, rank } from "../js/distribution.js";

const BINS = { edges: [0, 10, 20, 100], counts: [20, 60, 20] };

test("the rank of a value is the share of values below it", () => {
  const told = [-1, 0, 5, 10, 15, 20, 60, 100, 200].map((value) => rank(BINS, value));
  assert.deepEqual(told, [0, 0, 0.1, 0.2, 0.5, 0.8, 0.9, 1, 1]);
});

test("a quantile is the inverse of the rank", () => {
  for (const share of [0, 0.1, 0.2, 0.35, 0.5, 0.8, 0.95, 1]) {
    assert.ok(Math.abs(rank(BINS, quantile(BINS, share)) - share) < 1e-12);
  }
  assert.equal(quantile(BINS, 1), 100);
});

test("a single value is a bin without width", () => {
  const single = { edges: [3, 3], counts: [50] };
  assert.deepEqual(
    [2, 3, 4].map((value) => rank(single, value)),
    [0, 0, 1],
  );
  assert.equal(quantile(single, 0.5), 3);
});

test("the density is relative to the fullest part", () => {
  assert.deepEqual(density(BINS, 0, 20, 2), [1 / 3, 1]);
  assert.deepEqual(density(BINS, 200, 300, 2), [0, 0], "nothing lies there");
});

test("the density's parts are the differences of ranks, also over bins without width", () => {
  for (const bins of [BINS, { edges: [0, 0, 5, 5, 5, 9], counts: [7, 10, 3, 4, 6] }]) {
    for (const [low, high, parts] of [
      [-3, 12, 15],
      [0, 9, 60],
      [4.9, 5.1, 4],
    ]) {
      const ends = Array.from({ length: parts + 1 }, (_, k) => rank(bins, low + ((high - low) * k) / parts));
      const shares = ends.slice(1).map((end, k) => end - ends[k]);
      assert.deepEqual(
        density(bins, low, high, parts),
        shares.map((share) => share / Math.max(...shares)),
      );
    }
  }
});

test("texts and empty columns have no bins", () => {
  assert.equal(binsOf({ missing: 0, categories: { A: 10 } }), null);
  assert.equal(binsOf({ missing: 10, edges: [], counts: [] }), null);
  assert.equal(binsOf(undefined), null);
});
