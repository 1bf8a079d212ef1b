import assert from "node:assert/strict";
import { test } from "node:test";

import { DRAWN, countInk } from "../js/digit.js";
import { fieldNames, isDrawing } from "../js/pixels.js";

/** @param {Record<string, number>} row */
const grid = (row) => Array.from({ length: 8 }, (_, r) => Array.from({ length: 8 }, (_, c) => row[`pixel_${r}_${c}`]));

test("a field counts its dots with ink, 0 to 16", () => {
  const full = grid(
    countInk([
      [
        [0, 0],
        [0, 100],
      ],
    ]),
  );
  for (const row of full) {
    assert.deepEqual(row.slice(0, 3), [0, 0, 0]);
    assert.deepEqual(row.slice(5), [0, 0, 0]);
    assert.equal(row[3], row[4], "an upright line stands in the middle");
  }
  assert.equal(full[3][3], 12, "3 of its 4 columns of dots are nearer than the pen's edge");
  assert.ok(full[0][3] < 12, "a line has round ends");
});

test("a drawing is counted alike wherever and however large it is drawn", () => {
  const [three] = [DRAWN[3]];
  const moved = three.map((stroke) =>
    stroke.map(([x, y]) => /** @type {[number, number]} */ ([x * 0.3 + 60, y * 0.3 + 5])),
  );
  assert.deepEqual(countInk(moved), countInk(three));
});

test("a drawing fills the height, and no ink is lost", () => {
  for (const strokes of DRAWN) {
    const counted = grid(countInk(strokes));
    assert.ok(Math.max(...counted[0]) > 0 && Math.max(...counted[7]) > 0);
    assert.ok(counted.flat().every((count) => Number.isInteger(count) && count >= 0 && count <= 16));
  }
});

test("a point is a dot, and no stroke is no ink", () => {
  const dot = grid(countInk([[[7, 9]]])).flat();
  assert.ok(dot.reduce((sum, count) => sum + count) > 20);
  assert.equal(dot.filter((count) => count > 0).length, 4, "in the middle");
  assert.deepEqual(Object.values(countInk([])), Array(64).fill(0));
});

test("the pad is for models that read 64 pixels", () => {
  const features = fieldNames().map((name) => ({ name, type: "number" }));
  const contract = (/** @type {unknown[]} */ given) => /** @type {any} */ ({ features: given });
  assert.ok(isDrawing(contract(features)));
  assert.ok(!isDrawing(contract(features.slice(1))));
  assert.ok(!isDrawing(contract([...features, { name: "more", type: "number" }])));
  assert.ok(!isDrawing(contract([...features.slice(1), { name: "pixel_0_0", type: "category" }])));
});
