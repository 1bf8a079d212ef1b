import assert from "node:assert/strict";
import { test } from "node:test";

import { BundleError, checkRows, ContractError, readContract } from "../js/contract.js";
import { describe, inService } from "../js/words.js";
import { DOCUMENT, makeContract, ROW } from "./fixtures.js";

const contract = makeContract();

/** @param {readonly unknown[]} rows @returns {import("../js/contract.js").Problem[]} */
function problemsOf(rows) {
  try {
    checkRows(contract, rows);
  } catch (error) {
    assert.ok(error instanceof ContractError);
    return error.problems;
  }
  return [];
}

/** @param {Record<string, unknown>} changes */
function kindsOf(changes) {
  return problemsOf([{ ...ROW, ...changes }]).map(({ feature, kind }) => [feature, kind]);
}

test("an accepted row becomes one graph value per feature, in contract order", () => {
  const { columns, warnings } = checkRows(contract, [ROW]);
  assert.deepEqual(columns, [[50], [40n], ["B"], ["own"], [true], [1], [1]]);
  assert.deepEqual(warnings, [[]]);
});

test("missing values become NaN and the missing code", () => {
  const { columns } = checkRows(contract, [{ ...ROW, income: null, grade: null, insured: null }]);
  assert.deepEqual([columns[0], columns[2], columns[6]], [[NaN], [DOCUMENT.missing_code], [NaN]]);
});

test("a boolean of dtype float64 is sent as 1 or 0", () => {
  const { columns } = checkRows(contract, [
    { ...ROW, insured: true },
    { ...ROW, insured: false },
  ]);
  assert.deepEqual(columns[6], [1, 0]);
});

for (const [changes, feature, kind] of /** @type {[Record<string, unknown>, string, string][]} */ ([
  [{ income: "50" }, "income", "type"],
  [{ income: true }, "income", "type"],
  [{ income: Infinity }, "income", "not_finite"],
  [{ debt: 3.5e38 }, "debt", "not_finite"],
  [{ age: 40.5 }, "age", "type"],
  [{ age: 2n ** 63n }, "age", "type"],
  [{ age: 1e300 }, "age", "type"],
  [{ age: null }, "age", "missing"],
  [{ home: null }, "home", "missing"],
  [{ married: null }, "married", "missing"],
  [{ debt: null }, "debt", "missing"],
  [{ married: 1 }, "married", "type"],
  [{ grade: 3 }, "grade", "type"],
  [{ grade: "A\0" }, "grade", "type"],
  [{ grade: "\ud800" }, "grade", "type"],
  [{ grade: DOCUMENT.missing_code }, "grade", "reserved"],
  [{ home: "boat" }, "home", "unseen"],
  [{ age: 151 }, "age", "out_of_bounds"],
  [{ colour: "red" }, "colour", "unknown"],
])) {
  test(`${feature}: ${describe(Object.values(changes)[0])} is a problem of kind ${kind}`, () => {
    assert.deepEqual(kindsOf(changes), [[feature, kind]]);
  });
}

test("a feature that is not there is absent, which is not the same as missing", () => {
  const { income: _, ...rest } = ROW;
  assert.deepEqual(
    problemsOf([rest]).map(({ feature, kind }) => [feature, kind]),
    [["income", "absent"]],
  );
});

test("a row that is no object is a problem of its own", () => {
  assert.deepEqual(
    problemsOf([[1], null, "x"]).map(({ row, feature, kind }) => [row, feature, kind]),
    [
      [0, null, "row"],
      [1, null, "row"],
      [2, null, "row"],
    ],
  );
});

test("every problem of every row is listed, with the rule, what was got and what to do", () => {
  const problems = problemsOf([{ ...ROW, income: "much", age: null }, ROW, { ...ROW, home: "boat" }]);
  assert.deepEqual(
    problems.map(({ row, feature }) => [row, feature]),
    [
      [0, "income"],
      [0, "age"],
      [2, "home"],
    ],
  );
  assert.equal(
    problems[0].reason,
    'income takes a number; got the text "much". Send for example 50.0, or null when it is unknown.',
  );
});

