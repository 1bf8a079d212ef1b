"""SimpleImputer and MissingIndicator, on numbers, on text and on both."""

import numbers
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.impute import MissingIndicator, SimpleImputer

from export.converters.converter import Converter
from export.errors import ExportError
from export.frame import MISSING_CODE
from export.graph import INT64, Graph, Tensor
from lambda_handler.contract import SAFE_INTEGER, is_missing


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse codes that float64 does not hold, and an imputer that keeps no column."""
    code = estimator.missing_values
    if isinstance(code, numbers.Integral) and abs(int(code)) > SAFE_INTEGER:
        return f"missing_values must be at most 2**53 in size; got {code!r}", "Replace that code in the table by NaN."
    if code is not None and not is_missing(code) and not isinstance(code, numbers.Real | str):
        return f"missing_values must be a missing value, a number or text; got {code!r}", "Replace that code by NaN."
    if isinstance(estimator, SimpleImputer) and not kept_columns(estimator):
        return "it keeps no column: none held a value", "Leave these columns out, or set keep_empty_features=True."
    return None


def kept_columns(estimator: Any) -> list[int]:
    """The columns that stay: those without any value at fit time go, unless they are kept by option."""
    statistics = estimator.statistics_
    if estimator.keep_empty_features:
        return list(range(len(statistics)))
    return [column for column, value in enumerate(statistics) if not pd.isna(value)]


def missing(graph: Graph, name: str, kind: str, code: Any) -> str:
    """Write which values are missing, a bool tensor of the same shape.

    Args:
        graph: where to.
        name: of the values.
        kind: what they are: string, double, int64 or bool.
        code: the estimator's `missing_values`. One that such values cannot be marks none of them.
    """
    if kind == "string":
        found = MISSING_CODE if is_missing(code) else code
        if isinstance(found, str):
            return graph.add("Equal", name, graph.constant(np.array([found], dtype=object), "missing"))
        return graph.add("Not", graph.add("Equal", name, name))
    if kind == "double" and is_missing(code) and code is not None:
        return graph.add("IsNaN", name)
    plain = graph.double(Tensor(name, kind, 1))
    sought = float(code) if isinstance(code, numbers.Real) else np.nan  # NaN equals nothing
    return graph.add("Equal", plain, graph.constant(np.array([sought]), "missing"))


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the imputer, `Where(missing, statistic, x)`, and the columns that mark what was missing.

    Raises:
        ExportError: numbers are to be filled with text, or text with numbers.
    """
    if estimator._fit_dtype.kind == "O":
        return _columns(graph, estimator, inputs)
    kept, total, sparse = kept_columns(estimator), len(estimator.statistics_), any(each.sparse for each in inputs)
    kind = "int64" if estimator._fit_dtype.kind == "i" else "double"
    matrix = _whole(graph, inputs) if kind == "int64" else graph.matrix(inputs)
    absent = missing(graph, matrix, kind, estimator.missing_values)
    statistics = np.zeros(total, dtype=np.int64 if kind == "int64" else np.float64)
    statistics[kept] = np.asarray(estimator.statistics_)[kept].astype(estimator._fill_dtype)
    filled = graph.add("Where", absent, graph.constant(statistics.reshape(1, -1), "statistics"), matrix)
    if len(kept) < total:
        filled = graph.chosen(filled, kept)
    parts = [Tensor(filled, kind, len(kept), sparse)]
    if estimator.add_indicator and len(estimator.indicator_.features_):
        flags = _flags(graph, absent, estimator.indicator_, total)
        parts.append(flags if kind == "int64" else Tensor(graph.double(flags), "double", flags.width, sparse))
    return parts


def convert_indicator(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write which values are missing, in the columns that the indicator tells."""
    sparse = estimator.sparse is True or (estimator.sparse == "auto" and any(tensor.sparse for tensor in inputs))
    if any(tensor.kind == "string" for tensor in inputs):
        columns = _without_single(graph, inputs)
        taken = [columns[index] for index in estimator.features_]
        absent = [missing(graph, each.name, each.kind, estimator.missing_values) for each in taken]
        return [Tensor(name, "bool", 1, sparse) for name in absent]
    absent_matrix = missing(graph, graph.matrix(inputs), "double", estimator.missing_values)
    flags = _flags(graph, absent_matrix, estimator, estimator._n_features)
    return [Tensor(flags.name, "bool", flags.width, sparse)]


def _whole(graph: Graph, inputs: list[Tensor]) -> str:
    names = [each.name if each.kind == "int64" else graph.add("Cast", each.name, to=INT64) for each in inputs]
    return graph.add("Concat", *names, axis=1) if len(names) > 1 else names[0]


def _flags(graph: Graph, absent: str, indicator: Any, total: int) -> Tensor:
    features: npt.NDArray[Any] = np.asarray(indicator.features_)
    if len(features) < total:
        absent = graph.chosen(absent, features)
    return Tensor(absent, "bool", len(features))


def _columns(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Columns filled one by one, each of its own kind, as in an array of Python objects."""
    columns = _without_single(graph, inputs)
    absent = [missing(graph, each.name, each.kind, estimator.missing_values) for each in columns]
    found = [
        _filled(graph, columns[index], absent[index], estimator.statistics_[index]) for index in kept_columns(estimator)
    ]
    flagged = estimator.indicator_.features_ if estimator.add_indicator else []
    return found + [Tensor(absent[index], "bool", 1) for index in flagged]


def _without_single(graph: Graph, inputs: list[Tensor]) -> list[Tensor]:
    """Each column a tensor of its own, float32 ones as float64."""
    columns = graph.split(inputs)
    return [Tensor(graph.double(each), "double", 1) if each.kind == "float" else each for each in columns]


def _filled(graph: Graph, column: Tensor, absent: str, statistic: Any) -> Tensor:
    if (column.kind == "string") != isinstance(statistic, str):
        kinds = ("text", "a number") if column.kind == "string" else ("numbers", "text")
        raise ExportError(
            f"SimpleImputer would fill {kinds[0]} with {kinds[1]}, {statistic!r}",
            "Give numbers and text a branch of their own in a ColumnTransformer, each with its fill_value.",
            step="simpleimputer",
        )
    if column.kind == "string":
        value = graph.constant(np.array([statistic], dtype=object), "statistic")
        return Tensor(graph.add("Where", absent, value, column.name), "string", 1)
    if column.kind == "double":
        value = graph.constant(np.array([float(statistic)]), "statistic")
        return Tensor(graph.add("Where", absent, value, column.name), "double", 1)
    return column


CONVERTERS: dict[type, Converter] = {
    SimpleImputer: Converter(transform=convert, check=check, takes_text=True),
    MissingIndicator: Converter(transform=convert_indicator, check=check, takes_text=True),
}
