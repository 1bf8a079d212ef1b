import assert from "node:assert/strict";
import { test } from "node:test";

import { readForm, readRecorded, writeForm } from "../js/answer.js";
import { compare } from "../js/golden.js";
import { listItems, rankItems, readRanking, scoresOf, shownScores, VISITED, writeItems } from "../js/ranking.js";
import { layOut, pathOf, rowOf, toggled, WIDTH } from "../js/route.js";

const ITEMS = ["a", "b", "c"].map((id) => ({ id }));
const RANKING = { items: ITEMS, top: 3 };
const DOCUMENT = {
  outputs: { label: "label", probabilities: null, scores: null, value: null, items: "items" },
  classes: ["a", "b", "c"],
  targets: null,
  ranking: { top: null, items: ITEMS },
  tolerance: { absolute: 0, relative: 0 },
};

test("a contract without items does not rank", () => {
  assert.equal(readRanking({ outputs: { label: "label", items: null } }), null);
  assert.equal(readRanking({ outputs: { label: "label" } }), null);
  assert.equal(readRanking({ ...DOCUMENT, ranking: { ...DOCUMENT.ranking, top: 2 } })?.top, 2);
});

test("items rank by score, equal ones in their order, visited ones not at all", () => {
  assert.deepEqual(
    rankItems(RANKING, [1, 2, 1]).map(({ id }) => id),
    ["b", "a", "c"],
  );
  assert.deepEqual(rankItems(RANKING, [VISITED, 0, VISITED]), [{ id: "b", score: 0 }]);
  assert.equal(rankItems({ ...RANKING, top: 1 }, [1, 2, 1]).length, 1);
});

test("an answer is written as JSON and read back", () => {
  const form = readForm(DOCUMENT, DOCUMENT);
  assert.deepEqual([form.numbers, form.width, form.labels], ["items", 3, 1]);
  const answer = { labels: [1], numbers: [0.1 + 0.2, 2, VISITED] };
  const text = writeForm(form, answer);
  assert.equal(text, '"items": [{"id": "b", "score": 2.0}, {"id": "a", "score": 0.30000000000000004}]');
  assert.equal(writeItems(RANKING, answer.numbers), text);
  assert.deepEqual(readRecorded(form, JSON.parse(`{${text}}`)), { labels: ["b"], numbers: answer.numbers });
});

test("what is no ranking of the items is not read as one", () => {
  const wrong = [
    [{ id: "z", score: 1 }],
    [
      { id: "a", score: 1 },
      { id: "b", score: 2 },
    ],
    [
      { id: "b", score: 1 },
      { id: "a", score: 1 },
    ],
    [
      { id: "a", score: 1 },
      { id: "a", score: 1 },
    ],
    [{ id: "a", score: -1 }],
    [{ id: "a", score: NaN }],
    [null],
    null,
    "a",
  ];
  for (const recorded of wrong) assert.equal(scoresOf(RANKING, recorded), null, JSON.stringify(recorded));
  assert.deepEqual(scoresOf(RANKING, []), [VISITED, VISITED, VISITED]);
});

test("what stands beyond an answer's last item is not compared, and all that it shows is", () => {
  assert.deepEqual(shownScores({ ...RANKING, top: 2 }, [1, 2, 3]), [VISITED, 2, 3]);
  assert.deepEqual(shownScores({ ...RANKING, top: 2 }, [1, VISITED, NaN]), [1, VISITED, NaN]);
  const form = readForm({ ...DOCUMENT, ranking: { ...DOCUMENT.ranking, top: 2 } }, DOCUMENT);
  const contract = /** @type {any} */ ({ form, tolerance: DOCUMENT.tolerance });
  const items = [
    { id: "c", score: 3 },
    { id: "b", score: 2 },
  ];
  const line = { stratum: "real", row: {}, answer: { items }, decidable: true };
  const agrees = (/** @type {number[]} */ numbers, label = 2) =>
    compare(contract, [line], [{ labels: [label], numbers, warnings: [] }]).agree === 1;
  assert.ok(agrees([1, 2, 3]));
  assert.ok(!agrees([1, 2 + 2 ** -51, 3]));
  assert.ok(!agrees([1, NaN, 3]));
  assert.ok(!agrees([2.5, 2, 3]));
  assert.ok(!agrees([1, 2, 3], 1));
});

test("a file's two columns are JSON lists", () => {
  const [ids, scores] = listItems(RANKING, [1, VISITED, 2.5]);
  assert.deepEqual([JSON.parse(ids), scores], [["c", "a"], "[2.5, 1.0]"]);
});

const FEATURES = /** @type {import("../js/contract.js").Feature[]} */ (
  /** @type {unknown} */ (["stop_1", "stop_2"].map((name) => ({ name })))
);

test("a path is a row backwards, and the latest stops of a longer one", () => {
  const row = { stop_1: "b", stop_2: "a" };
  assert.deepEqual(pathOf(FEATURES, row), ["a", "b"]);
  assert.deepEqual(rowOf(FEATURES, ["a", "b"]), row);
  assert.deepEqual(rowOf(FEATURES, ["x", "a", "b"]), row);
  assert.deepEqual(rowOf(FEATURES, []), { stop_1: null, stop_2: null });
  assert.deepEqual(toggled(["a"], "b"), ["a", "b"]);
  assert.deepEqual(toggled(["a", "b"], "a"), ["b"]);
});

test("a map has the north above, the east on the right, and shortens degrees of longitude", () => {
  const corner = (/** @type {string} */ id, /** @type {number} */ latitude, /** @type {number} */ longitude) => ({
    id,
    latitude,
    longitude,
  });
  const { places, height } = layOut([corner("sw", 60, 10), corner("ne", 60.01, 10.02), { id: "nowhere" }]);
  const [southWest, northEast] = places;
  assert.equal(places.length, 2);
  assert.ok(southWest.x < northEast.x && southWest.y > northEast.y);
  const ratio = (northEast.x - southWest.x) / (southWest.y - northEast.y);
  assert.ok(Math.abs(ratio - 1) < 0.01); // two degrees east are one north at 60 degrees
  for (const { x, y } of places) assert.ok(x > 0 && x < WIDTH && y > 0 && y < height);
  assert.deepEqual(layOut([{ id: "a" }]).places, []);
});
