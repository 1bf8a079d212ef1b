// The answer: a probability with its threshold, one bar per class, scores, a label, a value on the training range, or
// one line per target.

import { numbersOf } from "./answer.js";
import { fill, make, style } from "./page-dom.js";
import { decided } from "./predictor.js";
import { inService, percent, show } from "./words.js";

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Problem} Problem
 * @typedef {import("./predictor.js").Prediction} Prediction
 * @typedef {import("./answer.js").Target} Target
 */

/** Shows that the model is on its way. */
export function showWaiting() {
  fill("answer", make("p", { class: "kicker" }, "Answer"), make("p", { class: "waiting" }, "The model is loading…"));
}

/**
 * Shows a prediction.
 *
 * @param {Contract} contract
 * @param {Prediction} prediction
 * @param {number} milliseconds measured around the whole prediction.
 * @param {import("./context.js").Counts} training the answers to the training rows.
 */
export function showPrediction(contract, prediction, milliseconds, training) {
  const { edges } = training;
  /** @type {[number, number] | null} */
  const range = edges !== undefined && edges.length > 0 ? [edges[0], edges[edges.length - 1]] : null;
  const body = bodyParts(contract, prediction, range);
  const missing = prediction.warnings.filter((warning) => warning.kind === "imputed").length;
  const odd = prediction.warnings.length - missing;
  const cautions = [
    odd === 0 ? null : `${odd} ${odd === 1 ? "input is" : "inputs are"} unlike the training rows.`,
    missing === 0 ? null : `${missing} ${missing === 1 ? "input is" : "inputs are"} missing: the model fills in.`,
  ];
  const service = inService(contract);
  const answer = fill(
    "answer",
    ...body,
    ...cautions.map((caution) => caution && make("p", { class: "caution" }, caution)),
    service && make("p", { class: "took service" }, service),
    make("p", { class: "took", "data-ms": milliseconds.toFixed(3) }, took(milliseconds)),
  );
  answer.dataset.state = "answered";
}

/**
 * Shows that the row has no answer, and why.
 *
 * @param {Problem[]} problems
 */
export function showProblems(problems) {
  const reasons = problems.slice(0, 5).map((problem) => make("li", {}, problem.reason));
  const answer = fill(
    "answer",
    make("p", { class: "kicker" }, "No answer"),
    make("p", { class: "decision" }, "The model's contract rejects this row."),
    make("ul", { class: "reasons" }, ...reasons),
  );
  answer.dataset.state = "rejected";
}

/** @param {Contract} contract @param {Prediction} prediction @param {[number, number] | null} range */
function bodyParts(contract, prediction, range) {
  if (contract.form.several) return targetParts(contract, prediction);
  if (contract.form.numbers === "value") return valueParts(contract, prediction.numbers[0], range);
  if (contract.form.numbers !== "probabilities") return scoreParts(contract, prediction);
  return contract.threshold === null
    ? classParts(contract, prediction)
    : thresholdParts(contract, prediction, contract.threshold);
}

/** @param {number} milliseconds @returns {string} */
function took(milliseconds) {
  const time = milliseconds < 0.1 ? "less than 0.1 ms" : `${milliseconds.toFixed(1)} ms`;
  return `Answered in this browser in ${time}.`;
}

/**
 * @param {Contract} contract @param {Prediction} prediction
 * @param {NonNullable<Contract["threshold"]>} threshold
 */
function thresholdParts(contract, prediction, threshold) {
  const { position, number: probability } = decided(contract, threshold, prediction.numbers);
  const { classKeys } = contract.form.targets[0];
  const reached = probability >= threshold.value;
  const bar = make(
    "div",
    {
      class: "bar threshold",
      role: "img",
      "aria-label": `${percent(probability)}, threshold ${percent(threshold.value)}`,
    },
    make("span", { class: "bar-fill" }),
    make("span", { class: "bar-mark" }),
    make("span", { class: "bar-mark-text" }, `threshold ${percent(threshold.value)}`),
  );
  style(style(bar, "--share", `${probability * 100}%`), "--mark", `${threshold.value * 100}%`);
  bar.classList.toggle("mark-right", threshold.value > 0.5);
  const label = classKeys[prediction.labels[0]];
  const side = reached ? "At or above" : "Below";
  return [
    make("p", { class: "kicker" }, `Probability that ${contract.target.name} is ${classKeys[position]}`),
    make("p", { class: "headline", "data-exact": String(probability) }, percent(probability)),
    bar,
    make(
      "p",
      { class: "decision", "data-label": label },
      `${side} the threshold: the answer is `,
      make("strong", {}, `${contract.target.name} = ${label}`),
      ".",
    ),
  ];
}

