import assert from "node:assert/strict";
import { test } from "node:test";

import { scoreFile } from "../js/score-file.js";
import { fakeModel, makeContract, makeSeveral } from "./fixtures.js";

const HEADER = "income,age,grade,home,married,debt,insured";
const LINE = "50,40,B,own,true,1,";
const NUMBERS = { missing: 0, edges: [0, 50, 100], counts: [50, 50] };
const REFERENCE = {
  rows: 100,
  answers: { missing: 0, edges: [0, 0.5, 1], counts: [50, 50] },
  features: {
    income: NUMBERS,
    age: { missing: 0, edges: [40, 40], counts: [100] },
    grade: { missing: 0, categories: { A: 50, B: 50 }, other: 0 },
    home: { missing: 0, categories: { own: 50, rent: 50 }, other: 0 },
    married: { missing: 0, categories: { false: 50, true: 50 }, other: 0 },
    debt: NUMBERS,
    insured: { missing: 0, edges: [], counts: [] },
  },
};

/**
 * @param {string | Uint8Array<ArrayBuffer>} content @param {string} [name] @param {any} [changes] of the tools.
 */
async function score(content, name = "new.csv", changes = {}) {
  const blob = new Blob([content]);
  const tools = {
    contract: makeContract(),
    model: fakeModel(),
    reference: REFERENCE,
    parquet: () => Promise.reject(new Error("not here")),
    report: () => undefined,
    ...changes,
  };
  const scored = await scoreFile(tools, { name, size: blob.size, blob });
  return { ...scored, text: await scored.scored.text() };
}

test("a CSV file keeps its lines and gets the answers behind them", async () => {
  const { text, rows, problems, name } = await score(`${HEADER},id\n${LINE},"x, y"\n${LINE.replace("50", "30")},7\n`);
  assert.equal(
    text,
    `${HEADER},id,label,probability_0,probability_1,problem\n` +
      `${LINE},"x, y",1,0.5,0.5,\n${LINE.replace("50", "30")},7,0,0.7,0.3,\n`,
  );
  assert.deepEqual([rows, problems, name], [2, 0, "new-scored.csv"]);
});

test("a row with a problem gets its reasons and spoils no other", async () => {
  const { text, problems, reasons, shown } = await score(`${HEADER}\n${LINE}\n${LINE.replace("40", "-1")}\n${LINE}\n`);
  const lines = text.split("\n");
  const reason = "age must be from 0 to 150, where the original estimator answers; got the number -1.";
  assert.equal(lines[2], `${LINE.replace("40", "-1")},,,,"${reason} Send for example 40."`);
  assert.equal(lines[1], lines[3]);
  assert.equal(problems, 1);
  assert.deepEqual(reasons, [{ problem: `${reason} Send for example 40.`, count: 1, rows: [2] }]);
  const values = LINE.split(",");
  assert.deepEqual(shown[0], { values, labels: [1], numbers: [0.5, 0.5], problem: null });
  assert.deepEqual(shown[1], { values: values.with(1, "-1"), labels: [], numbers: [], problem: reasons[0].problem });
  assert.equal(shown.length, 3);
});

test("one reason of many rows is told once, with the first of them", async () => {
  const bad = LINE.replace("40", "-1");
  const lines = Array.from({ length: 9000 }, (_, k) => (k % 2 === 0 ? LINE : k === 7 ? LINE.replace("40", "") : bad));
  const { reasons, problems } = await score(`${HEADER}\n${lines.join("\n")}\n`);
  assert.equal(problems, 4500);
  assert.deepEqual(
    reasons.map(({ count, rows }) => [count, rows]),
    [
      [4499, [2, 4, 6, 10, 12]],
      [1, [8]],
    ],
  );
});

test("batches and their ends are the same as one by one", async () => {
  const lines = Array.from({ length: 9000 }, (_, k) => (k % 7 === 3 ? "x" : `${k % 100}`) + LINE.slice(2));
  const { text, rows, problems, told } = await score(`${HEADER}\n${lines.join("\n")}`);
  const found = text.split("\n").slice(1, -1);
  assert.equal(rows, 9000);
  assert.equal(problems, lines.filter((line) => line.startsWith("x")).length);
  found.forEach((line, k) => {
    assert.ok(line.startsWith(`${lines[k]},`));
    if (!lines[k].startsWith("x")) assert.equal(line.split(",")[9], String((k % 100) / 100 || "0.0"));
  });
  assert.equal(
    told.features[0].found.reduce((sum, count) => sum + count, 0),
    rows - problems,
  );
});

