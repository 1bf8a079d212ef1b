// The page's course: find the bundle, check it, show its form, answer on every input.
//
// `window.selfsame.replay(rows)` answers rows given as JSON lines with one JSON answer per line, floats exact; a row
// that breaks the contract gets `{"rejected": [...]}`. The browser replay (deploy/browser.py) calls it.

import { openBundle, text } from "./bundle.js";
import { BundleError, ContractError } from "./contract.js";
import { compare, replay, writeAnswer } from "./golden.js";
import { parseLines } from "./json.js";
import { createModel, loadRuntime } from "./ort.js";
import * as page from "./page.js";
import { predict } from "./predictor.js";

const RUNTIME = new URL("../vendor/ort.wasm.bundle.min.mjs", import.meta.url).href;

/**
 * @typedef {import("./bundle.js").Bundle} Bundle
 * @typedef {import("./predictor.js").ModelCall} ModelCall
 */

/** @param {string} path @returns {Promise<Uint8Array<ArrayBuffer>>} */
async function fetchBytes(path) {
  const response = await fetch(path).catch(() => null);
  if (response === null || !response.ok) {
    const got = response === null ? "the server did not answer" : `the server answered ${response.status}`;
    throw new BundleError(`${path} must be there`, got, "Build the site again with `selfsame site`.");
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** @returns {Promise<{listed: page.Listed[], chosen: page.Listed}>} */
async function chooseBundle() {
  /** @type {page.Listed[]} */
  const listed = JSON.parse(text(await fetchBytes("bundles.json")));
  const wanted = page.wantedBundle() ?? listed[0].name;
  const chosen = listed.find(({ name }) => name === wanted);
  page.showBundles(listed, wanted);
  if (chosen === undefined) {
    const names = listed.map(({ name }) => name).join(", ");
    throw new BundleError(
      `the address names a bundle of this site: ${names}`,
      `it names ${wanted}`,
      "Choose one above.",
    );
  }
  return { listed, chosen };
}

/** @param {Bundle} bundle @returns {Promise<[number, number] | null>} the range of the answers to the training rows. */
async function answerRange(bundle) {
  const { answers } = JSON.parse(text(await bundle.read("reference.json")));
  return answers.edges?.length > 0 ? [answers.edges[0], answers.edges.at(-1)] : null;
}

/** @param {Bundle} bundle @param {ModelCall} model */
async function selfCheck(bundle, model) {
  const golden = parseLines(text(await bundle.read("golden.jsonl")));
  const start = performance.now();
  const answers = await replay(
    bundle.contract,
    model,
    golden.map((line) => line.row),
  );
  return { milliseconds: performance.now() - start, comparison: compare(bundle.contract, golden, answers) };
}

/**
 * Answers the form's row now and after every input; an answer that was overtaken is dropped.
 *
 * @param {Bundle} bundle @param {ModelCall} model @param {import("./page-form.js").Form} form @param {[number, number] | null} range
 * @returns {() => Promise<void>}
 */
function makeUpdate(bundle, model, form, range) {
  let latest = 0;
  return async () => {
    const turn = ++latest;
    const start = performance.now();
    try {
      const [prediction] = await predict(bundle.contract, model, [form.row()]);
      if (turn !== latest) return;
      page.showPrediction(bundle.contract, prediction, performance.now() - start, range);
      form.mark([], prediction.warnings);
    } catch (error) {
      if (!(error instanceof ContractError)) return page.showFailure(error);
      if (turn !== latest) return;
      page.showProblems(error.problems);
      form.mark(error.problems, []);
    }
  };
}

/** @returns {Promise<{bundle: Bundle, model: ModelCall}>} */
async function start() {
  const { listed, chosen } = await chooseBundle();
  const bundle = await openBundle((name) => fetchBytes(chosen.path + name));
  let update = async () => {};
  page.showIntro(bundle.contract);
  page.showWaiting();
  const showCall = page.makeCall(bundle.contract, listed.length > 1);
  const form = page.makeForm(bundle.contract, () => {
    showCall(form.row());
    void update();
  });
  showCall(form.row());
  page.showFoot(bundle.contract, chosen);
  const loading = loadModel(bundle);
  loading.catch(() => undefined); // awaited below; until then its failure is not unhandled
  const certificate = JSON.parse(text(await bundle.read("parity.json")));
  page.showProof(certificate, async () => selfCheck(bundle, await loading));
  const model = await loading;
  await replay(bundle.contract, model, [form.row()]); // the first call also compiles; it is not timed
  update = makeUpdate(bundle, model, form, await answerRange(bundle));
  await update();
  return { bundle, model };
}

/** @param {Bundle} bundle @returns {Promise<ModelCall>} the model's digest is checked before a session is made. */
async function loadModel(bundle) {
  const [ort, bytes] = await Promise.all([loadRuntime(RUNTIME), bundle.read("model.onnx")]);
  return createModel(ort, bytes);
}

const started = start();
started.catch(page.showFailure);

Object.assign(window, {
  selfsame: {
    /** @param {string} rows JSON lines @returns {Promise<string>} JSON lines */
    async replay(rows) {
      const { bundle, model } = await started;
      const answers = await replay(bundle.contract, model, parseLines(rows));
      return answers.map((answer) => `${writeAnswer(bundle.contract, answer)}\n`).join("");
    },
  },
});
