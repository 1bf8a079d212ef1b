"""Rankers and their scores: each held against its definition."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.base import clone

from train.choice import choice_weights
from train.demo_tourist import PLACES
from train.histories import histories
from train.rankers import Blend, Content, GraphEmbedding, ItemKNN, Markov, Popularity, Ranker
from train.ranking_scores import mean_scores, paired_interval, random_mrr, ranks, row_scores
from train.ranking_tables import VISITED, distances
from train.store import dump_estimator, load_estimator

WALKS = [["a", "b", "c"], ["a", "b"], ["b", "c", "d"], ["a", "c"], ["d", "a", "b"], ["c", "a"], ["b", "a", "d"]]
TOWN = {place[0]: (place[3], place[4], place[2]) for place in PLACES}
SQUARE = {
    "a": (54.60, 6.30, "food"),
    "b": (54.60, 6.31, "view"),
    "c": (54.61, 6.31, "food"),
    "d": (54.61, 6.30, "park"),
}
MEMBERS: list[tuple[str, Ranker]] = [
    ("popularity", Popularity()),
    ("markov", Markov()),
    ("item_knn", ItemKNN()),
    ("content", Content(SQUARE)),
    ("embedding", GraphEmbedding()),
]
EACH = [*(model for _, model in MEMBERS), Blend(MEMBERS)]


def fitted(model: Ranker) -> Ranker:
    rows = histories(WALKS * 3, 4)
    return clone(model).fit(rows.X, rows.y)


def row_of(*stops: str | None) -> pd.DataFrame:
    padded = [*stops, *[None] * (4 - len(stops))]
    return pd.DataFrame([padded], columns=[f"stop_{k + 1}" for k in range(4)], dtype="str")


@some.composite
def rankings(draw: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    items, rows = draw(some.integers(2, 6)), draw(some.integers(1, 8))
    score = some.sampled_from([VISITED, 0.0, 0.5, 1.0, 2.0])
    scores = draw(some.lists(some.lists(score, min_size=items, max_size=items), min_size=rows, max_size=rows))
    truth = draw(some.lists(some.integers(-1, items - 1), min_size=rows, max_size=rows))
    return np.array(scores), np.array(truth)


def by_definition(scores: list[float], truth: int, k: int) -> dict[str, float]:
    """Sort the unvisited items, the first of equals first, and walk down the list."""
    order = sorted((item for item, score in enumerate(scores) if score >= 0), key=lambda item: (-scores[item], item))
    relevant = [item == truth for item in order]
    precisions = [sum(relevant[: at + 1]) / (at + 1) for at, hit in enumerate(relevant[:k]) if hit]
    gains = [1 / math.log2(at + 2) for at, hit in enumerate(relevant[:k]) if hit]
    return {
        "mrr": next((1 / (at + 1) for at, hit in enumerate(relevant) if hit), 0.0),
        f"map@{k}": sum(precisions),  # of one relevant item
        f"ndcg@{k}": sum(gains) / (1 / math.log2(2)),
        f"hit@{k}": float(any(relevant[:k])),
    }


@given(rankings(), some.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_scores_are_what_their_definitions_say(
    ranking: tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]], k: int
) -> None:
    scores, truth = ranking
    expected = [by_definition(row, item, k) for row, item in zip(scores.tolist(), truth.tolist(), strict=True)]
    found = mean_scores(ranks(scores, truth), k)
    assert found == pytest.approx({name: np.mean([each[name] for each in expected]) for name in found}, abs=1e-12)


def test_a_wrong_order_of_ties_is_noticed() -> None:
    scores, truth = np.array([[1.0, 1.0, 0.0]]), np.array([1])
    assert ranks(scores, truth).tolist() == [2.0]
    assert ranks(scores, np.array([0])).tolist() == [1.0]


def test_a_visited_or_unknown_truth_counts_nothing() -> None:
    scores = np.array([[VISITED, 1.0], [0.0, 1.0]])
    assert mean_scores(ranks(scores, np.array([0, -1]))) == {"mrr": 0.0, "map@5": 0.0, "ndcg@5": 0.0, "hit@5": 0.0}


def test_a_random_order_is_the_mean_over_all_orders() -> None:
    assert random_mrr(np.array([3])) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_an_interval_is_of_whole_groups_and_excludes_zero_only_where_groups_agree() -> None:
    groups = np.repeat(np.arange(30), 2)
    assert paired_interval(np.full(60, 0.1), groups, 0) == pytest.approx((0.1, 0.1))
    low, high = paired_interval(np.where(groups % 2, 0.5, -0.5), groups, 0)
    assert low < 0 < high
    alone = paired_interval(np.where(groups % 2, 0.5, -0.5), np.arange(60), 0)
    assert high - low > alone[1] - alone[0]  # rows of a group are not drawn one by one


@pytest.mark.parametrize("model", EACH, ids=lambda model: type(model).__name__)
def test_every_ranker_scores_unvisited_items_from_zero_on_and_visited_ones_not_at_all(model: Ranker) -> None:
    ranker = fitted(model)
    scores = ranker.decision_function(row_of("b", "a"))[0]
    assert ranker.classes_.tolist() == ["a", "b", "c", "d"]
    assert (scores[:2] == VISITED).all() and (scores[2:] >= 0).all()
    assert ranker.predict(row_of("b", "a"))[0] in {"c", "d"}
    assert (ranker.decision_function(row_of("d", "c", "b", "a")) == VISITED).all()


@pytest.mark.parametrize("model", EACH, ids=lambda model: type(model).__name__)
def test_every_ranker_keeps_its_parameters_and_its_answers_in_a_file(model: Ranker, tmp_path: Path) -> None:
    ranker, rows = fitted(model), histories(WALKS, 4).X
    assert clone(ranker).get_params(deep=False).keys() == model.get_params(deep=False).keys()
    (tmp_path / "model.skops").write_bytes(dump_estimator(ranker))
    again = load_estimator(tmp_path / "model.skops")
    assert np.array_equal(again.decision_function(rows), ranker.decision_function(rows))
    assert dump_estimator(fitted(model)) == dump_estimator(ranker)


@pytest.mark.parametrize("model", EACH, ids=lambda model: type(model).__name__)
def test_an_unknown_stop_is_as_one_that_is_missing(model: Ranker) -> None:
    ranker = fitted(model)
    assert np.array_equal(ranker.decision_function(row_of("b", "nowhere")), ranker.decision_function(row_of("b")))


def test_popularity_counts_every_visit_once() -> None:
    visits = pd.Series([item for walk in WALKS * 3 for item in walk]).value_counts()
    scores = fitted(Popularity()).decision_function(row_of(None))[0]
    shares = np.array([visits[item] + 1.0 for item in "abcd"])
    assert scores - scores[0] == pytest.approx(np.log(shares / shares[0]))


def test_markov_counts_what_followed_the_latest_stop() -> None:
    steps = [pair for walk in WALKS * 3 for pair in pairwise(walk)]
    visits = pd.Series([item for walk in WALKS * 3 for item in walk]).value_counts()
    share = {item: (visits[item] + 1.0) / (len(visits) + visits.sum()) for item in "abcd"}
    scores = fitted(Markov(smoothing=2.0)).decision_function(row_of("a"))[0][1:]
    counted = np.array([steps.count(("a", item)) + 2.0 * share[item] for item in "bcd"])
    assert scores - scores[0] == pytest.approx(np.log(counted / counted[0]))


def test_distances_are_those_on_the_ground() -> None:
    apart = distances(np.array(["a", "b", "d", "nowhere"], dtype=object), SQUARE)
    assert apart[0, 2] == pytest.approx(math.radians(0.01) * 6371, rel=1e-6)
    assert apart[0, 1] == pytest.approx(math.radians(0.01) * 6371 * math.cos(math.radians(54.603)), rel=1e-3)
    assert (apart[3] == 100).all() and (np.diag(apart)[:3] == 0).all()


def test_choice_weights_find_the_utility_that_made_the_choices() -> None:
    random = np.random.default_rng(0)
    features, truth = random.normal(size=(4000, 5, 2)), np.array([1.5, -0.7])
    utility = features @ truth + random.gumbel(size=(4000, 5))
    barred = random.random((4000, 5)) < 0.2
    barred[:, 0] = False
    chosen = np.where(barred, -np.inf, utility).argmax(axis=1)
    assert choice_weights(features, chosen, barred) == pytest.approx(truth, abs=0.1)


def test_a_blend_weighs_the_member_that_knows_more() -> None:
    random, items = np.random.default_rng(1), list("abcdef")
    after = {item: items[(k + 1) % 6] for k, item in enumerate(items)}
    walks = [[item, after[item]] if random.random() < 0.8 else [item, items[(k + 3) % 6]]
             for k, item in enumerate(random.choice(items, 300).tolist())]  # fmt: skip
    walks = [walk for walk in walks if walk[0] != walk[1]]
    rows = histories(walks, 2)
    blend = Blend([("popularity", Popularity()), ("markov", Markov())]).fit(rows.X, rows.y)
    assert blend.weights_["markov"][0] > 0.8 > blend.weights_["popularity"][0]
    assert blend.predict(rows.X[:1])[0] == after[str(rows.X.iloc[0, 0])]


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [(row_of("a"), ["b", "c"], "one item per row"), (row_of(None), ["b"], "two texts or more")],
)
def test_what_cannot_be_learnt_from_is_refused(X: pd.DataFrame, y: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Popularity().fit(X, y)


def test_other_columns_than_those_of_the_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="the columns must be"):
        fitted(Markov()).decision_function(row_of("a").rename(columns={"stop_1": "stop"}))


def test_row_scores_never_rise_with_the_rank() -> None:
    for each in row_scores(np.arange(1.0, 9.0)).values():
        assert (np.diff(each) <= 0).all()
