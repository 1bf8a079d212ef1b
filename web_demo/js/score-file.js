// A file to its scored twin, a batch at a time. Twin of deploy/score.py; the model call is an argument, so this is pure.

import { scoreCsv } from "./file-csv.js";
import { FileError } from "./file-error.js";
import { scoreJsonl } from "./file-jsonl.js";
import { joinReasons, Output } from "./file-out.js";
import { scoreParquet } from "./file-parquet.js";
import { makeTally } from "./tally.js";

export const MOST_LISTED = 200; // rows with a problem that are told one by one

/** @type {Record<string, Kind>} */
const SUFFIXES = { csv: "csv", jsonl: "jsonl", ndjson: "jsonl", parquet: "parquet", pq: "parquet" };
/** @type {Record<Kind, string>} */
const TYPES = { csv: "text/csv", jsonl: "application/jsonl", parquet: "text/csv" };

/**
 * @typedef {"csv" | "jsonl" | "parquet"} Kind
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {{name: string, size: number, blob: Blob}} Source A file that the page was given.
 * @typedef {{bytes: number, rows: number, problems: number}} Progress
 * @typedef {{row: number, problem: string}} Listed A row without an answer, counted from 1.
 * @typedef {{contract: Contract, model: import("./predictor.js").ModelCall,
 *   reference: import("./context.js").Reference, parquet: () => Promise<typeof import("hyparquet")>,
 *   report: (progress: Progress) => void}} Tools
 * @typedef {{rows: number, problems: number, listed: Listed[], told: import("./tally.js").Told, scored: Blob,
 *   name: string}} Scored
 * @typedef {Tools & {output: Output, tally: import("./tally.js").Tally, read: (bytes: number) => void,
 *   answered: (rows: number, without: Map<number, string[]>) => void}} Run What the reader of a kind of file works with:
 *   `read` after bytes of the file, `answered` after rows, in the file's order, with the reasons of those of them that
 *   have no answer.
 */

/**
 * Scores a file: its columns stay as they are; behind them stand the answer and `problem`, as `selfsame score` writes
 * them. Of Parquet the twin is CSV.
 *
 * @param {Tools} tools
 * @param {Source} source
 * @returns {Promise<Scored>}
 * @throws {FileError} the file cannot be read, or a feature has no column.
 */
export async function scoreFile(tools, source) {
  const kind = await kindOf(source);
  const progress = { bytes: 0, rows: 0, problems: 0 };
  /** @type {Listed[]} */
  const listed = [];
  /** @type {Run} */
  const run = {
    ...tools,
    output: new Output(),
    tally: makeTally(tools.contract, tools.reference),
    read(bytes) {
      progress.bytes += bytes;
    },
    answered(rows, without) {
      for (const [row, reasons] of without) {
        if (listed.length < MOST_LISTED) listed.push({ row: progress.rows + row + 1, problem: joinReasons(reasons) });
      }
      progress.rows += rows;
      progress.problems += without.size;
      tools.report(progress);
    },
  };
  await { csv: scoreCsv, jsonl: scoreJsonl, parquet: scoreParquet }[kind](run, source.blob);
  if (progress.rows === 0) throw new FileError("The file must hold rows", "there is none", "Choose another file.");
  const { rows, problems } = progress;
  const scored = run.output.blob(TYPES[kind]);
  return { rows, problems, listed, told: run.tally.told(), scored, name: scoredName(source.name, kind) };
}

/**
 * What the file is: its suffix says it, else its first bytes.
 *
 * @param {Source} source
 * @returns {Promise<Kind>}
 */
async function kindOf({ name, size, blob }) {
  if (size === 0) throw new FileError("The file must hold rows", "it is empty", "Choose another file.");
  const head = new TextDecoder("latin1").decode(await blob.slice(0, 64).arrayBuffer());
  if (head.startsWith("PK\x03\x04") || head.startsWith("\x1f\x8b")) {
    const got = `${name} is an archive, or a spreadsheet's own format`;
    throw new FileError("The file must be CSV, JSONL or Parquet", got, "Unpack it, or save it as CSV in UTF-8.");
  }
  const suffix = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  if (Object.hasOwn(SUFFIXES, suffix)) return SUFFIXES[suffix];
  if (head.startsWith("PAR1")) return "parquet";
  return /^(\xef\xbb\xbf)?\s*\{/.test(head) ? "jsonl" : "csv";
}

/** @param {string} name @param {Kind} kind */
function scoredName(name, kind) {
  const stem = name.replace(/\.[^.]*$/, "") || "file";
  return `${stem}-scored.${kind === "jsonl" ? "jsonl" : "csv"}`;
}
