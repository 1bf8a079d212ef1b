// The certificate in short, and the self-check that replays the golden rows in this browser.

import { compare, replay } from "./golden.js";
import { make } from "./page-dom.js";
import { endpointParts } from "./page-endpoint.js";
import { show } from "./words.js";

/**
 * @typedef {{name: string, rows: number, labels_differ: number, outside: number, undecidable: number, max_abs: number}}
 *   CertifiedStratum
 * @typedef {{class: string, strata: CertifiedStratum[], batch: {rows: number, alone: number},
 *   mutation: {effective: number, caught: number}}} Certificate docs/bundle.md's parity.json, as far as it shows here.
 * @typedef {import("./golden.js").Comparison} Comparison
 */

/** @type {Record<string, string>} */
const STRATA = {
  real: "the training table itself",
  recombined: "values of the table in new combinations",
  boundary: "neighbouring numbers between which the original's answer jumps",
  threshold: "both sides of single splits of the trees",
  special: "zeros, extremes, the smallest numbers",
  missing: "rows with unknown values",
  unseen: "categories that training never saw",
  rejected: "rows that the original rejects",
};

/** @type {Record<string, string>} */
const CLASSES = {
  identical: "Every number is the original's, bit for bit.",
  rounding: "Nothing differs but the last digits of some numbers, by float64 rounding.",
};

/**
 * Shows the certificate.
 *
 * @type {import("./context.js").Mount}
 */
export async function mount(section, context) {
  const certificate = await context.certificate();
  const rows = sum(certificate.strata, "rows");
  const differ = sum(certificate.strata, "labels_differ") + sum(certificate.strata, "outside");
  const { effective, caught } = certificate.mutation;
  section.replaceChildren(
    make("h2", { id: "proof-title" }, "Is it the same model?"),
    make(
      "p",
      { class: "lead" },
      `At export the answers were held against the original scikit-learn model. ${CLASSES[certificate.class] ?? ""}`,
    ),
    make(
      "dl",
      { class: "facts" },
      fact("class", certificate.class),
      fact("rows checked", show(rows)),
      fact("rows that differ", show(differ)),
      fact(
        "one row = a batch",
        `${show(certificate.batch.rows - certificate.batch.alone)} of ${show(certificate.batch.rows)}`,
      ),
      fact("altered models caught", effective === 0 ? "none made" : `${show(caught)} of ${show(effective)}`),
    ),
    selfCheckParts(() => selfCheck(context)),
    ...(context.endpoint === null ? [] : [endpointParts(context, context.endpoint)]),
    strataTable(certificate.strata),
  );
}

/** @param {import("./context.js").Context} context */
async function selfCheck({ contract, golden, model }) {
  const lines = await golden();
  const start = performance.now();
  const answers = await replay(
    contract,
    model,
    lines.map((line) => line.row),
  );
  return { milliseconds: performance.now() - start, comparison: compare(contract, lines, answers) };
}

/** @param {CertifiedStratum[]} strata @param {"rows" | "labels_differ" | "outside"} key */
function sum(strata, key) {
  return strata.reduce((total, stratum) => total + stratum[key], 0);
}

/** @param {string} term @param {string} value */
function fact(term, value) {
  return make("div", { class: "fact" }, make("dt", {}, term), make("dd", {}, value));
}

/** @param {number} apart @returns {string} */
function difference(apart) {
  return apart === 0 ? "0" : apart.toExponential(1);
}

/** @param {CertifiedStratum[]} strata */
function strataTable(strata) {
  const heads = ["rows", "labels differ", "outside tolerance", "largest difference"];
  const lines = strata.map((stratum) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, stratum.name, make("small", {}, STRATA[stratum.name] ?? "")),
      ...[stratum.rows, stratum.labels_differ, stratum.outside].map((n) => make("td", {}, show(n))),
      make("td", {}, difference(stratum.max_abs)),
    ),
  );
  const head = make(
    "tr",
    {},
    make("th", { scope: "col" }, "kind of row"),
    ...heads.map((name) => make("th", { scope: "col" }, name)),
  );
  return make("table", { class: "strata" }, make("thead", {}, head), make("tbody", {}, ...lines));
}

/** @param {() => Promise<{comparison: Comparison, milliseconds: number}>} selfCheck */
function selfCheckParts(selfCheck) {
  const button = make(
    "button",
    { type: "button", class: "primary", id: "self-check" },
    "Replay the golden rows in this browser",
  );
  const result = make("output", { id: "self-check-result", class: "result", "data-state": "idle" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    result.dataset.state = "running";
    result.textContent = "Replaying…";
    try {
      const { comparison, milliseconds } = await selfCheck();
      showComparison(result, comparison, milliseconds);
    } catch (error) {
      result.dataset.state = "failed";
      result.textContent = error instanceof Error ? error.message : String(error);
    }
    button.disabled = false;
  });
  return make("div", { class: "self-check" }, button, result);
}

/** @param {HTMLElement} result @param {Comparison} comparison @param {number} milliseconds */
function showComparison(result, comparison, milliseconds) {
  const { rows, agree, labelsDiffer, outside } = comparison;
  const largest = Math.max(...comparison.strata.map(({ maxAbs }) => maxAbs));
  result.dataset.state = agree === rows ? "holds" : "failed";
  const kinds = comparison.strata.map((stratum) => `${stratum.name} ${show(stratum.rows)}`).join(", ");
  result.replaceChildren(
    make("strong", {}, `${show(agree)} of ${show(rows)} rows agree with the original.`),
    ` Labels that differ: ${show(labelsDiffer)}. Rows outside the tolerance: ${show(outside)}. `,
    `Largest difference: ${difference(largest)}. ${milliseconds.toFixed(0)} ms.`,
    make("small", {}, kinds),
  );
}
