// The proof: the certificate as a picture, the golden rows replayed here and now, and at the endpoint where there is one.

import { certificateParts, strataTable } from "./page-certificate.js";
import { make } from "./page-dom.js";
import { endpointParts } from "./page-endpoint.js";
import { hostOf } from "./page-post.js";
import { replayParts } from "./page-replay.js";
import { show } from "./words.js";

/** @typedef {import("./page-certificate.js").Certificate} Certificate */

/**
 * Shows the certificate.
 *
 * @type {import("./context.js").Mount}
 */
export async function mount(section, context) {
  const certificate = await context.certificate();
  const { endpoint } = context;
  const here = makePlace("This browser", "replay the golden rows below", false);
  const there = endpoint === null ? null : makePlace(hostOf(endpoint), "ask it below", false);
  section.replaceChildren(
    make("h2", { id: "proof-title" }, "Is it the same model?"),
    ...certificateParts(certificate),
    make("h3", {}, "The same in every place?"),
    make("ul", { class: "places" }, ...placesOf(certificate), here.element, there && there.element),
    replayParts(context, here.report),
    endpoint !== null && there !== null ? endpointParts(context, endpoint, there.report) : "",
    make("details", {}, make("summary", {}, "The certificate's figures as a table"), strataTable(certificate.strata)),
  );
}

/**
 * Where the model was asked at export, and what was found.
 *
 * @param {Certificate} certificate
 * @returns {HTMLElement[]}
 */
function placesOf({ strata, batch }) {
  const rows = strata.reduce((total, stratum) => total + stratum.rows, 0);
  const differ = strata.reduce((total, stratum) => total + stratum.labels_differ + stratum.outside, 0);
  const same = (/** @type {number} */ other) =>
    `the same bits on ${show(batch.rows - other)} of ${show(batch.rows)} rows`;
  const { alone, wasm } = batch;
  return [
    makePlace("Python, and so Lambda", `${show(rows)} rows: ${show(differ)} differ`, differ === 0),
    makePlace("Row by row, not at once", same(alone), alone === 0),
    ...(typeof wasm === "number" ? [makePlace("WebAssembly, at the export", same(wasm), wasm === 0)] : []),
  ].map(({ element }) => element);
}

/**
 * @param {string} name @param {string} words @param {boolean} same whether nothing differs.
 * @returns {{element: HTMLElement, report: (words: string, same: boolean) => void}} `report`: what was found since.
 */
function makePlace(name, words, same) {
  const told = make("span", {}, words);
  const element = make("li", { class: same ? "same" : null }, make("strong", {}, name), told);
  return {
    element,
    report(found, holds) {
      told.textContent = found;
      element.className = holds ? "same" : "apart";
    },
  };
}
