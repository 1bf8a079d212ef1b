"""What follows a fit: the prediction interval of a regressor, and the judgement on the held-out rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from train.conformal import conformal, coverage, out_of_fold
from train.fitted import Fitted
from train.held_out import held_out
from train.material import Material
from train.record import cleaned, judge
from train.split import folds_of, marks_of

Progress = Callable[[str, int, int], None]
MANY = 200_000  # rows above which one fold's residuals are enough (split conformal)


def finish(material: Material, fitted: Fitted, seed: int, progress: Progress) -> Fitted:
    """Return `fitted` with `interval` (None for classes) and `held_out` among its metrics.

    Args:
        material: What it was fitted on.
        fitted: As `fit` gives it.
        seed: Shuffles the rows into folds.
        progress: Called with a step's name, how much of it is done, and how much there is.
    """
    estimator, test = fitted.estimators[fitted.chosen], fitted.split.test
    X, y = material.X.iloc[test].reset_index(drop=True), material.target.y[test]
    with threadpool_limits(1):
        progress("judge on the test rows", 0, 1)
        beside = material.aside.iloc[test].reset_index(drop=True) if len(material.aside) else pd.DataFrame()
        classes, costs = material.target.classes, material.config.costs
        judged = judge(estimator, X, y, classes, fitted.positive, costs, test, beside)
        interval = None if classes is not None else _interval(material, fitted, seed)
        found = held_out(judged, sensitive_of(material))
        progress("judge on the test rows", 1, 1)
    if interval is not None:
        interval["test"] = coverage(interval["interval"], y, judged.answer)
    metrics = {**fitted.metrics, "interval": cleaned(interval), "held_out": cleaned(found)}
    return replace(fitted, metrics=metrics)


def sensitive_of(material: Material) -> list[str]:
    """The sensitive columns, in the order of the project file."""
    return [name for name, told in material.config.columns.items() if told.sensitive]


def _interval(material: Material, fitted: Fitted, seed: int) -> dict[str, Any]:
    final = fitted.split.final
    X, y = material.X.iloc[final].reset_index(drop=True), np.asarray(material.target.y[final], dtype=np.float64)
    settings = replace(material.config.split, repeats=1)
    marks = marks_of(material.aside, settings).take(final)
    folds = list(folds_of(y, "regression", seed, settings, marks))
    predicted, fold = out_of_fold(fitted.estimators[fitted.chosen], X, y, folds[-1:] if len(y) > MANY else folds)
    if len(y) > MANY:
        fold = np.where(fold < 0, -1, np.cumsum(fold >= 0) % 2)
    return conformal(y, predicted, fold)
