import assert from "node:assert/strict";
import { test } from "node:test";

import { readContract } from "../js/contract.js";
import { readFragment, writeFragment } from "../js/link.js";
import { DOCUMENT } from "./fixtures.js";

const CONTRACT = readContract(JSON.stringify({ ...DOCUMENT, features: DOCUMENT.features.slice(0, 5) }));

test("a row is read as it was written, to the last digit", () => {
  const row = { income: -0, age: 41, grade: 'a "b" & c=d +ü\u{1f600}', home: "rent", married: false };
  assert.deepEqual(readFragment(CONTRACT, `#${writeFragment(row)}`), { row, notes: [] });
  const { row: missing } = readFragment(CONTRACT, writeFragment({ ...row, income: null, grade: "null" }));
  assert.deepEqual([missing.income, missing.grade], [null, "null"]);
  const exact = { ...row, income: 0.1 + 0.2, grade: "" };
  assert.deepEqual(readFragment(CONTRACT, writeFragment(exact)).row, exact);
});

test("a fragment may name some features alone", () => {
  assert.deepEqual(readFragment(CONTRACT, "#age=20"), { row: { age: 20 }, notes: [] });
  assert.deepEqual(readFragment(CONTRACT, ""), { row: {}, notes: [] });
});

test("what does not fit the contract is left out, with a sentence", () => {
  const { row, notes } = readFragment(CONTRACT, "#age=151&home=%22boat%22&income=20&colour=1&grade=B&__proto__=1");
  assert.deepEqual(row, { income: 20 });
  assert.equal(notes.length, 5);
  assert.match(notes.join("\n"), /names colour, which this model does not have/);
  assert.match(notes.join("\n"), /grade is not readable; the example's stays/);
  assert.match(notes.join("\n"), /not taken: age must be from 0 to 150/);
  assert.match(notes.join("\n"), /not taken: home takes one of "own", "rent"; got the text "boat"/);
});
