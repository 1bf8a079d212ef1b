import assert from "node:assert/strict";
import { test } from "node:test";

import { quoteCell, readCell, strip, writeCell } from "../js/cells.js";
import { makeColumn, parseNumber } from "../js/columns.js";
import { repr } from "../js/repr.js";
import { makeContract } from "./fixtures.js";

const CONTRACT = makeContract();
const FEATURES = Object.fromEntries(CONTRACT.features.map((feature) => [feature.name, feature]));
const BYTES = new TextEncoder();

for (const [name, cell, value] of /** @type {const} */ ([
  ["income", " 12.50 ", 12.5],
  ["income", "-0", -0],
  ["income", "1e3", 1000],
  ["income", "٣.٥", 3.5],
  ["income", "𝟙𝟚", 12],
  ["income", "NA", null],
  ["income", " ? ", null],
  ["income", "", null],
  ["income", "0x10", "0x10"],
  ["income", "1e999", "1e999"],
  ["income", "Infinity", "Infinity"],
  ["income", "1_000", "1_000"],
  ["income", "\ufeff1", "\ufeff1"],
  ["income", "\x1c1\x85", 1],
  ["age", "+7", 7],
  ["age", "-0", 0],
  ["age", "9007199254740993", 9007199254740993n],
  ["age", "7.0", 7],
  ["age", "+-7", "+-7"],
  ["grade", " A ", "A"],
  ["grade", "NA", "NA"],
  ["grade", "  ", null],
  ["married", "TRUE", true],
  ["married", "0", false],
  ["married", "yes", "yes"],
])) {
  test(`${name}: the cell ${JSON.stringify(cell)} is ${typeof value} ${value}`, () => {
    assert.ok(Object.is(readCell(FEATURES[name], cell), value), String(readCell(FEATURES[name], cell)));
  });
}

test("a category that has blanks itself keeps them", () => {
  const feature = { ...FEATURES.grade, categories: [" A", "A"] };
  assert.equal(readCell(feature, " A"), " A");
  assert.equal(readCell(feature, "A "), "A");
  assert.equal(strip("\ufeff x \u3000"), "\ufeff x");
});

test("a number's bytes give what Number gives, or nothing", () => {
  const texts = ["0", "-0", "1.", ".5", "007.10", "123456789012345", "0.1", "35000", "-12.345", "99999.99999"];
  for (const text of texts) assert.ok(Object.is(parseNumber(BYTES.encode(text), 0, text.length), Number(text)), text);
  for (let k = 0; k < 20000; k++) {
    const text = ((Math.random() - 0.5) * 10 ** Math.floor(Math.random() * 12)).toFixed(k % 4);
    assert.equal(parseNumber(BYTES.encode(text), 0, text.length), Number(text), text);
  }
  for (const text of ["", "-", ".", "1e3", "1.2.3", "+1", " 1", "1234567890123456", "NaN"]) {
    assert.ok(Number.isNaN(parseNumber(BYTES.encode(text), 0, text.length)), text);
  }
});

/** @param {string} name @param {readonly string[]} cells */
function takeAll(name, cells) {
  const column = makeColumn(CONTRACT, FEATURES[name], cells.length);
  const reasons = cells.map((cell, at) => {
    const bytes = BYTES.encode(`<${cell}>`);
    return column.take(bytes, 1, bytes.length - 1, at);
  });
  return { reasons, data: column.feed(cells.length).data };
}

test("cells become the graph's values", () => {
  assert.deepEqual(takeAll("income", ["1.5", "NA", " 2 ", "1e3"]).data, Float64Array.of(1.5, NaN, 2, 1000));
  assert.deepEqual(takeAll("age", ["7", "-0", "8.0", "+9"]).data, BigInt64Array.of(7n, 0n, 8n, 9n));
  assert.deepEqual(takeAll("debt", ["0.1", "-0"]).data, Float32Array.of(0.1, -0));
  assert.deepEqual(takeAll("married", ["1", "false"]).data, Uint8Array.of(1, 0));
  assert.deepEqual(takeAll("insured", ["1", "", "False"]).data, Float64Array.of(1, NaN, 0));
  const texts = takeAll("grade", ["A", "", "Z", "A", " A"]);
  assert.deepEqual(texts.data, ["A", CONTRACT.missing_code, "Z", "A", "A"]);
  assert.deepEqual(texts.reasons, [null, null, null, null, null]);
});

test("cells that a feature does not take give the API's reason, however often they come", () => {
  const [first, second] = takeAll("home", ["boat", "boat"]).reasons;
  assert.equal(first, 'home takes one of "own", "rent"; got the text "boat". Send one of these.');
  assert.equal(second, first);
  const [high, fraction, gap] = takeAll("age", ["151", "1.5", ""]).reasons;
  const rule = "age must be from 0 to 150, where the original estimator answers";
  assert.equal(high, `${rule}; got the number 151. Send for example 40.`);
  assert.equal(fraction, "age takes a whole 64-bit number; got the number 1.5. Send for example 40.");
  assert.match(String(gap), /^age must not be missing/);
  const [text] = takeAll("income", ["much"]).reasons;
  assert.equal(text, 'income takes a number; got the text "much". Send for example 50.0, or null when it is unknown.');
  assert.match(String(takeAll("debt", ["3.5e38"]).reasons[0]), /takes a finite 32-bit number; got the number 3.5e\+38/);
});

for (const [value, text] of /** @type {const} */ ([
  [0, "0.0"],
  [-0, "-0.0"],
  [3, "3.0"],
  [0.1, "0.1"],
  [0.0001, "0.0001"],
  [0.00001, "1e-05"],
  [1.5e-7, "1.5e-07"],
  [1e15, "1000000000000000.0"],
  [1e16, "1e+16"],
  [-1.25e22, "-1.25e+22"],
  [5e-324, "5e-324"],
  [NaN, "nan"],
  [-Infinity, "-inf"],
])) {
  test(`${value} is written ${text}, as Python writes it`, () => assert.equal(repr(value), text));
}

test("values are written as cells", () => {
  assert.deepEqual([null, undefined, true, 2n, 2, "x"].map(writeCell), ["", "", "true", "2", "2.0", "x"]);
  assert.deepEqual(
    ["a", "a,b", 'a"b', "a\nb"].map((text) => quoteCell(text, ",")),
    ["a", '"a,b"', '"a""b"', '"a\nb"'],
  );
  assert.equal(quoteCell("a,b", ";"), "a,b");
});
