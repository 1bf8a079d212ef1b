"""Scores, calibration, slices and fairness on held-out rows, each against its definition or another's code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from train.config import CostSettings
from train.fairness import fairness_of, typed
from train.judged import Judged, calibration_of, draws_of, score_functions, scores_with_intervals
from train.mistakes import confusion_by_cost, residuals_of, worst_mistakes
from train.slices import adjusted, parts_of, worse_than_rest, worst_slices

NOTHING = pd.DataFrame()


def binary(rows: int = 400, seed: int = 0, costs: CostSettings | None = None) -> Judged:
    generator = np.random.default_rng(seed)
    chance = np.round(generator.uniform(0, 1, rows), 2)  # with ties
    y = (generator.uniform(size=rows) < chance).astype(int)
    X = pd.DataFrame({"x": generator.normal(size=rows), "sex": generator.choice(["f", "m"], rows)})
    probability = np.stack([1 - chance, chance], axis=1)
    answer = (chance >= 0.4).astype(int)
    return Judged(X, y, answer, probability, [0, 1], 1, costs or CostSettings(), np.arange(rows) * 2, NOTHING)


def values(rows: int = 300, seed: int = 0, costs: CostSettings | None = None) -> Judged:
    generator = np.random.default_rng(seed)
    X = pd.DataFrame({"x": generator.normal(size=rows)})
    y = 10 * X["x"].to_numpy() + generator.normal(size=rows)
    answer = 10 * X["x"].to_numpy()
    return Judged(X, y, answer, None, None, None, costs or CostSettings(), np.arange(rows), NOTHING)


def several(rows: int = 200) -> Judged:
    generator = np.random.default_rng(3)
    probability = generator.dirichlet([1, 1, 1], rows)
    y = np.array(["a", "b", "c"], dtype=object)[generator.integers(0, 3, rows)]
    answer = np.array(["a", "b", "c"], dtype=object)[probability.argmax(axis=1)]
    X = pd.DataFrame({"x": generator.normal(size=rows)})
    return Judged(X, y, answer, probability, ["a", "b", "c"], None, CostSettings(), np.arange(rows), NOTHING)


def sklearn_scores(judged: Judged, weight: np.ndarray) -> dict[str, float]:
    how: dict[str, Any] = {"sample_weight": weight}
    y, answer = judged.y, judged.answer
    if judged.probability is None:
        return {
            "r2": metrics.r2_score(y, answer, **how),
            "rmse": metrics.root_mean_squared_error(y, answer, **how),
            "mae": metrics.mean_absolute_error(y, answer, **how),
        }
    found = {
        "log_loss": metrics.log_loss(y, judged.probability, labels=judged.classes, **how),
        "accuracy": metrics.accuracy_score(y, answer, **how),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, answer, **how),
    }
    if judged.binary:
        found["roc_auc"] = metrics.roc_auc_score(y, judged.chance, **how)
        found["average_precision"] = metrics.average_precision_score(y, judged.chance, **how)
        found["brier"] = metrics.brier_score_loss(y, judged.chance, **how)
        found["f1"] = metrics.f1_score(y, answer, **how)
    return found


@pytest.mark.parametrize("judged", [binary(), values(), several()], ids=["binary", "values", "several"])
def test_each_score_is_scikit_learns_also_with_weights(judged: Judged) -> None:
    functions = score_functions(judged)
    for weight in (np.ones(len(judged.y)), next(draws_of(len(judged.y))), np.arange(len(judged.y)) % 4.0):
        expected = sklearn_scores(judged, weight)
        assert set(functions) == set(expected)
        for name, score in functions.items():
            assert score(weight) == pytest.approx(expected[name], rel=1e-9), name


def test_an_interval_is_the_percentiles_of_resampled_rows() -> None:
    judged = values(80)
    generator = np.random.default_rng(20)
    drawn = []
    for _ in range(400):
        rows = generator.integers(0, 80, 80)
        drawn.append(metrics.mean_absolute_error(judged.y[rows], judged.answer[rows]))
    found = scores_with_intervals(judged)["mae"]
    assert [found["low"], found["high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]).tolist())
    assert found["low"] < found["value"] < found["high"]


def test_costs_by_hand() -> None:
    y, answer = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 0, 1, 1])
    chance = np.array([0.1, 0.6, 0.3, 0.7, 0.9])
    X = pd.DataFrame({"x": np.zeros(5)})
    costs = CostSettings(false_positive=2, false_negative=7)
    judged = Judged(X, y, answer, np.stack([1 - chance, chance], 1), [0, 1], 1, costs, np.arange(5), NOTHING)
    assert score_functions(judged)["cost"](np.ones(5)) == pytest.approx((2 + 7) / 5)
    told = confusion_by_cost(judged, 0.5)
    assert told is not None
    assert told["counts"] == [[1, 1], [1, 2]]
    assert (told["always"], told["never"]) == pytest.approx((4 / 5, 21 / 5))
    assert told["best"] == {"threshold": 0.3, "cost": pytest.approx(2 / 5)}, "one false alarm, nothing missed"
    priced = values(4, costs=CostSettings(overestimate=1, underestimate=3))
    above = priced.answer - priced.y
    expected = np.mean([each if each > 0 else -3 * each for each in above.tolist()])
    assert score_functions(priced)["cost"](np.ones(4)) == pytest.approx(expected)
    assert "cost" not in score_functions(values(4))


def test_the_best_threshold_by_trying_every_one() -> None:
    judged = binary(costs=CostSettings(false_positive=1, false_negative=3))
    told = confusion_by_cost(judged, 0.4)
    assert told is not None
    tried = [
        float(np.mean(1.0 * ((judged.chance >= t) & (judged.y == 0)) + 3.0 * ((judged.chance < t) & (judged.y == 1))))
        for t in np.unique(judged.chance)
    ]
    assert told["best"]["cost"] == pytest.approx(min(tried))


def test_calibration_by_the_definition() -> None:
    judged = binary(1000)
    told = calibration_of(judged)
    assert told is not None
    order = np.argsort(judged.chance, kind="stable")
    parts = [order[start : start + 100] for start in range(0, 1000, 100)]
    expected = np.mean([abs(judged.chance[part].mean() - judged.y[part].mean()) for part in parts])
    assert told["ece"] == pytest.approx(expected)
    assert told["ece"] < 0.08, "the truth was drawn with these probabilities"
    wrong = Judged(**{**vars(judged), "probability": judged.probability**3})  # type: ignore[operator] # it is an array
    worse = calibration_of(wrong)
    assert worse is not None
    assert worse["ece"] > 0.15
    assert calibration_of(values()) is None
    top = calibration_of(several())
    assert top is not None
    assert sum(group["rows"] for group in top["groups"]) == 200


def test_a_slice_is_tested_by_welch() -> None:
    generator = np.random.default_rng(5)
    loss, code = generator.exponential(size=500), generator.integers(0, 4, 500)
    found = worse_than_rest(loss, code, 5)
    for part in range(4):
        expected = stats.ttest_ind(loss[code == part], loss[code != part], equal_var=False, alternative="greater")
        assert found["p"][part] == pytest.approx(expected.pvalue)
        assert found["mean"][part] == pytest.approx(loss[code == part].mean())
        assert found["rest"][part] == pytest.approx(loss[code != part].mean())
    assert (found["rows"][4], found["p"][4]) == (0, 1), "an empty part says nothing"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_adjusted_p_values_are_scipys(p: list[float]) -> None:
    np.testing.assert_allclose(adjusted(np.array(p)), stats.false_discovery_control(p))


def test_columns_are_cut_at_quartiles_and_levels() -> None:
    parts = parts_of(pd.Series([1.0, 2, 3, 4, 5, 6, 7, 8, np.nan], name="n"))
    assert parts is not None
    assert parts.names == ["≤ 2.75", "2.75 to 4.5", "4.5 to 6.25", "> 6.25", "missing"]
    assert parts.code.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    few = parts_of(pd.Series([0.0, 1, 1], name="n"))
    assert few is not None
    assert few.names == ["= 0", "= 1"]
    levels = parts_of(pd.Series([f"l{min(k, 25)}" for k in range(60)] + [None], name="t", dtype="str"))
    assert levels is not None
    assert len(levels.names) == 22
    assert levels.names[-2:] == ["another level", "missing"]
    assert parts_of(pd.Series(["a", "a"], name="t", dtype="str")) is None


def planted(effect: float, seed: int) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    X = pd.DataFrame({f"n{k}": generator.normal(size=2000) for k in range(5)})
    X["t"] = generator.choice(["a", "b", "c", "d"], 2000)
    loss = generator.exponential(size=2000)
    loss[((X["n1"] > 0.7) & (X["t"] == "c")).to_numpy()] += effect
    return worst_slices(X, loss)


def test_a_planted_group_is_found_and_nothing_in_noise() -> None:
    found = planted(2.0, 1)
    assert [column for column, _ in found["slices"][0]["where"]] == ["n1", "t"]
    assert found["slices"][0]["where"][1] == ["t", "= c"]
    assert found["slices"][0]["rows"] >= found["fewest"] == 40
    alone = [planted(0.0, seed)["slices"] for seed in range(20)]
    assert sum(bool(slices) for slices in alone) <= 4, "at most one in ten is expected; without control nearly all"


def test_small_groups_are_not_looked_at() -> None:
    X = pd.DataFrame({"t": ["rare"] * 29 + ["often"] * 500})
    loss = np.where(X["t"] == "rare", 100.0, 1.0) + np.arange(529) % 7
    assert worst_slices(X, loss)["slices"] == []
    X = pd.DataFrame({"t": ["rare"] * 30 + ["often"] * 500})
    loss = np.where(X["t"] == "rare", 100.0, 1.0) + np.arange(530) % 7
    assert worst_slices(X, loss)["slices"][0]["where"] == [["t", "= rare"]]


def test_fairness_by_hand() -> None:
    judged = binary(600)
    aside = pd.DataFrame({"origin": ["1"] * 571 + ["2"] * 29, "none": ["x"] * 600})
    judged = Judged(**{**vars(judged), "aside": aside})
    by_sex, by_origin = fairness_of(judged, ["sex", "origin", "none"])
    rates = {}
    for group in by_sex["groups"]:
        here = (judged.X["sex"] == group["name"].removeprefix("= ")).to_numpy()
        yes, said = judged.y[here] == 1, judged.answer[here] == 1
        assert group["rows"] == here.sum()
        assert group["selection_rate"] == pytest.approx(said.mean())
        assert group["true_positive_rate"] == pytest.approx(said[yes].mean())
        assert group["false_positive_rate"] == pytest.approx(said[~yes].mean())
        assert group["accuracy"] == pytest.approx((yes == said).mean())
        low, high = group["interval"]["false_positive_rate"]
        assert low < said[~yes].mean() < high
        rates[group["name"]] = said.mean()
    assert by_sex["differences"]["selection_rate"] == pytest.approx(abs(rates["= f"] - rates["= m"]))
    assert (by_origin["groups"], by_origin["left_out"]) == ([], 29), "29 rows are too few to be named"


def test_fairness_of_numbers_and_classes() -> None:
    judged = values(200)
    judged = Judged(**{**vars(judged), "aside": pd.DataFrame({"age": [str(k % 80) for k in range(200)]})})
    [by_age] = fairness_of(judged, ["age"])
    assert sum(group["rows"] for group in by_age["groups"]) == 200
    assert len(by_age["groups"]) == 4, "an age is a number: four parts"
    assert {"mean_error", "mae"} <= set(by_age["groups"][0])
    three = several()
    [only] = fairness_of(Judged(**{**vars(three), "X": three.X.assign(g=["a", "b"] * 100)}), ["g"])
    assert set(only["differences"]) == {"accuracy"}


def test_texts_of_numbers_are_numbers() -> None:
    assert typed(pd.Series(["3", "", " 4.5", None])).tolist()[::2] == [3.0, 4.5]
    assert typed(pd.Series(["3", "x", ""])).tolist() == ["3", "x", None]


def test_residuals_and_mistakes() -> None:
    judged = values(100)
    told = residuals_of(judged, {"kind": "difference", "low": -1.0, "high": 1.0})
    assert told is not None
    left = judged.y - judged.answer
    assert told["quantiles"][2] == pytest.approx(np.median(left))
    order = np.argsort(judged.answer)[:10]
    first = told["groups"][0]
    assert (first["rows"], first["mean"]) == (10, pytest.approx(left[order].mean()))
    assert first["coverage"] == pytest.approx(np.mean(np.abs(left[order]) <= 1))
    worst = worst_mistakes(judged, 3)
    assert [each["row"] for each in worst] == (np.argsort(-np.abs(left))[:3] + 1).tolist()
    assert worst[0]["loss"] == pytest.approx(np.abs(left).max())
    assert residuals_of(binary(), None) is None
    likely = worst_mistakes(binary())[0]
    assert likely["likely"] < 0.05
    assert likely["row"] % 2 == 1, "rows are told by their number in the table"
