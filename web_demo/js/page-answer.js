// The answer: a probability with its threshold, one bar per class, scores, a label, a value on the training range, or
// one line per target.

import { numbersOf } from "./answer.js";
import { binsOf, quantile, rank } from "./distribution.js";
import { endsOf } from "./interval.js";
import { fill, make, part, style } from "./page-dom.js";
import { drawDensity, makeBand, makeBar, makeMark } from "./page-picture.js";
import { rankingParts } from "./page-ranking.js";
import { decided } from "./predictor.js";
import { inService, percent, show } from "./words.js";

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Problem} Problem
 * @typedef {import("./predictor.js").Prediction} Prediction
 * @typedef {import("./distribution.js").Bins} Bins
 * @typedef {{where: string, sent: string, away: boolean}} Place Where an answer was made, and what was sent for it, in
 *   words; whether that is another place than this browser.
 */

const QUIET = 600; // milliseconds without another answer before one is read out
const MOST = 0.1; // the share of the training answers on either side of the ones that count as usual
const PRIVATE = { where: "in this browser", sent: "; nothing was sent", away: false };
/** @type {ReturnType<typeof setTimeout> | undefined} */
let saying;

/** Shows that the model is on its way. */
export function showWaiting() {
  part("work").hidden = false;
  fill("answer", make("p", { class: "kicker" }, "Answer"), make("p", { class: "waiting" }, "The model is loading…"));
}

/**
 * Shows a prediction.
 *
 * @param {Contract} contract
 * @param {Prediction} prediction
 * @param {number} milliseconds measured around the whole prediction.
 * @param {import("./context.js").Counts} training the answers to the training rows.
 * @param {Place} [place] that answered.
 */
export function showPrediction(contract, prediction, milliseconds, training, place = PRIVATE) {
  const body = bodyParts(contract, prediction, binsOf(training));
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
    make(
      "p",
      { class: place.away ? "took away" : "took", "data-ms": milliseconds.toFixed(3) },
      took(milliseconds, place),
    ),
  );
  answer.dataset.state = "answered";
  say(answer);
}

/**
 * Lets screen readers say the answer once the inputs rest; they would never come to an end of every movement's,
 * and the second engine answers what the first one has said.
 *
 * @param {HTMLElement} answer
 */
function say(answer) {
  clearTimeout(saying);
  saying = setTimeout(() => {
    const told = [...answer.querySelectorAll(".kicker, .headline, .decision, .reasons, .chosen, .targets")];
    const words = told.map((element) => element.textContent).join(". ");
    if (part("said").textContent !== words) part("said").textContent = words;
  }, QUIET);
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
  say(answer);
}

/** @param {Contract} contract @param {Prediction} prediction @param {Bins | null} training */
function bodyParts(contract, prediction, training) {
  if (contract.form.ranking !== null) return rankingParts(contract, contract.form.ranking, prediction);
  if (contract.form.several) return targetParts(contract, prediction);
  if (contract.form.numbers === "value") return valueParts(contract, prediction.numbers[0], training);
  if (contract.form.numbers !== "probabilities") return scoreParts(contract, prediction);
  return contract.threshold === null
    ? classParts(contract, prediction)
    : thresholdParts(contract, prediction, contract.threshold, training);
}

/** @param {number} milliseconds @param {Place} place @returns {string} */
function took(milliseconds, { where, sent }) {
  const time = milliseconds < 0.1 ? "less than 0.1 ms" : `${milliseconds.toFixed(1)} ms`;
  return `Answered ${where} in ${time}${sent}.`;
}

/**
 * @param {Contract} contract @param {Prediction} prediction
 * @param {NonNullable<Contract["threshold"]>} threshold
 * @param {Bins | null} training
 */
function thresholdParts(contract, prediction, threshold, training) {
  const { position, number: probability } = decided(contract, threshold, prediction.numbers);
  const { classKeys } = contract.form.targets[0];
  const { abstain } = contract.automation;
  const label = classKeys[prediction.labels[0]];
  const side = probability >= threshold.value ? "At or above" : "Below";
  const doubtful = abstain !== null && abstain[0] <= probability && probability <= abstain[1];
  const mark = makeMark(threshold.value, `threshold ${percent(threshold.value)}`);
  const marks = abstain === null ? [mark] : [makeBand(abstain[0], abstain[1]), mark];
  return [
    make("p", { class: "kicker" }, probabilityOf(contract.target.name, classKeys, position)),
    make("p", { class: "headline", "data-exact": String(probability) }, percent(probability)),
    make("div", { class: "picture" }, training && drawDensity(training, 0, 1), makeBar(probability, ...marks)),
    make(
      "p",
      { class: "decision", "data-label": label },
      `${side} the threshold: the answer is `,
      make("strong", {}, `${contract.target.name} = ${label}`),
      ".",
    ),
    doubtful &&
      make("p", { class: "doubt" }, `Between ${percent(abstain[0])} and ${percent(abstain[1])} a person decides.`),
    training && make("p", { class: "place" }, place(training, probability)),
  ];
}

