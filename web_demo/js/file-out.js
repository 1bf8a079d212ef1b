// The scored file: what stands behind each row, and bytes gathered into Blob parts, which the browser may keep on disk.

import { quoteCell, writeCell } from "./cells.js";
import { endsOf } from "./interval.js";

const PART = 1 << 20; // bytes
const LONGEST_CHARACTER = 3; // bytes of UTF-8 for one of UTF-16
const MOST_REASONS = 5;
/** @type {Record<string, string>} */
const NUMBERS = { probabilities: "probability", scores: "score" };

/**
 * @typedef {import("./answer.js").Form} Form
 * @typedef {import("./golden.js").Answer} Answer
 */

/**
 * The columns behind a file's own, `problem` last; a name that is taken gets `predicted_` before it.
 *
 * @param {Form} form @param {readonly string[]} taken
 * @returns {string[]}
 */
export function answerNames(form, taken) {
  const used = new Set(taken);
  const ends = form.interval === null ? [] : ["interval_low", "interval_high"];
  return [...form.targets.flatMap((target) => namesOf(form, target)), ...ends, "problem"].map((wanted) => {
    let name = wanted;
    while (used.has(name)) name = `predicted_${name}`;
    used.add(name);
    return name;
  });
}

/** @param {Form} form @param {import("./answer.js").Target} target @returns {string[]} */
function namesOf(form, { name, keys }) {
  const own = form.labels > 0 ? ["label"] : [];
  if (form.numbers === "value") own.push("value");
  else if (form.numbers !== null) own.push(...keys.map((key) => `${NUMBERS[String(form.numbers)]}_${key}`));
  return own.map((each) => (name === null ? each : `${name}.${each}`));
}

/**
 * A writer of the values in the columns of `answerNames`, without `problem`.
 *
 * @param {Form} form
 * @param {(text: string) => string} quote makes a text of a class a cell.
 * @returns {(answer: import("./answer.js").Answer) => string[]}
 */
export function answerCells(form, quote) {
  const labels = form.targets.map(({ classes, classKeys }) =>
    classKeys.map((key, k) => (typeof classes[k] === "string" ? quote(key) : key)),
  );
  return (answer) => {
    /** @type {string[]} */
    const cells = [];
    form.targets.forEach((target, index) => {
      if (form.labels > 0) cells.push(labels[index][answer.labels[index]]);
      for (let k = 0; k < target.keys.length; k++) cells.push(writeCell(answer.numbers[target.start + k]));
    });
    if (form.interval !== null) cells.push(...endsOf(form.interval, answer.numbers[0]).map(writeCell));
    return cells;
  };
}

/** @param {readonly string[]} reasons @returns {string} the first of them. */
export function joinReasons(reasons) {
  const more = reasons.length > MOST_REASONS ? [`And ${reasons.length - MOST_REASONS} more.`] : [];
  return [...reasons.slice(0, MOST_REASONS), ...more].join(" ");
}

/**
 * The end of a CSV line: the answer's cells and no problem, or no cells and the problem.
 *
 * @param {Form} form @param {string} delimiter
 * @returns {(answer: Answer) => string}
 */
export function lineEnd(form, delimiter) {
  /** @param {string} text */
  const quote = (text) => quoteCell(text, delimiter);
  const cells = answerCells(form, quote);
  const empty = delimiter.repeat(answerNames(form, []).length);
  return (answer) => {
    if (!("rejected" in answer)) return `${delimiter}${cells(answer).join(delimiter)}${delimiter}\n`;
    return `${empty}${quote(joinReasons(answer.rejected.map(({ reason }) => reason)))}\n`;
  };
}

/** Bytes on their way into a Blob. */
export class Output {
  constructor() {
    /** @type {Blob[]} */
    this.parts = [];
    this.bytes = new Uint8Array(PART);
    this.size = 0;
    this.encoder = new TextEncoder();
  }

  /** @param {number} more bytes that need room. */
  room(more) {
    if (this.size + more <= this.bytes.length) return;
    this.flush();
    if (more > this.bytes.length) this.bytes = new Uint8Array(more);
  }

  flush() {
    if (this.size > 0) this.parts.push(new Blob([this.bytes.subarray(0, this.size)]));
    this.size = 0;
  }

  /** @param {Uint8Array} from @param {number} start @param {number} end */
  copy(from, start, end) {
    this.room(end - start);
    for (let k = start; k < end; k++) this.bytes[this.size++] = from[k];
  }

  /** @param {string} text */
  write(text) {
    this.room(text.length * LONGEST_CHARACTER);
    const start = this.size;
    for (let k = 0; k < text.length; k++) {
      const code = text.charCodeAt(k);
      if (code > 127) {
        this.size = start + this.encoder.encodeInto(text, this.bytes.subarray(start)).written;
        return;
      }
      this.bytes[this.size++] = code; // quicker than the encoder where texts are short
    }
  }

  /** @param {string} type @returns {Blob} all of it. */
  blob(type) {
    this.flush();
    return new Blob(this.parts, { type });
  }
}
