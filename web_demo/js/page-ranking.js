// The answer of a ranker: the next stops from the best on, with a bar for each score.

import { make } from "./page-dom.js";
import { makeBar } from "./page-picture.js";
import { rankItems } from "./ranking.js";

const MOST = 7; // items that are shown at once

/** @param {import("./ranking.js").Item} item @returns {string} */
export function nameOf({ id, name }) {
  return name ?? id;
}

/**
 * @param {import("./contract.js").Contract} contract @param {import("./ranking.js").Ranking} ranking
 * @param {import("./predictor.js").Prediction} prediction
 */
export function rankingParts({ target }, ranking, prediction) {
  const ranked = rankItems(ranking, prediction.numbers);
  const named = new Map(ranking.items.map((item) => [item.id, item]));
  if (ranked.length === 0) {
    return [
      make("p", { class: "kicker" }, target.name),
      make("p", { class: "decision" }, "Nothing is left: every place was visited."),
    ];
  }
  const [best, least] = [ranked[0].score, ranked[ranked.length - 1].score];
  const lines = ranked.map(({ id, score }) => {
    const item = named.get(id) ?? { id };
    const share = best > least ? (score - least) / (best - least) : 1;
    return make(
      "li",
      { "data-item": id },
      make("span", { class: "class-name" }, nameOf(item)),
      item.category ? make("span", { class: "ranked-kind" }, item.category) : null,
      make("span", { class: "class-share", "data-exact": String(score) }, score.toFixed(2)),
      makeBar(share),
    );
  });
  const more = lines.slice(MOST);
  const first = named.get(ranked[0].id) ?? ranked[0];
  return [
    make("p", { class: "kicker" }, target.name),
    make("p", { class: "headline", "data-label": ranked[0].id }, nameOf(first)),
    make("ol", { class: "classes ranked" }, ...lines.slice(0, MOST)),
    more.length > 0 &&
      make(
        "details",
        { class: "ranked-rest" },
        make("summary", {}, `${more.length} more`),
        make("ol", { class: "classes ranked", start: MOST + 1 }, ...more),
      ),
    make("p", { class: "place" }, "A higher score ranks first; only differences mean something."),
  ];
}
