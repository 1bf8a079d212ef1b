import assert from "node:assert/strict";
import { test } from "node:test";

import { UnknownOperator } from "../js/evaluate.js";
import { makeFileEngine } from "../js/score-engine.js";

/** @typedef {import("../js/predictor.js").ModelCall} ModelCall */

let clock = 0;
const now = () => clock;

/**
 * An engine that takes a time, and gives one number.
 *
 * @param {string} name @param {number} took milliseconds. @param {string[]} calls gets its name with each call.
 * @param {number} [number]
 * @returns {ModelCall}
 */
const engine =
  (name, took, calls, number = 0.5) =>
  async () => {
    calls.push(name);
    clock += took;
    return [Float64Array.of(number)];
  };

/** @param {ReturnType<typeof makeFileEngine>} file @param {number} batches */
async function score(file, batches) {
  const found = [];
  file.begin();
  for (let k = 1; k <= batches; k++) {
    found.push((await file.model([], []))[0][0]);
    file.progress(k / batches);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}

test("a short file is the evaluator's alone", async () => {
  /** @type {string[]} */
  const calls = [];
  const file = makeFileEngine(engine("early", 10, calls), () => Promise.reject(new Error("not loaded")), now);
  await score(file, 50);
  assert.deepEqual(new Set(calls), new Set(["early"]));
});

test("a long file goes to the faster engine, if it gives the same bits", async () => {
  for (const [took, number, last] of /** @type {const} */ ([
    [30, 0.5, "full"],
    [600, 0.5, "early"],
    [30, 0.5000000000000001, "early"],
  ])) {
    /** @type {string[]} */
    const calls = [];
    const file = makeFileEngine(engine("early", 300, calls), async () => engine("full", took, calls, number), now);
    assert.deepEqual(await score(file, 50), new Array(50).fill(0.5));
    assert.deepEqual(calls.slice(0, 5), ["early", "early", "full", "full", last]);
    assert.equal(calls.at(-1), last);
  }
});

test("the evaluator goes on where onnxruntime-web cannot be started", async () => {
  /** @type {string[]} */
  const calls = [];
  const file = makeFileEngine(engine("early", 300, calls), () => Promise.reject(new Error("no wasm")), now);
  assert.equal((await score(file, 50)).length, 50);
});

test("what the evaluator does not know is left to onnxruntime-web", async () => {
  /** @type {string[]} */
  const calls = [];
  const unable = async () => Promise.reject(new UnknownOperator("Einsum"));
  for (const evaluator of [null, unable]) {
    const file = makeFileEngine(evaluator, async () => engine("full", 1, calls), now);
    assert.deepEqual(await score(file, 3), [0.5, 0.5, 0.5]);
  }
  assert.deepEqual(calls, new Array(6).fill("full"));
  const broken = makeFileEngine(
    async () => Promise.reject(new TypeError("broken")),
    async () => unable,
    now,
  );
  await assert.rejects(score(broken, 1), /broken/);
});
