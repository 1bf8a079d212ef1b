// Scores JSONL: each line goes back out as it was, with the answer behind its last value.

import { FileError } from "./file-error.js";
import { answerNames, jsonEnding } from "./file-out.js";
import { chunksOf } from "./file-read.js";
import { answerRows } from "./file-rows.js";
import { checkShape } from "./file-shape.js";
import { parseJson } from "./json.js";
import { BATCH } from "./predictor.js";

/**
 * @typedef {import("./score-file.js").Run} Run
 * @typedef {{text: string, row: Record<string, unknown>}} Line
 */

/**
 * Scores in two passes: the first finds the columns.
 *
 * @param {Run} run @param {Blob} blob
 * @returns {Promise<Blob>}
 * @throws {FileError} a line is no JSON object, or a feature is in none of them.
 */
export async function scoreJsonl(run, blob) {
  /** @type {Set<string>} */
  const columns = new Set();
  for await (const { row } of linesOf(blob, () => undefined)) {
    for (const name of Object.keys(row)) columns.add(name);
  }
  checkShape(run.contract, [...columns]);
  const ending = jsonEnding(run.contract.form, answerNames(run.contract.form, [...columns]));
  /** @type {Line[]} */
  let batch = [];
  const answer = async () => {
    const block = await answerRows(
      run,
      batch.map(({ row }) => row),
    );
    batch.forEach(({ text, row }, k) => {
      const reasons = block.without.get(k);
      run.output.write(text.trimEnd().slice(0, -1) + (Object.keys(row).length > 0 ? ", " : ""));
      if (reasons === undefined) ending.answer(run.output, block, k);
      else ending.problem(run.output, reasons);
    });
    batch = [];
  };
  for await (const line of linesOf(blob, run.read)) {
    batch.push(line);
    if (batch.length === BATCH) await answer();
  }
  if (batch.length > 0) await answer();
  return run.output.blob("application/jsonl");
}

/**
 * @param {Blob} blob @param {(bytes: number) => void} read
 * @returns {AsyncGenerator<Line>} the lines that are not blank.
 */
async function* linesOf(blob, read) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let number = 0;
  for await (const chunk of chunksOf(blob)) {
    const lines = (rest + decodePart(decoder, chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) {
      number += 1;
      if (text.trim() !== "") yield { text, row: readObject(text, number) };
    }
    read(chunk.length);
  }
  rest += decodePart(decoder, null);
  if (rest.trim() !== "") yield { text: rest, row: readObject(rest, number + 1) };
}

/** @param {TextDecoder} decoder @param {Uint8Array | null} chunk null for the end. @returns {string} */
function decodePart(decoder, chunk) {
  try {
    return chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    throw new FileError("The file must be text in UTF-8", "it holds bytes that are none", "Save it as UTF-8.");
  }
}

/** @param {string} text @param {number} number of the line. @returns {Record<string, unknown>} */
function readObject(text, number) {
  let row;
  try {
    row = /\d{16}/.test(text) ? parseJson(text) : JSON.parse(text);
  } catch (error) {
    const got = `line ${number}: ${error instanceof Error ? error.message : error}`;
    throw new FileError("Every line of a JSONL file is JSON", got, "Correct that line.");
  }
  if (typeof row === "object" && row !== null && !Array.isArray(row)) return row;
  const rule = "Every line of a JSONL file is an object of columns and values";
  throw new FileError(rule, `line ${number} is none`, "Correct that line.");
}
