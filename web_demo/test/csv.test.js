import assert from "node:assert/strict";
import { test } from "node:test";

import { sniffDelimiter } from "../js/csv-head.js";
import { CsvReader, decode } from "../js/csv.js";
import { FileError } from "../js/file-error.js";

const BYTES = new TextEncoder();

/**
 * The rows of a text that comes in chunks of a size.
 *
 * @param {string | Uint8Array} text @param {number} size @param {string} [delimiter]
 */
function rowsOf(text, size, delimiter = ",") {
  const bytes = typeof text === "string" ? BYTES.encode(text) : text;
  const reader = new CsvReader(delimiter);
  /** @type {{cells: string[], line: number, plain: boolean}[]} */
  const rows = [];
  const drain = () => {
    while (reader.next()) {
      const cells = Array.from({ length: reader.width }, (_, k) =>
        decode(reader.bytes.subarray(reader.starts[k], reader.ends[k])),
      );
      rows.push({ cells, line: reader.line, plain: reader.plain });
    }
  };
  for (let start = 0; start < bytes.length; start += size) {
    reader.push(bytes.subarray(start, start + size));
    drain();
  }
  reader.end();
  drain();
  return rows;
}

test("a text gives the same rows in chunks of every size", () => {
  const text = 'a,b\r\n1,"x, ""y""\nz"\r\n\r\n,\n"",ü\r"q",2" wide\nlast,';
  const cells = [
    ["a", "b"],
    ["1", 'x, "y"\nz'],
    ["", ""],
    ["", "ü"],
    ["q", '2" wide'],
    ["last", ""],
  ];
  const lines = [1, 3, 5, 6, 7, 8];
  for (let size = 1; size <= text.length + 2; size++) {
    const rows = rowsOf(text, size);
    assert.deepEqual(
      rows.map((row) => row.cells),
      cells,
      `chunks of ${size}`,
    );
    assert.deepEqual(
      rows.map((row) => row.line),
      lines,
      `chunks of ${size}`,
    );
  }
  assert.deepEqual(
    rowsOf(text, 9).map(({ plain }) => plain),
    [true, false, true, false, false, true],
  );
});

test("an empty text has no rows, and blank lines are none", () => {
  assert.deepEqual(rowsOf("", 1), []);
  assert.deepEqual(rowsOf("\n\r\n\r\n", 2), []);
});

for (const [text, said] of /** @type {const} */ ([
  ['a\n"x', /line 2 has a quote that is never closed/],
  ['a\n\n"x\n', /line 4 has a quote that is never closed/],
  ['a,b\n"x"y,2\n', /line 2 has something behind a closing quote/],
])) {
  test(`${JSON.stringify(text)} is refused`, () => {
    for (const size of [1, 100]) assert.throws(() => rowsOf(text, size), said);
  });
}

test("bytes that are not UTF-8 are named", () => {
  const latin = Uint8Array.of(97, 10, 98, 0xe9, 99, 10);
  assert.throws(() => rowsOf(latin, 3), /it holds the byte 0xe9 where none such can be. Save it as UTF-8/);
  assert.throws(() => rowsOf(Uint8Array.of(0xff, 0xfe, 97, 0), 9), /0xff/);
  assert.throws(() => rowsOf(Uint8Array.of(97, 0xc3), 9), /0xc3/, "a character that is cut off");
});

test("a row without an end is refused before it fills the memory", () => {
  const reader = new CsvReader(",");
  assert.throws(() => {
    reader.push(BYTES.encode('"'));
    for (let k = 0; k < 10 && !reader.next(); k++) reader.push(new Uint8Array(1 << 20).fill(97));
  }, FileError);
});

for (const [text, delimiter] of [
  ["a;b;c\n1,5;2;3\n", ";"],
  ["a\tb\n1\t2\n", "\t"],
  ["a|b,c\n1|2,3\n4|5\n", "|"],
  ["a,b;c,d\n1,2;3,4\n", ","],
  ["alone\n1\n", ","],
  ['a,"b;c;d"\n1,"x;y"\n', ","],
  ["a;b\r1;2\r", ","],
]) {
  test(`${JSON.stringify(text)} is separated by ${JSON.stringify(delimiter)}`, () => {
    assert.equal(sniffDelimiter(text), delimiter);
  });
}
