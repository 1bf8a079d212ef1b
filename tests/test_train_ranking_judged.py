"""What an examination of a ranking says, by definition: its lists, its parts, its time, and what a bootstrap draws."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from train.compare_rankings import _signs
from train.config import RankingSettings
from train.errors import TrainError
from train.examine_ranking import back_test, leaning, worst_sessions
from train.histories import histories, visits_of
from train.rankers import Blend, Markov, Popularity, Ranker
from train.ranking_lists import first_items, gini, lists_of
from train.ranking_record import Answered, Sessions, answered
from train.ranking_scores import paired_interval, row_scores, with_interval

WALKS = [["a", "b", "c"], ["a", "b"], ["b", "c", "d"], ["a", "c"], ["d", "a", "b"], ["c", "a"], ["b", "a", "d"]] * 20


@pytest.fixture
def sessions() -> Sessions:
    first = 100
    test = histories(WALKS[first:], 3)
    starts = np.arange(len(WALKS), dtype=np.float64)
    return Sessions(WALKS, starts, histories(WALKS[:first], 3), test, first, test.groups, "trajectories")


def fitted(model: Ranker, sessions: Sessions) -> Ranker:
    return clone(model).fit(sessions.train.X, sessions.train.y)


def test_a_list_holds_the_best_unvisited_items_and_the_first_of_equals() -> None:
    scores = np.array([[1.0, 3.0, 3.0, -1.0], [-1.0, -1.0, -1.0, 0.0]])
    assert first_items(scores, 2).tolist() == [[1, 2], [3, -1]]


def test_the_gini_index_is_half_the_mean_difference_by_the_mean() -> None:
    counts = np.array([5, 0, 2, 9])
    differences = np.abs(counts[:, None] - counts).mean()
    assert gini(counts) == pytest.approx(differences / (2 * counts.mean()))
    assert gini(np.array([3, 3, 3])) == pytest.approx(0) and gini(np.array([0, 0])) == 0


def test_lists_are_described_by_what_they_name() -> None:
    items, visits = list("abcdefg"), Counter({"a": 60, "b": 20, "c": 10, "d": 10})
    scores = np.tile(np.array([7.0, 6, 5, 4, 3, 2, 1]), (3, 1))
    scores[0, 0] = -1  # visited
    told = Answered(scores, np.array([1, 0, -1]), np.array([1.0, 1.0, np.inf]))
    found = lists_of(items, told, np.arange(3), visits, "mrr", 0)
    assert found["coverage"] == pytest.approx(6 / 7) and found["none"] == ["g"] and found["unknown"] == 1
    listed = np.array([2, 3, 3, 3, 3, 1, 0])  # five of each list
    share = np.array([0.6, 0.2, 0.1, 0.1, 0, 0, 0])
    assert [each["listed"] for each in found["items"]] == listed.tolist()
    assert found["popularity"]["listed"] == pytest.approx(share @ listed / 15)
    assert found["popularity"]["came"] == pytest.approx((0.6 + 0.2) / 2)
    thirds = {each["name"]: each for each in found["thirds"]}
    assert (thirds["popular"]["items"], thirds["popular"]["rows"], thirds["popular"]["score"]["value"]) == (1, 1, 1.0)
    assert sum(each["items"] for each in found["thirds"]) == 7
    assert sum(each["share"] for each in found["thirds"]) == pytest.approx(1)


def test_an_interval_of_some_rows_is_that_of_their_units() -> None:
    values, units = np.array([0.0, 1.0, 1.0, 0.0]), np.array([7, 7, 2, 9])
    told = with_interval(values, units, 3)
    assert (told["low"], told["high"]) == paired_interval(values, np.array([1, 1, 0, 2]), 3)
    assert told["value"] == 0.5


def test_a_bootstrap_of_many_is_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values, groups = np.random.default_rng(0).normal(size=400), np.arange(400)
    whole = paired_interval(values, groups, 0)
    monkeypatch.setattr("train.ranking_scores.MOST_DRAWN", 4000)
    assert paired_interval(values, groups, 0) == pytest.approx(whole, abs=0.02)


def test_the_parts_of_a_blend_are_what_its_scores_are_made_of(sessions: Sessions) -> None:
    blend = fitted(Blend([("popularity", Popularity()), ("markov", Markov())]), sessions)
    parts = leaning(blend, sessions, "blend")
    assert [(each["member"], each["weight"]) for each in parts] == [
        (name, weight) for name, weights in blend.weights_.items() for weight in weights
    ]
    [alone] = leaning(fitted(Markov(), sessions), sessions, "markov")
    scores = fitted(Markov(), sessions).decision_function(sessions.test.X)
    assert alone["weight"] is None
    assert alone["spread"] == pytest.approx(np.mean([row[row >= 0].std() for row in scores]))


def test_a_block_is_ranked_by_what_came_before_it(sessions: Sessions) -> None:
    model = fitted(Markov(), sessions)
    told = back_test(model, sessions, "mrr", 0)
    assert told["first_rows"] == 70 and [block["from"] for block in told["blocks"]] == [70.0]
    rows, held = histories(WALKS[:70], 3), histories(WALKS[70:], 3)
    learnt = clone(model).fit(rows.X, rows.y)
    expected = row_scores(answered(learnt, held).rank)["mrr"].mean()
    assert told["blocks"][0]["fresh"]["value"] == told["blocks"][0]["old"]["value"] == pytest.approx(expected)


def test_the_worst_trajectories_come_first_and_say_what_stood_first(sessions: Sessions) -> None:
    model = fitted(Markov(), sessions)
    told = answered(model, sessions.test)
    score = row_scores(told.rank)["mrr"]
    worst = worst_sessions(sessions, model, told, score)
    by_walk = pd.Series(score).groupby(sessions.test.groups).mean()
    assert worst[0]["score"] == pytest.approx(by_walk.min())
    assert [each["score"] for each in worst] == sorted(each["score"] for each in worst)
    first = worst[0]
    assert first["stops"] == WALKS[first["session"] - 1] and len(first["steps"]) == len(first["stops"]) - 1
    assert first["steps"][0]["first"][0] != first["stops"][0]


def test_the_sign_test_counts_units_that_differ() -> None:
    told = _signs(np.array([0.5, -0.2, 0.0, -1.0, 0.3]), np.array([0, 0, 1, 2, 3]))
    assert (told["count"], told["challenger"], told["champion"], told["p"]) == (4, 2, 1, 1.0)


def test_users_are_kept_and_a_trajectory_is_of_one() -> None:
    told = RankingSettings(item="place", time="time", trajectory="walk", user="who")
    rows = [(f"w{k}", place, 10.0 * k + at, None if k == 3 else f"u{k % 2}") for k in range(12)
            for at, place in enumerate("ab")]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["walk", "place", "time", "who"])
    visits = visits_of(frame, told, {}, "")
    assert visits.users == ["u0", "u1", "u0", None, *["u0", "u1"] * 4]
    assert visits_of(frame, replace(told, user=None), {}, "").users is None
    shared = frame.assign(who=["u0", "u1"] * 12)
    with pytest.raises(TrainError, match=r"of one user. Got: trajectory 'w0' of 2 users, 'u0' and 'u1' among them"):
        visits_of(shared, told, {}, "")
