// Two engines behind one model call: the page's own evaluator answers first, onnxruntime-web takes over and confirms.

import { replay } from "./golden.js";
import { show } from "./words.js";

const AT_ONCE = 10; // rows that are compared without a pause

/**
 * @typedef {import("./predictor.js").ModelCall} ModelCall
 * @typedef {import("./golden.js").Answer} Answer
 * @typedef {{rows: number, same: number}} Confirmation How many rows both answered, and how many of them bit for bit
 *   alike.
 * @typedef {{model: ModelCall, first: Promise<unknown>, evaluator: () => Promise<ModelCall | null>,
 *   full: () => Promise<ModelCall>,
 *   confirm: (contract: import("./contract.js").Contract, rows: readonly unknown[]) => Promise<Confirmation | null>}}
 *   Engines
 *   `model`: asks the best engine that is there; a row that the evaluator cannot answer waits for the other.
 *   `first`: settles when one is there. `evaluator`: the page's own; null where it refuses the graph. `full`: onnxruntime-web, loaded at the first call; rejects where it cannot be
 *   started. `confirm`: holds the two against each other row by row; null where there is no evaluator.
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
    confirm: async (contract, rows) => {
      const evaluator = await early;
      const full = await loadOnce();
      return evaluator && compareEngines(contract, rows, evaluator, full);
    },
  };
}

/**
 * In words, which engine answers and whether the other agrees.
 *
 * @param {Confirmation | null} confirmation
 * @returns {[string, "one" | "confirmed" | "differs"]}
 */
export function engineWords(confirmation) {
  if (confirmation === null) return ["onnxruntime-web, the full engine, answers.", "one"];
  const { rows, same } = confirmation;
  const both = "Two engines ran here, this page's own and onnxruntime-web";
  if (same === rows) return [`${both}: the same answers, bit for bit, on all ${show(rows)} test rows.`, "confirmed"];
  return [`${both}: their last bits differ on ${show(rows - same)} of ${show(rows)} test rows.`, "differs"];
}

/**
 * @param {import("./contract.js").Contract} contract @param {readonly unknown[]} rows
 * @param {ModelCall} evaluator @param {ModelCall} full
 * @returns {Promise<Confirmation>}
 */
async function compareEngines(contract, rows, evaluator, full) {
  const confirmation = { rows: 0, same: 0 };
  for (const [index, row] of rows.entries()) {
    if (index % AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve)); // the page stays responsive
    const one = await replay(contract, evaluator, [row]).catch((error) => {
      if (!(error instanceof RangeError)) throw error;
      return null; // the evaluator leaves such a row to onnxruntime-web
    });
    if (one === null) continue;
    const [other] = await replay(contract, full, [row]);
    confirmation.rows += 1;
    confirmation.same += Number(alike(one[0], other));
  }
  return confirmation;
}

/** @param {Answer} one @param {Answer} other @returns {boolean} */
function alike(one, other) {
  if ("rejected" in one || "rejected" in other) return "rejected" in one && "rejected" in other;
  const [numbers, others] = [one, other].map(({ labels, numbers }) => [...labels, ...numbers]);
  return numbers.length === others.length && numbers.every((number, k) => Object.is(number, others[k]));
}
