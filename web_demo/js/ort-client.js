// The page's end of the worker that holds onnxruntime-web.

import { WasmError } from "./ort.js";

/**
 * @typedef {import("./predictor.js").ModelCall} ModelCall
 * @typedef {{resolve: (results: any) => void, reject: (error: unknown) => void}} Waiting
 */

/**
 * Starts the worker and loads a model in it.
 *
 * @param {Uint8Array} model the bytes of model.onnx.
 * @returns {Promise<ModelCall>}
 * @throws {Error} no WebAssembly, no memory, or a file that cannot be loaded, in a sentence.
 */
export async function createWorkerModel(model) {
  if (typeof WebAssembly === "undefined") throw new WasmError("WebAssembly is not there");
  const worker = new Worker(new URL("./ort-worker.js", import.meta.url), { type: "module" });
  /** @type {Map<number, Waiting>} */
  const waiting = new Map();
  await new Promise((resolve, reject) => {
    worker.onmessage = (/** @type {MessageEvent<import("./ort-worker.js").Said>} */ { data }) => {
      if ("ready" in data) return resolve(null);
      if ("broken" in data) return reject(new Error(data.broken));
      const asked = waiting.get(data.number);
      waiting.delete(data.number);
      if ("failed" in data) asked?.reject(new Error(data.failed));
      else asked?.resolve(data.results);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      const error = new WasmError(event.message || "its worker could not be loaded");
      reject(error);
      for (const asked of waiting.values()) asked.reject(error);
    };
    worker.postMessage({ model });
  }).catch((error) => {
    worker.terminate();
    throw error;
  });
  let calls = 0;
  return (feeds, outputs) =>
    new Promise((resolve, reject) => {
      waiting.set(++calls, { resolve, reject });
      worker.postMessage({ number: calls, feeds, outputs });
    });
}
