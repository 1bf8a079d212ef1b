// Opens a bundle: format and digests are checked before anything in it is used. The reader is an argument.

import { BundleError, checkFormat, readContract } from "./contract.js";

/**
 * @typedef {(name: string) => Promise<Uint8Array<ArrayBuffer>>} Reader Gives the bytes of one file of the bundle.
 * @typedef {{contract: import("./contract.js").Contract, manifest: any, read: Reader}} Bundle
 *   `read` checks the digest of each file that it gives.
 */

/**
 * Reads manifest.json, then contract.json.
 *
 * @param {Reader} reader
 * @returns {Promise<Bundle>}
 * @throws {BundleError} another format, or a file that differs from the manifest.
 */
export async function openBundle(reader) {
  const bytes = await reader("manifest.json");
  const manifest = readManifest(text(bytes));
  await checkSeal(bytes);
  /** @type {Reader} */
  const read = async (name) => checked(name, await reader(name), manifest.files[name]);
  const contract = readContract(text(await read("contract.json")));
  if (contract.model_sha256 !== manifest.files["model.onnx"]) {
    throw new BundleError("the contract must belong to the model", "it names another model's SHA-256");
  }
  return { contract, manifest, read };
}

/**
 * @param {Uint8Array} bytes UTF-8
 * @returns {string}
 */
export function text(bytes) {
  return new TextDecoder().decode(bytes);
}

/** @param {string} content @returns {{format: number, files: Record<string, string>}} */
function readManifest(content) {
  let manifest;
  try {
    manifest = JSON.parse(content);
  } catch (error) {
    throw new BundleError("manifest.json must be JSON", String(error));
  }
  checkFormat("manifest.json", manifest);
  if (typeof manifest.files !== "object" || manifest.files === null) {
    throw new BundleError("manifest.json must list the files", "there is no such list");
  }
  return manifest;
}

/**
 * The manifest's last member is the SHA-256 of all bytes before it.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes of manifest.json
 */
async function checkSeal(bytes) {
  const seal = (/** @type {string} */ digest) => `,\n "sha256": "${digest}"\n}\n`;
  const end = Math.max(0, bytes.length - seal("0".repeat(64)).length);
  if (text(bytes.slice(end)) !== seal(await sha256(bytes.slice(0, end)))) {
    const got = "it does not: the file was changed after the export";
    throw new BundleError("manifest.json must end with its own SHA-256", got);
  }
}

/**
 * @param {string} name @param {Uint8Array<ArrayBuffer>} bytes @param {string | undefined} expected
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function checked(name, bytes, expected) {
  if (expected === undefined) {
    throw new BundleError("only files that the manifest lists are read", `${name} is not listed`);
  }
  const digest = await sha256(bytes);
  if (digest !== expected) {
    const got = `it is ${digest.slice(0, 12)}… and not ${expected.slice(0, 12)}…: the file was changed after the export`;
    throw new BundleError(`${name} must have the SHA-256 of the manifest`, got);
  }
  return bytes;
}

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<string>} lower-case hexadecimal digits. */
async function sha256(bytes) {
  if (globalThis.crypto?.subtle === undefined) {
    const got = "this page was opened without one";
    throw new BundleError(
      "checking a file's SHA-256 needs a secure address",
      got,
      "Open it over https or on localhost.",
    );
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
