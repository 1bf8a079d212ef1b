"""SimpleImputer on numbers and on text."""

from typing import Any

import numpy as np
import pandas as pd

from export.frame import MISSING_CODE
from export.graph import Graph, Tensor


def check(estimator: Any) -> tuple[str, str] | None:
    """Say what of this imputer is not exact."""
    marker = estimator.missing_values
    if marker is not None and marker is not pd.NA and not (isinstance(marker, float) and np.isnan(marker)):
        remedy = "Replace that code by NaN in the table (train does it: see its decisions) and fit again."
        return f"missing_values must be NaN, None or NA; got {marker!r}", remedy
    return None


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[str]:
    """Write the imputer: `Where(missing, statistic, x)`, then the indicator columns."""
    kept = kept_columns(estimator)
    if inputs[0].kind == "string":
        return [_fill_text(graph, inputs[column], str(estimator.statistics_[column])) for column in kept]
    matrix = graph.matrix(inputs)
    missing = graph.add("IsNaN", matrix)
    total = len(estimator.statistics_)
    statistics = np.asarray(estimator.statistics_, dtype=np.float64)
    filled = matrix
    if np.isnan(statistics).any():  # columns that held no value: kept ones stay as they are filled, others go
        statistics = np.where(np.isnan(statistics), 0.0, statistics)
    filled = graph.add("Where", missing, graph.constant(statistics.reshape(1, -1), "statistics"), matrix)
    if len(kept) < total:
        filled = graph.add("Gather", filled, graph.constant(np.array(kept), "kept"), axis=1)
    if not estimator.add_indicator:
        return [filled]
    flagged = np.asarray(estimator.indicator_.features_)
    if not len(flagged):
        return [filled]
    flags = graph.double(Tensor(missing, "bool", total))
    if len(flagged) < total:
        flags = graph.add("Gather", flags, graph.constant(flagged.astype(np.int64), "flagged"), axis=1)
    return [graph.add("Concat", filled, flags, axis=1)]


def kept_columns(estimator: Any) -> list[int]:
    """The columns that stay: those without any value at fit time go, unless they are kept by option."""
    statistics = estimator.statistics_
    if estimator.keep_empty_features:
        return list(range(len(statistics)))
    return [column for column, value in enumerate(statistics) if not pd.isna(value)]


def _fill_text(graph: Graph, tensor: Tensor, statistic: str) -> str:
    code = graph.constant(np.array([MISSING_CODE], dtype=object), "missing_code")
    missing = graph.add("Equal", tensor.name, code)
    return graph.add("Where", missing, graph.constant(np.array([statistic], dtype=object), "statistic"), tensor.name)
