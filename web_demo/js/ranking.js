// A ranker's answer: its items from the best on, without those of the history. Twin of lambda_handler/ranking.py; pure.

import { writeFloat } from "./json.js";

export const VISITED = -1; // the graph's score of an item that stands in the history; every other score is 0 or more

/**
 * @typedef {{id: string, name?: string, latitude?: number, longitude?: number, category?: string}} Item What a contract
 *   says of an item; all but its id may be left out.
 * @typedef {{items: Item[], top: number}} Ranking The items in the order of the graph's scores, and how many of them an
 *   answer holds at most.
 * @typedef {{id: string, score: number}} Ranked
 */

/**
 * What contract.json says of its items.
 *
 * @param {any} document
 * @returns {Ranking | null} null where it does not rank.
 */
export function readRanking(document) {
  if ((document.outputs.items ?? null) === null) return null;
  const { items, top } = document.ranking;
  return { items, top: top ?? items.length };
}

/**
 * The items from the best on; of equal scores the first item stays first.
 *
 * @param {Ranking} ranking @param {readonly number[]} scores one per item.
 * @returns {Ranked[]}
 */
export function rankItems({ items, top }, scores) {
  return items
    .map(({ id }, place) => ({ id, score: scores[place] }))
    .filter(({ score }) => score >= 0)
    .sort((one, other) => other.score - one.score)
    .slice(0, top);
}

/**
 * The scores that a recorded answer tells, `VISITED` where it tells none.
 *
 * @param {Ranking} ranking @param {unknown} recorded
 * @returns {number[] | null} null where it is no ranking of these items, in their order.
 */
export function scoresOf(ranking, recorded) {
  if (!Array.isArray(recorded)) return null;
  const told = new Map(recorded.map((item) => [item?.id, item?.score]));
  const scores = ranking.items.map(({ id }) => told.get(id) ?? VISITED);
  const again = rankItems(ranking, scores);
  const same = again.every(({ id, score }, k) => recorded[k]?.id === id && recorded[k].score === score);
  return same && again.length === recorded.length ? scores : null;
}

/**
 * What an answer shows of the scores: `VISITED` for what stands beyond its last item.
 *
 * @param {Ranking} ranking @param {readonly number[]} scores
 * @returns {readonly number[]}
 */
export function shownScores(ranking, scores) {
  if (ranking.top >= scores.length) return scores;
  const shown = new Set(rankItems(ranking, scores).map(({ id }) => id));
  return scores.map((score, place) => (score >= 0 && !shown.has(ranking.items[place].id) ? VISITED : score));
}

/**
 * The members of an answer as JSON.
 *
 * @param {Ranking} ranking @param {readonly number[]} scores
 * @returns {string}
 */
export function writeItems(ranking, scores) {
  const items = rankItems(ranking, scores).map(({ id, score }) => {
    return `{"id": ${JSON.stringify(id)}, "score": ${writeFloat(score)}}`;
  });
  return `"items": [${items.join(", ")}]`;
}

/**
 * The ids and the scores as the JSON lists that stand in the two columns of a scored file.
 *
 * @param {Ranking} ranking @param {readonly number[]} scores
 * @returns {[string, string]}
 */
export function listItems(ranking, scores) {
  const items = rankItems(ranking, scores);
  const ids = items.map(({ id }) => JSON.stringify(id));
  return [`[${ids.join(", ")}]`, `[${items.map(({ score }) => writeFloat(score)).join(", ")}]`];
}
