// Columns added to a Parquet file: what the file holds stays where it is, byte for byte; new pages follow it, and its
// description is written again with the new columns in it. Pure. https://parquet.apache.org/docs/file-format/

import { BINARY, fieldOf, I32, I64, LIST, listOf, readStruct, STRUCT, structOf, writeStruct } from "./thrift.js";

/**
 * @typedef {"BOOLEAN" | "INT64" | "DOUBLE" | "BYTE_ARRAY"} Kind BYTE_ARRAY: text.
 * @typedef {{name: string, kind: Kind}} NewColumn
 * @typedef {{bytes: number, parts: Blob[]}} Pages of one column in one row group.
 * @typedef {import("./thrift.js").Struct} Struct
 */

const TAIL = 8; // bytes: how long the description is, and PAR1
const MAGIC = [80, 65, 82, 49];
const KINDS = { BOOLEAN: 0n, INT64: 2n, DOUBLE: 5n, BYTE_ARRAY: 6n };
const [OPTIONAL, UTF8, PLAIN, RLE, PLAINLY] = [1n, 0n, 0n, 3n, 0n]; // PLAINLY: not compressed
const [VERSIONS_SCHEMA, GROUPS, NOTES, ORDERS] = [2, 4, 5, 7]; // fields of the description
const ARROW = "ARROW:schema"; // Arrow's own copy of the schema, which would lack the new columns
const TEXT = new TextEncoder();

/** Pages on their way into a file that is there already. */
export class ParquetAppender {
  /**
   * @param {Blob} blob @param {Uint8Array} tail the file's description and its last 8 bytes.
   * @param {readonly NewColumn[]} columns
   */
  constructor(blob, tail, columns) {
    this.columns = columns;
    this.description = readStruct(tail.subarray(0, tail.length - TAIL));
    this.start = blob.size - tail.length;
    this.at = this.start;
    /** @type {Blob[]} */
    this.parts = [blob.slice(0, this.start)];
    this.groups = 0;
    /** @type {Pages[]} */
    this.pages = columns.map(() => ({ bytes: 0, parts: [] }));
    this.rows = 0;
  }

  /**
   * Adds the rows of one batch.
   *
   * @param {number} rows @param {(column: number, row: number) => unknown} value null where there is none.
   */
  add(rows, value) {
    this.columns.forEach(({ kind }, column) => {
      const values = Array.from({ length: rows }, (_, row) => value(column, row));
      const page = new Blob(makePage(kind, values));
      this.pages[column].parts.push(page);
      this.pages[column].bytes += page.size;
    });
    this.rows += rows;
  }

  /** Ends the row group: all of its rows were added. */
  endGroup() {
    const group = fieldOf(this.description, GROUPS).items[this.groups];
    let added = 0n;
    this.columns.forEach(({ name, kind }, column) => {
      const { bytes, parts } = this.pages[column];
      fieldOf(group, 1).items.push(chunkOf(name, kind, this.rows, bytes, this.at));
      this.parts.push(...parts);
      this.at += bytes;
      added += BigInt(bytes);
    });
    for (const field of group) if (field.id === 2 || field.id === 6) field.value += added; // its bytes
    this.pages = this.columns.map(() => ({ bytes: 0, parts: [] }));
    this.groups += 1;
    this.rows = 0;
  }

  /** @returns {Blob} the file with the columns. */
  blob() {
    const schema = fieldOf(this.description, VERSIONS_SCHEMA);
    for (const field of schema.items[0]) if (field.id === 5) field.value += BigInt(this.columns.length);
    schema.items.push(...this.columns.map(({ name, kind }) => elementOf(name, kind)));
    for (const field of this.description) {
      if (field.id === ORDERS) field.value.items.push(...this.columns.map(() => structOf([1, STRUCT, []])));
      if (field.id === NOTES) field.value.items = field.value.items.filter(isNoCopy);
    }
    const description = writeStruct(this.description);
    const tail = new DataView(new ArrayBuffer(TAIL));
    tail.setUint32(0, description.length, true);
    MAGIC.forEach((byte, k) => tail.setUint8(4 + k, byte));
    return new Blob([...this.parts, description, tail.buffer], { type: "application/vnd.apache.parquet" });
  }
}

/** @param {Struct} note */
function isNoCopy(note) {
  return new TextDecoder().decode(fieldOf(note, 1)) !== ARROW;
}

/** @param {string} name @param {Kind} kind @returns {Struct} a column in the schema. */
function elementOf(name, kind) {
  const text = kind === "BYTE_ARRAY";
  return structOf(
    [1, I32, KINDS[kind]],
    [3, I32, OPTIONAL],
    [4, BINARY, TEXT.encode(name)],
    [6, I32, text ? UTF8 : undefined],
    [10, STRUCT, text ? structOf([1, STRUCT, []]) : undefined],
  );
}

/** @param {string} name @param {Kind} kind @param {number} rows @param {number} bytes @param {number} at @returns {Struct} */
function chunkOf(name, kind, rows, bytes, at) {
  const size = BigInt(bytes);
  const about = structOf(
    [1, I32, KINDS[kind]],
    [2, LIST, listOf(I32, [PLAIN, RLE])],
    [3, LIST, listOf(BINARY, [TEXT.encode(name)])],
    [4, I32, PLAINLY],
    [5, I64, BigInt(rows)],
    [6, I64, size],
    [7, I64, size],
    [9, I64, BigInt(at)],
  );
  return structOf([2, I64, BigInt(at)], [3, STRUCT, about]);
}

/** @param {Kind} kind @param {unknown[]} values @returns {Uint8Array<ArrayBuffer>[]} a data page with its header. */
function makePage(kind, values) {
  const levels = packBits(values.map((value) => value !== null));
  const held = plainBytes(
    kind,
    values.filter((value) => value !== null),
  );
  const groups = Math.ceil(values.length / 8);
  const run = [];
  for (let head = groups * 2 + 1; head > 0; head = Math.floor(head / 128))
    run.push((head % 128) + (head > 127 ? 128 : 0));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, run.length + levels.length, true);
  const size = BigInt(length.length + run.length + levels.length + held.length);
  const about = structOf([1, I32, BigInt(values.length)], [2, I32, PLAIN], [3, I32, RLE], [4, I32, RLE]);
  const header = structOf([1, I32, 0n], [2, I32, size], [3, I32, size], [5, STRUCT, about]);
  return [writeStruct(header), length, Uint8Array.from(run), levels, held];
}

/** @param {readonly unknown[]} bits @returns {Uint8Array<ArrayBuffer>} the lowest bit of a byte first. */
function packBits(bits) {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, k) => (bytes[k >> 3] |= Number(bit) << (k & 7)));
  return bytes;
}

/** @param {Kind} kind @param {any[]} values @returns {Uint8Array<ArrayBuffer>} */
function plainBytes(kind, values) {
  if (kind === "BOOLEAN") return packBits(values);
  if (kind === "DOUBLE") return new Uint8Array(Float64Array.from(values).buffer); // every browser's machine is little-endian
  if (kind === "INT64") return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  const texts = values.map((value) => TEXT.encode(value));
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + 4 + text.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const text of texts) {
    view.setUint32(at, text.length, true);
    bytes.set(text, at + 4);
    at += 4 + text.length;
  }
  return bytes;
}
