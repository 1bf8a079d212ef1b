// What a scored file shows: how many rows, the file itself, its answers, its first rows, its drift, its problems.

import { binsOf, density } from "./distribution.js";
import { make } from "./page-dom.js";
import { driftParts, legend } from "./page-drift.js";
import { drawShape, makeBar } from "./page-picture.js";
import { rankItems } from "./ranking.js";
import { numberWords, percent, show } from "./words.js";

/**
 * @typedef {import("./context.js").Context} Context
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./score-client.js").Timed} Scored
 * @typedef {import("./score-file.js").Shown} Shown
 * @typedef {import("./tally.js").Histogram} Histogram
 */

const MOST_TARGETS = 5;
const MOST_LABELS = 10;
const MOST_ITEMS = 3;
const MANY = 10000; // rows whose rate says something
const UNITS = ["bytes", "KB", "MB", "GB"];
/** @type {string | null} */
let address = null; // of the scored file that is offered

/**
 * @param {Context} context @param {Scored} scored @param {number} milliseconds from the choice of the file to its end.
 * @returns {HTMLElement[]}
 */
export function scoredParts(context, scored, milliseconds) {
  const { rows, problems, reasons, told } = scored;
  const rate = `, ${show(Math.round(rows / (scored.milliseconds / 1000)))} a second once the model was there`;
  const time = `${show(rows)} ${rows === 1 ? "row" : "rows"} in ${(milliseconds / 1000).toFixed(2)} s`;
  const speed = `${time}${rows < MANY ? "" : rate}.`;
  const without = problems === 0 ? "Every row has an answer." : `${show(problems)} of them have no answer.`;
  const state = problems === 0 ? "holds" : problems === rows ? "failed" : "partly";
  return [
    make("p", { class: "result", "data-state": state, role: "status" }, `${speed} ${without}`),
    make("p", { class: "actions" }, download(scored)),
    ...(problems === rows ? [] : answerParts(context, told)),
    ...firstParts(context.contract, scored),
    ...(problems === 0 ? [] : problemParts(reasons, problems)),
    ...(problems === rows ? [] : driftParts(told.features)),
  ];
}

/** @param {Scored} scored */
function download({ scored, name }) {
  if (address !== null) URL.revokeObjectURL(address);
  address = URL.createObjectURL(scored);
  const link = make("a", { class: "primary button", id: "file-download", href: address, download: name });
  link.append(`Download ${name}`, make("small", {}, ` ${sizeWords(scored.size)}`));
  return link;
}

