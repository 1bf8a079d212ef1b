// The golden rows in this browser and at the endpoint, side by side, where the site names one.

import { askEndpoint, askPage, difference } from "./endpoint.js";
import { make } from "./page-dom.js";
import { hostOf, post } from "./page-post.js";
import { gapWords, show } from "./words.js";

const SHOWN = 8; // rows

/**
 * @param {import("./context.js").Context} context
 * @param {string} endpoint the address before `/predict`.
 * @param {(words: string, same: boolean) => void} report is told what was found.
 * @returns {HTMLElement}
 */
export function endpointParts(context, endpoint, report) {
  const button = make("button", { type: "button", class: "primary", id: "side-by-side" }, "Ask the endpoint, too");
  const result = make("div", { id: "side-by-side-result", class: "result", role: "status", "data-state": "idle" });
  const words = `Sends the golden rows, and nothing that you entered, to ${hostOf(endpoint)}.`;
  button.addEventListener("click", async () => {
    button.disabled = true;
    result.dataset.state = "running";
    result.textContent = "Asking…";
    await ask(context, endpoint, result, report);
    button.disabled = false;
  });
  return make("div", { class: "self-check" }, button, make("small", {}, words), result);
}

/**
 * @param {import("./context.js").Context} context @param {string} endpoint @param {HTMLElement} result
 * @param {(words: string, same: boolean) => void} report
 */
async function ask({ contract, golden, model }, endpoint, result, report) {
  const lines = (await golden()).filter(({ answer }) => answer !== undefined);
  const rows = lines.map(({ row }) => /** @type {import("./contract.js").Row} */ (row));
  const here = await askPage(contract, model, rows);
  const there = await askEndpoint(contract, (body) => post(endpoint, "/predict", body), rows);
  const both =
    "answers" in here && "answers" in there ? difference(contract, here.answers, there.answers, lines) : null;
  const holds = both !== null && both.labelsDiffer + both.outside === 0 && both.compared > 0;
  result.dataset.state = holds ? "holds" : "failed";
  const differ = (both?.labelsDiffer ?? 0) + (both?.outside ?? 0);
  report(both === null ? "failed" : `${show(both.compared)} golden rows: ${show(differ)} differ`, holds);
  result.replaceChildren(
    ...(both === null ? [] : told(both, lines.length)),
    make("p", {}, sideWords("This browser", here, "the endpoint", there)),
    make("p", {}, sideWords("The endpoint", there, "this browser", here)),
    table(contract, lines, here, there),
  );
}

/** @param {import("./endpoint.js").Difference} both @param {number} asked */
function told({ compared, same, labelsDiffer, undecided, outside, maxAbs, maxUlp }, asked) {
  const largest = maxAbs === 0 ? "0" : `${gapWords(maxAbs)} (${show(maxUlp)} ulp)`;
  const edge = undecided === 0 ? "" : ` Other labels where the original itself is undecided: ${show(undecided)}.`;
  const none = compared === asked ? "" : ` Not answered by both: ${show(asked - compared)}.`;
  return [
    make(
      "p",
      {},
      make("strong", {}, `${show(same)} of ${show(compared)} rows`),
      ` are the same bit for bit. Labels that differ: ${show(labelsDiffer)}. Outside the tolerance: ${show(outside)}.` +
        ` Largest difference: ${largest}.${edge}${none}`,
    ),
  ];
}

/**
 * @param {string} name @param {import("./endpoint.js").Side} side @param {string} otherName
 * @param {import("./endpoint.js").Side} other
 */
function sideWords(name, side, otherName, other) {
  if ("answers" in side) return `${name}: ${side.milliseconds.toFixed(2)} ms for one row, the median of five.`;
  const instead = "answers" in other ? `The answers below are those of ${otherName} alone.` : "There are no answers.";
  return `${name} failed: ${side.failed}. ${instead}`;
}

/**
 * Some rows, those farthest apart first.
 *
 * @param {import("./contract.js").Contract} contract @param {import("./golden.js").GoldenLine[]} lines
 * @param {import("./endpoint.js").Side} here @param {import("./endpoint.js").Side} there
 */
function table(contract, lines, here, there) {
  const at = (/** @type {import("./endpoint.js").Side} */ side, /** @type {number} */ k) =>
    "answers" in side ? side.answers[k] : null;
  const found = lines.map(({ stratum, ...line }, k) => {
    const [one, other] = [at(here, k), at(there, k)];
    return { stratum, one, other, apart: difference(contract, [one], [other], [line]) };
  });
  found.sort((a, b) => rank(b.apart) - rank(a.apart) || Number(b.apart.maxUlp - a.apart.maxUlp));
  const rows = found.slice(0, SHOWN).map(({ stratum, one, other, apart }) => {
    const cells = [answerWords(one), answerWords(other), apart.compared === 0 ? "—" : apartWords(apart)];
    return make("tr", {}, make("th", { scope: "row" }, stratum), ...cells.map((cell) => make("td", {}, cell)));
  });
  const heads = ["kind of row", "this browser", "endpoint", "apart"].map((name) => make("th", { scope: "col" }, name));
  return make(
    "table",
    { class: "strata both" },
    make("thead", {}, make("tr", {}, ...heads)),
    make("tbody", {}, ...rows),
  );
}

/** @param {import("./endpoint.js").Difference} apart @returns {number} how much two answers to one row differ. */
function rank({ labelsDiffer, outside, undecided }) {
  return 2 * (labelsDiffer + outside) + undecided;
}

/** @param {import("./endpoint.js").Difference} apart */
function apartWords({ same, maxUlp, labelsDiffer, undecided }) {
  if (same === 1) return "0";
  const label = labelsDiffer > 0 ? ", another label" : undecided > 0 ? ", on the edge" : "";
  return `${maxUlp} ulp${label}`;
}

/** @param {import("./endpoint.js").Answer} answer @returns {string} its labels and one number, in full. */
export function answerWords(answer) {
  if (answer === null) return "—";
  const { labels, numbers } = answer;
  const told = numbers.length > 2 ? [Math.max(...numbers)] : numbers.slice(-1);
  return [...labels, ...told].join(" · ");
}
