// What a scored file shows: how many rows, the file itself, its answers, its drift, its problems.

import { binsOf, density } from "./distribution.js";
import { make } from "./page-dom.js";
import { drawShape, makeBar } from "./page-picture.js";
import { percent, show } from "./words.js";

/**
 * @typedef {import("./context.js").Context} Context
 * @typedef {import("./score-client.js").Timed} Scored
 * @typedef {import("./tally.js").FeatureDrift} FeatureDrift
 * @typedef {import("./tally.js").Histogram} Histogram
 */

const MOST_TARGETS = 5;
/** @type {Record<import("./drift.js").Verdict, string>} */
const VERDICTS = {
  none: "as in training",
  moderate: "shifted",
  large: "far from training",
  unknown: "nothing to compare",
};
/** @type {string | null} */
let address = null; // of the scored file that is offered

/**
 * @param {Context} context @param {Scored} scored @param {number} milliseconds from the choice of the file to its end.
 * @returns {HTMLElement[]}
 */
export function scoredParts(context, scored, milliseconds) {
  const { rows, problems, listed, told } = scored;
  const rate = show(Math.round(rows / (scored.milliseconds / 1000)));
  const speed = `${show(rows)} rows in ${(milliseconds / 1000).toFixed(2)} s, ${rate} a second once the model was there.`;
  const without = problems === 0 ? "Every row has an answer." : `${show(problems)} of them have no answer.`;
  return [
    make(
      "p",
      { class: "result", "data-state": problems === 0 ? "holds" : "failed", role: "status" },
      `${speed} ${without}`,
    ),
    make("p", { class: "actions" }, download(scored)),
    ...(problems === rows ? [] : [...answerParts(context, told), ...driftParts(told.features)]),
    ...(problems === 0 ? [] : problemParts(listed, problems)),
  ];
}

/** @param {Scored} scored */
function download({ scored, name }) {
  if (address !== null) URL.revokeObjectURL(address);
  address = URL.createObjectURL(scored);
  return make("a", { class: "primary button", id: "file-download", href: address, download: name }, `Download ${name}`);
}

/** @param {Context} context @param {import("./tally.js").Told} told */
function answerParts(context, { numbers, labels }) {
  const targets = Math.max(numbers.length, labels.length);
  const pictures = Array.from({ length: Math.min(targets, MOST_TARGETS) }, (_, k) =>
    make(
      "figure",
      { class: "answers" },
      labels[k] && labelList(labels[k]),
      numbers[k] && histogram(context, numbers[k]),
    ),
  );
  return [make("h3", {}, "The answers"), ...pictures];
}

/** @param {import("./tally.js").LabelCounts} counted */
function labelList({ name, labels, counts }) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const lines = labels.map((label, k) =>
    make(
      "li",
      {},
      make("span", {}, label),
      makeBar(counts[k] / total),
      make("span", {}, `${show(counts[k])} (${percent(counts[k] / total)})`),
    ),
  );
  return make("ul", { class: "shares", "aria-label": name === null ? "Answers" : `Answers for ${name}` }, ...lines);
}

/** @param {Context} context @param {Histogram} histogram */
function histogram({ contract, reference }, { name, low, high, counts, below, above }) {
  const counted = contract.form.several ? reference.answers.targets?.[String(name)] : reference.answers;
  const training = binsOf(counted);
  const most = Math.max(1, ...counts);
  const outside = [below > 0 && `${show(below)} lie below`, above > 0 && `${show(above)} lie above`].filter(Boolean);
  const about = contract.form.numbers === "value" ? "values" : contract.form.numbers;
  const words = `The ${about}${name === null ? "" : ` of ${name}`} from ${show(low)} to ${show(high)}; the line is the training rows'.`;
  return make(
    "div",
    {},
    make(
      "div",
      { class: "pair" },
      drawShape(
        counts.map((count) => count / most),
        "shape-now",
      ),
      training && drawShape(density(training, low, high, counts.length), "shape-before"),
    ),
    make("p", { class: "axis", "aria-hidden": "true" }, make("span", {}, show(low)), make("span", {}, show(high))),
    make("figcaption", {}, words, outside.length > 0 ? ` ${outside.join(", ")}.` : ""),
  );
}

/** @param {FeatureDrift[]} features */
function driftParts(features) {
  const sorted = [...features].sort((one, other) => (other.index || 0) - (one.index || 0));
  const moved = features.filter(({ verdict }) => verdict === "moderate" || verdict === "large").length;
  const heads = ["feature", "training, and this file", "index", "verdict"];
  return [
    make("h3", {}, "Are these rows like the training rows?"),
    make(
      "p",
      { class: "lead" },
      moved === 0
        ? "Yes, feature by feature. "
        : `${moved} of ${features.length} features ${moved === 1 ? "is" : "are"} not. `,
      "The population stability index (Siddiqi 2006) compares the shares of the answered rows per bin: under 0.1 is as ",
      "in training, over 0.25 far from it, and what chance alone gives so few rows is not counted.",
    ),
    make(
      "table",
      { class: "strata drift" },
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, ...sorted.map(driftRow)),
    ),
  ];
}

/** @param {FeatureDrift} feature */
function driftRow(feature) {
  const { name, verdict, index } = feature;
  const moved = verdict === "moderate" || verdict === "large";
  return make(
    "tr",
    { "data-feature": name, "data-verdict": verdict },
    make("th", { scope: "row" }, name),
    make("td", {}, pair(feature)),
    make("td", {}, Number.isNaN(index) ? "" : index.toFixed(3)),
    make("td", {}, VERDICTS[verdict], moved && make("small", {}, foremost(feature))),
  );
}

/** @param {FeatureDrift} feature @returns {HTMLElement} its shares per cell, before and now. */
function pair({ training, found }) {
  const [before, now] = [training, found].map(shares);
  const most = Math.max(...before, ...now, Number.MIN_VALUE);
  /** @param {number[]} each @param {string} name */
  const shape = (each, name) =>
    drawShape(
      each.map((share) => share / most),
      name,
    );
  return make("div", { class: "pair" }, shape(now, "shape-now"), shape(before, "shape-before"));
}

/** @param {readonly number[]} counts */
function shares(counts) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total === 0 ? 0 : count / total));
}

/** @param {FeatureDrift} feature @returns {string} where the shares differ most. */
function foremost({ cells, training, found }) {
  const [before, now] = [training, found].map(shares);
  const apart = now.map((share, k) => Math.abs(share - before[k]));
  const k = apart.indexOf(Math.max(...apart));
  const place = { below: "below the training range", above: "above the training range" }[cells[k]] ?? cells[k];
  return `${place}: ${percent(before[k])} of training, ${percent(now[k])} here`;
}

/** @param {import("./score-file.js").Listed[]} listed @param {number} problems */
function problemParts(listed, problems) {
  const rows = listed.map(({ row, problem }) =>
    make("tr", {}, make("th", { scope: "row" }, show(row)), make("td", {}, problem)),
  );
  const more =
    problems > listed.length && `The first ${show(listed.length)} of ${show(problems)}; all are in the file.`;
  return [
    make("h3", {}, "Rows without an answer"),
    ...(more ? [make("p", { class: "lead" }, more)] : []),
    make(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rows without an answer" },
      make(
        "table",
        { class: "strata problems" },
        make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "row"), make("th", { scope: "col" }, "why"))),
        make("tbody", {}, ...rows),
      ),
    ),
  ];
}
