// onnxruntime-web in a worker: compiling it and making a session take hundreds of milliseconds, in which the page
// answers on. It takes `{model}`, the bytes of model.onnx, then calls, each with a number, which its answer bears.

import { createModel, loadRuntime } from "./ort.js";

const RUNTIME = new URL("../vendor/ort.wasm.bundle.min.mjs", import.meta.url).href;

/**
 * @typedef {{number: number, feeds: import("./predictor.js").Feed[], outputs: string[]}} Call
 * @typedef {{model: Uint8Array} | Call} Asked
 * @typedef {{ready: true} | {broken: string} | {number: number, failed: string}
 *   | {number: number, results: ArrayLike<number | bigint>[]}} Said `broken`: the model cannot be loaded, and why.
 */

/** @type {Promise<import("./predictor.js").ModelCall>} */
let model;

/** @param {Said} said */
function say(said) {
  postMessage(said);
}

/** @param {unknown} error @returns {string} */
function reason(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {Call} call */
async function answer({ number, feeds, outputs }) {
  say({ number, results: await (await model)(feeds, outputs) });
}

addEventListener("message", (/** @type {MessageEvent<Asked>} */ { data }) => {
  if ("model" in data) {
    model = loadRuntime(RUNTIME).then((ort) => createModel(ort, data.model));
    model.then(
      () => say({ ready: true }),
      (error) => say({ broken: reason(error) }),
    );
  } else {
    answer(data).catch((error) => say({ number: data.number, failed: reason(error) }));
  }
});
