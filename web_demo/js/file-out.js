// The scored file: what stands behind each row, and bytes gathered into Blob parts, which the browser may keep on disk.

import { quoteCell } from "./cells.js";
import { endsOf } from "./interval.js";
import { repr } from "./repr.js";
import { listItems } from "./ranking.js";

const PART = 1 << 20; // bytes
const LONGEST_CHARACTER = 3; // bytes of UTF-8 for one of UTF-16
const MOST_REASONS = 5;
/** @type {Record<string, string>} */
const NUMBERS = { probabilities: "probability", scores: "score" };

/**
 * @typedef {import("./answer.js").Form} Form
 * @typedef {import("./file-block.js").Block} Block
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
  const own = form.ranking === null ? form.targets.flatMap((target) => namesOf(form, target)) : ["items", "scores"];
  return [...own, ...ends, "problem"].map((wanted) => {
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
 * Writes what stands behind a row.
 *
 * @typedef {{answer: (output: Output, block: Block, at: number) => void,
 *   problem: (output: Output, reasons: readonly string[]) => void}} Ending `answer`: the one at a place of a block.
 */

/**
 * @param {Form} form
 * @param {readonly string[]} before what stands before the value of each column of `answerNames`, `problem` last.
 * @param {(text: string) => string} quote makes a text a value.
 * @param {string} missing stands for a value that is not there.
 * @param {string} close ends the line.
 * @returns {Ending}
 */
function makeEnding(form, before, quote, missing, close) {
  const labels = form.targets.map(({ classes, classKeys }) =>
    classKeys.map((key, k) => (typeof classes[k] === "string" ? quote(key) : key)),
  );
  const last = before.length - 1;
  const none = before.slice(0, last).map((text) => text + missing).join("") + before[last]; // prettier-ignore
  const whole = `${before[last]}${missing}${close}\n`;
  return {
    answer(output, { labels: found, numbers }, at) {
      let column = 0;
      if (form.ranking !== null) {
        const scores = Array.from({ length: form.width }, (_, k) => numbers[at * form.width + k]);
        for (const list of listItems(form.ranking, scores)) output.write(before[column++] + quote(list));
      }
      for (let index = 0; form.ranking === null && index < labels.length; index++) {
        const { start, keys } = form.targets[index];
        if (form.labels > 0) output.write(before[column++] + labels[index][found[at * form.labels + index]]);
        for (let k = 0; k < keys.length; k++) {
          output.write(before[column++]);
          output.write(repr(numbers[at * form.width + start + k]));
        }
      }
      if (form.interval !== null) {
        for (const end of endsOf(form.interval, numbers[at * form.width])) output.write(before[column++] + repr(end));
      }
      output.write(whole);
    },
    problem: (output, reasons) => output.write(`${none}${quote(joinReasons(reasons))}${close}\n`),
  };
}

/** @param {Form} form @param {string} delimiter @returns {Ending} of a line of CSV. */
export function csvEnding(form, delimiter) {
  const before = answerNames(form, []).map(() => delimiter);
  return makeEnding(form, before, (text) => quoteCell(text, delimiter), "", "");
}

/** @param {Form} form @param {readonly string[]} names of the answer's keys. @returns {Ending} of a JSON object. */
export function jsonEnding(form, names) {
  const before = names.map((name, k) => `${k > 0 ? ", " : ""}${JSON.stringify(name)}: `);
  return makeEnding(form, before, (text) => JSON.stringify(text), "null", "}");
}

/** @param {readonly string[]} reasons @returns {string} the first of them. */
export function joinReasons(reasons) {
  const more = reasons.length > MOST_REASONS ? [`And ${reasons.length - MOST_REASONS} more.`] : [];
  return [...reasons.slice(0, MOST_REASONS), ...more].join(" ");
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
    const { bytes } = this;
    let to = this.size;
    for (let k = start; k < end; k++) bytes[to++] = from[k]; // quicker than set() where lines are short
    this.size = to;
  }

  /** @param {string} text */
  write(text) {
    this.room(text.length * LONGEST_CHARACTER);
    const { bytes, size } = this;
    for (let k = 0; k < text.length; k++) {
      const code = text.charCodeAt(k);
      if (code > 127) {
        this.size = size + this.encoder.encodeInto(text, bytes.subarray(size)).written;
        return;
      }
      bytes[size + k] = code; // quicker than the encoder where texts are short
    }
    this.size = size + text.length;
  }

  /** @param {string} type @returns {Blob} all of it. */
  blob(type) {
    this.flush();
    return new Blob(this.parts, { type });
  }
}
