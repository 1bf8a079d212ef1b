// The certificate as a picture: a square for every few rows that were asked, and one for every model altered on purpose.

import { draw, make } from "./page-dom.js";
import { gapWords, show } from "./words.js";

/**
 * @typedef {{name: string, rows: number, labels_differ: number, outside: number, undecidable: number, max_ulp: number,
 *   max_abs: number}} CertifiedStratum
 * @typedef {{class: string, strata: CertifiedStratum[],
 *   batch: {rows: number, alone: number, wasm?: number | null},
 *   mutation: {effective: number, caught: number}}} Certificate docs/bundle.md's parity.json, as far as it shows here.
 * @typedef {{name: string, count: number}} Run Squares of one kind, one after the other.
 */

const SQUARES = 600; // at most, about
const [COLUMNS, FEW] = [60, 30]; // of squares, and on a narrow screen
const NARROW = "(max-width: 719px)";
const GAP = 0.22; // of a square's place
const ROUND = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** @type {Record<string, string>} */
const STRATA = {
  real: "the training table itself",
  unstored: "rows made for the check and not kept",
  recombined: "values of the table in new combinations",
  boundary: "neighbouring numbers between which the original's answer jumps",
  threshold: "both sides of single splits of the trees",
  split: "both sides of single splits of the trees",
  edge: "the last numbers before the answer changes",
  special: "zeros, extremes, the smallest numbers",
  missing: "rows with unknown values",
  unseen: "categories that training never saw",
  telling: "rows on which altered models betray themselves",
  rejected: "rows that the original rejects",
};

/** @type {Record<string, string>} */
const CLASSES = {
  identical: "Every number is the original's, bit for bit.",
  rounding: "Nothing differs but the last digits of some numbers, by float64 rounding.",
};

/**
 * The picture with its words.
 *
 * @param {Certificate} certificate
 * @returns {HTMLElement[]}
 */
export function certificateParts({ class: kind, strata, mutation }) {
  const rows = sum(strata, "rows");
  const differ = sum(strata, "labels_differ") + sum(strata, "outside");
  const open = sum(strata, "undecidable");
  const per = ROUND.find((count) => rows / count <= SQUARES) ?? rows;
  const key = [
    ["same", per === 1 ? "a row with the original's answer" : `${per} rows with the original's answer, or fewer`],
    ...(open > 0 ? [["open", `the original itself stands on the edge: ${show(open)} rows`]] : []),
    ["apart", `a row with another answer: ${differ === 0 ? "there is none" : show(differ)}`],
  ];
  return [
    make(
      "p",
      { class: "verdict", "data-state": differ === 0 ? "holds" : "failed" },
      make("strong", {}, show(rows)),
      " rows, asked of the original and of this model: ",
      make("strong", { class: "verdict-end" }, show(differ)),
      ` ${differ === 1 ? "differs" : "differ"}`,
    ),
    make("p", { class: "lead" }, `The original is the scikit-learn model that was trained. ${CLASSES[kind] ?? ""}`),
    figure(
      make("ul", { class: "kinds" }, ...strata.map((stratum) => kindOf(stratum, per))),
      key,
      "Steps are those of a number's last binary digit: how far an answer lies at most from the original's.",
    ),
    ...mutationParts(mutation),
  ];
}

/** @param {CertifiedStratum} stratum @param {number} per rows of a square. */
function kindOf(stratum, per) {
  const { name, rows, max_ulp: steps } = stratum;
  const differ = stratum.labels_differ + stratum.outside;
  const apart = steps === 0 ? "the same bits" : `up to ${show(steps)} ${steps === 1 ? "step" : "steps"}`;
  return make(
    "li",
    {},
    make("span", { class: "kind" }, make("strong", {}, name), make("small", {}, STRATA[name] ?? "")),
    waffle(runsOf(stratum, per), `${show(rows)} rows, ${show(differ)} differ`),
    make("span", { class: "found" }, make("strong", {}, `${show(rows)} rows`), make("small", {}, apart)),
  );
}

