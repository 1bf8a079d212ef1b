// The bytes of a file, part by part: no more than two parts are in memory at any time.

import { FileError } from "./file-error.js";

const PART = 1 << 20; // bytes

/**
 * @param {Blob} blob
 * @returns {AsyncGenerator<Uint8Array<ArrayBuffer>>} while one part is worked on, the next one is read.
 * @throws {FileError} the file is not what it was, or is not there any more.
 */
export async function* chunksOf(blob) {
  /** @param {number} from */
  const read = async (from) => new Uint8Array(await bytesOf(blob, from, from + PART));
  let next = read(0);
  for (let at = PART; at < blob.size; at += PART) {
    const part = await next;
    next = read(at);
    next.catch(() => undefined); // it is told where it is waited for
    yield part;
  }
  yield await next;
}

/**
 * @param {Blob} blob @param {number} from @param {number} to
 * @returns {Promise<ArrayBuffer>}
 * @throws {FileError} as above.
 */
export async function bytesOf(blob, from, to) {
  try {
    return await blob.slice(from, to).arrayBuffer();
  } catch {
    const got = "it was changed, moved or deleted since it was chosen";
    throw new FileError("The file must stay as it is while it is scored", got, "Choose it again.");
  }
}
