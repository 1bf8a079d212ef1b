// The golden rows, replayed in this browser by each of the page's engines.

import { readRecorded } from "./answer.js";
import { recordedOf } from "./endpoint.js";
import { compare, replay, ulpDistance } from "./golden.js";
import { make } from "./page-dom.js";
import { gapWords, reasonOf, show } from "./words.js";

const LISTED = 20; // rows that differ

/**
 * @typedef {import("./golden.js").GoldenLine} GoldenLine
 * @typedef {import("./golden.js").Answer} Answer
 * @typedef {{name: string, comparison: import("./golden.js").Comparison, answers: Answer[], milliseconds: number}
 *   | {name: string, failed: string}} Replay
 */

/**
 * The button, and what it shows.
 *
 * @param {import("./context.js").Context} context
 * @param {(words: string, same: boolean) => void} report is told what was found.
 * @returns {HTMLElement}
 */
export function replayParts(context, report) {
  const button = make("button", { type: "button", class: "primary", id: "self-check" });
  button.append("Replay the golden rows in this browser");
  const result = make("div", { id: "self-check-result", class: "result", role: "status", "data-state": "idle" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    result.dataset.state = "running";
    result.textContent = "Replaying…";
    try {
      const { agree, rows } = await showReplays(context, result);
      report(`${show(rows)} golden rows: ${show(rows - agree)} differ`, agree === rows);
    } catch (error) {
      result.dataset.state = "failed";
      result.textContent = reasonOf(error);
      report("failed", false);
    }
    button.disabled = false;
  });
  return make("div", { class: "self-check" }, button, result);
}

/** @param {import("./context.js").Context} context @param {HTMLElement} result */
async function showReplays(context, result) {
  const { contract } = context;
  const lines = await context.golden();
  const evaluator = await context.evaluator();
  const replays = [
    ...(evaluator === null ? [] : [await replayBy("Evaluator", contract, lines, async () => evaluator)]),
    await replayBy("onnxruntime-web", contract, lines, context.fullModel),
  ];
  const done = replays.flatMap((each) => ("failed" in each ? [] : [each]));
  if (done.length === 0) throw new Error(replays.map(sentenceOf).join(" "));
  const worst = done.reduce((most, each) => (each.comparison.agree < most.comparison.agree ? each : most));
  const { agree, rows, labelsDiffer, outside, strata } = worst.comparison;
  const kinds = strata.map((stratum) => `${stratum.name} ${show(stratum.rows)}`).join(", ");
  result.dataset.state = agree === rows ? "holds" : "failed";
  result.replaceChildren(
    make("p", {}, make("strong", {}, `${show(agree)} of ${show(rows)} rows agree with the original.`)),
    make("p", {}, `Labels that differ: ${show(labelsDiffer)}. Rows outside the tolerance: ${show(outside)}.`),
    engineTable(replays),
    ...done.flatMap((each) => rowsApart(contract, lines, each)),
    make("small", {}, kinds),
  );
  return worst.comparison;
}

/**
 * @param {string} name @param {import("./contract.js").Contract} contract @param {GoldenLine[]} lines
 * @param {() => Promise<import("./predictor.js").ModelCall>} load
 * @returns {Promise<Replay>} never rejects.
 */
async function replayBy(name, contract, lines, load) {
  try {
    const model = await load();
    const rows = lines.map((line) => line.row);
    const start = performance.now();
    const answers = await replay(contract, model, rows);
    const milliseconds = performance.now() - start;
    return { name, answers, milliseconds, comparison: compare(contract, lines, answers) };
  } catch (error) {
    if (error instanceof RangeError) return { name, failed: "it leaves rows of this model to the other engine" };
    return { name, failed: reasonOf(error) };
  }
}

/** @param {Replay} replay */
function sentenceOf(replay) {
  return "failed" in replay ? `${replay.name}: ${replay.failed}.` : "";
}

/** @param {Replay[]} replays */
function engineTable(replays) {
  const lines = replays.map((each) => {
    const name = make("th", { scope: "row" }, each.name);
    if ("failed" in each) return make("tr", {}, name, make("td", { colspan: 3 }, each.failed));
    const { agree, rows, maxUlp, strata } = each.comparison;
    const apart = Math.max(...strata.map(({ maxAbs }) => maxAbs));
    const cells = [
      [`${show(agree)} of ${show(rows)}`],
      [show(maxUlp), apart > 0 && make("small", {}, gapWords(apart))],
      [`${each.milliseconds.toFixed(each.milliseconds < 10 ? 1 : 0)} ms`],
    ];
    return make("tr", {}, name, ...cells.map((cell) => make("td", {}, ...cell)));
  });
  const heads = ["engine", "agree", "largest ulp", "time"];
  const head = make("tr", {}, ...heads.map((each) => make("th", { scope: "col" }, each)));
  return make("table", { class: "strata" }, make("thead", {}, head), make("tbody", {}, ...lines));
}

/**
 * The rows that do not agree, with both answers; nothing where all agree.
 *
 * @param {import("./contract.js").Contract} contract @param {GoldenLine[]} lines @param {Exclude<Replay, {failed: string}>} each
 * @returns {HTMLElement[]}
 */
function rowsApart(contract, lines, { name, comparison, answers }) {
  if (comparison.apart.length === 0) return [];
  const items = comparison.apart.slice(0, LISTED).map((position) => {
    const line = lines[position];
    const [original, here] = [originalOf(contract, line), hereOf(contract, answers[position])];
    const steps = original.numbers.map((number, k) => ulpDistance(number, here.numbers[k] ?? NaN));
    const far = steps.reduce((most, step) => (step > most ? step : most), 0n);
    const words = `Row ${position + 1} (${line.stratum}): the original says ${original.words}, here ${here.words}`;
    return make("li", {}, far > 0n && far < 2n ** 63n ? `${words}; ${show(far)} ulp apart.` : `${words}.`);
  });
  const more = comparison.apart.length - items.length;
  return [
    make("p", {}, `${name}, rows that differ:`),
    make("ol", { class: "reasons" }, ...items, more > 0 && make("li", {}, `and ${show(more)} more`)),
  ];
}

/** @param {import("./contract.js").Contract} contract @param {GoldenLine} line */
function originalOf({ form }, { answer, rejected = [] }) {
  const read = answer === undefined ? null : readRecorded(form, answer);
  if (read === null) return { numbers: [], words: `that it rejects ${rejected.map(({ kind }) => kind).join(", ")}` };
  return { numbers: read.numbers, words: [...read.labels, ...read.numbers].slice(0, 3).join(" · ") };
}

/** @param {import("./contract.js").Contract} contract @param {Answer} answer */
function hereOf({ form }, answer) {
  if ("rejected" in answer) return { numbers: [], words: "it is rejected" };
  const { labels, numbers } = recordedOf(form, answer) ?? { labels: [], numbers: answer.numbers };
  return { numbers, words: [...labels, ...numbers].slice(0, 3).join(" · ") };
}
