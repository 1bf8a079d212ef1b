// node web_demo/js/replay-node.mjs BUNDLE: rows as JSON lines on stdin, answers as JSON lines on stdout.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { text as readText } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

import { openBundle } from "./bundle.js";
import { replay, writeAnswer } from "./golden.js";
import { parseLines } from "./json.js";
import { createModel, loadRuntime } from "./ort.js";

/** @param {string} folder a bundle. */
async function main(folder) {
  const bundle = await openBundle(async (name) => new Uint8Array(await readFile(join(folder, name))));
  const dist = dirname(createRequire(import.meta.url).resolve("onnxruntime-web/wasm"));
  const wasm = await readFile(join(dist, "ort-wasm-simd-threaded.wasm"));
  const ort = await loadRuntime(pathToFileURL(join(dist, "ort.wasm.bundle.min.mjs")).href, wasm);
  const model = await createModel(ort, await bundle.read("model.onnx"));
  const answers = await replay(bundle.contract, model, parseLines(await readText(process.stdin)));
  process.stdout.write(answers.map((answer) => writeAnswer(bundle.contract, answer) + "\n").join(""));
}

try {
  if (process.argv.length !== 3) throw new Error("usage: node replay-node.mjs BUNDLE");
  await main(process.argv[2]);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
