// How a scored file's features lie beside the training rows': a table with a picture of each.

import { MODERATE } from "./drift.js";
import { make } from "./page-dom.js";
import { drawShape } from "./page-picture.js";
import { percent } from "./words.js";

/** @typedef {import("./tally.js").FeatureDrift} FeatureDrift */

const MOST = 12; // features that are shown at once

/** @type {Record<import("./drift.js").Verdict, string>} */
const VERDICTS = {
  none: "as in training",
  moderate: "shifted",
  large: "far from training",
  unknown: "nothing to compare",
};

/**
 * @param {FeatureDrift[]} features
 * @returns {HTMLElement[]}
 */
export function driftParts(features) {
  const sorted = [...features].sort((one, other) => (other.index || 0) - (one.index || 0));
  const moved = features.filter(hasMoved).length;
  const verdict = `Not all: ${moved} of ${features.length} features ${moved === 1 ? "has" : "have"} moved. `;
  const shown = sorted.length > MOST ? MOST - 2 : sorted.length;
  return [
    make("h3", {}, "Are these rows like the training rows?"),
    make("p", { class: "lead" }, make("strong", {}, moved === 0 ? "Yes, feature by feature. " : verdict), legend()),
    driftTable(sorted.slice(0, shown)),
    ...(shown < sorted.length ? [furtherFeatures(sorted.slice(shown))] : []),
    make(
      "p",
      { class: "small" },
      "The index is the population stability index (Siddiqi 2006): it compares the shares of the answered rows per bin. ",
      "Under 0.1 is as in training, over 0.25 far from it; what chance alone may give so few rows is not counted.",
    ),
  ];
}

/** @param {FeatureDrift[]} features */
function driftTable(features) {
  const heads = ["feature", "where the values lie", "index", "verdict"];
  return make(
    "table",
    { class: "strata drift" },
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, ...features.map(driftRow)),
  );
}

/** @param {FeatureDrift[]} features */
function furtherFeatures(features) {
  const summary = make("summary", {}, `The ${features.length} features that lie nearer`);
  return make("details", { class: "columns" }, summary, driftTable(features));
}

/** @returns {HTMLElement} what the shapes of each picture are. */
export function legend() {
  return make(
    "span",
    { class: "shape-keys" },
    make("span", { class: "shape-key key-now" }, "this file"),
    make("span", { class: "shape-key key-before" }, "the training rows"),
  );
}

/** @param {FeatureDrift} feature */
function hasMoved({ verdict }) {
  return verdict === "moderate" || verdict === "large";
}

/** @param {FeatureDrift} feature */
function driftRow(feature) {
  const { name, verdict, index } = feature;
  const chance = verdict === "none" && index >= MODERATE;
  return make(
    "tr",
    { "data-feature": name, "data-verdict": verdict },
    make("th", { scope: "row" }, name),
    make("td", {}, pair(feature)),
    make("td", {}, Number.isNaN(index) ? "" : index.toFixed(3)),
    make(
      "td",
      {},
      chance ? "within chance" : VERDICTS[verdict],
      hasMoved(feature) && make("small", {}, foremost(feature)),
    ),
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
