// Two engines behind one model call: the page's own evaluator answers first, onnxruntime-web takes over.

/**
 * @typedef {import("./predictor.js").ModelCall} ModelCall
 * @typedef {{model: ModelCall, first: Promise<unknown>, evaluator: () => Promise<ModelCall | null>,
 *   full: () => Promise<ModelCall>}} Engines
 *   `model`: asks the best engine that is there; a row that the evaluator cannot answer waits for the other.
 *   `first`: settles when one is there. `evaluator`: the page's own; null where it refuses the graph.
 *   `full`: onnxruntime-web, loaded at the first call; rejects where it cannot be started.
 */

/**
 * @typedef {{prediction: import("./predictor.js").Prediction, milliseconds: number}} Timed
 * @typedef {(row: import("./contract.js").Row) => Promise<Timed>} Ask
 */

/** @param {() => Promise<import("./predictor.js").Prediction>} ask @returns {Promise<Timed>} */
export async function timed(ask) {
  const start = performance.now();
  const prediction = await ask();
  return { prediction, milliseconds: performance.now() - start };
}

/**
 * @param {(() => Promise<ModelCall>) | null} loadEarly rejects where the graph holds what the evaluator does not know.
 * @param {() => Promise<ModelCall>} loadFull called where there is no evaluator, or when `full` is asked for.
 * @returns {Engines}
 */
export function makeEngines(loadEarly, loadFull) {
  /** @type {ModelCall | null} */
  let current = null;
  /** @type {Promise<ModelCall> | null} */
  let loading = null;
  const loadOnce = () => (loading ??= loadFull().then((call) => (current = call)));
  const early = loadEarly === null ? Promise.resolve(null) : loadEarly().catch(() => null);
  const first = early.then((call) => (current ??= call) ?? loadOnce());
  first.catch(() => undefined); // whoever asks is told
  return {
    model: async (feeds, outputs) => {
      const call = current ?? (await first);
      return call(feeds, outputs).catch(async (error) => {
        if (call !== (await early) || !(error instanceof RangeError)) throw error;
        return (await loadOnce())(feeds, outputs);
      });
    },
    first,
    evaluator: () => early,
    full: loadOnce,
  };
}