test("values unlike the training rows get warnings", () => {
  const { warnings } = checkRows(contract, [{ ...ROW, income: 100.5, grade: "Z" }]);
  assert.deepEqual(
    warnings[0].map(({ feature, kind }) => [feature, kind]),
    [
      ["income", "out_of_range"],
      ["income", "fraction"],
      ["grade", "unseen"],
    ],
  );
});

test("a missing value that is taken gets a warning", () => {
  const { warnings } = checkRows(contract, [{ ...ROW, income: null, grade: null }]);
  assert.deepEqual(
    warnings[0].map(({ feature, kind }) => [feature, kind]),
    [
      ["income", "imputed"],
      ["grade", "imputed"],
    ],
  );
  assert.equal(warnings[0][0].message, "income: missing; the model answers with a substitute of its own for it.");
});

test("the page says what becomes of an answer in service", () => {
  /** @param {string} degree @param {[number, number] | null} [abstain] */
  const said = (degree, abstain = null) => inService(makeContract({ automation: { degree, abstain } }));
  assert.equal(said("full"), null);
  assert.match(String(said("assist")), /suggestion/);
  assert.match(String(said("shadow")), /recorded and not given/);
  assert.match(String(said("human only")), /without this answer/);
  assert.equal(said("partial", [0.25, 0.5]), "In service a person decides from 0.25 to 0.5, the model elsewhere.");
});

test("names that objects inherit are not taken for features of a row", () => {
  const odd = makeContract({ features: [{ ...DOCUMENT.features[0], name: "constructor" }] });
  assert.throws(() => checkRows(odd, [{}]), /constructor is required and is not there/);
});

test("a newer and an older format are refused by name", () => {
  assert.throws(
    () => readContract(JSON.stringify({ ...DOCUMENT, format: 3 })),
    new BundleError(
      "contract.json: bundle format 3",
      "this page reads 2",
      "Build the site again with a newer selfsame.",
    ),
  );
  assert.throws(() => readContract("{}"), /bundle format unknown; this page reads 2/);
  assert.throws(() => readContract("{"), /contract.json must be JSON/);
});

test("classes keep the keys that Python gives them", () => {
  const text = JSON.stringify(DOCUMENT).replace('"classes":[0,1]', '"classes":[0.0,1.0]');
  assert.deepEqual(readContract(text).form.targets[0].classKeys, ["0.0", "1.0"]);
  assert.deepEqual(makeContract({ classes: [false, true] }).form.targets[0].classKeys, ["false", "true"]);
  assert.deepEqual(makeContract({ classes: ["0", "b"] }).form.targets[0].classKeys, ["0", "b"]);
});

test("the ends of what the original answers, and of the training range, belong to it", () => {
  const { warnings } = checkRows(contract, [
    { ...ROW, income: 0, age: 0 },
    { ...ROW, income: 100, age: 150 },
  ]);
  assert.deepEqual(warnings, [[], []]);
});

test("whole numbers that a float64 cannot hold are checked, shown and suggested exactly", () => {
  const ends = "[1152921504606846977,1152921504606847001]";
  const age = { ...DOCUMENT.features[1], accepts: null, range: "ENDS", example: "EXAMPLE" };
  const document = JSON.stringify({ ...DOCUMENT, features: [age] });
  const large = readContract(document.replace('"ENDS"', ends).replace('"EXAMPLE"', "1152921504606846979"));
  const { columns, warnings } = checkRows(large, [{ age: 2n ** 60n + 1n }, { age: 2n ** 60n }, { age: 5 }]);
  assert.deepEqual(columns, [[2n ** 60n + 1n, 2n ** 60n, 5n]]);
  assert.deepEqual(
    warnings.map((list) => list.map(({ kind }) => kind)),
    [[], ["out_of_range"], ["out_of_range"]],
  );
  assert.throws(() => checkRows(large, [{ age: "x" }]), /Send for example 1152921504606846979\./);
});
