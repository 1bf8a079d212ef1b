"""The last fits: every compared candidate on train and validation rows, for two classes with its threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import FixedThresholdClassifier
from threadpoolctl import threadpool_limits

from train.choose import Size
from train.compare import Compared, How
from train.evaluate import fit_pipeline
from train.job import Shared
from train.material import Material
from train.scores import costs_of
from train.split import RowNumbers, Split
from train.target import Label
from train.threshold import Threshold, choose_threshold, threshold_metric

STEP = "refit on train and validation"


@dataclass(frozen=True)
class Final:
    """The fitted estimator of each candidate and, for two classes, its threshold."""

    estimators: dict[str, Any]
    thresholds: dict[str, Threshold]


def finals(
    material: Material, split: Split, shared: Shared, compared: Compared, positive: Label | None, how: How
) -> Final:
    """Fit each compared candidate for good; the rows are those of `split.final`, the parameters those found."""
    estimators: dict[str, Any] = {}
    thresholds: dict[str, Threshold] = {}
    names = list(compared.answers)
    with threadpool_limits(1):
        for number, name in enumerate(names):
            how.progress(STEP, number, len(names))
            final = shared.build(name, compared.parameters[name])
            if positive is not None:
                thresholds[name] = _threshold(final, material, split, positive)
                final = FixedThresholdClassifier(
                    final, threshold=thresholds[name].value, pos_label=positive, response_method="predict_proba"
                )
            estimators[name] = fit_pipeline(final, *rows_of(material, split.final))
    how.progress(STEP, len(names), len(names))
    return Final(estimators, thresholds)


def rows_of(material: Material, rows: RowNumbers) -> tuple[pd.DataFrame, npt.NDArray[Any]]:
    """Return features, numbered from 0 on, and target of some rows."""
    return material.X.iloc[rows].reset_index(drop=True), material.target.y[rows]


def _threshold(estimator: Any, material: Material, split: Split, positive: Label) -> Threshold:
    fitted = fit_pipeline(estimator, *rows_of(material, split.train))
    X, y = rows_of(material, split.validation)
    column = int(np.flatnonzero(fitted.classes_ == positive)[0])
    metric = threshold_metric(material.config)
    costs = costs_of(material.config.costs, "binary") if metric == "cost" else None
    return choose_threshold(y == positive, fitted.predict_proba(X)[:, column], metric, costs)


def sizes_of(final: Final, X: pd.DataFrame, how: How) -> dict[str, Size]:
    """Measure each candidate as a file; one that cannot be exported says why."""
    if how.measure is None:
        return {}
    found: dict[str, Size] = {}
    for number, (name, estimator) in enumerate(final.estimators.items()):
        how.progress("measure as a file", number, len(final.estimators))
        try:
            found[name] = Size(*how.measure(estimator, X))
        except ValueError as error:
            found[name] = Size(refusal=str(error))
    how.progress("measure as a file", len(final.estimators), len(final.estimators))
    return found
