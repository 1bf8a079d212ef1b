import assert from "node:assert/strict";
import { test } from "node:test";

import { confirm, engineWords } from "../js/confirm.js";
import { readContract } from "../js/contract.js";
import { makeEngines } from "../js/engines.js";
import { predict } from "../js/predictor.js";

const FEATURE = { name: "x", input: "x0", type: "number", dtype: "float64", missing: "rejected", range: null };
const CONTRACT = readContract(
  JSON.stringify({
    format: 2,
    name: "line",
    features: [{ ...FEATURE, accepts: null, categories: null, unseen: null, whole: null, example: 1 }],
    outputs: { label: null, probabilities: null, scores: null, value: "value" },
    targets: null,
    classes: null,
    threshold: null,
    tolerance: { absolute: 0, relative: 0 },
  }),
);

/** @param {(x: number) => number} answer @returns {import("../js/predictor.js").ModelCall} */
const engine = (answer) => async (feeds) => [Float64Array.from(/** @type {Float64Array} */ (feeds[0].data), answer)];
/** @param {import("../js/predictor.js").ModelCall} model @param {number} x */
const ask = async (model, x) => (await predict(CONTRACT, model, [{ x }]))[0].numbers[0];

test("the evaluator answers until onnxruntime-web is there", async () => {
  const engines = makeEngines(
    async () => engine((x) => x + 1),
    async () => engine((x) => x + 2),
  );
  assert.equal(await ask(engines.model, 5), 6);
  await engines.full();
  assert.equal(await ask(engines.model, 5), 7);
});

test("onnxruntime-web answers alone where the evaluator refuses the graph", async () => {
  let loads = 0;
  const refuse = () => Promise.reject(new Error("no such operator"));
  const engines = makeEngines(refuse, async () => {
    loads += 1;
    return engine((x) => x + 2);
  });
  assert.equal(await ask(engines.model, 5), 7);
  await engines.full();
  assert.equal(loads, 1);
  assert.equal(await confirm(engines, CONTRACT, [{ x: 1 }]), null);
  assert.equal(engineWords(null)[1], "one");
});

test("a row that the evaluator leaves out waits for onnxruntime-web, and other errors are told", async () => {
  const early = engine((x) => {
    if (x < 0) throw new RangeError("not exact here");
    if (x > 9) throw new TypeError("a fault");
    return x + 1;
  });
  const engines = makeEngines(
    async () => early,
    async () => engine((x) => x + 2),
  );
  assert.equal(await ask(engines.model, 5), 6);
  await assert.rejects(ask(engines.model, 10), TypeError);
  assert.equal(await ask(engines.model, -5), -3);
  assert.deepEqual(await confirm(engines, CONTRACT, [{ x: -1 }]), { rows: 0, same: 0 });
});

test("without onnxruntime-web the evaluator goes on, and nobody mistakes it for the other", async () => {
  const engines = makeEngines(
    async () => engine((x) => x + 1),
    () => Promise.reject(new Error("no wasm")),
  );
  await assert.rejects(engines.full(), /no wasm/);
  assert.equal(await ask(engines.model, 5), 6);
});

test("with neither, the reason is told", async () => {
  const engines = makeEngines(null, () => Promise.reject(new Error("no wasm")));
  await assert.rejects(engines.first, /no wasm/);
  await assert.rejects(ask(engines.model, 1), /no wasm/);
});

test("a last bit that differs is counted, and a rejection agrees with a rejection alone", async () => {
  const engines = makeEngines(
    async () => engine((x) => (x === 3 ? 3 + 2 ** -51 : x)),
    async () => engine((x) => x),
  );
  const rows = [{ x: 1 }, { x: 2 }, { x: 3 }, { x: null }];
  const told = await confirm(engines, CONTRACT, rows);
  assert.deepEqual(told, { rows: 4, same: 3 });
  assert.deepEqual(engineWords(told), [
    "Two engines ran here, this page's own and onnxruntime-web: their last bits differ on 1 of 4 test rows.",
    "differs",
  ]);
  assert.deepEqual(engineWords({ rows: 4, same: 4 })[1], "confirmed");
});
