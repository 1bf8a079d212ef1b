"""SimpleImputer on numbers and on text."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer

from export.converters.converter import Converter
from export.errors import ExportError
from export.frame import MISSING_CODE
from export.graph import Graph, Tensor


def check(estimator: Any) -> tuple[str, str] | None:
    """Say what of this imputer is not exact."""
    marker = estimator.missing_values
    if marker is not None and marker is not pd.NA and not (isinstance(marker, float) and np.isnan(marker)):
        remedy = "Replace that code by NaN in the table (train does it: see its decisions) and fit again."
        return f"missing_values must be NaN, None or NA; got {marker!r}", remedy
    return None


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str | list[Tensor]:
    """Write the imputer: `Where(missing, statistic, x)`, then the indicator columns."""
    kept = kept_columns(estimator)
    if any(tensor.kind == "string" for tensor in inputs):
        return _filled_texts(graph, estimator, inputs, kept)
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
        return filled
    flagged = np.asarray(estimator.indicator_.features_)
    if not len(flagged):
        return filled
    flags = graph.double(Tensor(missing, "bool", total))
    if len(flagged) < total:
        flags = graph.add("Gather", flags, graph.constant(flagged.astype(np.int64), "flagged"), axis=1)
    return graph.add("Concat", filled, flags, axis=1)


def kept_columns(estimator: Any) -> list[int]:
    """The columns that stay: those without any value at fit time go, unless they are kept by option."""
    statistics = estimator.statistics_
    if estimator.keep_empty_features:
        return list(range(len(statistics)))
    return [column for column, value in enumerate(statistics) if not pd.isna(value)]


def _filled_texts(graph: Graph, estimator: Any, inputs: list[Tensor], kept: list[int]) -> list[Tensor]:
    """Text columns with their missing values filled; they stay text.

    Raises:
        ExportError: numbers stand among the texts, or missing texts should be marked.
    """
    if not all(tensor.kind == "string" for tensor in inputs):
        raise ExportError(
            "SimpleImputer must get either numbers or text; it was fitted on both",
            "Give numbers and text a branch of their own in a ColumnTransformer.",
            step="simpleimputer",
        )
    if estimator.add_indicator:
        raise ExportError(
            "SimpleImputer marks missing numbers only; add_indicator is set and it was fitted on text",
            "Leave add_indicator out there: OneHotEncoder has a column for missing values of its own.",
            step="simpleimputer",
        )
    columns = graph.split(inputs)
    filled = [_fill_text(graph, columns[column], str(estimator.statistics_[column])) for column in kept]
    return [Tensor(name, "string", 1) for name in filled]


def _fill_text(graph: Graph, tensor: Tensor, statistic: str) -> str:
    code = graph.constant(np.array([MISSING_CODE], dtype=object), "missing_code")
    missing = graph.add("Equal", tensor.name, code)
    return graph.add("Where", missing, graph.constant(np.array([statistic], dtype=object), "statistic"), tensor.name)


CONVERTERS: dict[type, Converter] = {SimpleImputer: Converter(transform=convert, check=check, takes_text=True)}
