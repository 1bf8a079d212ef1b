// The page's course: find the bundle, check it, answer its example, show its form, answer on every input; then load
// what stands below.
//
// `window.selfsame.replay(rows)` answers rows given as JSON lines with one JSON answer per line, floats exact; a row
// that breaks the contract gets `{"rejected": [...]}`. The browser replay (deploy/browser.py) calls it.

import { openBundle, text } from "./bundle.js";
import { makeContext } from "./context.js";
import { BundleError, ContractError } from "./contract.js";
import { makeEngines, timed } from "./engines.js";
import { createModel as createEvaluator } from "./evaluate.js";
import { parseLines } from "./json.js";
import { readFragment } from "./link.js";
import * as page from "./page.js";
import { nextTurn } from "./pause.js";
import { isDrawing } from "./pixels.js";
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
 * @typedef {(row: import("./contract.js").Row) => Promise<void>} Answer
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
 * @param {Pick<Context, "contract" | "reference">} context @param {Pick<import("./page-form.js").Form, "mark">} form
 * @param {import("./engines.js").Ask} ask
 * @param {import("./page-answer.js").Place} [place] that is asked.
 * @param {(error: unknown) => void} [fail] shows what went wrong with this row.
 * @returns {Answer}
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
 * Lets onnxruntime-web take over from the evaluator once the page rests, and says whether the two agree.
 *
 * @param {Context} context @param {import("./engines.js").Engines} engines @param {Answer} answer
 */
async function takeOver(context, engines, answer) {
  const { confirm, engineWords } = await import("./confirm.js");
  await page.idle();
  try {
    await engines.full();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    page.showEngine(`This page's own evaluator answers, alone: ${why}`, "alone");
    return;
  }
  const rows = (await context.golden()).map((line) => line.row);
  const said = engineWords(await confirm(engines, context.contract, rows));
  await answer(context.row());
  page.showEngine(...said); // last: then nothing draws the answer anew
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
 * @param {import("./contract.js").Contract} contract @param {import("./predictor.js").ModelCall} model
 * @returns {import("./engines.js").Ask}
 */
function askHere(contract, model) {
  return (row) => timed(async () => (await predict(contract, model, [row]))[0]);
}

/** @param {string | null} endpoint @returns {import("./page-answer.js").Place | undefined} */
function placeHere(endpoint) {
  return endpoint === null ? undefined : { where: "in this browser", sent: "", away: false }; // a switch may send it
}

/**
 * Answers a row while there is no form yet, which a slow processor needs longer for than for the answer. What cannot be
 * answered, the form's own course shows.
 *
 * @param {Pick<Context, "contract" | "reference">} shown @param {import("./engines.js").Engines} engines
 * @param {import("./contract.js").Row} row @param {string | null} endpoint
 */
async function answerEarly(shown, engines, row, endpoint) {
  const evaluator = await engines.evaluator();
  if (evaluator === null) return;
  const form = { mark: () => undefined };
  const ask = askHere(shown.contract, evaluator);
  await makeAnswer(shown, form, ask, placeHere(endpoint), () => undefined)(row);
  await page.painted();
}

/**
 * Answers in this browser until that fails.
 *
 * @param {Context} context @param {import("./page-form.js").Form} form @param {import("./engines.js").Engines} engines
 * @returns {Promise<Answer>}
 */
async function answerHere(context, form, engines) {
  const { contract, endpoint, model, onChange } = context;
  await engines.first;
  let failed = false;
  const answer = makeAnswer(context, form, askHere(contract, model), placeHere(endpoint), (error) => {
    if (!failed) answerElsewhere(context, form, error).catch(page.showFailure);
    failed = true;
  });
  const go = async (/** @type {import("./contract.js").Row} */ row) => (failed ? undefined : answer(row));
  onChange(go);
  return go;
}

/**
 * Shows what stands below the first screen, part after part, each in a turn of its own.
 *
 * @param {Context} context @param {readonly string[]} absent the parts that are left out.
 */
async function mountParts(context, absent) {
  const shown = Object.entries(PARTS).filter(([id]) => !absent.includes(id));
  await Promise.allSettled(shown.map(([, load]) => load()));
  const mounted = [];
  for (const [id, load] of shown) {
    mounted.push(page.mountPart(id, load, context));
    await nextTurn();
  }
  await Promise.all(mounted);
}

/** @returns {Promise<{context: Context, over: Promise<void>}>} `over`: onnxruntime-web has taken over, or cannot. */
async function start() {
  const { listed, chosen } = await chooseBundle();
  const { path, endpoint } = chosen;
  const bundle = await openBundle(readAhead(path));
  const { contract } = bundle;
  const bytes = bundle.read("model.onnx"); // its digest is checked before an engine sees it
  const engines = makeEngines(
    async () => createEvaluator(await bytes),
    async () => (await import("./ort-client.js")).createWorkerModel(await bytes),
  );
  page.showIntro(contract);
  page.showWaiting();
  const reference = JSON.parse(text(await bundle.read("reference.json")));
  const shared = readFragment(contract, page.fragment());
  page.showNotes(shared.notes);
  const [drawn, ranked] = [isDrawing(contract), contract.form.ranking !== null];
  if (!drawn && !ranked) {
    const example = Object.fromEntries(contract.features.map(({ name, example }) => [name, example]));
    await answerEarly({ contract, reference }, engines, { ...example, ...shared.row }, endpoint);
  }
  let changed = () => {};
  const form = await page.makeForm(contract, reference, () => changed());
  form.write(shared.row);
  const api = endpoint ?? location.origin + (listed.length > 1 ? `/${encodeURIComponent(contract.name)}` : "");
  const { model, evaluator, full } = engines;
  const made = makeContext({ bundle, reference, form, model, evaluator, fullModel: full, path, api, endpoint });
  changed = made.changed;
  const { context } = made;
  if (ranked) await page.mountPart("map", () => import("./page-map.js"), context);
  if (!drawn || !(await page.mountPart("digit", () => import("./page-digit.js"), context))) form.show();
  await nextTurn();
  const answer = await answerHere(context, form, engines).catch((error) =>
    answerElsewhere(context, form, error).then(() => null),
  );
  const absent = answer === null ? HERE : endpoint === null ? BESIDE : contract.capture.share > 0 ? [] : ["telemetry"];
  await page.painted();
  page.showFoot(contract, chosen);
  page.showGallery(listed, contract.name);
  await mountParts(context, absent);
  const over = answer === null ? Promise.resolve() : takeOver(context, engines, answer);
  return { context, over: over.catch(page.showFailure) };
}

const started = start();
started.catch(page.showFailure);
void keep();

/** Once nothing else is loading: keeps what was loaded for use without a network. */
async function keep() {
  const shown = await started.catch(() => null);
  await shown?.over;
  const { keepOffline } = await import("./page-offline.js");
  await keepOffline(shown && shown.context.contract.name, page.isTouched);
}

Object.assign(window, {
  selfsame: {
    /** @param {string} rows JSON lines @returns {Promise<string>} JSON lines */
    async replay(rows) {
      const { contract, fullModel } = (await started).context;
      const { replay, writeAnswer } = await import("./golden.js");
      const answers = await replay(contract, await fullModel(), parseLines(rows));
      return answers.map((answer) => `${writeAnswer(contract, answer)}\n`).join("");
    },
  },
});
