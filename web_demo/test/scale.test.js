import assert from "node:assert/strict";
import { test } from "node:test";

import { makeScale } from "../js/scale.js";
import { DOCUMENT } from "./fixtures.js";

/** @param {Record<string, unknown>} changes @param {any} [counted] */
const scale = (changes, counted) => makeScale({ ...DOCUMENT.features[0], whole: false, ...changes }, counted);

test("the ends are the training range's, to the last digit", () => {
  const made = scale({ range: [4.93, 27.111] });
  assert.deepEqual([made?.valueAt(0), made?.valueAt(made.last)], [4.93, 27.111]);
});

test("whole numbers have one position each", () => {
  const made = scale({ range: [18, 90], whole: true });
  assert.equal(made?.last, 72);
  assert.deepEqual([made?.valueAt(1), made?.valueAt(22), made?.positionOf(40)], [19, 40, 22]);
});

test("values in between have as many digits as a step can tell apart", () => {
  const made = scale({ range: [0, 95] });
  assert.equal(made?.valueAt(123), 23.4);
  const tiny = scale({ range: [0, 1e-5] });
  assert.equal(tiny?.valueAt(250), 5e-6);
  assert.equal(scale({ range: [0, 40000] })?.valueAt(250), 20000);
  assert.equal(scale({ range: [-3, 7], whole: true })?.valueAt(3), 0);
});

test("each value that a position gives is at that position, and in order", () => {
  const counted = { missing: 0, edges: [0, 10, 20, 1000], counts: [50, 50, 5] };
  for (const made of [scale({ range: [0, 95] }), scale({ range: [0, 1000] }, counted)]) {
    let before = -Infinity;
    for (let position = 0; position <= (made?.last ?? 0); position += 1) {
      const value = made?.valueAt(position) ?? NaN;
      assert.ok(value >= before, `${value} after ${before}`);
      assert.ok(Math.abs((made?.positionOf(value) ?? NaN) - position) <= 1, `${value} at ${position}`);
      before = value;
    }
  }
});

test("where a few far values stretch the range, positions follow the training rows", () => {
  const counted = { missing: 0, edges: [0, 10, 20, 1000], counts: [50, 50, 5] };
  const made = scale({ range: [0, 1000] }, counted);
  assert.ok((made?.valueAt(250) ?? NaN) < 12);
  assert.equal(made?.valueAt(made.last), 1000);
  assert.deepEqual(made?.shape, [], "an even shape would say nothing");
  const even = scale({ range: [0, 20] }, { missing: 0, edges: [0, 10, 20], counts: [50, 100] });
  assert.equal(even?.shape.length, 40);
  assert.ok(Math.abs((even?.shape[0] ?? NaN) - 0.5) < 1e-9 && (even?.shape[39] ?? NaN) > 0.999);
});

test("there is nothing to slide over without a range, in one value, or beyond exact numbers", () => {
  assert.equal(scale({ range: null }), null);
  assert.equal(scale({ range: [3, 3] }), null);
  assert.equal(scale({ range: [0, 2n ** 60n] }), null);
});
