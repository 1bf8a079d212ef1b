// What the page's parts share: the model, its description, and the row that is in the form. Pure.

import { text } from "./bundle.js";
import { parseLinesInTurns } from "./json.js";
import { makePause } from "./pause.js";

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Row} Row
 * @typedef {import("./golden.js").GoldenLine} GoldenLine
 * @typedef {import("./predictor.js").ModelCall} ModelCall
 * @typedef {{missing: number, edges?: number[], counts?: number[], categories?: Record<string, number>,
 *   other?: number}} Counts Of numbers `edges` and `counts`, of texts and labels `categories` and `other`.
 * @typedef {{rows: number, answers: Counts & {targets?: Record<string, Counts>}, features: Record<string, Counts>}}
 *   Reference docs/bundle.md's reference.json.
 * @typedef {{
 *   contract: Contract, reference: Reference, model: ModelCall,
 *   golden: () => Promise<GoldenLine[]>,
 *   certificate: () => Promise<import("./page-certificate.js").Certificate>,
 *   evaluator: () => Promise<ModelCall | null>, fullModel: () => Promise<ModelCall>,
 *   row: () => Row, setRow: (row: Row) => void, onChange: (callback: (row: Row) => void) => void,
 *   path: string, api: string, endpoint: string | null,
 * }} Context
 *   `model`: answers with the engine that is there (the same function all along; see engines.js).
 *   `evaluator`: the page's own, null where it does not know the graph; `fullModel`: onnxruntime-web and nothing else; rejects where it cannot be started.
 *   `golden`, `certificate`: read once, digests checked.
 *   `row`: what the form holds now; `setRow`: writes the features that it names into the form and leaves the others.
 *   `onChange`: calls back at once, and after every change of the row.
 *   `path`: the folder of the bundle's files, ending in `/`; `api`: where its API answers, without `/predict`;
 *   `endpoint`: the same, where the site was built with one, which the page may ask.
 * @typedef {{row: () => Row, write: (row: Row) => void}} RowForm
 * @typedef {(section: HTMLElement, context: Context) => void | Promise<void>} Mount What each part of the page exports.
 */

/**
 * @param {{bundle: import("./bundle.js").Bundle, reference: Reference, form: RowForm, model: ModelCall,
 *   evaluator: () => Promise<ModelCall | null>, fullModel: () => Promise<ModelCall>, path: string, api: string,
 *   endpoint: string | null}} given
 * @returns {{context: Context, changed: () => void}} `changed` tells every part that the row is another one.
 */
export function makeContext({ bundle, reference, form, ...rest }) {
  /** @type {((row: Row) => void)[]} */
  const callbacks = [];
  const changed = () => callbacks.forEach((callback) => callback(form.row()));
  const context = {
    ...rest,
    contract: bundle.contract,
    reference,
    golden: once(async () => parseLinesInTurns(text(await bundle.read("golden.jsonl")), makePause())),
    certificate: once(async () => JSON.parse(text(await bundle.read("parity.json")))),
    row: form.row,
    setRow: (/** @type {Row} */ row) => {
      form.write(row);
      changed();
    },
    onChange: (/** @type {(row: Row) => void} */ callback) => {
      callbacks.push(callback);
      callback(form.row());
    },
  };
  return { context, changed };
}

/**
 * @template T
 * @param {() => Promise<T>} make
 * @returns {() => Promise<T>} makes it at the first call.
 */
function once(make) {
  /** @type {Promise<T> | undefined} */
  let made;
  return () => (made ??= make());
}
