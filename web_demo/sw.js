// The service worker: keeps the page, the runtime and the bundles that were opened, so that they work without a
// network. Nothing is kept whose digest is not the build's own.

/** @typedef {Record<string, string>} Digests Subresource integrity by path, relative to this file. */

/** @type {{version: string, page: Digests, runtime: Digests, bundles: Record<string, Digests>}} */
const SITE = { version: "", page: {}, runtime: {}, bundles: {} }; // `selfsame site` writes it

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const scope = worker.registration.scope;
const MINE = `selfsame ${scope} `; // other sites may live on this origin
const PAGE = `${MINE}page ${SITE.version}`;
const KEPT = `${MINE}kept`; // under names that hold their hash: true for every version
const LISTED = new Set([SITE.page, SITE.runtime, ...Object.values(SITE.bundles)].flatMap(Object.keys));

worker.addEventListener("install", (event) => {
  event.waitUntil(Promise.all([addMissing(PAGE, SITE.page), nameRoutes(event)]));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(dropOld().then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (event) => {
  const path = pathInSite(event.request);
  if (path !== null) event.respondWith(answer(event.request, path));
});

// {keep: NAME}: keeps the runtime and a bundle, and answers "kept" or says why not. "update": takes over from the
// version before.
worker.addEventListener("message", (event) => {
  if (event.data === "update") event.waitUntil(worker.skipWaiting());
  const files = SITE.bundles[event.data?.keep];
  if (files === undefined) return;
  const [port] = event.ports;
  const kept = addMissing(KEPT, { ...SITE.runtime, ...files }).then(
    () => port.postMessage("kept"),
    (error) => port.postMessage(String(error)),
  );
  event.waitUntil(kept);
});

/**
 * Names the caches to a browser that looks into them itself, without starting this worker: the page comes sooner. What is
 * not there comes from the network, as below.
 *
 * @param {any} event of the installation; Safari's and Firefox's know no routes.
 */
async function nameRoutes(event) {
  if (event.addRoutes === undefined) return;
  const place = new URL(scope).pathname.replace(/[^\w/-]/g, "\\$&"); // no sign of a pattern
  const route = (/** @type {Record<string, string>} */ urlPattern, /** @type {string} */ cacheName) => ({
    condition: { urlPattern, requestMethod: "get" },
    source: { cacheName },
  });
  await event.addRoutes([
    route({ pathname: place, search: "" }, PAGE),
    route({ pathname: `${place}bundles.json` }, PAGE),
    route({ pathname: `${place}assets/page-*` }, PAGE),
    route({ pathname: `${place}assets/vendor-*` }, KEPT),
    route({ pathname: `${place}bundles/*` }, KEPT),
  ]);
}

/** @param {Request} request @returns {string | null} null where the network answers. */
function pathInSite({ method, mode, url }) {
  const [address] = url.split(/[?#]/);
  if (method !== "GET" || !address.startsWith(scope)) return null;
  const path = address.slice(scope.length);
  if (mode === "navigate" && (path === "" || path === "index.html")) return "./";
  return LISTED.has(path) ? path : null;
}

/** @param {Request} request @param {string} path @returns {Promise<Response>} */
async function answer(request, path) {
  for (const name of [PAGE, KEPT]) {
    const found = await (await caches.open(name)).match(new URL(path, scope));
    if (found !== undefined) return found;
  }
  return fetch(request);
}

/** @param {string} name of the cache. @param {Digests} files */
async function addMissing(name, files) {
  const cache = await caches.open(name);
  const has = new Set((await cache.keys()).map(({ url }) => url));
  const missing = Object.entries(files).filter(([path]) => !has.has(new URL(path, scope).href));
  const fresh = (/** @type {string} */ path) => (/^(assets|bundles)\//.test(path) ? "default" : "no-cache");
  await cache.addAll(missing.map(([path, integrity]) => new Request(path, { integrity, cache: fresh(path) })));
}

/** Drops the caches of other versions, and of what was kept that which this version does not list. */
async function dropOld() {
  const names = (await caches.keys()).filter((name) => name.startsWith(MINE) && name !== PAGE && name !== KEPT);
  await Promise.all(names.map((name) => caches.delete(name)));
  const kept = await caches.open(KEPT);
  for (const request of await kept.keys()) {
    if (!LISTED.has(request.url.slice(scope.length))) await kept.delete(request);
  }
}
