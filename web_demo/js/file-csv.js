// Scores CSV: bytes go from the file into the model's columns and back out behind the very line they came from.

import { strip, quoteCell } from "./cells.js";
import { makeColumn } from "./columns.js";
import { sniffDelimiter, SNIFF_CHARACTERS } from "./csv-head.js";
import { CsvReader, decode } from "./csv.js";
import { FileError } from "./file-error.js";
import { answerBlock } from "./file-block.js";
import { answerNames, csvEnding } from "./file-out.js";
import { bytesOf, chunksOf } from "./file-read.js";
import { checkShape } from "./file-shape.js";
import { BATCH } from "./predictor.js";

const BOM = 3; // bytes
const LONGEST_CHARACTER = 4; // bytes

/**
 * @typedef {import("./score-file.js").Run} Run
 * @typedef {{names: string[], positions: number[], delimiter: string}} Header `positions`: the features' columns.
 */

/**
 * @param {Run} run @param {Blob} blob
 * @returns {Promise<Blob>}
 * @throws {FileError} the file is no CSV, or of another shape.
 */
export async function scoreCsv(run, blob) {
  const { head, skip } = await readHead(blob);
  const reader = new CsvReader(sniffDelimiter(head));
  const delimiter = sniffDelimiter(head);
  /** @type {Lines | null} */
  let lines = null;
  const drain = async () => {
    while (reader.next()) {
      if (lines === null) lines = new Lines(run, readHeader(run, reader, delimiter));
      else if (lines.add(reader)) await lines.answer();
    }
  };
  for await (const chunk of chunksOf(blob.slice(skip))) {
    reader.push(chunk);
    await drain();
    run.read(chunk.length);
  }
  reader.end();
  await drain();
  if (lines === null) {
    throw new FileError("A CSV file begins with a header line", "this one has none", "Write the columns' names there.");
  }
  await /** @type {Lines} */ (lines).answer();
  return run.output.blob("text/csv");
}

/** @param {Blob} blob */
async function readHead(blob) {
  const bytes = new Uint8Array(await bytesOf(blob, 0, BOM + LONGEST_CHARACTER * (SNIFF_CHARACTERS + 1)));
  const skip = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? BOM : 0;
  return { head: new TextDecoder().decode(bytes).slice(0, SNIFF_CHARACTERS + 1), skip };
}

/** @param {Run} run @param {CsvReader} reader at the header line. @param {string} delimiter @returns {Header} */
function readHeader({ contract, output }, reader, delimiter) {
  const names = cellsOf(reader).map(strip);
  checkShape(contract, names);
  const all = [...names, ...answerNames(contract.form, names)];
  output.write(`${all.map((name) => quoteCell(name, delimiter)).join(delimiter)}\n`);
  return { names, positions: contract.features.map(({ name }) => names.indexOf(name)), delimiter };
}

/** @param {CsvReader} reader @returns {string[]} */
function cellsOf({ bytes, starts, ends, width }) {
  return Array.from({ length: width }, (_, k) => decode(bytes.subarray(starts[k], ends[k])));
}

/** @param {CsvReader} reader @param {number[]} positions @returns {string[]} the features' cells. */
function featureCells({ bytes, starts, ends }, positions) {
  return positions.map((cell) => decode(bytes.subarray(starts[cell], ends[cell])));
}

/** Rows on their way through the model: their typed columns, and the lines as they go back out. */
class Lines {
  /** @param {Run} run @param {Header} header */
  constructor(run, header) {
    this.run = run;
    this.header = header;
    this.columns = run.contract.features.map((feature) => makeColumn(run.contract, feature, BATCH));
    this.ending = csvEnding(run.contract.form, header.delimiter);
    this.text = new Uint8Array(1 << 18);
    this.ends = new Int32Array(BATCH);
    /** @type {Map<number, string[]>} */
    this.rejected = new Map();
    /** @type {string[][]} */
    this.first = []; // rows that are shown
    this.rows = this.accepted = 0;
  }

  /**
   * Takes the reader's row.
   *
   * @param {CsvReader} reader
   * @returns {boolean} whether the batch is full.
   */
  add(reader) {
    if (reader.width !== this.header.names.length) throw this.ragged(reader);
    const { columns, header, rejected, rows } = this;
    for (let k = 0; k < columns.length; k++) {
      const cell = header.positions[k];
      const reason = columns[k].take(reader.bytes, reader.starts[cell], reader.ends[cell], this.accepted);
      if (reason !== null) rejected.set(rows, [...(rejected.get(rows) ?? []), reason]);
    }
    this.keep(reader);
    if (rows < this.run.wanted()) this.first.push(featureCells(reader, header.positions));
    if (!rejected.has(rows)) this.accepted += 1;
    this.rows += 1;
    return this.rows === BATCH;
  }

  /** @param {CsvReader} reader */
  keep(reader) {
    const { delimiter } = this.header;
    if (reader.plain) return this.append(reader.text.subarray(reader.from, reader.to));
    const cells = cellsOf(reader).map((cell) => quoteCell(cell, delimiter));
    return this.append(new TextEncoder().encode(cells.join(delimiter)));
  }

  /** @param {Uint8Array} line */
  append(line) {
    const start = this.rows === 0 ? 0 : this.ends[this.rows - 1];
    const end = start + line.length;
    if (end > this.text.length) {
      const longer = new Uint8Array(2 * end);
      longer.set(this.text.subarray(0, start));
      this.text = longer;
    }
    this.text.set(line, start);
    this.ends[this.rows] = end;
  }

  /** Answers the batch and writes it. */
  async answer() {
    const { columns, ending, rejected, text, ends } = this;
    const { contract, model, output, tally, answered } = this.run;
    const feeds = columns.map((column) => column.feed(this.accepted));
    const block = await answerBlock(contract, model, feeds, this.accepted);
    columns.forEach((column, position) => column.tell(tally, position, this.accepted));
    tally.answers(block);
    /** @type {Map<number, string[]>} */
    const without = new Map();
    for (let row = 0, next = 0; row < this.rows; row++) {
      const reasons = rejected.get(row) ?? block.without.get(next);
      output.copy(text, row === 0 ? 0 : ends[row - 1], ends[row]);
      if (reasons === undefined) ending.answer(output, block, next);
      else {
        ending.problem(output, reasons);
        without.set(row, reasons);
      }
      if (row < this.first.length) this.run.show(this.first[row], block, next, reasons);
      if (!rejected.has(row)) next += 1;
    }
    answered(this.rows, without);
    this.first = [];
    this.rows = this.accepted = 0;
    rejected.clear();
  }

  /** @param {CsvReader} reader */
  ragged({ line, width, text, from, to }) {
    const { names, delimiter } = this.header;
    const row = decode(text.subarray(from, to));
    const others = [",", ";", "\t", "|"].filter((other) => other !== delimiter);
    const mixed = others.some((other) => row.split(other).length === names.length);
    const got = `line ${line} has ${width} of ${names.length} fields`;
    const more = mixed ? " and is separated otherwise: the file mixes delimiters" : "";
    return new FileError("Every row must have as many fields as the header", got + more, "Correct that line.");
  }
}
