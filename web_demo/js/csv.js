// CSV bytes to rows of cells, chunk by chunk, as Python's csv module reads them (RFC 4180, strict). Pure.

import { FileError } from "./file-error.js";

const QUOTE = 34;
const [NORMAL, DELIMITER, NEWLINE, HIGH] = [0, 1, 2, 3];
const LONGEST_ROW = 6 * 1024 * 1024; // bytes
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The rows of a CSV text that comes in chunks. `next` moves to a row; then its cells are `bytes` from `starts[k]` to
 * `ends[k]`, valid until the next call of `next` or `push`.
 */
export class CsvReader {
  /** @param {string} delimiter one ASCII character. */
  constructor(delimiter) {
    /**
     * Where the cells' bytes are: the text itself, or a copy without quotes.
     *
     * @type {Uint8Array}
     */
    this.bytes = new Uint8Array(0);
    /** @type {number[]} */
    this.starts = [];
    /** @type {number[]} */
    this.ends = [];
    /** How many cells the row has. */
    this.width = 0;
    /** Whether the row stands in the text without any quote. */
    this.plain = true;
    /**
     * The row in the text, without its line end: `text` from `from` to `to`.
     *
     * @type {Uint8Array}
     */
    this.text = new Uint8Array(0);
    this.from = this.to = 0;
    /** The line on which the row ends, counted from 1. */
    this.line = 0;
    this.at = 0;
    this.ended = false;
    this.afterReturn = false;
    this.scratch = new Uint8Array(0);
    this.kinds = new Uint8Array(256).fill(HIGH, 128);
    this.kinds[delimiter.charCodeAt(0)] = DELIMITER;
    this.kinds[10] = this.kinds[13] = NEWLINE;
    this.kinds[QUOTE] = QUOTE;
  }

  /**
   * Adds bytes of the text; `next` must have said that there is no whole row left.
   *
   * @param {Uint8Array} chunk
   */
  push(chunk) {
    const rest = this.text.subarray(this.at);
    const joined = rest.length === 0 ? chunk : new Uint8Array(rest.length + chunk.length);
    if (rest.length > 0) {
      joined.set(rest);
      joined.set(chunk, rest.length);
    }
    this.text = joined;
    this.at = 0;
  }

  /** Says that there are no more bytes: the last row needs no line end. */
  end() {
    this.ended = true;
  }

  /**
   * Moves to the next row that is not blank.
   *
   * @returns {boolean} false where no whole row is there.
   * @throws {FileError} a quote is not closed, or the text is not UTF-8.
   */
  next() {
    const { text, kinds, starts, ends } = this;
    this.skipBlank();
    let start = this.at;
    let high = false;
    this.width = 0;
    this.plain = true;
    for (let k = start; k < text.length; k++) {
      const kind = kinds[text[k]];
      if (kind === NORMAL) continue;
      if (kind === DELIMITER || kind === NEWLINE) {
        starts[this.width] = start;
        ends[this.width++] = k;
        start = k + 1;
        if (kind === NEWLINE) return this.take(k, high);
      } else if (kind === HIGH) high = true;
      else return this.nextQuoted();
    }
    if (!this.ended) return this.wait();
    if (this.at === text.length) return false;
    starts[this.width] = start;
    ends[this.width++] = text.length;
    return this.take(text.length, high);
  }

  /** Skips line ends where a row would begin. */
  skipBlank() {
    const { text } = this;
    for (; this.at < text.length; this.at++) {
      const byte = text[this.at];
      if (byte !== 10 && byte !== 13) return;
      this.line += byte === 13 || !this.afterReturn ? 1 : 0;
      this.afterReturn = byte === 13;
    }
  }

  /** @returns {false} */
  wait() {
    if (this.text.length - this.at > LONGEST_ROW) {
      const got = `line ${this.line + 1} begins a longer one: a quote may be open`;
      throw new FileError("A row of a CSV file has at most 6 MiB", got, "Correct that line.");
    }
    return false;
  }

  /** @param {number} to where the row ends. @param {boolean} high whether it holds other bytes than ASCII. */
  take(to, high) {
    this.bytes = this.text;
    return this.finish(to, high, 1);
  }

