"""Looks for columns that alone almost decide the target: they often stand there only because the answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from sklearn.metrics import roc_auc_score

FloatArray = npt.NDArray[np.float64]
SUSPECT = 0.78  # as `explore` has it
MOST_ROWS = 20_000
FEWEST_OF_A_LEVEL = 20  # rows of the overall mean beside those of a level
PARTS = 5


def suspects(X: pd.DataFrame, y: npt.NDArray[Any], classes: list[Any] | None) -> dict[str, float]:
    """Return the columns that order the target by themselves, with how well: 1 is perfectly, the largest first.

    For two classes it is the area under the ROC curve of the column's values, or of its levels' shares (taken from
    other rows), 0.78 or more; for numbers the absolute rank correlation with the target, 0.9 or more. Of more rows
    than 20,000 evenly spaced ones are looked at.

    Args:
        X: The train rows, float64 and `str` columns.
        y: Their target.
        classes: In order; None for numbers. More than two are not looked at.
    """
    if classes is not None and len(classes) != 2:
        return {}
    rows = np.unique(np.linspace(0, len(y) - 1, min(len(y), MOST_ROWS)).astype(np.int64))
    truth = np.asarray(y[rows] == classes[1] if classes else y[rows], dtype=np.float64)
    least = SUSPECT if classes else 0.9
    found = {str(name): _strength(_ordered(X[name].iloc[rows], truth), truth, bool(classes)) for name in X.columns}
    return dict(sorted(((name, value) for name, value in found.items() if value >= least), key=lambda item: -item[1]))


def _ordered(column: pd.Series, truth: FloatArray) -> FloatArray:
    """Return the column as numbers: a level as the mean of the target in other rows, a missing number as median."""
    if column.dtype == np.float64 and not column.isna().any():
        return column.to_numpy(dtype=np.float64)
    if column.dtype == np.float64:
        values = column.to_numpy(dtype=np.float64)
        gone = np.isnan(values)
        return np.where(gone, np.nanmedian(values) if not gone.all() else 0.0, values)
    codes, levels = pd.factorize(column.astype(object).where(column.notna(), ""))
    found = np.empty(len(truth))
    parts = np.arange(len(truth)) % PARTS
    for part in range(PARTS):
        others = parts != part
        counts = np.bincount(codes[others], minlength=len(levels))
        sums = np.bincount(codes[others], weights=truth[others], minlength=len(levels))
        mean = float(truth[others].mean())
        means = (sums + FEWEST_OF_A_LEVEL * mean) / (counts + FEWEST_OF_A_LEVEL)
        found[~others] = means[codes[~others]]
    return found


def _strength(values: FloatArray, truth: FloatArray, two: bool) -> float:
    if np.ptp(values) == 0 or np.ptp(truth) == 0:
        return 0.0
    if two:
        area = float(roc_auc_score(truth, values))
        return max(area, 1 - area)
    return abs(float(stats.spearmanr(values, truth).statistic))
