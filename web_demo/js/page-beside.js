// The row in the form, in this browser and at the endpoint, side by side, while the visitor lets it be sent.

import { ContractError } from "./contract.js";
import { answerAt, difference, recordedOf } from "./endpoint.js";
import { replay } from "./golden.js";
import { make } from "./page-dom.js";
import { answerWords } from "./page-endpoint.js";
import { hostOf, post } from "./page-post.js";
import { gapWords, reasonOf } from "./words.js";

const QUIET = 300; // milliseconds without another change

/**
 * @typedef {{answer: import("./endpoint.js").Answer, milliseconds: number} | {failed: string}} Side
 */

/**
 * Shows the switch.
 *
 * @type {import("./context.js").Mount}
 */
export function mount(section, context) {
  const endpoint = /** @type {string} */ (context.endpoint);
  const host = hostOf(endpoint);
  const box = make("input", { type: "checkbox", id: "beside-on", role: "switch", "aria-describedby": "beside-words" });
  const words = make("p", { id: "beside-words", class: "hint" });
  const result = make("div", { id: "beside-result", class: "result", role: "status", "data-state": "idle" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let latest = 0;
  const run = async () => {
    const turn = ++latest;
    const [here, there] = await askBoth(context, endpoint);
    if (turn === latest && box.checked) showBoth(context.contract, result, host, here, there);
  };
  const change = () => {
    clearTimeout(timer);
    if (box.checked) timer = setTimeout(run, QUIET);
  };
  box.addEventListener("change", () => {
    latest += 1;
    result.replaceChildren();
    result.dataset.state = "idle";
    words.textContent = box.checked
      ? `Now the values in the form are sent to ${host} with every change.`
      : `Off: nothing that you enter leaves this browser. On: the values in the form are sent to ${host}.`;
    change();
  });
  section.replaceChildren(
    make("div", { class: "switch" }, box, make("label", { for: "beside-on" }, `Ask ${host} for this row, too`)),
    words,
    result,
  );
  box.dispatchEvent(new Event("change"));
  context.onChange(change);
}

/** @param {import("./context.js").Context} context @param {string} endpoint @returns {Promise<[Side, Side]>} */
async function askBoth({ contract, model, row }, endpoint) {
  const asked = row();
  const here = await side(contract, async () => {
    const [answer] = await replay(contract, model, [asked]);
    if ("rejected" in answer) throw new ContractError(answer.rejected);
    return answer;
  });
  const there = await side(contract, () => answerAt(contract, (body) => post(endpoint, "/predict", body), asked));
  return [here, there];
}

/**
 * @param {import("./contract.js").Contract} contract @param {() => Promise<import("./answer.js").Answer>} ask
 * @returns {Promise<Side>}
 */
async function side({ form }, ask) {
  const start = performance.now();
  try {
    const answer = await ask();
    return { milliseconds: performance.now() - start, answer: recordedOf(form, answer) };
  } catch (error) {
    return { failed: error instanceof ContractError ? error.problems[0].reason : reasonOf(error) };
  }
}

/**
 * @param {import("./contract.js").Contract} contract @param {HTMLElement} result @param {string} host
 * @param {Side} here @param {Side} there
 */
function showBoth(contract, result, host, here, there) {
  const both = "answer" in here && "answer" in there ? difference(contract, [here.answer], [there.answer]) : null;
  result.dataset.state = both?.same === 1 ? "holds" : "failed";
  const line = (/** @type {string} */ name, /** @type {Side} */ side) =>
    make("tr", {}, make("th", { scope: "row" }, name), ...cellsOf(side).map((cell) => make("td", {}, cell)));
  const heads = ["", "answer", "time"].map((name) => make("th", { scope: "col" }, name));
  result.replaceChildren(
    make("p", {}, make("strong", {}, sentence(both, host, here, there))),
    make(
      "table",
      { class: "strata" },
      make("thead", {}, make("tr", {}, ...heads)),
      make("tbody", {}, line("this browser", here), line("endpoint", there)),
    ),
  );
}

/** @param {Side} side @returns {string[]} */
function cellsOf(side) {
  if ("failed" in side) return ["—", "—"];
  return [answerWords(side.answer), `${side.milliseconds.toFixed(1)} ms`];
}

/** @param {import("./endpoint.js").Difference | null} both @param {string} host @param {Side} here @param {Side} there */
function sentence(both, host, here, there) {
  if ("failed" in here && "failed" in there) return `Both refuse this row. This browser: ${here.failed}`;
  if ("failed" in there) return `${host} failed: ${there.failed}. The answer of this browser stands.`;
  if ("failed" in here) return `This browser failed: ${here.failed}. The answer of ${host} stands alone.`;
  if (both === null || both.same === 1) return "The same bits in both.";
  const label = both.labelsDiffer === 0 ? "the same label" : "ANOTHER LABEL";
  return `Apart by ${both.maxUlp} ulp (${gapWords(both.maxAbs)}), with ${label}.`;
}
