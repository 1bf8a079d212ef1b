// Whether a file has the columns that the model needs, and if not, which of its columns may be meant. Pure.

import { FileError } from "./file-error.js";

const ALIKE = 0.6; // of two names that may mean the same
const MOST = 5; // columns that are named

/**
 * @param {import("./contract.js").Contract} contract
 * @param {readonly string[]} columns of the file.
 * @throws {FileError} a feature has no column, or a column is there twice.
 */
export function checkShape(contract, columns) {
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new FileError("Column names must differ", `${JSON.stringify(twice)} is there twice`, "Rename one of them.");
  }
  const wanted = contract.features.map(({ name }) => name);
  const absent = wanted.filter((name) => !columns.includes(name));
  if (absent.length === 0) return;
  const spare = columns.filter((name) => !wanted.includes(name));
  const named = absent.slice(0, MOST).map((name) => {
    const near = nearest(name, spare);
    return JSON.stringify(name) + (near === null ? "" : ` (its column ${JSON.stringify(near)} may be meant)`);
  });
  const more = absent.length > MOST ? ` and ${absent.length - MOST} more` : "";
  throw new FileError(
    "The file must have a column for every feature",
    `there is none for ${named.join(", ")}${more}`,
    "Rename or add the columns.",
  );
}

/**
 * The name most like another one.
 *
 * @param {string} name @param {readonly string[]} names
 * @returns {string | null} null where none is alike.
 */
export function nearest(name, names) {
  const ranked = names.map((each) => ({ each, share: likeness(plain(name), plain(each)) }));
  const best = ranked.reduce((most, next) => (next.share > most.share ? next : most), { each: "", share: 0 });
  return best.share >= ALIKE ? best.each : null;
}

/** @param {string} name */
function plain(name) {
  return name.toLowerCase().replace(/[\s_.-]+/g, "");
}

/** @param {string} one @param {string} other @returns {number} twice the longest common subsequence over both lengths. */
function likeness(one, other) {
  let lengths = new Array(other.length + 1).fill(0);
  for (const character of one) {
    const next = [0];
    for (let k = 0; k < other.length; k++) {
      next.push(other[k] === character ? lengths[k] + 1 : Math.max(lengths[k + 1], next[k]));
    }
    lengths = next;
  }
  return one.length + other.length === 0 ? 0 : (2 * lengths[other.length]) / (one.length + other.length);
}
