// The golden rows in this browser and at the endpoint, side by side, where the site names one.

import { askEndpoint, askPage, difference } from "./endpoint.js";
import { make } from "./page-dom.js";
import { show } from "./words.js";

const SHOWN = 8; // rows

/**
 * @param {import("./context.js").Context} context
 * @param {string} endpoint the address before `/predict`.
 * @returns {HTMLElement}
 */
export function endpointParts(context, endpoint) {
  const button = make("button", { type: "button", class: "primary", id: "side-by-side" }, "Ask the endpoint, too");
  const result = make("div", { id: "side-by-side-result", class: "result", role: "status", "data-state": "idle" });
  const words = `Sends the golden rows, and nothing that you entered, to ${new URL(endpoint).host}.`;
  button.addEventListener("click", async () => {
    button.disabled = true;
    result.dataset.state = "running";
    result.textContent = "Asking…";
    await ask(context, endpoint, result);
    button.disabled = false;
  });
  return make("div", { class: "self-check" }, button, make("small", {}, words), result);
}

/** @param {import("./context.js").Context} context @param {string} endpoint @param {HTMLElement} result */
async function ask({ contract, golden, model }, endpoint, result) {
  const lines = (await golden()).filter(({ answer }) => answer !== undefined);
  const rows = lines.map(({ row }) => /** @type {import("./contract.js").Row} */ (row));
  const here = await askPage(contract, model, rows);
  const there = await askEndpoint(contract, (body) => post(`${endpoint}/predict`, body), rows);
  const both = "answers" in here && "answers" in there ? difference(here.answers, there.answers) : null;
  const holds = both !== null && both.labelsDiffer === 0 && both.compared > 0;
  result.dataset.state = holds ? "holds" : "failed";
  result.replaceChildren(
    ...(both === null
      ? []
      : [make("p", {}, make("strong", {}, `${show(both.same)} of ${show(both.compared)} rows`), told(both))]),
    make("p", {}, sideWords("This browser", here, "the endpoint", there)),
    make("p", {}, sideWords("The endpoint", there, "this browser", here)),
    table(lines.slice(0, SHOWN), here, there),
  );
}

/** @param {import("./endpoint.js").Difference} both */
function told({ labelsDiffer, maxAbs, maxUlp }) {
  const largest = maxAbs === 0 ? "0" : `${maxAbs.toExponential(1)} (${maxUlp} ulp)`;
  return ` are the same bit for bit. Labels that differ: ${show(labelsDiffer)}. Largest difference: ${largest}.`;
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
 * @param {import("./golden.js").GoldenLine[]} lines @param {import("./endpoint.js").Side} here
 * @param {import("./endpoint.js").Side} there
 */
function table(lines, here, there) {
  const cell = (/** @type {import("./endpoint.js").Side} */ side, /** @type {number} */ k) => {
    const answer = "answers" in side ? side.answers[k] : null;
    return make("td", {}, answer ? [...answer.labels, ...answer.numbers].slice(0, 3).join(" · ") : "—");
  };
  const rows = lines.map(({ stratum }, k) =>
    make("tr", {}, make("th", { scope: "row" }, stratum), cell(here, k), cell(there, k)),
  );
  const heads = ["kind of row", "this browser", "endpoint"].map((name) => make("th", { scope: "col" }, name));
  return make("table", { class: "strata" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
}

/** @param {string} address @param {string} body */
async function post(address, body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(address, { method: "POST", headers, body }).catch(() => null);
  if (response === null) throw new Error("it cannot be reached, or does not let this page's origin in");
  return { status: response.status, text: await response.text() };
}
