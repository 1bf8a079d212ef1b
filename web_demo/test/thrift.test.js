import assert from "node:assert/strict";
import { test } from "node:test";

import { BINARY, fieldOf, I32, I64, LIST, listOf, readStruct, STRUCT, structOf, writeStruct } from "../js/thrift.js";

const NUMBERS = [0n, -1n, 1n, 63n, 64n, -64n, -65n, 2n ** 31n - 1n, -(2n ** 63n), 2n ** 63n - 1n];
const [YES, NO, BYTE, I16, DOUBLE, SET] = [1, 2, 3, 4, 7, 10];

/** @param {import("../js/thrift.js").Struct} fields */
const again = (fields) => readStruct(writeStruct(fields));

test("whatever stands in a struct is written back as it was read", () => {
  const inner = structOf([1, I32, -5n], [200, BINARY, Uint8Array.of(0, 255)], [32000, STRUCT, []]);
  const fields = [
    ...NUMBERS.map((value, k) => ({ id: k + 1, type: I64, value })),
    { id: 30, type: YES, value: true },
    { id: 31, type: YES, value: false },
    { id: 46, type: BYTE, value: 200 },
    { id: 47, type: I16, value: -3n },
    { id: 48, type: DOUBLE, value: new Uint8Array(Float64Array.of(-0).buffer) },
    { id: 49, type: BINARY, value: new TextEncoder().encode("ü".repeat(200)) },
    { id: 50, type: LIST, value: listOf(STRUCT, [inner, [], inner]) },
    { id: 51, type: SET, value: listOf(I32, NUMBERS.slice(0, 8)) },
    {
      id: 52,
      type: LIST,
      value: listOf(
        YES,
        Array.from({ length: 40 }, (_, k) => 1 + (k % 2)),
      ),
    },
    { id: 900, type: LIST, value: listOf(LIST, [listOf(I64, []), listOf(BINARY, [Uint8Array.of(7)])]) },
  ];
  const expected = fields.map((field) => (field.value === false ? { ...field, type: NO } : field));
  assert.deepEqual(again(fields), expected);
  assert.deepEqual(writeStruct(again(fields)), writeStruct(fields));
  assert.equal(fieldOf(again(fields), 47), -3n);
  assert.equal(fieldOf(again(fields), 48 + 1000), undefined);
});

test("a struct of the specification's bytes is read", () => {
  // {1: i32 1, 2: "ab", 20: [i32 -1]}, as thrift's own compact protocol writes it
  const bytes = Uint8Array.of(0x15, 2, 0x18, 2, 97, 98, 0x09, 40, 0x15, 1, 0);
  const fields = readStruct(bytes);
  assert.deepEqual([fieldOf(fields, 1), fieldOf(fields, 20)], [1n, listOf(I32, [-1n])]);
  assert.deepEqual(Array.from(fieldOf(fields, 2)), [97, 98]);
  assert.deepEqual(Array.from(writeStruct(fields)), [0x15, 2, 0x18, 2, 97, 98, 0x09, 40, 0x15, 1, 0]);
});

test("bytes that end too early, or hold another type, are refused", () => {
  const whole = writeStruct(structOf([1, BINARY, new Uint8Array(20)], [2, LIST, listOf(I64, NUMBERS)]));
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => readStruct(whole.subarray(0, length)), RangeError, `the first ${length}`);
  }
  assert.throws(() => readStruct(Uint8Array.of(0x1b, 0)), /a value of type 11/);
});
