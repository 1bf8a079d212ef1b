// Scores Parquet, a row group at a time, into CSV; hyparquet, an argument, reads the columns.

import { quoteCell } from "./cells.js";
import { FileError } from "./file-error.js";
import { answerNames, csvEnding } from "./file-out.js";
import { bytesOf } from "./file-read.js";
import { answerRows } from "./file-rows.js";
import { checkShape } from "./file-shape.js";
import { BATCH } from "./predictor.js";
import { repr } from "./repr.js";

const READABLE = ["UNCOMPRESSED", "SNAPPY"];

/**
 * @typedef {import("./score-file.js").Run} Run
 * @typedef {typeof import("hyparquet")} Hyparquet
 * @typedef {import("hyparquet").FileMetaData} Metadata
 * @typedef {{name: string, float: boolean}} Column
 */

/**
 * @param {Run} run @param {Blob} blob
 * @throws {FileError} the file is broken, compressed otherwise, or of another shape.
 */
export async function scoreParquet(run, blob) {
  const parquet = await run.parquet();
  const file = {
    byteLength: blob.size,
    slice: (/** @type {number} */ from, /** @type {number} */ to) => bytesOf(blob, from, to),
  };
  const metadata = await whole(parquet.parquetMetadataAsync(file));
  checkCodec(metadata);
  const columns = parquet.parquetSchema(metadata).children.map(({ element }) => ({
    name: element.name,
    float: element.type === "DOUBLE" || element.type === "FLOAT",
  }));
  const names = columns.map(({ name }) => name);
  checkShape(run.contract, names);
  const all = [...names, ...answerNames(run.contract.form, names)];
  run.output.write(`${all.map((name) => quoteCell(name, ",")).join(",")}\n`);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    /** @type {ArrayLike<unknown>[]} */
    const values = [];
    for (const { name } of columns) {
      values.push(await whole(readColumn(parquet, { file, metadata, columns: [name], rowStart, rowEnd })));
    }
    for (let from = rowStart; from < rowEnd; from += BATCH) {
      await writeRows(run, columns, values, from - rowStart, Math.min(from + BATCH, rowEnd) - rowStart);
      run.read((blob.size * Math.min(BATCH, rowEnd - from)) / Number(metadata.num_rows));
    }
    rowStart = rowEnd;
  }
}

/**
 * @param {Hyparquet} parquet
 * @param {Pick<import("hyparquet").ParquetReadOptions, "file" | "metadata" | "columns" | "rowEnd"> & {rowStart: number}} wanted one column of one row group.
 * @returns {Promise<unknown[]>}
 */
async function readColumn({ parquetRead }, wanted) {
  /** @type {unknown[]} */
  const values = [];
  await parquetRead({
    ...wanted,
    onChunk({ columnData, rowStart }) {
      for (let k = 0; k < columnData.length; k++) values[rowStart - wanted.rowStart + k] = columnData[k];
    },
  });
  return values;
}

/**
 * @param {Run} run @param {Column[]} columns @param {ArrayLike<unknown>[]} values @param {number} from
 * @param {number} to
 */
async function writeRows(run, columns, values, from, to) {
  const ending = csvEnding(run.contract.form, ",");
  const rows = Array.from({ length: to - from }, (_, k) =>
    Object.fromEntries(columns.map(({ name }, column) => [name, values[column][from + k]])),
  );
  const block = await answerRows(run, rows);
  rows.forEach((row, k) => {
    const cells = columns.map(({ name, float }) => quoteCell(cellOf(row[name], float), ","));
    const reasons = block.without.get(k);
    run.output.write(cells.join(","));
    if (reasons === undefined) ending.answer(run.output, block, k);
    else ending.problem(run.output, reasons);
  });
}

/** @param {unknown} value @param {boolean} float whether the column holds floats. @returns {string} */
function cellOf(value, float) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return float ? repr(value) : String(value);
  if (value instanceof Date)
    return value
      .toISOString()
      .replace("T", " ")
      .replace(/(\.000)?Z$/, "");
  return typeof value === "object" ? JSON.stringify(value, plain) : String(value);
}

/** @param {string} _key @param {unknown} value @returns {unknown} what JSON.stringify can write. */
function plain(_key, value) {
  return typeof value === "bigint" ? Number(value) : value;
}

/** @param {Metadata} metadata */
function checkCodec({ row_groups: groups }) {
  const codecs = groups.flatMap(({ columns }) => columns.map(({ meta_data: meta }) => meta?.codec ?? "UNCOMPRESSED"));
  const other = codecs.find((codec) => !READABLE.includes(codec));
  if (other === undefined) return;
  const rule = "The page reads Parquet that is compressed with Snappy or not at all";
  throw new FileError(
    rule,
    `this file is compressed with ${other}`,
    "Write it with Snappy, or score it with `selfsame score`.",
  );
}

/**
 * @template T
 * @param {T | Promise<T>} read
 * @returns {Promise<T>}
 */
async function whole(read) {
  try {
    return await read;
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new FileError("A Parquet file must be complete and readable", got, "Write it again.");
  }
}
