// The page: assembles its parts and shows what concerns all of them. Only the files named page*.js touch the DOM.

import { BundleError } from "./contract.js";
import { fill, make, part } from "./page-dom.js";
import { title } from "./words.js";

export { makeForm } from "./page-form.js";
export { showPrediction, showProblems, showWaiting } from "./page-answer.js";
export { isTouched } from "./page-touched.js";

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {{name: string, path: string, description: string | null, endpoint: string | null}} Listed One entry of
 *   bundles.json.
 */

const MOST_NAMES = 5; // of targets
const MOST_UNSEEN = 100; // milliseconds; a page in the background is not painted
const MOST_BUSY = 3000; // milliseconds for which others go first
const FILES = {
  "card.html": "Model card",
  "contract.json": "Contract",
  "parity.json": "Certificate",
  "model.onnx": "ONNX model",
  "manifest.json": "Digests",
};

/** @returns {string | null} the bundle that the address asks for. */
export function wantedBundle() {
  return new URLSearchParams(location.search).get("bundle");
}

/**
 * Shows the site's bundles; one alone needs no choice.
 *
 * @param {Listed[]} listed
 * @param {string} current
 */
export function showBundles(listed, current) {
  if (listed.length < 2) return;
  const links = listed.map(({ name }) => {
    const href = `?bundle=${encodeURIComponent(name)}`;
    return make("a", { href, "aria-current": name === current ? "page" : null }, title(name));
  });
  fill("bundles", ...links);
}

/**
 * Shows the site's other bundles below the page; before the rest is there, it would be pushed down.
 *
 * @param {Listed[]} listed
 * @param {string} current
 */
export function showGallery(listed, current) {
  const others = listed.filter(({ name }) => name !== current);
  if (others.length === 0) return;
  fill(
    "gallery",
    make("h2", { id: "gallery-title" }, "Other models here"),
    make("ul", { class: "cards" }, ...others.map(card)),
  );
}

/** @param {Listed} listed */
function card({ name, description }) {
  const href = `?bundle=${encodeURIComponent(name)}`;
  return make("li", { class: "card" }, make("a", { href }, title(name)), description && make("p", {}, description));
}

/** @returns {string} the part of the address after `#`. */
export function fragment() {
  return location.hash;
}

/**
 * Shows what of a link was not taken; nothing where all was.
 *
 * @param {string[]} notes
 */
export function showNotes(notes) {
  fill("notes", ...notes.slice(0, 5).map((note) => make("p", {}, note))).hidden = notes.length === 0;
}

/**
 * Shows what the model predicts.
 *
 * @param {Contract} contract
 */
export function showIntro(contract) {
  document.title = `${title(contract.name)} · selfsame`;
  const { unit, description } = contract.target;
  const target = make("p", { class: "target" }, "Predicts ", make("strong", {}, targetNames(contract)));
  if (!contract.form.several) target.append(asked(contract, unit));
  target.append(description === null ? "." : ` (${description}).`);
  fill(
    "intro",
    make("h1", {}, title(contract.name)),
    contract.description !== null && make("p", { class: "lead" }, contract.description),
    target,
    contract.notice !== null && make("p", { class: "notice", role: "note" }, contract.notice),
  );
}

/** @param {Contract} contract @returns {string} the first names of several. */
function targetNames({ form, target }) {
  if (!form.several) return target.name;
  const more = form.targets.length - MOST_NAMES;
  const names = form.targets.slice(0, MOST_NAMES).map(({ name }) => name);
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** @param {Contract} contract @param {string | null} unit @returns {string} what kind of answer it is. */
function asked({ form }, unit) {
  if (form.numbers === "value") return unit === null ? "" : ` in ${unit}`;
  const { classKeys } = form.targets[0];
  if (form.ranking !== null) return `: ${classKeys.length} of them, ranked`;
  return `: ${classKeys.length === 2 ? classKeys.join(" or ") : `one of ${classKeys.length} classes`}`;
}

/**
 * Shows where the model's files are.
 *
 * @param {Contract} contract
 * @param {Listed} listed
 */
export function showFoot(contract, listed) {
  const links = Object.entries(FILES).map(([file, name]) => make("a", { href: `${listed.path}${file}` }, name));
  const unless = listed.endpoint === null ? "" : " unless you switch that on";
  fill(
    "foot",
    make("p", {}, `The model runs in this browser: nothing that you enter leaves it${unless}.`),
    make("p", { class: "links" }, ...links),
    make("p", { class: "digest" }, `${contract.name} ${contract.version} · SHA-256 ${contract.model_sha256}`),
  );
}

/** @returns {Promise<unknown>} settles when what was shown is on the screen, or nobody looks. */
export function painted() {
  const seen = new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return Promise.race([seen, new Promise((resolve) => setTimeout(resolve, MOST_UNSEEN))]);
}

/** @returns {Promise<unknown>} settles when the page has nothing to do. */
export function idle() {
  const later = window.requestIdleCallback ?? ((resolve) => setTimeout(resolve)); // Safari has none
  return new Promise((resolve) => later(resolve, { timeout: MOST_BUSY }));
}

/**
 * Loads a part of the page and mounts it in its section; where that fails, its section says so.
 *
 * @param {string} id of the section.
 * @param {() => Promise<{mount: import("./context.js").Mount}>} load
 * @param {import("./context.js").Context} context
 * @returns {Promise<boolean>} whether it is there.
 */
export async function mountPart(id, load, context) {
  const section = part(id);
  let mounted = true;
  try {
    const { mount } = await load();
    await mount(section, context);
  } catch (error) {
    mounted = false;
    if (error instanceof BundleError) throw error; // of a file that was altered: nothing of such a bundle is shown
    section.replaceChildren(make("p", { class: "failure" }, error instanceof Error ? error.message : String(error)));
  }
  section.hidden = false;
  return mounted;
}

/**
 * Hides parts of the page that have lost what they need.
 *
 * @param {string[]} ids of their sections.
 */
export function hideParts(ids) {
  for (const id of ids) part(id).hidden = true;
}

/**
 * Says which engine answers.
 *
 * @param {string} words
 * @param {"one" | "confirmed" | "differs" | "alone"} state
 */
export function showEngine(words, state) {
  fill("engine", words).dataset.state = state;
}

/**
 * Shows, in a sentence, why there is nothing to use.
 *
 * @param {unknown} error
 */
export function showFailure(error) {
  const failure = fill("failure", error instanceof Error ? error.message : String(error));
  failure.dataset.state = "failed";
  document.body.dataset.state = "failed"; // no later answer shows beside it
  if (part("intro").querySelector(".target") === null) part("intro").replaceChildren(make("h1", {}, "Not loaded"));
}
