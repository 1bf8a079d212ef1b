// The one way to an endpoint: no cookies, no address of this page.

/**
 * @param {string} endpoint the address before `/predict`.
 * @param {string} path such as `/predict`.
 * @param {string} body JSON
 * @param {boolean} [keepalive] whether it goes on when the page is closed; such bodies have at most 64 KiB.
 * @returns {Promise<{status: number, text: string}>}
 * @throws {Error} there is no answer.
 */
export async function post(endpoint, path, body, keepalive = false) {
  const response = await fetch(endpoint + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    credentials: "omit",
    referrerPolicy: "no-referrer",
    keepalive,
    body,
  }).catch(() => null);
  if (response === null) throw new Error("it cannot be reached, or does not let this page's origin in");
  return { status: response.status, text: await response.text() };
}

/** @param {string} endpoint @returns {string} how people call it. */
export function hostOf(endpoint) {
  return new URL(endpoint).host;
}
