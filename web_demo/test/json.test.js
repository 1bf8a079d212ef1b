import assert from "node:assert/strict";
import { test } from "node:test";

import { parseJson, parseLines, parseLinesInTurns, parseLiterals, writeFloat, writeRow } from "../js/json.js";

test("integers that a float64 cannot hold stay exact", () => {
  assert.deepEqual(parseJson("[9007199254740993, -9007199254740993, 9007199254740991, 12]"), [
    9007199254740993n,
    -9007199254740993n,
    9007199254740991,
    12,
  ]);
});

test("floats are read as JSON.parse reads them", () => {
  for (const text of ["0.1", "-0.0", "1e999", "5e-324", "1.7976931348623157e308", "10000000000000001.5", "1E2"]) {
    assert.ok(Object.is(parseJson(text), JSON.parse(text)), text);
  }
  assert.ok(Object.is(parseJson("-0"), 0), "an integer has no negative zero");
});

test("digits inside texts and keys are left alone", () => {
  const text = '{"9007199254740993": "9007199254740993", "a\\"1": "\\\\", "b": [1, "1.5\\"2"]}';
  assert.deepEqual(parseJson(text), JSON.parse(text));
});

test("what is not JSON is refused", () => {
  for (const text of ["", "{", "NaN", "[1,]", "01"]) assert.throws(() => parseJson(text), SyntaxError);
});

test("literals keep how a number was written", () => {
  assert.deepEqual(parseLiterals('[1, 1.0, 1e0, "1", true, null]'), ["1", "1.0", "1e0", "1", true, null]);
});

test("one document per line, also in turns", async () => {
  const lines = '{"a": 1}\n\n[2]\n';
  let turns = 0;
  assert.deepEqual(parseLines(lines), [{ a: 1 }, [2]]);
  assert.deepEqual(await parseLinesInTurns(lines, async () => void (turns += 1)), [{ a: 1 }, [2]]);
  assert.equal(turns, 2);
});

test("a long integer is found wherever it stands", () => {
  const long = 12345678901234567n;
  assert.deepEqual(parseJson(`{"a":0.1,"b":${long}}`), { a: 0.1, b: long });
  assert.deepEqual(parseJson(`[1.5,-${long},"x"]`), [1.5, -long, "x"]);
  assert.equal(parseJson(String(long)), long);
  assert.ok(Object.is(parseJson("[-0]")[0], 0) && Object.is(parseJson("[-0.0]")[0], -0));
});

test("floats are written so that they come back bit for bit, and as floats", () => {
  for (const value of [0.1 + 0.2, -0, 5e-324, 1.7976931348623157e308, 1e21, 1e-7]) {
    assert.ok(Object.is(JSON.parse(writeFloat(value)), value), writeFloat(value));
  }
  assert.deepEqual([1, 0, -0, 1e21].map(writeFloat), ["1.0", "0.0", "-0.0", "1e+21"]);
});

test("a row is written with its long integers, negative zeros and nulls", () => {
  const row = { a: 2n ** 62n, b: -0, c: null, d: "it's", e: true, f: Infinity };
  assert.equal(writeRow(row), '{"a": 4611686018427387904, "b": -0.0, "c": null, "d": "it\'s", "e": true, "f": 1e999}');
});
