// Holds the two engines against each other, row by row, and says in words whether they agree.

import { replay } from "./golden.js";
import { makePause } from "./pause.js";
import { show } from "./words.js";

/**
 * @typedef {{rows: number, same: number}} Confirmation How many rows both answered, and how many of them bit for bit
 *   alike.
 */

/**
 * Loads onnxruntime-web and compares.
 *
 * @param {import("./engines.js").Engines} engines @param {import("./contract.js").Contract} contract
 * @param {readonly unknown[]} rows
 * @returns {Promise<Confirmation | null>} null where there is no evaluator.
 */
export async function confirm({ evaluator: early, full: load }, contract, rows) {
  const [evaluator, full] = [await early(), await load()];
  if (evaluator === null) return null;
  const confirmation = { rows: 0, same: 0 };
  const pause = makePause();
  for (const row of rows) {
    await pause();
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

/** @param {import("./golden.js").Answer} one @param {import("./golden.js").Answer} other @returns {boolean} */
function alike(one, other) {
  if ("rejected" in one || "rejected" in other) return "rejected" in one && "rejected" in other;
  const [numbers, others] = [one, other].map(({ labels, numbers }) => [...labels, ...numbers]);
  return numbers.length === others.length && numbers.every((number, k) => Object.is(number, others[k]));
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
