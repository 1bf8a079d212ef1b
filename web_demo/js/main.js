// The page's course: find the bundle, check it, show its form, answer on every input; then load what stands below.
//
// `window.selfsame.replay(rows)` answers rows given as JSON lines with one JSON answer per line, floats exact; a row
// that breaks the contract gets `{"rejected": [...]}`. The browser replay (deploy/browser.py) calls it.

import { openBundle, text } from "./bundle.js";
import { makeContext } from "./context.js";
import { BundleError, ContractError } from "./contract.js";
import { isDrawing } from "./digit.js";
import { engineWords, makeEngines, timed } from "./engines.js";
import { createModel as createEvaluator } from "./evaluate.js";
import { replay, writeAnswer } from "./golden.js";
import { parseLines } from "./json.js";
import { readFragment } from "./link.js";
import { createWorkerModel } from "./ort-client.js";
import { keepOffline } from "./page-offline.js";
import * as page from "./page.js";
import { predict } from "./predictor.js";

const FIRST_READ = ["manifest.json", "contract.json", "model.onnx", "reference.json"];

/**
 * The parts below the first screen, by the id of their section: loaded after the first answer, which they must not
 * delay.
 *
 * @type {Record<string, () => Promise<{mount: import("./context.js").Mount}>>}
 */
const PARTS = {
  beside: () => import("./page-beside.js"),
  whatif: () => import("./page-whatif.js"),
  why: () => import("./page-why.js"),
  files: () => import("./page-files.js"),
  proof: () => import("./page-proof.js"),
  share: () => import("./page-share.js"),
  telemetry: () => import("./page-telemetry.js"),
};

/** The parts that need an endpoint, and those that need a model in this browser. */
const BESIDE = ["beside", "telemetry"];
const HERE = ["whatif", "why", "files", ...BESIDE];

/**
 * @typedef {import("./bundle.js").Bundle} Bundle
 * @typedef {import("./context.js").Context} Context
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

/**
 * Asks for what the first answer needs at once, instead of one after another.
 *
 * @param {string} path of the bundle's folder.
 * @returns {import("./bundle.js").Reader}
 */
