"""A model's answers to the rows that were held out, and the scores of them with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from train.config import CostSettings

FloatArray = npt.NDArray[np.float64]
Score = Callable[[FloatArray], float]
DRAWS, DRAWS_OF_MANY, MANY = 400, 100, 200_000
SEED = 20
SMALLEST = 1e-15  # a probability below it counts as this much in a log loss


@dataclass(frozen=True)
class Judged:
    """Answers beside the truth, one per held-out row.

    Attributes:
        X: The rows, float64 and `str` columns.
        y: The truth, of shape (n_rows,).
        answer: Labels, or float64 values, of shape (n_rows,).
        probability: float64 of shape (n_rows, n_classes); None for values.
        classes: In scikit-learn's order; None for values.
        positive: The class that the threshold is for; None unless there are two classes.
        costs: Of wrong answers.
        row: The row's number among the rows with a target in the table, int64 of shape (n_rows,).
        aside: Sensitive columns, the time, the group, as read: one row each.
    """

    X: pd.DataFrame
    y: npt.NDArray[Any]
    answer: npt.NDArray[Any]
    probability: FloatArray | None
    classes: list[Any] | None
    positive: Any
    costs: CostSettings
    row: npt.NDArray[np.int64]
    aside: pd.DataFrame

    @property
    def binary(self) -> bool:
        """Whether there are two classes."""
        return self.classes is not None and len(self.classes) == 2

    @property
    def chance(self) -> FloatArray:
        """The probability of the positive class; of two classes only."""
        assert self.probability is not None
        assert self.classes is not None
        return self.probability[:, self.classes.index(self.positive)]

    @property
    def loss(self) -> FloatArray:
        """What each row adds to the mean loss: the absolute error, or minus the log probability of its class."""
        if self.probability is None:
            return np.asarray(np.abs(self.y - self.answer), dtype=np.float64)
        assert self.classes is not None
        place = np.array([self.classes.index(value) for value in self.y.tolist()])
        likely = np.clip(self.probability[np.arange(len(place)), place], SMALLEST, 1)
        return np.asarray(-np.log(likely), dtype=np.float64)

    @property
    def loss_name(self) -> str:
        """What `loss` is, in words."""
        return "absolute error" if self.probability is None else "log loss"


def score_functions(judged: Judged) -> dict[str, Score]:
    """Per score a function of weights, float64 of shape (n_rows,): how often a row counts."""
    if judged.probability is None:
        return _value_scores(judged)
    right = (judged.answer == judged.y).astype(np.float64)
    loss = judged.loss
    scores: dict[str, Score] = {
        "log_loss": lambda weight: _mean(loss, weight),
        "accuracy": lambda weight: _mean(right, weight),
        "balanced_accuracy": lambda weight: _recalls(judged, right, weight),
    }
    if not judged.binary:
        return scores
    yes, said = judged.y == judged.positive, judged.answer == judged.positive
    squares = (judged.chance - yes) ** 2
    order, groups = np.unique(judged.chance, return_inverse=True)
    return {
        "roc_auc": lambda weight: _area(groups, len(order), yes, weight),
        "average_precision": lambda weight: _precision(groups, len(order), yes, weight),
        "brier": lambda weight: _mean(squares, weight),
        "f1": lambda weight: _ratio(2 * weight[yes & said].sum(), weight[yes].sum() + weight[said].sum()),
        **scores,
        **_costs(judged),
    }


def _value_scores(judged: Judged) -> dict[str, Score]:
    y = np.asarray(judged.y, dtype=np.float64)
    left = y - judged.answer
    return {
        "r2": lambda weight: 1 - _ratio(_mean(left**2, weight), _mean((y - _mean(y, weight)) ** 2, weight)),
        "rmse": lambda weight: float(np.sqrt(_mean(left**2, weight))),
        "mae": lambda weight: _mean(np.abs(left), weight),
        **_costs(judged),
    }


def cost_of_rows(judged: Judged) -> FloatArray | None:
    """What each answer costs by the project file, float64 of shape (n_rows,); None where it does not say."""
    costs = judged.costs
    if judged.binary and (costs.false_positive is not None or costs.false_negative is not None):
        yes, said = judged.y == judged.positive, judged.answer == judged.positive
        cost = (costs.false_positive or 0.0) * (said & ~yes) + (costs.false_negative or 0.0) * (yes & ~said)
        return np.asarray(cost, dtype=np.float64)
    if judged.probability is None and (costs.overestimate is not None or costs.underestimate is not None):
        above = judged.answer - np.asarray(judged.y, dtype=np.float64)
        cost = (costs.overestimate or 0.0) * np.maximum(above, 0) + (costs.underestimate or 0.0) * np.maximum(-above, 0)
        return np.asarray(cost, dtype=np.float64)
    return None


def _costs(judged: Judged) -> dict[str, Score]:
    cost = cost_of_rows(judged)
    return {} if cost is None else {"cost": lambda weight: _mean(cost, weight)}


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0 else float("nan")


def _mean(values: FloatArray, weight: FloatArray) -> float:
    return float(weight @ values / weight.sum())


def _recalls(judged: Judged, right: FloatArray, weight: FloatArray) -> float:
    assert judged.classes is not None
    parts = [judged.y == label for label in judged.classes]
    found = [_mean(right[part], weight[part]) for part in parts if weight[part].sum() > 0]
    return float(np.mean(found))


def _area(groups: npt.NDArray[np.int64], count: int, yes: npt.NDArray[np.bool_], weight: FloatArray) -> float:
    """The probability that a positive row has a larger score than another, ties half (Mann and Whitney 1947)."""
    positive = np.bincount(groups, weights=weight * yes, minlength=count)
    negative = np.bincount(groups, weights=weight * ~yes, minlength=count)
    below = np.cumsum(negative) - negative
    return _ratio(float(positive @ (below + negative / 2)), float(positive.sum() * negative.sum()))


def _precision(groups: npt.NDArray[np.int64], count: int, yes: npt.NDArray[np.bool_], weight: FloatArray) -> float:
    """The precision at each distinct score from the top, weighted by the recall that it adds."""
    positive = np.bincount(groups, weights=weight * yes, minlength=count)[::-1]
    every = np.bincount(groups, weights=weight, minlength=count)[::-1]
    with np.errstate(invalid="ignore"):
        precision = np.nan_to_num(np.cumsum(positive) / np.cumsum(every))
    return _ratio(float(positive @ precision), float(positive.sum()))


def draws_of(rows: int, seed: int = SEED) -> Iterator[FloatArray]:
    """Give how often each row stands in each bootstrap sample; the same draws for the same number of rows."""
    generator = np.random.default_rng(seed)
    count = DRAWS if rows <= MANY else DRAWS_OF_MANY
    for _ in range(count):
        yield np.bincount(generator.integers(0, rows, rows), minlength=rows).astype(np.float64)


def scores_with_intervals(judged: Judged) -> dict[str, dict[str, float]]:
    """Each score's `value` and the ends `low` and `high` of its 95 % interval (bootstrap, percentiles; Efron 1979)."""
    functions = score_functions(judged)
    every = np.ones(len(judged.y))
    sampled = [[score(weight) for score in functions.values()] for weight in draws_of(len(judged.y))]
    found: dict[str, dict[str, float]] = {}
    for (name, score), drawn in zip(functions.items(), np.array(sampled).T, strict=True):
        value = score(every)
        ends = np.nanquantile(drawn, [0.025, 0.975]) if np.isfinite(drawn).any() else (value, value)
        if np.isfinite(value):
            found[name] = {"value": value, "low": float(ends[0]), "high": float(ends[1])}
    return found


