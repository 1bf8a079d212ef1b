// One row and many rows through both engines, in the page itself. `benchmarks/web.py` serves it beside the page's modules.

import { openBundle } from "./js/bundle.js";
import { checkRows } from "./js/contract.js";
import { createModel as createEvaluator } from "./js/evaluate.js";
import { parseLines } from "./js/json.js";
import { createModel, loadRuntime } from "./js/ort.js";
import { answerColumns, predict } from "./js/predictor.js";

const CALLS = 2000; // of one row
const WARM = 500;
const ROUNDS = 5; // of many rows

/** @param {number[]} numbers @param {number} share @returns {number} */
function quantile(numbers, share) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(share * (numbers.length - 1))];
}

/**
 * @param {import("../web_demo/js/contract.js").Contract} contract @param {any} model @param {any[]} rows
 * @param {number[]} sizes @returns {Promise<Record<string, number>>} milliseconds.
 */
async function measure(contract, model, rows, sizes) {
  const calls = [];
  for (let call = 0; call < WARM + CALLS; call += 1) {
    const start = performance.now();
    await predict(contract, model, [rows[call % rows.length]]);
    calls.push(performance.now() - start);
  }
  const alone = calls.slice(WARM);
  const told = { p50: quantile(alone, 0.5), p99: quantile(alone, 0.99) };
  const { columns } = checkRows(contract, rows);
  for (const size of sizes) {
    const many = columns.map((column) => Array.from({ length: size }, (_, k) => column[k % column.length]));
    const rounds = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const start = performance.now();
      await answerColumns(contract, model, many, size);
      rounds.push(performance.now() - start);
    }
    told[size] = quantile(rounds, 0.5);
  }
  return told;
}

/**
 * @param {number[]} sizes @returns {Promise<Record<string, Record<string, number>>>} by engine, what it took: `p50`,
 *   `p99` of one row as a dict, answered; by number of rows, columns that were checked before. Milliseconds.
 */
export async function measureRows(sizes) {
  const bundle = await openBundle(async (name) => new Uint8Array(await (await fetch(`bundle/${name}`)).arrayBuffer()));
  const bytes = await bundle.read("model.onnx");
  const golden = parseLines(new TextDecoder().decode(await bundle.read("golden.jsonl")));
  const rows = golden.filter(({ stratum }) => stratum === "recombined").map(({ row }) => row);
  const ort = await loadRuntime(new URL("vendor/ort.wasm.bundle.min.mjs", import.meta.url).href);
  const engines = { evaluator: createEvaluator(bytes), "onnxruntime-web": await createModel(ort, bytes) };
  const told = {};
  for (const [name, model] of Object.entries(engines)) told[name] = await measure(bundle.contract, model, rows, sizes);
  return told;
}