test("a name that the file has already gets predicted_ before it", async () => {
  const { text } = await score(`label,${HEADER}\n1,${LINE}\n`);
  assert.ok(text.startsWith(`label,${HEADER},predicted_label,probability_0`));
});

test("a semicolon file and a byte order mark are read as they are", async () => {
  const { text } = await score(`\ufeff${`${HEADER}\n${LINE}\n`.replaceAll(",", ";")}`);
  assert.equal(text.split("\n")[1], `${LINE},1,0.5,0.5,`.replaceAll(",", ";"));
  assert.ok(text.startsWith("income;age"));
});

test("a file of another shape says which columns are missing and which may be meant", async () => {
  const said = /there is none for "income" \(its column "Incomes" may be meant\), "age". Rename or add the columns/;
  await assert.rejects(score(`Incomes,${HEADER.slice(11)}\n`), said);
  await assert.rejects(score(`${HEADER},age\n${LINE},1\n`), /Column names must differ; "age" is there twice/);
});

for (const [content, name, said] of /** @type {const} */ ([
  ["", "a.csv", /it is empty/],
  [`${HEADER}\n`, "a.csv", /must hold rows; there is none/],
  ["\n\n", "a.csv", /begins with a header line/],
  [`${HEADER}\n${LINE}\n1,2\n`, "a.csv", /line 3 has 2 of 7 fields. Correct that line/],
  [
    `${HEADER}\n${LINE}\n${LINE.replaceAll(",", ";")}\n`,
    "a.csv",
    /line 3 has 1 of 7 fields and is separated otherwise/,
  ],
  ["PK\x03\x04 and so on", "a.xlsx", /a.xlsx is an archive, or a spreadsheet's own format/],
  ["{}\n[1]\n", "a.jsonl", /line 2 is none/],
  ["{}\n{\n", "a.jsonl", /line 2: .*Correct that line/],
  ['{"income": NaN}\n', "a.jsonl", /line 1/],
  ['{"agee": 1}\n', "a.jsonl", /there is none for "income", "age" \(its column "agee" may be meant\)/],
])) {
  test(`${JSON.stringify(content.slice(0, 30))} as ${name} is refused in a sentence`, async () => {
    await assert.rejects(score(content, name), said);
  });
}

test("JSONL keeps each line as it is", async () => {
  const row = '{"income": 50.0, "age": 40, "grade": "B", "home": "own", "married": true, "debt": 1, "insured": null';
  const { text, problems, name } = await score(
    `${row}}\n\n${row.replace("40", "9007199254740993")} }\r\n{}`,
    "a.jsonl",
  );
  const lines = text.split("\n");
  assert.equal(lines[0], `${row}, "label": 1, "probability_0": 0.5, "probability_1": 0.5, "problem": null}`);
  assert.match(lines[1], /9007199254740993.*"label": null, .*got the number 9007199254740993/);
  assert.match(lines[2], /^\{"label": null, .*income is required and is not there/);
  assert.deepEqual([problems, name], [2, "a-scored.jsonl"]);
  lines.slice(0, 3).forEach((line) => JSON.parse(line));
});

test("several targets have their names before each column", async () => {
  const changes = { contract: makeSeveral(), model: fakeModel([], true) };
  const { text } = await score(`${HEADER}\n${LINE}\n`, "a.csv", changes);
  const [header, line] = text.split("\n");
  assert.equal(header.slice(HEADER.length + 1).split(",")[0], "late.label");
  assert.equal(line.slice(LINE.length), ",true,0.5,0.5,small,0.0,0.0,1.0,");
});

test("a row without a finite answer says so", async () => {
  /** @type {import("../js/predictor.js").ModelCall} */
  const model = async (feeds, outputs) => outputs.map(() => [Infinity, 0, 0.5, 0.5].slice(0, 2 * feeds[0].data.length));
  const { text, problems } = await score(`${HEADER}\n${LINE}\n${LINE}\n`, "a.csv", { model });
  assert.equal(problems, 1);
  assert.match(text, /the model has no finite answer for this row/);
});
