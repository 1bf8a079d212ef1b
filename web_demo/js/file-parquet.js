// Scores Parquet, a row group at a time: its columns stay as they are, byte for byte, and those of the answer are added.
// hyparquet, an argument, reads the features' columns.

import { FileError } from "./file-error.js";
import { answerNames, joinReasons } from "./file-out.js";
import { bytesOf } from "./file-read.js";
import { answerRows } from "./file-rows.js";
import { checkShape } from "./file-shape.js";
import { endsOf } from "./interval.js";
import { ParquetAppender } from "./parquet-out.js";
import { BATCH } from "./predictor.js";
import { listItems } from "./ranking.js";

const READABLE = ["UNCOMPRESSED", "SNAPPY"];
const TAIL = 8; // bytes behind the description

/**
 * @typedef {import("./answer.js").Form} Form
 * @typedef {import("./file-block.js").Block} Block
 * @typedef {import("./parquet-out.js").Kind} Kind
 * @typedef {import("./score-file.js").Run} Run
 * @typedef {typeof import("hyparquet")} Hyparquet
 * @typedef {import("hyparquet").FileMetaData} Metadata
 * @typedef {{kind: Kind, value: (block: Block, at: number) => unknown}} AnswerColumn
 */

/**
 * @param {Run} run @param {Blob} blob
 * @returns {Promise<Blob>}
 * @throws {FileError} the file is broken, a feature is compressed otherwise, or the file is of another shape.
 */
export async function scoreParquet(run, blob) {
  const parquet = await run.parquet();
  const { form, features } = run.contract;
  const file = {
    byteLength: blob.size,
    slice: (/** @type {number} */ from, /** @type {number} */ to) => bytesOf(blob, from, to),
  };
  const metadata = await whole(() => parquet.parquetMetadataAsync(file));
  const names = parquet.parquetSchema(metadata).children.map(({ element }) => element.name);
  checkShape(run.contract, names);
  const wanted = features.map(({ name }) => name);
  checkCodec(metadata, wanted);
  const columns = columnsOf(form);
  const added = answerNames(form, names).map((name, k) => ({ name, kind: columns[k]?.kind ?? "BYTE_ARRAY" }));
  const tail = new Uint8Array(await bytesOf(blob, blob.size - metadata.metadata_length - TAIL, blob.size));
  const appender = await whole(async () => new ParquetAppender(blob, tail, added));
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    /** @type {ArrayLike<unknown>[]} */
    const values = [];
    for (const name of wanted) {
      values.push(await whole(() => readColumn(parquet, { file, metadata, columns: [name], rowStart, rowEnd })));
    }
    for (let from = rowStart; from < rowEnd; from += BATCH) {
      const count = Math.min(BATCH, rowEnd - from);
      run.read((blob.size * count) / Number(metadata.num_rows));
      const rows = Array.from({ length: count }, (_, k) =>
        Object.fromEntries(wanted.map((name, column) => [name, values[column][from - rowStart + k]])),
      );
      const block = await answerRows(run, rows);
      appender.add(count, (column, row) => valueOf(columns, block, column, row));
    }
    appender.endGroup();
    rowStart = rowEnd;
  }
  return appender.blob();
}

/** @param {AnswerColumn[]} columns @param {Block} block @param {number} column the last one: the problem. @param {number} row */
function valueOf(columns, block, column, row) {
  const reasons = block.without.get(row);
  if (column === columns.length) return reasons === undefined ? null : joinReasons(reasons);
  return reasons === undefined ? columns[column].value(block, row) : null;
}

/** @param {Form} form @returns {AnswerColumn[]} those of `answerNames`, without `problem`. */
function columnsOf(form) {
  const { ranking, interval, width } = form;
  if (ranking !== null) {
    return [0, 1].map((part) => ({
      kind: "BYTE_ARRAY",
      value: ({ numbers }, at) =>
        listItems(
          ranking,
          Array.from({ length: width }, (_, k) => numbers[at * width + k]),
        )[part],
    }));
  }
  /** @type {AnswerColumn[]} */
  const columns = form.targets.flatMap((target, index) => [
    ...(form.labels > 0 ? [labelColumn(target, ({ labels }, at) => labels[at * form.labels + index])] : []),
    ...target.keys.map((_, k) => ({
      kind: /** @type {Kind} */ ("DOUBLE"),
      value: (/** @type {Block} */ { numbers }, /** @type {number} */ at) => numbers[at * width + target.start + k],
    })),
  ]);
  if (interval === null) return columns;
  const ends = [0, 1].map((end) => ({
    kind: /** @type {Kind} */ ("DOUBLE"),
    value: (/** @type {Block} */ { numbers }, /** @type {number} */ at) => endsOf(interval, numbers[at * width])[end],
  }));
  return [...columns, ...ends];
}

/**
 * A column of labels in the classes' own type; texts where they are of several.
 *
 * @param {import("./answer.js").Target} target @param {(block: Block, at: number) => number} place
 * @returns {AnswerColumn}
 */
function labelColumn({ classes, classKeys }, place) {
  const kinds = new Set(
    classes.map((each, k) => {
      if (typeof each === "boolean") return "BOOLEAN";
      if (typeof each === "string") return "BYTE_ARRAY";
      return /^-?\d+$/.test(classKeys[k]) ? "INT64" : "DOUBLE";
    }),
  );
  const kind = kinds.size === 1 ? [...kinds][0] : "BYTE_ARRAY";
  const values = kind === "BYTE_ARRAY" ? classKeys : classes;
  return { kind, value: (block, at) => values[place(block, at)] };
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

/** @param {Metadata} metadata @param {string[]} names of the columns that are read. */
function checkCodec({ row_groups: groups }, names) {
  const read = groups.flatMap(({ columns }) => columns.map(({ meta_data: meta }) => meta));
  const other = read.find((meta) => meta && names.includes(meta.path_in_schema[0]) && !READABLE.includes(meta.codec));
  if (other === undefined) return;
  const rule = "The page reads Parquet columns that are compressed with Snappy or not at all";
  throw new FileError(
    rule,
    `${JSON.stringify(other?.path_in_schema[0])} is compressed with ${other?.codec}`,
    "Write the file with Snappy, or score it with `selfsame score`.",
  );
}

/**
 * @template T
 * @param {() => T | Promise<T>} read
 * @returns {Promise<T>}
 */
async function whole(read) {
  try {
    return await read();
  } catch (error) {
    if (error instanceof FileError) throw error;
    const got = error instanceof Error ? error.message : String(error);
    throw new FileError("A Parquet file must be complete and readable", got, "Write it again.");
  }
}