/**
 * @param {string} name of the target. @param {readonly string[]} classKeys @param {number} position of the class.
 * @returns {string} whose probability it is: of 0 and 1 the 1 goes without saying.
 */
function probabilityOf(name, classKeys, position) {
  const plain = ["0 1", "false true", "no yes"].includes(classKeys.join(" ").toLowerCase()) && position === 1;
  return plain ? `Probability of ${name.replace(/_+/g, " ")}` : `Probability that ${name} is ${classKeys[position]}`;
}

/** @param {Bins} training @param {number} number @returns {string} where it lies among the training rows' numbers. */
function place(training, number) {
  const below = rank(training, number);
  if (below <= 0) return "Grey: the answers to the training rows; all of them are higher.";
  if (below >= 1) return "Grey: the answers to the training rows; all of them are lower.";
  const [share, side] = below < 0.5 ? [1 - below, "higher"] : [below, "lower"];
  return `Grey: the answers to the training rows; ${percent(share)} of them are ${side}.`;
}

/** @param {Contract} contract @param {Prediction} prediction */
function classParts(contract, prediction) {
  const [{ classKeys }] = contract.form.targets;
  const [chosen] = prediction.labels;
  const terse = classKeys.length > 4 && classKeys.every((key) => key.length < 3); // columns, where there is little room
  const rows = classKeys.map((key, k) => {
    const share = prediction.numbers[k];
    return make(
      "li",
      { class: k === chosen ? "chosen" : null },
      make("span", { class: "class-name" }, key),
      make("span", { class: "class-share", "data-exact": String(share) }, percent(share)),
      makeBar(share),
    );
  });
  return [
    ...labelParts(contract, classKeys[chosen]),
    make("ul", { class: terse ? "classes terse" : "classes" }, ...rows),
  ];
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

/** @param {Contract} contract @param {number} value @param {Bins | null} training */
function valueParts(contract, value, training) {
  const { name, unit } = contract.target;
  const headline = make("p", { class: "headline", "data-exact": String(value) }, show(value));
  if (unit !== null) headline.append(" ", make("span", { class: "headline-unit" }, unit));
  const { interval } = contract.form;
  const ends = interval && endsOf(interval, value);
  const within = ends && make("p", { class: "decision", "data-interval": ends.join(" ") }, endWords(interval, ends));
  const parts = [make("p", { class: "kicker" }, name), headline, within];
  const [least, most] = training === null ? [0, 0] : [training.edges[0], training.edges[training.edges.length - 1]];
  if (training === null || !(least < most)) return parts;
  const [low, high] = ends === null ? [least, most] : [Math.min(least, ends[0]), Math.max(most, ends[1])];
  const share = (/** @type {number} */ number) => Math.min(1, Math.max(0, (number - low) / (high - low)));
  const usual = [quantile(training, MOST), quantile(training, 1 - MOST)];
  const band = ends ?? usual;
  const track = make(
    "div",
    { class: "track", "aria-hidden": "true" },
    makeBand(share(band[0]), share(band[1])),
    make("span", { class: "track-dot" }),
  );
  style(track, "--share", `${share(value) * 100}%`);
  return [
    ...parts,
    make("div", { class: "picture" }, drawDensity(training, low, high), track),
    make("p", { class: "ends" }, make("span", {}, shortly(low)), make("span", {}, shortly(high))),
    make("p", { class: "decision" }, `${sideOf(value, least, most)} the answers to the training rows.`),
    make("p", { class: "place" }, `${place(training, value)}${ends === null ? ` ${usualWords(usual)}` : ""}`),
  ];
}

/** @param {import("./interval.js").Interval} interval @param {number[]} ends @returns {string} */
function endWords({ level }, [from, to]) {
  const percentage = `${Number((100 * level).toPrecision(3))}\u00a0%`;
  return `Between ${shortly(from)} and ${shortly(to)} for ${percentage} of such rows: the band.`;
}

/** @param {number} value @param {number} low @param {number} high */
function sideOf(value, low, high) {
  if (value < low) return "Below";
  return value > high ? "Above" : "Among";
}

/** @param {number[]} usual @returns {string} what the band on the track is. */
function usualWords([from, to]) {
  return `The band holds the middle ${Math.round(100 * (1 - 2 * MOST))}\u00a0%: ${shortly(from)} to ${shortly(to)}.`;
}

/** @param {number} number @returns {string} in three digits at least: enough for an axis. */
function shortly(number) {
  return show(Math.abs(number) >= 100 ? Math.round(number) : Number(number.toPrecision(3)));
}
