// A host as docs/hosting.md has it, at the end of a line of a given speed: HTTP/2, brotli copies, cache headers.
//
//   node web_host.mjs FOLDER KEY CERTIFICATE LATENCY RATE [isolated]
//
// It prints its port, and ends when its standard input does. Each answer waits for LATENCY milliseconds, a round trip;
// all bodies together take RATE bits a second (0: no limit), in turns. What page, workers and service worker ask for is
// slowed alike, which the browser's own throttling does not do. `isolated` lets the page's clock tick in 5 µs.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { extname, join, normalize } from "node:path";

const [folder, key, certificate, latency, rate, isolated] = process.argv.slice(2);
const TURN = 1400; // bytes that a body sends before it is another one's turn
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};
const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const known = new Map(); // path -> {body, headers}
const sending = []; // {response, body, at}, whose turn it is first
let free = 0; // when the line has sent all that was given to it, in milliseconds
let waiting = false;

function read(path) {
  const file = join(folder, path);
  if (!existsSync(file) || !statSync(file).isFile()) return null;
  const packed = existsSync(`${file}.br`);
  const body = readFileSync(packed ? `${file}.br` : file);
  const headers = {
    "content-type": TYPES[extname(path)] ?? "application/octet-stream",
    "cache-control": /^\/(assets|bundles)\//.test(path) ? "public, max-age=31536000, immutable" : "no-cache",
    etag: `"${createHash("sha256").update(body).digest("base64url")}"`,
    ...(packed ? { "content-encoding": "br" } : {}),
    ...(isolated ? ISOLATED : {}),
  };
  return { body, headers };
}

/** Sends what the line can take by now, body after body in turns, and comes again while there is more. */
function pump() {
  waiting = false;
  const now = performance.now();
  free = Math.max(free, now - 5);
  while (sending.length > 0 && free <= now) {
    const each = sending.shift();
    const part = each.body.subarray(each.at, each.at + TURN);
    each.at += part.length;
    free += (part.length * 8000) / Number(rate);
    if (each.response.destroyed) continue;
    if (each.at < each.body.length) {
      each.response.write(part);
      sending.push(each);
    } else each.response.end(part);
  }
  if (sending.length > 0 && !waiting) {
    waiting = true;
    setTimeout(pump, Math.max(1, free - now));
  }
}

function answer(request, response) {
  const asked = normalize(decodeURIComponent(request.url.split("?")[0]));
  const path = asked.endsWith("/") ? `${asked}index.html` : asked;
  if (!known.has(path)) known.set(path, read(path));
  const found = known.get(path);
  if (found === null) return response.writeHead(404).end();
  if (request.headers["if-none-match"] === found.headers.etag) return response.writeHead(304, found.headers).end();
  response.writeHead(200, found.headers);
  if (rate === "0") return response.end(found.body);
  sending.push({ response, body: found.body, at: 0 });
  pump();
}

const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate) });
server.on("request", (request, response) => setTimeout(answer, Number(latency), request, response));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
