"""The frame that the estimator was fitted on: its columns, and the way to graph values and back."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from export.columns import MISSING_CODE, Column, describe_column
from export.errors import ExportError
from lambda_handler.contract import is_missing, is_plain_text

__all__ = ["MISSING_CODE", "Column", "Columns", "Schema", "plain", "take"]

Columns = list[npt.NDArray[Any]]


class Schema:
    """The columns of the frame that the estimator was fitted on, in order.

    Args:
        X: the frame; it stays unchanged.
        booleans: names of float64 columns that hold true and false as 1.0 and 0.0.
        texts: names of string columns that a vectorizer reads.

    Raises:
        ExportError: it is no frame, is empty, or a column cannot be described exactly.
    """

    def __init__(self, X: pd.DataFrame, booleans: Collection[str] = (), texts: Collection[str] = ()) -> None:
        if not isinstance(X, pd.DataFrame):
            raise ExportError(
                f"X must be the pandas DataFrame that the estimator was fitted on; got {type(X).__name__}",
                "Fit on a DataFrame and pass it: its names and dtypes become the contract.",
            )
        if not len(X) or not len(X.columns):
            raise ExportError(f"X must hold rows and columns; got shape {X.shape}", "Pass the table it was fitted on.")
        names = list(X.columns)
        if any(not isinstance(name, str) or not name or not is_plain_text(name) for name in names):
            bad = next(name for name in names if not isinstance(name, str) or not name or not is_plain_text(name))
            raise ExportError(
                f"column names must be non-empty text without NUL and lone surrogates; got {bad!r}",
                "Rename the column, such as X.columns = X.columns.astype(str), and fit again.",
            )
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ExportError(
                "column names must be distinct; this one stands there twice", "Rename one and fit again.", column=twice
            )
        columns = [describe_column(name, X[name]) for name in names]
        columns = [_as_boolean(each, X[each.name]) if each.name in booleans else each for each in columns]
        self.columns = tuple(replace(each, type="text") if each.name in texts else each for each in columns)

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    def values(self, X: pd.DataFrame) -> Columns:
        """Graph values of a frame with this schema's columns.

        Returns:
            One array of shape (n_rows,) per column; missing numbers NaN, missing strings the missing code.
        """
        return [_values(column, X[column.name]) for column in self.columns]

    def frame(self, values: Sequence[npt.NDArray[Any]]) -> pd.DataFrame:
        """The frame of graph values, with the dtypes of the fitted frame."""
        return pd.DataFrame(
            {column.name: _series(column, array) for column, array in zip(self.columns, values, strict=True)}
        )

    def rows(self, values: Sequence[npt.NDArray[Any]]) -> list[dict[str, Any]]:
        """Graph values as requests hold them: plain Python values, None = missing."""
        lists = [plain(column, array) for column, array in zip(self.columns, values, strict=True)]
        return [dict(zip(self.names, row, strict=True)) for row in zip(*lists, strict=True)]


def take(values: Sequence[npt.NDArray[Any]], index: npt.NDArray[Any]) -> Columns:
    """The same rows of every column."""
    return [array[index] for array in values]


def plain(column: Column, array: npt.NDArray[Any]) -> list[Any]:
    """Graph values of one column as requests hold them: plain Python values, None = missing."""
    if column.dtype == "string":
        return [None if value == MISSING_CODE else value for value in array.tolist()]
    kinds: dict[str, type] = {"boolean": bool, "integer": int, "number": float}
    kind = kinds[column.type]
    return [None if is_missing(value) else kind(value) for value in array.tolist()]


def _as_boolean(column: Column, series: "pd.Series[Any]") -> Column:
    if column.dtype == "float64" and not series.dropna().isin([0.0, 1.0]).all():
        raise ExportError(
            "a float64 column of type boolean holds 1.0, 0.0 and NaN only; it holds other numbers",
            "Give it the type number.",
            column=column.name,
        )
    return replace(column, type="boolean", limits=None)


def _values(column: Column, series: "pd.Series[Any]") -> npt.NDArray[Any]:
    if column.dtype == "string":
        objects = series.astype(object)
        filled: npt.NDArray[Any] = objects.where(series.notna(), MISSING_CODE).to_numpy(dtype=object)
        return filled
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = pd.Series(np.asarray(series, dtype=column.dtype))
    if column.optional:
        numbers: npt.NDArray[Any] = series.to_numpy(dtype=column.dtype, na_value=np.nan)
        return numbers
    array: npt.NDArray[Any] = series.to_numpy().astype(column.dtype)
    return array


def _series(column: Column, array: npt.NDArray[Any]) -> "pd.Series[Any] | npt.NDArray[Any]":
    """A column for the frame; an array of its very dtype as it is, which takes pandas an eighth of the time."""
    if column.dtype == "string":
        objects = array.astype(object)
        objects[objects == MISSING_CODE] = column.missing
        if isinstance(column.pandas, pd.CategoricalDtype):
            return _categorical(column.pandas, objects.tolist())
        texts: pd.Series[Any] = pd.Series(objects, dtype=column.pandas)
        return texts
    if isinstance(column.pandas, pd.CategoricalDtype):
        return _categorical(column.pandas, plain(column, array))
    if isinstance(column.pandas, np.dtype):
        return array if array.dtype == column.pandas else pd.Series(array, dtype=column.pandas)
    missing = np.isnan(array)
    filled = np.where(missing, 0, array)
    known = pd.Series(filled.astype(bool) if column.boolean else filled).astype(column.pandas)
    masked: pd.Series[Any] = known.mask(missing, pd.NA)
    return masked


def _categorical(dtype: pd.CategoricalDtype, values: list[Any]) -> "pd.Series[Any]":
    """A category column; categories that training did not have stand behind the fitted ones."""
    known = list(dtype.categories)
    seen = set(known)
    unseen = sorted({value for value in values if not is_missing(value)} - seen)
    categories = pd.Index(known + unseen, dtype=dtype.categories.dtype)
    return pd.Series(pd.Categorical(values, categories=categories, ordered=dtype.ordered))
