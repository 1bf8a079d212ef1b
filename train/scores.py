"""What each metric says of answers, and how many folds' figures become one with an interval."""

from __future__ import annotations

from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from train.config import Config, CostSettings, LabelMetric, Metric
from train.errors import TrainError
from train.threshold import Costs, choose_threshold, score_labels

FloatArray = npt.NDArray[np.float64]
MAIN_SCORE = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "r2"}
SECOND_SCORE = {"binary": "log_loss", "multiclass": "accuracy", "regression": "rmse"}
LOWER_IS_BETTER = ("log_loss", "brier", "rmse", "mae", "cost")
DECIDING: dict[str, tuple[Metric, ...]] = {
    "binary": ("roc_auc", "average_precision", "log_loss", "brier", "balanced_accuracy", "f1", "accuracy", "cost"),
    "multiclass": ("log_loss", "balanced_accuracy", "accuracy"),
    "regression": ("r2", "rmse", "mae", "cost"),
}


def deciding_metric(config: Config, setting: str) -> str:
    """Return the metric that decides between candidates: the told one, else the usual one of the setting.

    Raises:
        TrainError: The told metric does not fit the task, or needs costs that are not told.
    """
    told = config.run.metric
    if told is None:
        return MAIN_SCORE[setting]
    if told not in DECIDING[setting]:
        rule = f"metric in [run] must be one for this task ({setting})."
        raise TrainError(rule, repr(told), f"Choose one of {DECIDING[setting]}.")
    if told == "cost":
        costs_of(config.costs, setting)
    return told


def costs_of(costs: CostSettings, setting: str) -> Costs:
    """Return what the two kinds of wrong answers cost: too positive or too high, too negative or too low.

    Raises:
        TrainError: They are not told, or both are nothing.
    """
    names = ("overestimate", "underestimate") if setting == "regression" else ("false_positive", "false_negative")
    found = tuple(getattr(costs, name) for name in names)
    if None in found or not any(found):
        rule = f"The metric cost needs {names[0]} and {names[1]} in [costs], not both 0."
        raise TrainError(rule, str(dict(zip(names, found, strict=True))), "Write both.")
    return cast(Costs, found)


def fold_scores(
    y: npt.NDArray[Any],
    answers: FloatArray,
    folds: list[npt.NDArray[np.int64]],
    classes: list[Any] | None,
    metric: str,
    costs: CostSettings,
    positive: Any = None,
) -> list[float]:
    """Score the held rows of each fold.

    A metric of labels takes, for two classes, the threshold that is best on the other folds' held rows: no fold chooses
    the threshold that it is scored with.

    Args:
        y: The target of the rows, of shape (n_rows,).
        answers: Per fold one after another: probabilities of shape (n_held, n_classes), or values of shape (n_held,).
        folds: The held rows of each fold.
        classes: In order; None for numbers.
        metric: Which.
        costs: Of wrong answers.
        positive: The positive class; two classes only.

    Raises:
        TrainError: A fold has rows of one class only.
    """
    ends = np.cumsum([len(held) for held in folds])
    parts = np.split(answers, ends[:-1])
    if classes is None or len(classes) > 2 or metric not in get_args(LabelMetric):
        found = [score(y[held], part, classes, metric, costs) for held, part in zip(folds, parts, strict=True)]
    else:
        found = _label_scores(y, parts, folds, metric, costs, classes.index(positive), positive)
    if np.isnan(found).any():
        remedy = "Take fewer folds, or another column, in [split]."
        raise TrainError("Every fold must hold rows of both classes.", "a fold of one class", remedy)
    return found


def _label_scores(
    y: npt.NDArray[Any],
    parts: list[FloatArray],
    folds: list[npt.NDArray[np.int64]],
    metric: str,
    costs: CostSettings,
    column: int,
    positive: Any,
) -> list[float]:
    chances, truths = [part[:, column] for part in parts], [y[held] == positive for held in folds]
    pair = costs_of(costs, "binary") if metric == "cost" else None
    found = []
    for fold, (chance, truth) in enumerate(zip(chances, truths, strict=True)):
        others = [number for number in range(len(folds)) if number != fold]
        known = np.concatenate([truths[number] for number in others])
        said = np.concatenate([chances[number] for number in others])
        threshold = choose_threshold(known, said, cast(LabelMetric, metric), pair).value
        found.append(score_labels(truth, chance >= threshold, cast(LabelMetric, metric), pair))
    return found


def score(
    y: npt.NDArray[Any], answer: FloatArray, classes: list[Any] | None, metric: str, costs: CostSettings
) -> float:
    """Return one metric of some rows; of the labels' ones those without a threshold.

    Args:
        y: The target.
        answer: Probabilities or values, as for `fold_scores`.
        classes: In order; None for numbers.
        metric: Which.
        costs: Of wrong answers.
    """
    if classes is None:
        return _score_values(y, answer, metric, costs)
    known = np.asarray(classes, dtype=object if isinstance(classes[0], str) else None)
    if metric == "log_loss":
        return float(log_loss(y, answer, labels=known))
    if metric in ("accuracy", "balanced_accuracy"):
        judge = accuracy_score if metric == "accuracy" else balanced_accuracy_score
        return float(judge(y, known[answer.argmax(axis=1)]))
    second = y == classes[1]
    if second.all() or not second.any():
        return float("nan")
    judge = {"roc_auc": roc_auc_score, "average_precision": average_precision_score, "brier": brier_score_loss}[metric]
    return float(judge(second, answer[:, 1]))


def _score_values(y: FloatArray, value: FloatArray, metric: str, costs: CostSettings) -> float:
    if metric == "cost":
        over, under = costs_of(costs, "regression")
        apart = value - y
        return float(np.where(apart > 0, over * apart, -under * apart).mean())
    judge = {"r2": r2_score, "rmse": root_mean_squared_error, "mae": mean_absolute_error}[metric]
    return float(judge(y, value))


def summarise(folds: list[float], held_share: float) -> dict[str, Any]:
    """Return `mean`, `std` (of the population), the corrected `error` of the mean, its 95 % `interval` and the `folds`.

    Folds share training rows, so that their figures vary together: the variance of their mean is taken as
    (1 / folds + n_held / n_fitted) times theirs (Nadeau and Bengio 2003, Inference for the Generalization Error), with
    Student's t for the interval.

    Args:
        folds: One figure per fold.
        held_share: Held rows of a fold for each row that it is fitted on.
    """
    mean, error = float(np.mean(folds)), float(np.sqrt((1 / len(folds) + held_share) * np.var(folds, ddof=1)))
    half = float(stats.t.ppf(0.975, len(folds) - 1)) * error
    spread = {"mean": mean, "std": float(np.std(folds)), "error": error, "interval": [mean - half, mean + half]}
    return {**spread, "folds": folds}
