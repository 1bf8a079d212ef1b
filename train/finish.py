"""What follows a fit: the prediction interval of a regressor, and the judgement on the held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit
from threadpoolctl import threadpool_limits

from train.conformal import conformal, coverage, out_of_fold
from train.fairness import typed
from train.fitted import Fitted
from train.held_out import held_out
from train.material import Material
from train.record import cleaned, judge

Rows = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]


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
    aside = material.aside.iloc[final].reset_index(drop=True) if len(material.aside) else material.aside
    folds = folds_of(aside, material.config.split.time, material.config.split.group, len(y), seed)
    return conformal(y, *out_of_fold(fitted.estimators[fitted.chosen], X, y, folds))


def folds_of(
    aside: pd.DataFrame, time: str | None, group: str | None, rows: int, seed: int, folds: int = 5
) -> Iterator[tuple[Rows, Rows]]:
    """Give pairs of row numbers to fit on and to predict.

    In time no fold learns from later rows, and the first rows are predicted by none; groups stay whole; else rows are
    shuffled.
    """
    if time is not None:
        order = np.argsort(typed(aside[time]).to_numpy(), kind="stable")
        for seen, held in TimeSeriesSplit(folds).split(order):
            yield order[seen], order[held]
    elif group is not None:
        yield from GroupKFold(folds).split(np.zeros(rows), groups=aside[group].astype("str").to_numpy())
    else:
        yield from KFold(folds, shuffle=True, random_state=seed).split(np.zeros(rows))
