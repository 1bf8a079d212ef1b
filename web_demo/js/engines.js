// Two engines behind one model call: the page's own evaluator answers first, onnxruntime-web takes over and confirms.

import { replay } from "./golden.js";

/**
 * @typedef {import("./predictor.js").ModelCall} ModelCall
 * @typedef {import("./golden.js").Answer} Answer
 * @typedef {{rows: number, same: number}} Confirmation How many rows both answered, and how many of them bit for bit
 *   alike.
 * @typedef {{model: ModelCall, first: Promise<unknown>, full: () => Promise<ModelCall>,
 *   confirm: (contract: import("./contract.js").Contract, rows: readonly unknown[]) => Promise<Confirmation | null>}}
 *   Engines
 *   `model`: asks the best engine that is there. `first`: settles when one is. `full`: onnxruntime-web, loaded at the
 *   first call; rejects where it cannot be started. `confirm`: null where there is no evaluator.
 */

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
    model: async (feeds, outputs) => (current ?? (await first))(feeds, outputs),
    first,
    full: loadOnce,
    confirm: async (contract, rows) => {
      const evaluator = await early;
      const full = await loadOnce();
      return evaluator && compareEngines(contract, rows, evaluator, full);
    },
  };
}

/**
 * @param {import("./contract.js").Contract} contract @param {readonly unknown[]} rows
 * @param {ModelCall} one @param {ModelCall} other
 * @returns {Promise<Confirmation>}
 */
async function compareEngines(contract, rows, one, other) {
  const answers = await replay(contract, one, rows);
  const others = await replay(contract, other, rows);
  return { rows: rows.length, same: answers.filter((answer, index) => alike(answer, others[index])).length };
}

/** @param {Answer} one @param {Answer} other @returns {boolean} */
function alike(one, other) {
  if ("rejected" in one || "rejected" in other) return "rejected" in one && "rejected" in other;
  const [numbers, others] = [one, other].map(({ labels, numbers }) => [...labels, ...numbers]);
  return numbers.length === others.length && numbers.every((number, k) => Object.is(number, others[k]));
}