function readAhead(path) {
  const files = new Map(FIRST_READ.map((name) => [name, fetchBytes(path + name)]));
  for (const file of files.values()) file.catch(() => undefined); // whoever reads it is told
  return (name) => files.get(name) ?? fetchBytes(path + name);
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

/**
 * Answers the row that is in the form; an answer that was overtaken is dropped.
 *
 * @param {Context} context @param {import("./page-form.js").Form} form
 * @param {import("./engines.js").Ask} ask
 * @param {import("./page-answer.js").Place} [place] that is asked.
 * @param {(error: unknown) => void} [fail] shows what went wrong with this row.
 * @returns {(row: import("./contract.js").Row) => Promise<void>}
 */
function makeAnswer({ contract, reference }, form, ask, place, fail = page.showFailure) {
  let latest = 0;
  return async (row) => {
    const turn = ++latest;
    try {
      const { prediction, milliseconds } = await ask(row);
      if (turn !== latest) return;
      page.showPrediction(contract, prediction, milliseconds, reference.answers, place);
      form.mark([], prediction.warnings);
    } catch (error) {
      if (!(error instanceof ContractError)) return fail(error);
      if (turn !== latest) return;
      page.showProblems(error.problems);
      form.mark(error.problems, []);
    }
  };
}

/**
 * Lets onnxruntime-web take over from the evaluator, and says whether the two agree.
 *
 * @param {Context} context @param {import("./engines.js").Engines} engines
 * @param {(row: import("./contract.js").Row) => Promise<void>} answer
 */
async function takeOver(context, engines, answer) {
  await Promise.allSettled(Object.values(PARTS).map((load) => load())); // they are small, and seen first
  try {
    await engines.full();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    page.showEngine(`This page's own evaluator answers, alone: ${why}`, "alone");
    return;
  }
  const rows = (await context.golden()).map((line) => line.row);
  const confirmation = await engines.confirm(context.contract, rows);
  page.showEngine(...engineWords(confirmation));
  await answer(context.row());
}

/**
 * Offers to let the endpoint answer in the place of this browser; without one the page ends here.
 *
 * @param {Context} context @param {import("./page-form.js").Form} form @param {unknown} error
 */
async function answerElsewhere(context, form, error) {
  const { contract, endpoint, onChange } = context;
  if (endpoint === null || error instanceof BundleError) throw error;
  const { offerEndpoint, showNoAnswer } = await import("./page-instead.js");
  page.hideParts(HERE);
  offerEndpoint(contract, endpoint, error).then((ask) => {
    const place = { where: `by ${new URL(endpoint).host}`, sent: "; the values left this device", away: true };
    onChange(makeAnswer(context, form, ask, place, showNoAnswer));
  });
}

/**
 * Answers in this browser until that fails.
 *
 * @param {Context} context @param {import("./page-form.js").Form} form @param {import("./engines.js").Engines} engines
 */
async function answerHere(context, form, engines) {
  const { contract, endpoint, model, onChange } = context;
  await engines.first;
  let failed = false;
  /** @type {import("./engines.js").Ask} */
  const ask = (row) => timed(async () => (await predict(contract, model, [row]))[0]);
  const place = endpoint === null ? undefined : { where: "in this browser", sent: "", away: false }; // a switch may send it
  const answer = makeAnswer(context, form, ask, place, (error) => {
    if (!failed) answerElsewhere(context, form, error).catch(page.showFailure);
    failed = true;
  });
  const go = async (/** @type {import("./contract.js").Row} */ row) => (failed ? undefined : answer(row));
  onChange(go);
  takeOver(context, engines, go).catch(page.showFailure);
}

/** @returns {Promise<Context>} */
async function start() {
  const { listed, chosen } = await chooseBundle();
  const bundle = await openBundle(readAhead(chosen.path));
  const { contract } = bundle;
  const bytes = bundle.read("model.onnx"); // its digest is checked before an engine sees it
  const engines = makeEngines(
    async () => createEvaluator(await bytes),
    async () => createWorkerModel(await bytes),
  );
  page.showIntro(contract);
  page.showWaiting();
  const reference = JSON.parse(text(await bundle.read("reference.json")));
  const shared = readFragment(contract, page.fragment());
  let changed = () => {};
  const form = page.makeForm(contract, reference, () => changed());
  form.write(shared.row);
  page.showNotes(shared.notes);
  const { path, endpoint } = chosen;
  const api = endpoint ?? location.origin + (listed.length > 1 ? `/${encodeURIComponent(contract.name)}` : "");
  const { model, evaluator, full } = engines;
  const made = makeContext({ bundle, reference, form, model, evaluator, fullModel: full, path, api, endpoint });
  changed = made.changed;
  if (contract.form.ranking !== null) await page.mountPart("map", () => import("./page-map.js"), made.context);
  if (isDrawing(contract)) await page.mountPart("digit", () => import("./page-digit.js"), made.context);
  const failed = await answerHere(made.context, form, engines).then(
    () => false,
    (error) => answerElsewhere(made.context, form, error).then(() => true),
  );
  const absent = failed ? HERE : endpoint === null ? BESIDE : contract.capture.share > 0 ? [] : ["telemetry"];
  const shown = Object.entries(PARTS).filter(([id]) => !absent.includes(id));
  await page.painted();
  page.showFoot(contract, chosen);
  page.showGallery(listed, contract.name);
  await Promise.all(shown.map(([id, load]) => page.mountPart(id, load, made.context)));
  return made.context;
}

const started = start();
started.catch(page.showFailure);
void keep();

/** Once nothing else is loading: keeps what was loaded for use without a network. */
async function keep() {
  const context = await started.catch(() => null);
  await context?.fullModel().catch(() => null);
  await keepOffline(context && context.contract.name);
}

Object.assign(window, {
  selfsame: {
    /** @param {string} rows JSON lines @returns {Promise<string>} JSON lines */
    async replay(rows) {
      const { contract, fullModel } = await started;
      const answers = await replay(contract, await fullModel(), parseLines(rows));
      return answers.map((answer) => `${writeAnswer(contract, answer)}\n`).join("");
    },
  },
});
