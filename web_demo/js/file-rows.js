// Scores rows that are objects already, of JSONL and Parquet.

import { blockOf } from "./file-block.js";
import { replay } from "./golden.js";

/**
 * Answers a batch and counts it.
 *
 * @param {import("./score-file.js").Run} run
 * @param {readonly Record<string, unknown>[]} rows at most `BATCH`, with any further columns.
 * @returns {Promise<import("./file-block.js").Block>}
 */
export async function answerRows({ contract, model, tally, answered, wanted, show }, rows) {
  const { features } = contract;
  const picked = rows.map((row) => {
    const present = features.filter(({ name }) => Object.hasOwn(row, name));
    return Object.fromEntries(present.map(({ name }) => [name, row[name]]));
  });
  const block = blockOf(contract.form, await replay(contract, model, picked));
  const taken = picked.filter((_, row) => !block.without.has(row));
  features.forEach(({ name }, position) => {
    const values = taken.map((row) => row[name] ?? null);
    tally.column(position, values);
  });
  tally.answers(block);
  for (const [row, values] of picked.slice(0, wanted()).entries()) {
    const cells = features.map(({ name }) => String(values[name] ?? ""));
    show(cells, block, row, block.without.get(row));
  }
  answered(rows.length, block.without);
  return block;
}
