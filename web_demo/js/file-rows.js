// Scores rows that are objects already, of JSONL and Parquet.

import { replay } from "./golden.js";

/**
 * Answers a batch and counts it.
 *
 * @param {import("./score-file.js").Run} run
 * @param {readonly Record<string, unknown>[]} rows at most `BATCH`, with any further columns.
 * @returns {Promise<import("./golden.js").Answer[]>}
 */
export async function answerRows({ contract, model, tally, answered }, rows) {
  const { features } = contract;
  const picked = rows.map((row) => {
    const present = features.filter(({ name }) => Object.hasOwn(row, name));
    return Object.fromEntries(present.map(({ name }) => [name, row[name]]));
  });
  const answers = await replay(contract, model, picked);
  const taken = picked.filter((_, index) => !("rejected" in answers[index]));
  features.forEach(({ name }, position) => {
    const values = taken.map((row) => row[name] ?? null);
    tally.column(position, values);
  });
  answered(answers);
  return answers;
}