/**
 * The figures behind the picture.
 *
 * @param {CertifiedStratum[]} strata
 * @returns {HTMLElement}
 */
export function strataTable(strata) {
  const heads = ["rows", "labels differ", "outside tolerance", "undecidable", "largest difference", "last-digit steps"];
  const lines = strata.map((stratum) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, stratum.name, make("small", {}, STRATA[stratum.name] ?? "")),
      ...[stratum.rows, stratum.labels_differ, stratum.outside, stratum.undecidable].map((n) =>
        make("td", {}, show(n)),
      ),
      make("td", {}, gapWords(stratum.max_abs)),
      make("td", {}, show(stratum.max_ulp)),
    ),
  );
  const head = ["kind of row", ...heads].map((name) => make("th", { scope: "col" }, name));
  const table = make("table", { class: "strata" }, make("thead", {}, make("tr", {}, ...head)));
  table.append(make("tbody", {}, ...lines));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The figures" }, table);
}

/** @param {CertifiedStratum[]} strata @param {"rows" | "labels_differ" | "outside" | "undecidable"} key */
function sum(strata, key) {
  return strata.reduce((total, stratum) => total + stratum[key], 0);
}

/**
 * Whole squares for several rows; every row that differs has its own.
 *
 * @param {CertifiedStratum} stratum @param {number} per rows of a square.
 * @returns {Run[]}
 */
export function runsOf({ rows, labels_differ, outside, undecidable }, per) {
  const apart = Math.min(rows, labels_differ + outside);
  const open = Math.min(undecidable, rows - apart);
  return [
    { name: "same", count: Math.ceil((rows - apart - open) / per) },
    { name: "open", count: Math.ceil(open / per) },
    { name: "apart", count: apart },
  ];
}

/** @param {Certificate["mutation"]} mutation */
function mutationParts({ effective, caught }) {
  if (effective === 0) return [];
  const runs = [
    { name: "same", count: caught },
    { name: "missed", count: effective - caught },
  ];
  const words = `${show(caught)} of ${show(effective)} altered models caught`;
  return [
    make("h3", {}, "Would these rows notice a wrong model?"),
    figure(
      waffle(runs, words),
      [
        ["same", `one altered model, caught: ${show(caught)}`],
        ...(caught < effective ? [["missed", `not caught: ${show(effective - caught)}`]] : []),
      ],
      "Copies of the model were altered on purpose by as little as can be: one number by its last digit, one category, " +
        `one missing value. ${words}.`,
    ),
  ];
}

/** @param {Element} picture @param {string[][]} key @param {string} words */
function figure(picture, key, words) {
  const entries = key.map(([name, text]) => {
    const square = draw("svg", { viewBox: "0 0 1 1", class: "waffle", "aria-hidden": "true" }, squares(name, 0, 1, 1));
    return make("li", {}, square, text);
  });
  return make(
    "figure",
    { class: "certificate" },
    picture,
    make("figcaption", {}, make("ul", { class: "waffle-key" }, ...entries), make("p", {}, words)),
  );
}

/** @param {Run[]} runs @param {string} words what it shows, for those who do not see it. */
function waffle(runs, words) {
  const columns = matchMedia(NARROW).matches ? FEW : COLUMNS;
  let at = 0;
  const paths = runs.flatMap(({ name, count }) => {
    const from = at;
    at += count;
    return count === 0 ? [] : [squares(name, from, count, columns)];
  });
  const box = `0 0 ${columns} ${Math.max(1, Math.ceil(at / columns))}`;
  return draw("svg", { viewBox: box, class: "waffle", role: "img", "aria-label": words }, ...paths);
}

/** @param {string} name @param {number} from @param {number} count @param {number} columns */
function squares(name, from, count, columns) {
  const side = 1 - GAP;
  const steps = Array.from({ length: count }, (_, k) => {
    const [x, y] = [(from + k) % columns, Math.floor((from + k) / columns)];
    return `M${x + GAP / 2} ${(y + GAP / 2).toFixed(2)}h${side}v${side}h-${side}z`;
  });
  return draw("path", { class: name, d: steps.join("") });
}
