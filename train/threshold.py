"""Chooses the probability from which on the positive class is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, get_args

import numpy as np
import numpy.typing as npt

from train.config import Config, LabelMetric

FloatArray = npt.NDArray[np.float64]
Costs = tuple[float, float]  # of a false positive and of a false negative


@dataclass(frozen=True)
class Threshold:
    """A decision threshold and what it reached where it was chosen.

    Attributes:
        value: The positive class is answered where its probability is at least this.
        metric: What was maximised.
        score: The metric on the validation rows.
        default_score: The metric there at 0.5.
    """

    value: float
    metric: LabelMetric
    score: float
    default_score: float


def threshold_metric(config: Config) -> LabelMetric:
    """Return what the threshold maximises: a told metric of labels, else cost where costs are told, else the usual."""
    told = config.run.metric
    if told in get_args(LabelMetric):
        return cast(LabelMetric, told)
    costs = config.costs
    return "cost" if costs.false_positive is not None and costs.false_negative is not None else "balanced_accuracy"


def choose_threshold(
    positive: npt.NDArray[np.bool_],
    probability: npt.NDArray[np.float64],
    metric: LabelMetric,
    costs: Costs | None = None,
) -> Threshold:
    """Choose the threshold with the best metric.

    Tried are all that differ in their answers: one in each gap between neighbouring probabilities. The value is the
    shortest decimal fraction inside the gap, so that no validation row stands on it (`high` of the gap where there is
    no number inside). A tie goes to the gap nearest to 0.5.

    Args:
        positive: Whether the row is of the positive class, bool of shape (n_rows,); both must occur.
        probability: Of the positive class, float64 of shape (n_rows,), from 0 to 1.
        metric: What is maximised; of `cost`, the mean per row, what is minimised.
        costs: For that metric only.

    Returns:
        The threshold; 0.5 when all probabilities are the same.
    """
    levels, index = np.unique(probability, return_inverse=True)
    yes = np.bincount(index, weights=positive, minlength=len(levels))
    rows = np.bincount(index, minlength=len(levels)).astype(np.float64)
    # At gap i the rows with levels[i + 1] and above are answered positive.
    true_positive = (yes.sum() - np.cumsum(yes))[:-1]
    answered = (rows.sum() - np.cumsum(rows))[:-1]
    default = float(
        score_counts(yes[levels >= 0.5].sum(), rows[levels >= 0.5].sum(), yes.sum(), rows.sum(), metric, costs)
    )
    if len(levels) == 1:
        return Threshold(0.5, metric, default, default)
    scores = score_counts(true_positive, answered, yes.sum(), rows.sum(), metric, costs)
    signed = -scores if metric == "cost" else scores
    best = np.flatnonzero(signed >= signed.max() - 1e-12)
    middle = (levels[:-1] + levels[1:]) / 2
    gap = int(best[np.argmin(np.abs(middle[best] - 0.5))])
    return Threshold(shortest_between(levels[gap], levels[gap + 1]), metric, float(scores[gap]), default)


def score_counts(
    true_positive: FloatArray,
    answered: FloatArray,
    yes: float,
    rows: float,
    metric: LabelMetric,
    costs: Costs | None = None,
) -> FloatArray:
    """Return the metric from counts.

    Args:
        true_positive: Rows of the positive class that are answered positive, float64 of any shape.
        answered: Rows that are answered positive, of the same shape.
        yes: Rows of the positive class.
        rows: All rows.
        metric: Which metric.
        costs: For `cost` only.
    """
    if metric == "cost":
        assert costs is not None
        return np.asarray((costs[0] * (answered - true_positive) + costs[1] * (yes - true_positive)) / rows)
    true_negative = (rows - yes) - (answered - true_positive)
    if metric == "accuracy":
        return np.asarray((true_positive + true_negative) / rows)
    if metric == "f1":
        return np.asarray(2 * true_positive / (answered + yes))
    return np.asarray((true_positive / yes + true_negative / (rows - yes)) / 2)


def score_labels(
    positive: npt.NDArray[np.bool_], answered: npt.NDArray[np.bool_], metric: LabelMetric, costs: Costs | None
) -> float:
    """Return the metric of rows that are of the positive class and rows that are answered so; NaN of one class."""
    if positive.all() or not positive.any():
        return float("nan")
    right, said = (np.array(float(value.sum())) for value in (positive & answered, answered))
    return float(score_counts(right, said, float(positive.sum()), len(positive), metric, costs))


def shortest_between(low: float, high: float) -> float:
    """Return the decimal fraction with the fewest digits between the two; `high` where there is no number between."""
    middle = (low + high) / 2
    for digits in range(1, 18):
        rounded = round(middle, digits)
        if low < rounded < high:
            return float(rounded)
    return float(high)
