"""Prediction intervals of a regressor from the errors on rows that a fit has not seen (conformal prediction).

The offsets are order statistics of out-of-fold residuals: Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random
World* (2005); Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, "Distribution-Free Predictive Inference for Regression",
JASA 113 (2018), for residuals and for their scale; Barber, Candès, Ramdas and Tibshirani, "Predictive Inference with
the Jackknife+", Annals of Statistics 49 (2021), for residuals of a cross-validation. One pair of offsets around the
final model is their K-fold interval without the plus: its coverage is the level where the fit is stable, no guarantee.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from train.evaluate import fit_pipeline

FloatArray = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
LEVEL = 0.9
KINDS = ("difference", "ratio")


@dataclass(frozen=True)
class Offsets:
    """How far the truth lies from a prediction: added to it (`difference`) or multiplied by it (`ratio`)."""

    kind: str
    low: float
    high: float

    def around(self, predicted: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The lower and the upper ends, float64 of shape (n_rows,) each, as the contract's interval gives them."""
        if self.kind == "difference":
            return predicted + self.low, predicted + self.high
        ends = np.sort(np.stack([predicted * self.low, predicted * self.high]), axis=0)
        return ends[0], ends[1]


def offsets_of(kind: str, y: FloatArray, predicted: FloatArray, level: float) -> Offsets:
    """Take the offsets from residuals.

    With n residuals these are the k-th smallest and the k-th largest, k = floor((n + 1) (1 - level) / 2): among n + 1
    exchangeable residuals a new one lies between them with probability of at least `level`.

    Args:
        kind: `difference`: y - predicted; `ratio`: y / predicted, of positive numbers only.
        y: The truth, float64 of shape (n_rows,).
        predicted: For the same rows, by models that have not seen them.
        level: Share of rows to hold, above 0 and below 1; k must be at least 1.
    """
    residuals = np.sort(y - predicted if kind == "difference" else y / predicted)
    k = math.floor((len(y) + 1) * (1 - level) / 2 + 1e-9)
    if k < 1:
        raise ValueError(f"{len(y)} residuals are too few for a level of {level}")
    return Offsets(kind, float(residuals[k - 1]), float(residuals[-k]))


def interval_score(y: FloatArray, low: FloatArray, high: FloatArray, level: float) -> float:
    """The mean width, and 2 / (1 - level) times the distance of each truth outside.

    It is least in expectation at the true quantiles (Gneiting and Raftery, JASA 102, 2007, equation 43).
    """
    outside = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return float(np.mean(high - low + 2 / (1 - level) * outside))


def held_in(y: FloatArray, low: FloatArray, high: FloatArray) -> float:
    """The share of rows whose truth lies between the ends, both included."""
    return float(np.mean((low <= y) & (y <= high)))


def out_of_fold(estimator: Any, X: pd.DataFrame, y: FloatArray, folds: Iterable[tuple[Rows, Rows]]) -> tuple[Any, Any]:
    """Predict rows by clones that have not seen them.

    Args:
        estimator: Stays as it is.
        X: The rows.
        y: Their target, of shape (n_rows,).
        folds: Pairs of row numbers to fit on and to predict.

    Returns:
        The predictions, float64 of shape (n_rows,), and each row's fold, int64 of that shape; -1 where none
        holds it.
    """
    predicted, fold = np.full(len(y), np.nan), np.full(len(y), -1)
    for number, (seen, held) in enumerate(folds):
        fitted = fit_pipeline(estimator, X.iloc[seen].reset_index(drop=True), y[seen])
        predicted[held] = fitted.predict(X.iloc[held].reset_index(drop=True))
        fold[held] = number
    return predicted, fold


def conformal(
    y: FloatArray, predicted: FloatArray, fold: npt.NDArray[np.int64], level: float = LEVEL
) -> dict[str, Any]:
    """Choose the kind of interval and its offsets.

    Each kind is tried fold by fold with the offsets of the other folds; the better interval score decides, the
    difference where both are equal. A ratio is tried where all targets and predictions are above 0.

    Args:
        y: The truth, float64 of shape (n_rows,).
        predicted: Out of fold, for the same rows.
        fold: Each row's fold; rows of fold -1 are left out.
        level: Share of rows to hold.

    Returns:
        `interval` as contract.json has it, and per tried kind the out-of-fold `coverage`, mean `width` and `score`.
    """
    kept = fold >= 0
    y, predicted, fold = y[kept], predicted[kept], fold[kept]
    positive = bool((y > 0).all() and (predicted > 0).all())
    tried = {kind: _tried(kind, y, predicted, fold, level) for kind in KINDS if kind == "difference" or positive}
    kind = min(tried, key=lambda each: tried[each]["score"])
    offsets = offsets_of(kind, y, predicted, level)
    interval = {"level": level, "kind": kind, "low": offsets.low, "high": offsets.high}
    return {"interval": interval, "rows": len(y), "out_of_fold": tried}


def _tried(
    kind: str, y: FloatArray, predicted: FloatArray, fold: npt.NDArray[np.int64], level: float
) -> dict[str, float]:
    low, high = np.empty_like(y), np.empty_like(y)
    for number in np.unique(fold):
        here = fold == number
        low[here], high[here] = offsets_of(kind, y[~here], predicted[~here], level).around(predicted[here])
    return {
        "coverage": held_in(y, low, high),
        "width": float(np.mean(high - low)),
        "score": interval_score(y, low, high, level),
    }


def coverage(interval: dict[str, Any], y: FloatArray, predicted: FloatArray) -> dict[str, Any]:
    """How an interval does on rows that nothing was fitted on.

    Returns:
        `rows`, `coverage` with its 95 % interval (Wilson 1927), and the mean `width`.
    """
    low, high = Offsets(interval["kind"], interval["low"], interval["high"]).around(predicted)
    share = held_in(y, low, high)
    return {
        "rows": len(y),
        "coverage": share,
        "coverage_interval": wilson(share, len(y)),
        "width": float(np.mean(high - low)),
    }


def wilson(share: float, rows: int) -> list[float]:
    """The 95 % interval of a share of rows (Wilson, JASA 22, 1927)."""
    z = 1.959963984540054
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return [max(0.0, middle - half), min(1.0, middle + half)]