/** @param {number} bytes @returns {string} */
function sizeWords(bytes) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${show(Number((bytes / 1000 ** power).toPrecision(2)))} ${UNITS[power]}`;
}

/** @param {Context} context @param {import("./tally.js").Told} told */
function answerParts(context, { numbers, labels }) {
  const targets = Math.max(numbers.length, labels.length);
  const pictures = Array.from({ length: Math.min(targets, MOST_TARGETS) }, (_, k) =>
    make(
      "figure",
      { class: "answers" },
      labels[k] && labelList(context.contract, labels[k]),
      numbers[k] && histogram(context, numbers[k]),
    ),
  );
  const title = context.contract.form.ranking === null ? "The answers" : "What comes first";
  return [make("h3", {}, title), ...pictures];
}

/** @param {Contract} contract @param {import("./tally.js").LabelCounts} counted */
function labelList(contract, { name, labels, counts }) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const many = labels.length > MOST_LABELS;
  const order = labels.map((_, k) => k);
  if (many) order.sort((one, other) => counts[other] - counts[one]);
  const lines = order.slice(0, MOST_LABELS).map((k) => {
    const share = total === 0 ? 0 : counts[k] / total;
    return make(
      "li",
      {},
      make("span", {}, nameOf(contract, labels[k])),
      makeBar(share),
      make("span", {}, `${show(counts[k])} (${percent(share)})`),
    );
  });
  const about = contract.form.ranking === null ? "Answers" : "First places";
  const list = make("ul", { class: "shares", "aria-label": name === null ? about : `${about} for ${name}` }, ...lines);
  if (!many) return list;
  const rest = order.slice(MOST_LABELS).reduce((sum, k) => sum + counts[k], 0);
  return make("div", {}, list, make("p", { class: "small" }, `Others: ${show(rest)} (${percent(rest / total || 0)}).`));
}

/** @param {Contract} contract @param {string} key of a class. @returns {string} */
function nameOf({ form: { ranking } }, key) {
  return ranking?.items.find(({ id }) => id === key)?.name ?? key;
}

/** @param {Context} context @param {Histogram} histogram */
function histogram({ contract, reference }, { name, low, high, counts, below, above }) {
  const counted = contract.form.several ? reference.answers.targets?.[String(name)] : reference.answers;
  const training = binsOf(counted);
  const most = Math.max(1, ...counts);
  const outside = [`${show(below)} below`, `${show(above)} above`].filter((_, k) => [below, above][k] > 0);
  const shares = contract.form.numbers === "probabilities";
  const about = contract.form.numbers === "value" ? "values" : contract.form.numbers;
  const [from, to] = [low, high].map((end) => (shares ? `${show(end * 100)} %` : show(end)));
  const words = `The ${about}${name === null ? "" : ` of ${name}`} from ${from} to ${to}. `;
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
    make("p", { class: "axis", "aria-hidden": "true" }, make("span", {}, from), make("span", {}, to)),
    make("figcaption", {}, words, outside.length > 0 && `Beyond it: ${outside.join(", ")}. `, training && legend()),
  );
}

/** @param {Contract} contract @param {Scored} scored @returns {HTMLElement[]} its first rows, each with its answer. */
function firstParts(contract, { shown, rows }) {
  const heads = ["row", contract.target.name, ...contract.features.map(({ name }) => name)];
  const lines = shown.map((each, k) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, show(k + 1)),
      make("td", { "data-problem": each.problem !== null }, each.problem ?? answerWords(contract, each)),
      ...each.values.map((value) => make("td", {}, value === "" ? "–" : value)),
    ),
  );
  const title = rows > shown.length ? `The first ${show(shown.length)} of ${show(rows)} rows` : "The rows";
  return [make("h3", {}, title), scrollable(title, "first", heads, lines)];
}

/** @param {Contract} contract @param {Shown} answer @returns {string} */
function answerWords({ form }, { labels, numbers }) {
  if (form.ranking !== null) {
    const names = new Map(form.ranking.items.map(({ id, name }) => [id, name ?? id]));
    const best = rankItems(form.ranking, numbers).slice(0, MOST_ITEMS);
    return best.map(({ id }) => names.get(id)).join(", ");
  }
  const words = form.targets.map(({ name, classKeys, keys, start }, index) => {
    const label = form.labels > 0 ? classKeys[labels[index]] : null;
    const place = label !== null && keys.includes(label) ? keys.indexOf(label) : keys.length - 1;
    const number = form.numbers === null ? null : numberWords(form.numbers, numbers[start + place]);
    const text = [label, label !== null && number !== null ? `(${number})` : number].filter(Boolean).join(" ");
    return name === null ? text : `${name}: ${text}`;
  });
  return words.join("; ");
}

/**
 * @param {import("./score-file.js").Reason[]} reasons @param {number} problems
 * @returns {HTMLElement[]}
 */
function problemParts(reasons, problems) {
  const told = reasons.reduce((sum, { count }) => sum + count, 0);
  const lines = reasons.map(({ problem, count, rows }) =>
    make("tr", {}, make("th", { scope: "row" }, rowWords(rows, count)), make("td", {}, problem)),
  );
  const rest = problems > told && `${show(problems - told)} more rows have other reasons; all are in the file.`;
  return [
    make("h3", {}, `${show(problems)} ${problems === 1 ? "row" : "rows"} without an answer`),
    scrollable("Rows without an answer", "problems", ["rows", "why"], lines),
    ...(rest ? [make("p", { class: "small" }, rest)] : []),
  ];
}

/** @param {number[]} rows @param {number} count @returns {string} `5`, `5, 9 and 40 more`. */
function rowWords(rows, count) {
  const named = rows.map(show).join(", ");
  return count > rows.length ? `${named} and ${show(count - rows.length)} more` : named;
}

/** @param {string} label @param {string} name its class. @param {string[]} heads @param {HTMLElement[]} lines */
function scrollable(label, name, heads, lines) {
  const head = make("tr", {}, ...heads.map((each) => make("th", { scope: "col" }, each)));
  return make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    make("table", { class: `strata ${name}` }, make("thead", {}, head), make("tbody", {}, ...lines)),
  );
}