/** @param {Contract} contract @param {Prediction} prediction */
function classParts(contract, prediction) {
  const [{ classKeys }] = contract.form.targets;
  const [chosen] = prediction.labels;
  const rows = classKeys.map((key, k) => {
    const share = prediction.numbers[k];
    const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("span", { class: "bar-fill" }));
    return make(
      "li",
      { class: k === chosen ? "chosen" : null },
      make("span", { class: "class-name" }, key),
      make("span", { class: "class-share", "data-exact": String(share) }, percent(share)),
      style(bar, "--share", `${share * 100}%`),
    );
  });
  return [...labelParts(contract, classKeys[chosen]), make("ul", { class: "classes" }, ...rows)];
}

/** @param {Contract} contract @param {Prediction} prediction */
function scoreParts(contract, prediction) {
  const [{ classKeys, keys }] = contract.form.targets;
  const chosen = classKeys[prediction.labels[0]];
  const rows = keys.map((key, k) => {
    const score = prediction.numbers[k];
    return make(
      "li",
      { class: key === chosen ? "chosen" : null },
      make("span", { class: "class-name" }, `score of ${key}`),
      make("span", { class: "class-share", "data-exact": String(score) }, show(score)),
    );
  });
  const parts = [...labelParts(contract, chosen), make("ul", { class: "classes" }, ...rows)];
  const { threshold } = contract;
  if (threshold === null) return parts;
  const { position, number } = decided(contract, threshold, prediction.numbers);
  const side = number >= threshold.value ? "at or above" : "below";
  const rule = `The score of ${classKeys[position]}, ${show(number)}, is ${side} the threshold, ${show(threshold.value)}.`;
  return [...parts, make("p", { class: "decision" }, rule)];
}

/** @param {Contract} contract @param {string} label */
function labelParts(contract, label) {
  return [
    make("p", { class: "kicker" }, contract.target.name),
    make("p", { class: "headline", "data-label": label }, label),
  ];
}

/** @param {Contract} contract @param {Prediction} prediction */
function targetParts({ form }, prediction) {
  const rows = form.targets.map((target, index) => {
    const label = prediction.labels[index];
    const numbers = numbersOf(target, prediction);
    const shown = form.labels === 0 ? show(numbers[0]) : target.classKeys[label];
    const beside = form.numbers === "probabilities" ? percent(numbers[label]) : null;
    return make(
      "li",
      { "data-target": target.name },
      make("span", { class: "class-name" }, target.name ?? ""),
      make("strong", { "data-exact": form.labels === 0 ? String(numbers[0]) : null }, shown),
      beside && make("span", { class: "class-share" }, beside),
    );
  });
  return [make("p", { class: "kicker" }, "Answers"), make("ul", { class: "targets" }, ...rows)];
}

/** @param {Contract} contract @param {number} value @param {[number, number] | null} range */
function valueParts(contract, value, range) {
  const { name, unit } = contract.target;
  const headline = make("p", { class: "headline", "data-exact": String(value) }, show(value));
  if (unit !== null) headline.append(" ", make("span", { class: "headline-unit" }, unit));
  const parts = [make("p", { class: "kicker" }, name), headline];
  if (range === null || !(range[0] < range[1])) return parts;
  const share = Math.min(1, Math.max(0, (value - range[0]) / (range[1] - range[0])));
  const track = make("div", { class: "track", "aria-hidden": "true" }, make("span", { class: "track-dot" }));
  const ends = make("p", { class: "ends" }, make("span", {}, show(range[0])), make("span", {}, show(range[1])));
  const side = value < range[0] ? "Below" : value > range[1] ? "Above" : "Among";
  const place = make("p", { class: "decision" }, `${side} the answers to the training rows.`);
  return [...parts, style(track, "--share", `${share * 100}%`), ends, place];
}
