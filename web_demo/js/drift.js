// How far a file's values stand from the training rows': the population stability index. Pure.

export const MODERATE = 0.1;
export const LARGE = 0.25;
const CHANCE = 2.3263478740408408; // the normal distribution's 99 % quantile

/**
 * @typedef {"unknown" | "none" | "moderate" | "large"} Verdict
 * @typedef {{index: number, chance: number, verdict: Verdict}} Drift `index`: the population stability index.
 *   `chance`: what it reaches once in a hundred times where nothing but chance is at work.
 */

/**
 * The population stability index, the sum of (q - p) ln(q / p) over the cells of two counts, p and q being their shares
 * (Siddiqi, Credit Risk Scorecards, 2006, who reads less than 0.1 as no change and more than 0.25 as a large one).
 * Half a count is added in every cell, so that an empty one has a logarithm. Without any change it is (1/n + 1/m) times
 * chi-squared of cells - 1 degrees of freedom (Yurdakul, Statistical Properties of Population Stability Index, 2018):
 * what stays below the 99 % quantile of that says nothing, as with few rows.
 *
 * @param {readonly number[]} training counts per cell.
 * @param {readonly number[]} found the file's counts in the same cells.
 * @returns {Drift} `unknown` where either side is empty or there is one cell.
 */
export function drift(training, found) {
  const used = training.map((_, k) => k).filter((k) => training[k] > 0 || found[k] > 0);
  const [rows, others] = [training, found].map((counts) => used.reduce((sum, k) => sum + counts[k], 0));
  if (rows === 0 || others === 0) return { index: NaN, chance: NaN, verdict: "unknown" };
  let index = 0;
  for (const k of used) {
    const before = (training[k] + 0.5) / (rows + used.length / 2);
    const now = (found[k] + 0.5) / (others + used.length / 2);
    index += (now - before) * Math.log(now / before);
  }
  const chance = (1 / rows + 1 / others) * chiSquared(used.length - 1);
  const verdict = index < MODERATE || index < chance ? "none" : index < LARGE ? "moderate" : "large";
  return { index, chance, verdict };
}

/** @param {number} degrees @returns {number} its 99 % quantile, within a hundredth (Wilson and Hilferty, 1931). */
function chiSquared(degrees) {
  if (degrees === 0) return 0;
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + CHANCE * Math.sqrt(spread)) ** 3;
}
