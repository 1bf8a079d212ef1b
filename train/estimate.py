"""Tells beforehand how long the comparison of a large table will take, from fits on a few of its rows."""

from __future__ import annotations

import time

import numpy as np
from threadpoolctl import threadpool_limits

from train.evaluate import fit_pipeline
from train.job import Shared
from train.search import SPACES

LARGE = 50_000
SMALL_PART, LARGE_PART = 2_000, 8_000
SHARE = 10  # of the trees and rounds that are timed


def estimate(shared: Shared) -> dict[str, float]:
    """Return about how many seconds each candidate will take, folds, search and last fits together.

    A candidate is timed on 2,000 and 8,000 rows, with a tenth of its trees or rounds, and the growth between the two
    goes on (as a power of the rows from 0.7 to 2).

    Args:
        shared: What the comparison gets.
    """
    settings = shared.config
    rows = len(shared.y)
    fits = settings.split.folds * settings.split.repeats + 2
    found: dict[str, float] = {}
    for name in settings.candidates.names:
        small, large = (_seconds(shared, name, count) for count in (SMALL_PART, LARGE_PART))
        power = float(np.clip(np.log(large / small) / np.log(LARGE_PART / SMALL_PART), 0.7, 2.0))
        tries = 1.0
        if settings.candidates.search != "none" and (name, shared.task) in SPACES:
            full = settings.candidates.trials if settings.candidates.search == "optuna" else 4
            tries += full * 3
        found[name] = large * (rows / LARGE_PART) ** power * fits * tries
    return found


def _seconds(shared: Shared, name: str, count: int) -> float:
    rows = np.sort(np.random.default_rng(shared.seed).permutation(len(shared.y))[:count])
    estimator = shared.build(name, calibrate=False)
    factor = 1.0
    for key in ("model__n_estimators", "model__max_iter"):
        inner = getattr(estimator, "regressor", estimator)
        told = inner.get_params()
        if key in told and name in ("forest", "boosting", "lightgbm", "xgboost"):
            factor = float(told[key]) / max(told[key] // SHARE, 1)
            inner.set_params(**{key: max(told[key] // SHARE, 1)})
    with threadpool_limits(1):
        began = time.perf_counter()
        fit_pipeline(estimator, shared.X.iloc[rows], shared.y[rows])
        return (time.perf_counter() - began) * factor


def shown(seconds: float) -> str:
    """Return a span of time as a person says it."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
