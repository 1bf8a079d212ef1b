"""Scores models: cross-validation on the train rows, and once on the test rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone
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
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline

from train.config import Task

FOLDS = 5
RESAMPLES = 400
FloatArray = npt.NDArray[np.float64]

MAIN_SCORE = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "r2"}
LOWER_IS_BETTER = ("log_loss", "brier", "rmse", "mae")


def setting_of(task: Task, classes: int) -> str:
    """Return `binary`, `multiclass` or `regression`: what decides which scores apply."""
    if task == "regression":
        return "regression"
    return "binary" if classes == 2 else "multiclass"


def fit_pipeline(estimator: Any, X: pd.DataFrame, y: npt.NDArray[Any], prefix: str = "") -> Any:
    """Fit a clone of `estimator`, a forest on all processors.

    The trees do not depend on the number of processors; the sum over them does, so it is set back before any answer.

    Args:
        estimator: A pipeline of `train.models`, or one wrapped.
        X: The feature frame.
        y: The target, of shape (n_rows,).
        prefix: Where the pipeline stands in a wrapper, such as `estimator__`.
    """
    fitted = clone(estimator)
    forest = f"{prefix}model__n_jobs" in fitted.get_params() and f"{prefix}model__n_estimators" in fitted.get_params()
    if not forest:
        return fitted.fit(X, y)
    fitted.set_params(**{f"{prefix}model__n_jobs": -1}).fit(X, y)
    fitted.set_params(**{f"{prefix}model__n_jobs": None})
    inner = getattr(fitted, "estimator_", None)
    if inner is not None:
        inner.set_params(model__n_jobs=None)
    return fitted


def quick_scores(estimator: Any, X: pd.DataFrame, y: npt.NDArray[Any], setting: str) -> dict[str, float]:
    """Return the two scores by which candidates are compared, the one that decides first."""
    if setting == "regression":
        value = estimator.predict(X)
        return {"r2": float(r2_score(y, value)), "rmse": float(root_mean_squared_error(y, value))}
    probability = estimator.predict_proba(X)
    loss = float(log_loss(y, probability, labels=estimator.classes_))
    if setting == "binary":
        positive = y == estimator.classes_[1]
        return {"roc_auc": float(roc_auc_score(positive, probability[:, 1])), "log_loss": loss}
    predicted = estimator.classes_[probability.argmax(axis=1)]
    return {"log_loss": loss, "accuracy": float(accuracy_score(y, predicted))}


def fold_scores(
    pipeline: Pipeline, X: pd.DataFrame, y: npt.NDArray[Any], setting: str, seed: int
) -> Iterator[dict[str, float]]:
    """Cross-validate one candidate, giving the `quick_scores` of fold after fold.

    Args:
        pipeline: Stays unfitted.
        X: The train rows.
        y: Their target, of shape (n_rows,).
        setting: As `setting_of` returns it.
        seed: Shuffles the rows into folds.
    """
    kind = KFold if setting == "regression" else StratifiedKFold
    for train, held in kind(FOLDS, shuffle=True, random_state=seed).split(X, y):
        fitted = fit_pipeline(pipeline, X.iloc[train], y[train])
        yield quick_scores(fitted, X.iloc[held], y[held], setting)


def summarise(folds: list[dict[str, float]]) -> dict[str, dict[str, Any]]:
    """Return `mean`, `std` (of the population) and the `folds` in order, per score."""
    values = {name: [fold[name] for fold in folds] for name in folds[0]}
    return {
        name: {"mean": float(np.mean(found)), "std": float(np.std(found)), "folds": found}
        for name, found in values.items()
    }


def best_candidate(cross_validation: dict[str, dict[str, dict[str, Any]]], setting: str) -> str:
    """Return the name of the candidate with the best mean of the main score; the first of equals."""
    score = MAIN_SCORE[setting]
    sign = -1.0 if score in LOWER_IS_BETTER else 1.0
    return max(cross_validation, key=lambda name: sign * cross_validation[name][score]["mean"])


def test_scores(estimator: Any, X: pd.DataFrame, y: npt.NDArray[Any], setting: str, positive: Any) -> dict[str, Any]:
    """Score the final estimator on the test rows.

    Args:
        estimator: Fitted; for two classes it answers with its threshold.
        X: The test rows.
        y: Their target, of shape (n_rows,).
        setting: As `setting_of` returns it.
        positive: The positive class; has an effect for two classes only.

    Returns:
        The scores; `interval` is the 95 % bootstrap interval of the main one.
    """
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
        "interval": bootstrap(lambda rows: area_under_curve(is_positive[rows], chance[rows]), len(y)),
    }


def area_under_curve(positive: npt.NDArray[np.bool_], score: FloatArray) -> float:
    """Return the ROC AUC, NaN where only one class is there; a draw without both classes has none."""
    if positive.all() or not positive.any():
        return float("nan")
    return float(roc_auc_score(positive, score))


def bootstrap(score: Callable[[npt.NDArray[np.int64]], float], rows: int) -> list[float]:
    """Return the 2.5 % and 97.5 % quantiles of `score` over resampled row numbers; always the same draws."""
    generator = np.random.default_rng(20)
    draws = [score(generator.integers(0, rows, rows)) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return [float(low), float(high)]
