// The only module that touches onnxruntime-web. One thread, so that sums have one order.

/**
 * @typedef {typeof import("onnxruntime-web/wasm")} Ort
 * @typedef {import("./predictor.js").ModelCall} ModelCall
 */

/** The runtime could not be started, or the model not be loaded. */
export class WasmError extends Error {
  /** @param {unknown} cause */
  constructor(cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    const [rule, remedy] = /memory|allocat/i.test(said)
      ? ["this browser has not enough memory left for the model", "Close other tabs, or use a device with more memory."]
      : [
          "the model runs in WebAssembly, and it could not be started here",
          "Use a current browser with WebAssembly on.",
        ];
    super(`${rule} (${said}). ${remedy}`);
    this.name = "WasmError";
  }
}

/**
 * Loads onnxruntime-web.
 *
 * @param {string} url address of ort.wasm.bundle.min.mjs; the .wasm file lies beside it.
 * @param {Uint8Array} [wasm] the bytes of the .wasm file, where they cannot be fetched (node).
 * @returns {Promise<Ort>}
 * @throws {WasmError} no WebAssembly, or the files cannot be loaded.
 */
export async function loadRuntime(url, wasm) {
  if (typeof WebAssembly === "undefined") throw new WasmError("WebAssembly is not there");
  try {
    /** @type {Ort} */
    const ort = await import(url);
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
    if (wasm !== undefined) ort.env.wasm.wasmBinary = wasm;
    return ort;
  } catch (error) {
    throw new WasmError(error);
  }
}

/**
 * Makes a session and gives the model call; calls wait for each other, since a session answers one at a time.
 *
 * @param {Ort} ort
 * @param {Uint8Array} model the bytes of model.onnx.
 * @returns {Promise<ModelCall>}
 * @throws {WasmError} the session cannot be made.
 */
export async function createModel(ort, model) {
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] }).catch((error) => {
    throw new WasmError(error);
  });
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();
  return (feeds, outputs) => {
    const tensors = Object.fromEntries(
      feeds.map(({ name, dtype, data }) => [name, new ort.Tensor(/** @type {any} */ (dtype), data, [data.length, 1])]),
    );
    const answer = last.then(() => session.run(tensors, outputs));
    last = answer.catch(() => undefined);
    return answer.then((results) => outputs.map((name) => /** @type {any} */ (results[name].data)));
  };
}
