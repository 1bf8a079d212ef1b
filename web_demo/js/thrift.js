// Thrift's compact protocol, in which Parquet describes itself, read and written without knowing what it says: whatever
// stands in a struct is written back as it was read. Pure.
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md

/**
 * @typedef {{id: number, type: number, value: any}} Field
 * @typedef {Field[]} Struct
 * @typedef {{type: number, items: any[]}} List
 */

const [YES, NO, BYTE, I16] = [1, 2, 3, 4];
const [DOUBLE, SET] = [7, 10];
export const I32 = 5;
export const I64 = 6;
export const BINARY = 8;
export const LIST = 9;
export const STRUCT = 12;
const SHORT = 15; // from so many items on, a list's length follows its head

/**
 * @param {Uint8Array} bytes that begin with a struct.
 * @returns {Struct} whole numbers are bigints, doubles their eight bytes.
 * @throws {RangeError} they are none, or end too early.
 */
export function readStruct(bytes) {
  let at = 0;
  const next = () => {
    if (at >= bytes.length) throw new RangeError("a description ends too early");
    return bytes[at++];
  };
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = next();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (/** @type {number} */ count) => {
    if (at + count > bytes.length) throw new RangeError("a description ends too early");
    at += count;
    return bytes.subarray(at - count, at);
  };
  const whole = () => {
    const value = varint();
    return (value >> 1n) ^ -(value & 1n);
  };
  const list = () => {
    const head = next();
    const count = head >> 4 === SHORT ? Number(varint()) : head >> 4;
    const type = head & 15;
    return { type, items: Array.from({ length: count }, () => (type <= NO ? next() : value(type))) };
  };
  const struct = () => {
    /** @type {Struct} */
    const fields = [];
    for (let id = 0, head = next(); head !== 0; head = next()) {
      const type = head & 15;
      id = head >> 4 === 0 ? Number(whole()) : id + (head >> 4);
      fields.push({ id, type, value: type <= NO ? type === YES : value(type) });
    }
    return fields;
  };
  /** @param {number} type @returns {any} */
  const value = (type) => {
    if (type === BYTE) return next();
    if (type >= I16 && type <= I64) return whole();
    if (type === DOUBLE) return take(8);
    if (type === BINARY) return take(Number(varint()));
    if (type === LIST || type === SET) return list();
    if (type === STRUCT) return struct();
    throw new RangeError(`a description has a value of type ${type}`);
  };
  return struct();
}

/**
 * @param {Struct} fields rising by their ids.
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function writeStruct(fields) {
  /** @type {number[]} */
  const out = [];
  const varint = (/** @type {bigint} */ value) => {
    for (; value > 127n; value >>= 7n) out.push(Number(value & 127n) | 128);
    out.push(Number(value));
  };
  const whole = (/** @type {bigint} */ value) => varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  const struct = (/** @type {Struct} */ members) => {
    let last = 0;
    for (const { id, type, value: held } of members) {
      const kind = type <= NO ? (held ? YES : NO) : type;
      const step = id - last;
      out.push(step > 0 && step <= SHORT ? (step << 4) | kind : kind);
      if (step <= 0 || step > SHORT) whole(BigInt(id));
      if (type > NO) value(type, held);
      last = id;
    }
    out.push(0);
  };
  /** @param {number} type @param {any} held */
  const value = (type, held) => {
    if (type === BYTE) out.push(held);
    else if (type >= I16 && type <= I64) whole(held);
    else if (type === STRUCT) struct(held);
    else if (type === LIST || type === SET) {
      const { type: kind, items } = held;
      out.push((Math.min(items.length, SHORT) << 4) | kind);
      if (items.length >= SHORT) varint(BigInt(items.length));
      for (const item of items) kind <= NO ? out.push(item) : value(kind, item);
    } else {
      if (type === BINARY) varint(BigInt(held.length));
      for (const byte of held) out.push(byte);
    }
  };
  struct(fields);
  return Uint8Array.from(out);
}

/** @param {Struct} fields @param {number} id @returns {any} undefined where the struct has no such field. */
export function fieldOf(fields, id) {
  return fields.find((field) => field.id === id)?.value;
}

/**
 * A struct of the given fields, those without a value left out.
 *
 * @param {...[id: number, type: number, value: any]} fields rising by their ids.
 * @returns {Struct}
 */
export function structOf(...fields) {
  return fields.filter(([, , value]) => value !== undefined).map(([id, type, value]) => ({ id, type, value }));
}

/** @param {number} type @param {any[]} items @returns {List} */
export function listOf(type, items) {
  return { type, items };
}
