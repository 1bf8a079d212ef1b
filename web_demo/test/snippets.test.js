import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { promisify } from "node:util";
import { execFile } from "node:child_process";

import { parseJson } from "../js/json.js";
import { SNIPPETS } from "../js/snippets.js";

const run = promisify(execFile);
/** @type {Record<string, (code: string) => [string, string[]]>} */
const RUNNERS = {
  curl: (code) => ["sh", ["-c", code]],
  Python: (code) => ["python3", ["-c", code]],
  JavaScript: (code) => ["node", ["--input-type=module", "-e", code]],
};
const ROWS = [
  { age: 41, income: 0.1, grade: 'it\'s "quoted" \\ $HOME `ls` ${x} ü\u{1f600}\n', none: null, yes: true, no: false },
  { id: 2n ** 60n + 1n, zero: -0, tab: "\t" },
];

for (const { name, write } of SNIPPETS) {
  test(`${name} sends the row that is shown`, async () => {
    /** @type {{url?: string, type?: string, body: string}[]} */
    const got = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        got.push({ url: request.url, type: request.headers["content-type"], body });
        response.setHeader("content-type", "application/json");
        response.end('{"predictions": [{"value": 7.5}]}');
      });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    try {
      for (const row of ROWS) {
        const [program, words] = RUNNERS[name](write(`http://127.0.0.1:${port}/tiny`, row));
        const { stdout } = await run(program, words);
        assert.match(stdout, /value.*7\.5/);
        const { url, type, body } = /** @type {{url?: string, type?: string, body: string}} */ (got.pop());
        assert.deepEqual([url, type], ["/tiny/predict", "application/json"]);
        assert.deepEqual(parseJson(body), row);
      }
    } finally {
      server.close();
    }
  });
}
