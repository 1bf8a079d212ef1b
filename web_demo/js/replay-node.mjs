// node web_demo/js/replay-node.mjs BUNDLE [ENGINE]: rows as JSON lines on stdin, answers as JSON lines on stdout. ENGINE
// is onnxruntime-web or evaluator. The exit code is 3 where the evaluator does not know an operator of the model.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { text as readText } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";

import { openBundle } from "./bundle.js";
import * as evaluator from "./evaluate.js";
import { replay, writeAnswer } from "./golden.js";
import { parseLines } from "./json.js";
import { createModel, loadRuntime } from "./ort.js";

// Compiling the library's functions anew, in the fewest instructions, costs more than most replays: not before they ran
// for long.
setFlagsFromString("--wasm-tiering-budget=30000000");

/** @typedef {(bytes: Uint8Array) => Promise<import("./predictor.js").ModelCall>} Engine */

/** @type {Record<string, Engine>} */
const ENGINES = {
  "onnxruntime-web": async (bytes) => {
    const dist = dirname(createRequire(import.meta.url).resolve("onnxruntime-web/wasm"));
    const wasm = await readFile(join(dist, "ort-wasm-simd-threaded.wasm"));
    const ort = await loadRuntime(pathToFileURL(join(dist, "ort.wasm.bundle.min.mjs")).href, wasm);
    return createModel(ort, bytes);
  },
  evaluator: async (bytes) => evaluator.createModel(bytes),
};

/** @param {string} folder a bundle. @param {Engine} engine */
async function main(folder, engine) {
  const bundle = await openBundle(async (name) => new Uint8Array(await readFile(join(folder, name))));
  const model = await engine(await bundle.read("model.onnx"));
  const answers = await replay(bundle.contract, model, parseLines(await readText(process.stdin)));
  process.stdout.write(answers.map((answer) => writeAnswer(bundle.contract, answer) + "\n").join(""));
}

try {
  const [folder, engine = "onnxruntime-web"] = process.argv.slice(2);
  if (process.argv.length < 3 || process.argv.length > 4 || !(engine in ENGINES)) {
    throw new Error(`usage: node replay-node.mjs BUNDLE [${Object.keys(ENGINES).join(" | ")}]`);
  }
  await main(folder, ENGINES[engine]);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = error instanceof evaluator.UnknownOperator ? 3 : 2;
}
