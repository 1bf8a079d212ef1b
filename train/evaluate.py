"""Fits models, and scores the chosen one once on the test rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, cast, get_args

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.pipeline import Pipeline

from train.config import CostSettings, LabelMetric, Task
from train.scores import MAIN_SCORE, costs_of, score
from train.threshold import score_labels

RESAMPLES = 400
NO_COSTS = CostSettings()
FloatArray = npt.NDArray[np.float64]


def setting_of(task: Task, classes: int) -> str:
    """Return `binary`, `multiclass` or `regression`: what decides which scores apply."""
    if task == "regression":
        return "regression"
    return "binary" if classes == 2 else "multiclass"


def fit_pipeline(estimator: Any, X: pd.DataFrame, y: npt.NDArray[Any], threads: int = -1) -> Any:
    """Fit a clone of `estimator`, a forest that stands alone in its pipeline with several threads.

    The trees do not depend on the number of threads; the sum over them does, so nothing is answered with several.

    Args:
        estimator: A candidate, or one with a threshold around it.
        X: The feature frame.
        y: The target, of shape (n_rows,).
        threads: For a forest; -1 takes all processors.
    """
    inner = estimator
    while not isinstance(inner, Pipeline) and (hasattr(inner, "threshold") or hasattr(inner, "func")):
        inner = getattr(inner, "estimator", None) or inner.regressor
    model = inner.steps[-1][1] if isinstance(inner, Pipeline) else None
    forest = isinstance(model, RandomForestClassifier | RandomForestRegressor)
    with warnings.catch_warnings(), joblib.parallel_config(backend="threading", n_jobs=threads if forest else 1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="k=.* is greater than n_features")
        return clone(estimator).fit(X, y)


def test_scores(
    estimator: Any,
    X: pd.DataFrame,
    y: npt.NDArray[Any],
    setting: str,
    positive: Any,
    metric: str | None = None,
    costs: CostSettings = NO_COSTS,
) -> dict[str, Any]:
    """Score the final estimator on the test rows.

    Args:
        estimator: Fitted; for two classes it answers with its threshold.
        X: The test rows.
        y: Their target, of shape (n_rows,).
        setting: As `setting_of` returns it.
        positive: The positive class; has an effect for two classes only.
        metric: The main one, of which the interval is given; None takes the usual one of the setting.
        costs: Of wrong answers, for the metric cost.

    Returns:
        The scores; `interval` is the 95 % bootstrap interval of the main one.
    """
    scores = _usual_scores(estimator, X, y, setting, positive)
    if metric is None or metric == MAIN_SCORE[setting]:
        return scores

    def judge(rows: npt.NDArray[np.int64]) -> float:
        if setting == "binary" and metric in get_args(LabelMetric):
            pair = costs_of(costs, "binary") if metric == "cost" else None
            return score_labels(y[rows] == positive, label[rows] == positive, cast(LabelMetric, metric), pair)
        return score(y[rows], answers[rows], classes, metric, costs)

    classes = None if setting == "regression" else estimator.classes_.tolist()
    label = estimator.predict(X)
    answers = label if classes is None else estimator.predict_proba(X)
    return {metric: judge(np.arange(len(y))), **scores, "interval": bootstrap(judge, len(y))}


def _usual_scores(estimator: Any, X: pd.DataFrame, y: npt.NDArray[Any], setting: str, positive: Any) -> dict[str, Any]:
    if setting == "regression":
        value = estimator.predict(X)
        scores: dict[str, Any] = {
            "r2": float(r2_score(y, value)),
            "rmse": float(root_mean_squared_error(y, value)),
            "mae": float(mean_absolute_error(y, value)),
        }
        return scores | {"interval": bootstrap(lambda rows: float(r2_score(y[rows], value[rows])), len(y))}
    probability, label = estimator.predict_proba(X), estimator.predict(X)
    classes = estimator.classes_
    scores = {
        "log_loss": float(log_loss(y, probability, labels=classes)),
        "accuracy": float(accuracy_score(y, label)),
        "balanced_accuracy": float(balanced_accuracy_score(y, label)),
        "confusion": confusion_matrix(y, label, labels=classes).tolist(),
    }
    if setting == "multiclass":
        losses = -np.log(np.clip(probability[np.arange(len(y)), np.searchsorted(classes, y)], 1e-15, 1))
        return scores | {"interval": bootstrap(lambda rows: float(losses[rows].mean()), len(y))}
    is_positive = y == positive
    chance = probability[:, int(np.flatnonzero(classes == positive)[0])]
    return {
        "roc_auc": float(roc_auc_score(is_positive, chance)),
        "brier": float(brier_score_loss(is_positive, chance)),
        **scores,
        "interval": bootstrap(_area_of_rows(is_positive, chance), len(y)),
    }


def area_under_curve(positive: npt.NDArray[np.bool_], score: FloatArray) -> float:
    """Return the ROC AUC from ranks, ties half (Mann and Whitney 1947); NaN where only one class is there."""
    yes = int(positive.sum())
    if yes in (0, len(positive)):
        return float("nan")
    above = rankdata(score)[positive].sum() - yes * (yes + 1) / 2
    return float(above / (yes * (len(positive) - yes)))


def _area_of_rows(positive: npt.NDArray[np.bool_], score: FloatArray) -> Callable[[npt.NDArray[np.int64]], float]:
    """Return `area_under_curve` of drawn rows, number for number, with the scores sorted once for all draws."""
    levels, place = np.unique(score, return_inverse=True)

    def area(rows: npt.NDArray[np.int64]) -> float:
        every = np.bincount(place[rows], minlength=len(levels))
        yes = np.bincount(place[rows[positive[rows]]], minlength=len(levels))
        no = every - yes
        pairs = int(yes.sum()) * int(no.sum())
        return float(yes @ (np.cumsum(no) - no / 2) / pairs) if pairs else float("nan")

    return area


def bootstrap(score: Callable[[npt.NDArray[np.int64]], float], rows: int) -> list[float]:
    """Return the 2.5 % and 97.5 % quantiles of `score` over resampled row numbers; always the same draws."""
    generator = np.random.default_rng(20)
    draws = [score(generator.integers(0, rows, rows)) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return [float(low), float(high)]
