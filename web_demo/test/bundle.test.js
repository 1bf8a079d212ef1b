import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { openBundle, text } from "../js/bundle.js";
import { DOCUMENT } from "./fixtures.js";

/** @param {string} content */
const digest = (content) => createHash("sha256").update(content).digest("hex");

/** @returns {{files: Record<string, string>, manifest: any}} a bundle's files as texts, and its manifest. */
function makeFiles() {
  const contract = JSON.stringify({ ...DOCUMENT, model_sha256: digest("model") });
  const files = { "contract.json": contract, "model.onnx": "model" };
  const digests = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, digest(content)]));
  return { files, manifest: { format: 2, files: digests } };
}

/** @param {any} manifest @returns {string} its file, which ends with its own SHA-256 */
function sealed(manifest) {
  const head = JSON.stringify(manifest).slice(0, -1);
  return `${head},\n "sha256": "${digest(head)}"\n}\n`;
}

/** @param {Record<string, string>} files @param {any} manifest */
function open(files, manifest) {
  return openBundle(async (name) => {
    const content = name === "manifest.json" ? sealed(manifest) : files[name];
    return new Uint8Array(new TextEncoder().encode(content));
  });
}

test("a whole bundle opens and gives its files", async () => {
  const { files, manifest } = makeFiles();
  const bundle = await open(files, manifest);
  assert.equal(bundle.contract.name, "tiny");
  assert.equal(text(await bundle.read("model.onnx")), "model");
});

test("one changed byte is refused, with the file's name and both digests", async () => {
  const { files, manifest } = makeFiles();
  const bundle = await open({ ...files, "model.onnx": "nodel" }, manifest);
  const wanted = `${digest("nodel").slice(0, 12)}… and not ${digest("model").slice(0, 12)}…`;
  await assert.rejects(bundle.read("model.onnx"), (error) => {
    assert.match(String(error), /model.onnx must have the SHA-256 of the manifest/);
    assert.ok(String(error).includes(wanted));
    return true;
  });
  await assert.rejects(
    open({ ...files, "contract.json": `${files["contract.json"]} ` }, manifest),
    /contract.json must/,
  );
});

test("a file that the manifest does not list is not read", async () => {
  const { files, manifest } = makeFiles();
  const bundle = await open(files, manifest);
  await assert.rejects(bundle.read("other.json"), /only files that the manifest lists are read/);
});

test("another format is refused by name before any file is read", async () => {
  const { files, manifest } = makeFiles();
  const refusal = /manifest.json: bundle format 3; this page reads 2. Build the site again/;
  await assert.rejects(open(files, { ...manifest, format: 3 }), refusal);
});

test("a contract of another model is refused", async () => {
  const { files, manifest } = makeFiles();
  const changed = { ...manifest, files: { ...manifest.files, "model.onnx": digest("other") } };
  await assert.rejects(open(files, changed), /the contract must belong to the model/);
});

test("a manifest that is no JSON, or lists nothing, is refused", async () => {
  const broken = openBundle(async () => new Uint8Array(new TextEncoder().encode("<html>")));
  await assert.rejects(broken, /manifest.json must be JSON/);
  await assert.rejects(open({}, { format: 2 }), /manifest.json must list the files/);
});

test("one changed byte anywhere in the manifest is refused", async () => {
  const { files, manifest } = makeFiles();
  const whole = new TextEncoder().encode(sealed({ ...manifest, seed: 7, source_revision: "ünï" }));
  /** @param {Uint8Array<ArrayBuffer>} bytes */
  const reading = (bytes) =>
    openBundle(async (name) => (name === "manifest.json" ? bytes : new TextEncoder().encode(files[name])));
  await reading(whole);
  for (let place = 0; place < whole.length; place += 1) {
    for (const bit of [1, 8, 128]) {
      const changed = whole.slice();
      changed[place] ^= bit;
      await assert.rejects(reading(changed), /manifest.json/, `byte ${place}`);
    }
  }
});
