// A file to its scored twin, a batch at a time. Twin of deploy/score.py; the model call is an argument, so this is pure.

import { scoreCsv } from "./file-csv.js";
import { FileError } from "./file-error.js";
import { scoreJsonl } from "./file-jsonl.js";
import { joinReasons, Output } from "./file-out.js";
import { bytesOf } from "./file-read.js";
import { scoreParquet } from "./file-parquet.js";
import { makeTally } from "./tally.js";

const MOST_REASONS = 100; // different ones that are told
const MOST_NAMED = 5; // rows that are named with each
const MOST_SHOWN = 8; // rows that are shown with their answers

/** @type {Record<string, Kind>} */
const SUFFIXES = { csv: "csv", jsonl: "jsonl", ndjson: "jsonl", parquet: "parquet", pq: "parquet" };

/**
 * @typedef {"csv" | "jsonl" | "parquet"} Kind
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {{name: string, size: number, blob: Blob}} Source A file that the page was given.
 * @typedef {{bytes: number, rows: number, problems: number}} Progress
 * @typedef {{problem: string, count: number, rows: number[]}} Reason Why rows have no answer, how many, and the first of
 *   them, counted from 1.
 * @typedef {{values: string[], labels: number[], numbers: number[], problem: string | null}} Shown One of the first rows:
 *   the features' cells as they stand in the file, and the answer; `problem` where it has none.
 * @typedef {{contract: Contract, model: import("./predictor.js").ModelCall,
 *   reference: import("./context.js").Reference, parquet: () => Promise<typeof import("hyparquet")>,
 *   report: (progress: Progress) => void}} Tools
 * @typedef {{rows: number, problems: number, reasons: Reason[], shown: Shown[], told: import("./tally.js").Told,
 *   scored: Blob, name: string}} Scored
 * @typedef {Tools & {output: Output, tally: import("./tally.js").Tally, read: (bytes: number) => void,
 *   answered: (rows: number, without: Map<number, string[]>) => void, wanted: () => number,
 *   show: (values: string[], block: import("./file-block.js").Block, at: number, reasons: string[] | undefined) => void}}
 *   Run What the reader of a kind of file works with: `read` after bytes of the file, `answered` after rows, in the file's
 *   order, with the reasons of those of them that have no answer; `show` for each of the first rows, as many as are
 *   `wanted`.
 */

/**
 * Scores a file: its columns stay as they are; behind them stand the answer and `problem`, as `selfsame score` writes
 * them.
 *
 * @param {Tools} tools
 * @param {Source} source
 * @returns {Promise<Scored>}
 * @throws {FileError} the file cannot be read, or a feature has no column.
 */
export async function scoreFile(tools, source) {
  const kind = await kindOf(source);
  const progress = { bytes: 0, rows: 0, problems: 0 };
  /** @type {Map<string, Reason>} */
  const reasons = new Map();
  /** @type {Shown[]} */
  const shown = [];
  const { form } = tools.contract;
  /** @type {Run} */
  const run = {
    ...tools,
    output: new Output(),
    tally: makeTally(tools.contract, tools.reference),
    read(bytes) {
      progress.bytes += bytes;
    },
    answered(rows, without) {
      for (const [row, each] of without) note(reasons, joinReasons(each), progress.rows + row + 1);
      progress.rows += rows;
      progress.problems += without.size;
      tools.report(progress);
    },
    wanted: () => MOST_SHOWN - shown.length,
    show(values, { labels, numbers }, at, problems) {
      const answer = problems === undefined;
      shown.push({
        values,
        labels: answer ? Array.from({ length: form.labels }, (_, k) => labels[at * form.labels + k]) : [],
        numbers: answer ? Array.from({ length: form.width }, (_, k) => numbers[at * form.width + k]) : [],
        problem: answer ? null : joinReasons(problems),
      });
    },
  };
  const scored = await { csv: scoreCsv, jsonl: scoreJsonl, parquet: scoreParquet }[kind](run, source.blob);
  if (progress.rows === 0) throw new FileError("The file must hold rows", "there is none", "Choose another file.");
  const { rows, problems } = progress;
  return {
    rows,
    problems,
    reasons: [...reasons.values()].sort((one, other) => other.count - one.count),
    shown,
    told: run.tally.told(),
    scored,
    name: `${source.name.replace(/\.[^.]*$/, "") || "file"}-scored.${kind}`,
  };
}

/** @param {Map<string, Reason>} reasons @param {string} problem @param {number} row */
function note(reasons, problem, row) {
  const known = reasons.get(problem);
  if (known === undefined) {
    if (reasons.size < MOST_REASONS) reasons.set(problem, { problem, count: 1, rows: [row] });
    return;
  }
  known.count += 1;
  if (known.rows.length < MOST_NAMED) known.rows.push(row);
}

/**
 * What the file is: its suffix says it, else its first bytes.
 *
 * @param {Source} source
 * @returns {Promise<Kind>}
 */
async function kindOf({ name, size, blob }) {
  if (size === 0) throw new FileError("The file must hold rows", "it is empty", "Choose another file.");
  const head = new TextDecoder("latin1").decode(await bytesOf(blob, 0, 64));
  if (head.startsWith("PK\x03\x04") || head.startsWith("\x1f\x8b")) {
    const got = `${name} is an archive, or a spreadsheet's own format`;
    throw new FileError("The file must be CSV, JSONL or Parquet", got, "Unpack it, or save it as CSV in UTF-8.");
  }
  const suffix = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  if (Object.hasOwn(SUFFIXES, suffix)) return SUFFIXES[suffix];
  if (head.startsWith("PAR1")) return "parquet";
  return /^(\xef\xbb\xbf)?\s*\{/.test(head) ? "jsonl" : "csv";
}