  /** @param {number} to @param {boolean} high @param {number} lines */
  finish(to, high, lines) {
    this.from = this.at;
    this.to = to;
    if (high) checkUtf8(this.text.subarray(this.from, to));
    this.line += lines;
    this.afterReturn = this.text[to] === 13;
    this.at = Math.min(to + 1, this.text.length);
    return true;
  }

  /** Reads a row that holds a quote: cells are copied, without the quotes around and inside them. */
  nextQuoted() {
    const { text, kinds, starts, ends } = this;
    if (this.scratch.length < text.length) this.scratch = new Uint8Array(text.length);
    let out = 0;
    let k = this.at;
    this.width = 0;
    this.plain = false;
    for (;;) {
      starts[this.width] = out;
      const quoted = text[k] === QUOTE;
      const close = quoted ? this.closing(k + 1) : this.unquotedEnd(k);
      if (close < 0) return this.wait();
      out = this.copy(k + Number(quoted), close, out, quoted);
      ends[this.width++] = out;
      k = close + Number(quoted);
      if (k >= text.length) {
        if (!this.ended) return this.wait();
        break;
      }
      const kind = kinds[text[k]];
      if (kind === NEWLINE) break;
      if (kind !== DELIMITER) throw this.broken(k, "something behind a closing quote");
      k += 1;
    }
    this.bytes = this.scratch;
    return this.finish(k, true, 1 + this.inner(this.at, k));
  }

  /** @param {number} from @returns {number} the place of the closing quote; -1 where it is not there yet. */
  closing(from) {
    const { text } = this;
    for (let k = text.indexOf(QUOTE, from); k >= 0; k = text.indexOf(QUOTE, k + 2)) {
      if (k + 1 === text.length && !this.ended) return -1;
      if (text[k + 1] !== QUOTE) return k;
    }
    if (this.ended) throw this.broken(text.length, "a quote that is never closed");
    return -1;
  }

  /** @param {number} from @returns {number} where the unquoted cell ends. */
  unquotedEnd(from) {
    const { text, kinds } = this;
    let k = from;
    while (k < text.length && kinds[text[k]] !== DELIMITER && kinds[text[k]] !== NEWLINE) k += 1;
    return k;
  }

  /** @param {number} from @param {number} to @param {number} out @param {boolean} quoted @returns {number} */
  copy(from, to, out, quoted) {
    for (let k = from; k < to; k++) {
      this.scratch[out++] = this.text[k];
      if (quoted && this.text[k] === QUOTE) k += 1;
    }
    return out;
  }

  /** @param {number} from @param {number} to @returns {number} line ends inside of cells. */
  inner(from, to) {
    let count = 0;
    for (let k = from; k < to; k++) {
      if (this.text[k] === 13 || (this.text[k] === 10 && this.text[k - 1] !== 13)) count += 1;
    }
    return count;
  }

  /** @param {number} at @param {string} what */
  broken(at, what) {
    const line = this.line + 1 + this.inner(this.at, at);
    const rule = "Every quoted field must be closed, and a quote inside it doubled";
    return new FileError(rule, `line ${line} has ${what}`, "Correct that line.");
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 * @throws {FileError} the bytes are not UTF-8.
 */
export function decode(bytes) {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw notUtf8(bytes);
  }
}

/** @param {Uint8Array} bytes */
function checkUtf8(bytes) {
  decode(bytes);
}

/** @param {Uint8Array} bytes that are not UTF-8. @returns {FileError} */
function notUtf8(bytes) {
  let whole = 0; // how many bytes can be read: found by halving
  for (let step = 2 ** Math.ceil(Math.log2(bytes.length + 1)); step >= 1; step /= 2) {
    if (whole + step < bytes.length && readable(bytes.subarray(0, whole + step))) whole += step;
  }
  while (!readsWhole(bytes.subarray(0, whole))) whole -= 1;
  const byte = bytes[whole].toString(16).padStart(2, "0");
  return new FileError(
    "The file must be text in UTF-8",
    `it holds the byte 0x${byte} where none such can be`,
    "Save it as UTF-8.",
  );
}

/** @param {Uint8Array} bytes @returns {boolean} whether they are the beginning of some UTF-8 text. */
function readable(bytes) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** @param {Uint8Array} bytes */
function readsWhole(bytes) {
  try {
    UTF8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
