// The worker that scores files, with engines of its own, so that the page stays free. Not part of the page's own graph.
//
// It takes `{path}`, the bundle's address, and prepares the model; then `{source}`, a file, as often as it is sent one.
// It says `{ready}`, `{progress}`, `{done}` and `{failed}`, a sentence, and whether it is of no
// more use. Its end is the end of the scoring.

import { openBundle, text } from "./bundle.js";
import { quoteCell } from "./cells.js";
import { createModel as createEvaluator, UnknownOperator } from "./evaluate.js";
import { FileError } from "./file-error.js";
import { OPERATORS } from "./operators/index.js";
import { TreeEnsemble } from "./operators/tree-masks.js";
import { createModel, loadRuntime } from "./ort.js";
import { BATCH } from "./predictor.js";
import { makeFileEngine } from "./score-engine.js";
import { scoreFile } from "./score-file.js";

const RUNTIME = new URL("../vendor/ort.wasm.bundle.min.mjs", import.meta.url).href;
const PARQUET = new URL("../vendor/hyparquet/index.js", import.meta.url).href;
const PAUSE = 100; // milliseconds between two words of progress
const QUIET = { parquet: () => import(PARQUET), report: () => undefined };

/**
 * @typedef {import("./score-file.js").Source} Source
 * @typedef {{path: string} | {source: Source}} Asked
 * @typedef {{ready: true} | {progress: import("./score-client.js").TimedProgress} | {failed: string, broken: boolean}
 *   | {done: import("./score-client.js").Timed}} Said
 * @typedef {Pick<import("./score-file.js").Tools, "contract" | "reference"> & {engine: import("./score-engine.js").FileEngine}}
 *   Loaded
 */

/** @type {Promise<Loaded> | undefined} */
let loading;
let asked = false; // for a file

/** @param {string} path of the bundle. @returns {Promise<Loaded>} */
async function load(path) {
  const bundle = await openBundle(async (name) => {
    const response = await fetch(path + name);
    if (!response.ok)
      throw new Error(`${name} must be there; the server answered ${response.status}. Reload the page.`);
    return new Uint8Array(await response.arrayBuffer());
  });
  const [bytes, reference] = await Promise.all([bundle.read("model.onnx"), bundle.read("reference.json")]);
  const engine = makeFileEngine(evaluatorOf(bytes), async () => createModel(await loadRuntime(RUNTIME), bytes));
  const tools = { contract: bundle.contract, reference: JSON.parse(text(reference)) };
  if (!asked) await rehearse(tools, engine.model);
  return { ...tools, engine };
}

/**
 * Scores a file of examples, while nobody waits: what it needs is compiled then.
 *
 * @param {Pick<Loaded, "contract" | "reference">} tools @param {import("./predictor.js").ModelCall} model
 */
async function rehearse(tools, model) {
  await scoreFile({ ...tools, ...QUIET, model }, examples(tools.contract)).catch(() => null);
}

/** @param {Uint8Array} bytes of the model. @returns {import("./predictor.js").ModelCall | null} */
function evaluatorOf(bytes) {
  try {
    return createEvaluator(bytes, { ...OPERATORS, "ai.onnx.ml.TreeEnsemble": TreeEnsemble });
  } catch (error) {
    if (error instanceof UnknownOperator) return null;
    throw error;
  }
}

/** @param {import("./contract.js").Contract} contract @returns {Source} a file of the example, again and again. */
function examples({ features }) {
  const [header, line] = [features.map(({ name }) => name), features.map(({ example }) => String(example ?? ""))].map(
    (cells) => `${cells.map((cell) => quoteCell(cell, ",")).join(",")}\n`,
  );
  const blob = new Blob([header, line.repeat(2 * BATCH)]);
  return { name: "examples.csv", size: blob.size, blob };
}

/** @param {Source} source */
async function score(source) {
  if (loading === undefined) throw new Error("the bundle's address comes before a file.");
  asked = true;
  const { engine, ...tools } = await loading;
  const start = performance.now();
  let told = start;
  engine.begin();
  const done = await scoreFile(
    {
      ...tools,
      ...QUIET,
      model: engine.model,
      report(progress) {
        engine.progress(progress.bytes / source.size);
        const now = performance.now();
        if (now - told < PAUSE) return;
        told = now;
        say({ progress: { ...progress, milliseconds: now - start } });
      },
    },
    source,
  );
  say({ done: { ...done, milliseconds: performance.now() - start } });
}

/** @param {Said} said */
function say(said) {
  postMessage(said);
}

/** @param {unknown} error */
function fail(error) {
  say({ failed: sentence(error), broken: !(error instanceof FileError) });
}

/** @param {unknown} error @returns {string} */
function sentence(error) {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof RangeError)) return error.message;
  const remedy = "Close other tabs, or score it with `selfsame score`.";
  return `This browser has not enough memory left for the file (${error.message}). ${remedy}`;
}

addEventListener("message", (/** @type {MessageEvent<Asked>} */ { data }) => {
  if ("path" in data) {
    loading = load(data.path);
    loading.then(() => say({ ready: true }), fail);
  } else {
    score(data.source).catch(fail);
  }
});
