// The call that answers a row over HTTP, in several languages. Pure.

import { writeRow, writeValue } from "./json.js";

/**
 * @typedef {import("./contract.js").Row} Row
 * @typedef {{name: string, write: (api: string, row: Row) => string}} Snippet `api`: the address before `/predict`.
 */

const JSON_TYPE = "application/json";

/** @type {Snippet[]} */
export const SNIPPETS = [
  { name: "curl", write: writeCurl },
  { name: "Python", write: writePython },
  { name: "JavaScript", write: writeJavaScript },
];

/** @param {string} api @param {Row} row */
function writeCurl(api, row) {
  const body = writeRow(row).replaceAll("'", "'\\''");
  return `curl -s '${api}/predict' -H 'content-type: ${JSON_TYPE}' -d '${body}'`;
}

/** @param {string} api @param {Row} row @returns {string} the standard library does. */
function writePython(api, row) {
  return [
    "import json",
    "from urllib.request import Request, urlopen",
    "",
    `row = ${pairsOf(row, (json) => ({ null: "None", true: "True", false: "False" })[json] ?? json)}`,
    `request = Request("${api}/predict", json.dumps(row).encode(), {"content-type": "${JSON_TYPE}"})`,
    "with urlopen(request) as response:",
    '    print(json.load(response)["predictions"][0])',
  ].join("\n");
}

/** @param {string} api @param {Row} row @returns {string} JSON.stringify would lose long integers and -0: then as text. */
function writeJavaScript(api, row) {
  const lossy = Object.values(row).some((value) => typeof value === "bigint" || Object.is(value, -0));
  const body = lossy ? JSON.stringify(writeRow(row)) : `JSON.stringify(${pairsOf(row, (json) => json)})`;
  return [
    `const response = await fetch("${api}/predict", {`,
    '  method: "POST",',
    `  headers: { "content-type": "${JSON_TYPE}" },`,
    `  body: ${body.replaceAll("\n", "\n  ")},`,
    "});",
    "console.log((await response.json()).predictions[0]);",
  ].join("\n");
}

/** @param {Row} row @param {(json: string) => string} translate @returns {string} one feature per line. */
function pairsOf(row, translate) {
  const lines = Object.entries(row).map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${translate(writeValue(value))},`,
  );
  return `{\n${lines.join("\n")}\n}`;
}