def calibration_of(judged: Judged, bins: int = 10) -> dict[str, Any] | None:
    """Compare probabilities with what came, in groups of equal size; None for values.

    Of two classes the positive one's probability counts; of more the largest, beside whether that class came.

    Returns:
        `groups` (rows, mean probability `said`, share that `came`), the expected calibration error `ece` (the mean
        distance of the two, weighted by rows: Naeini, Cooper and Hauskrecht, AAAI 2015, with groups of equal size).
    """
    if judged.probability is None:
        return None
    said = judged.chance if judged.binary else judged.probability.max(axis=1)
    came = judged.y == judged.positive if judged.binary else _top_came(judged)
    order = np.argsort(said, kind="stable")
    groups = [
        {"rows": len(part), "said": float(said[part].mean()), "came": float(came[part].mean())}
        for part in np.array_split(order, bins)
        if len(part)
    ]
    ece = sum(group["rows"] * abs(group["said"] - group["came"]) for group in groups) / len(said)
    return {"groups": groups, "ece": float(ece)}


def _top_came(judged: Judged) -> npt.NDArray[np.bool_]:
    assert judged.probability is not None
    assert judged.classes is not None
    top = np.array(judged.classes, dtype=object)[judged.probability.argmax(axis=1)]
    return np.array([one == other for one, other in zip(top, judged.y.tolist(), strict=True)])
