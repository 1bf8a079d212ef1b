"""The frame that the estimator was fitted on: its columns, their dtypes, and the way to graph values and back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from export.errors import ExportError
from lambda_handler.contract import is_missing, is_plain_text

MISSING_CODE = "\ue000missing"  # a private-use character: no table holds it by chance

Columns = list[npt.NDArray[Any]]


@dataclass(frozen=True)
class Column:
    """One column of the fitted frame.

    Attributes:
        name: the column's name.
        dtype: the graph value's dtype: float64, int64, bool or string.
        pandas: the pandas dtype that rows are given to the original in.
        missing: the value that stands for a missing string (None, NaN or NA).
        boolean: it holds true and false; as float64 these are 1.0 and 0.0.
    """

    name: str
    dtype: str
    pandas: Any
    missing: Any
    boolean: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers that may take any value."""
        return self.dtype in {"float64", "int64"} and not self.boolean


class Schema:
    """The columns of the frame that the estimator was fitted on, in order.

    Args:
        X: the frame; it stays unchanged.
        booleans: names of float64 columns that hold true and false as 1.0 and 0.0.

    Raises:
        ExportError: it is no frame, is empty, or a column cannot be described exactly.
    """

    def __init__(self, X: pd.DataFrame, booleans: Collection[str] = ()) -> None:
        if not isinstance(X, pd.DataFrame):
            raise ExportError(
                f"X must be the pandas DataFrame that the estimator was fitted on; got {type(X).__name__}",
                "Fit on a DataFrame and pass it: its names and dtypes become the contract.",
            )
        if not len(X) or not len(X.columns):
            raise ExportError(f"X must hold rows and columns; got shape {X.shape}", "Pass the table it was fitted on.")
        names = list(X.columns)
        if any(not isinstance(name, str) or not name for name in names) or len(set(names)) < len(names):
            raise ExportError("column names must be distinct, non-empty strings", "Rename the columns and fit again.")
        columns = [_column(name, X[name]) for name in names]
        self.columns = tuple(_as_boolean(each, X[each.name]) if each.name in booleans else each for each in columns)

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
        lists = [_plain(column, array) for column, array in zip(self.columns, values, strict=True)]
        return [dict(zip(self.names, row, strict=True)) for row in zip(*lists, strict=True)]


def take(values: Sequence[npt.NDArray[Any]], index: npt.NDArray[Any]) -> Columns:
    """The same rows of every column."""
    return [array[index] for array in values]


def _column(name: str, series: "pd.Series[Any]") -> Column:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        inner = _column(name, pd.Series(dtype.categories))
        if inner.dtype not in {"string", "int64"} or (inner.dtype == "int64" and series.isna().any()):
            raise _unsupported(name, f"a category column of {inner.dtype} values", 'astype("float64")')
        return Column(name, inner.dtype, dtype, np.nan)
    if isinstance(dtype, pd.StringDtype):
        _refuse_code(name, series)
        return Column(name, "string", dtype, dtype.na_value)
    if dtype.kind == "O":
        return _object_column(name, series)
    plain = {"float64": "float64", "Float64": "float64", "int64": "int64", "bool": "bool"}.get(str(dtype))
    if plain is None:
        remedy = 'astype("int64")' if str(dtype).startswith(("int", "uint")) else 'astype("float64")'
        raise _unsupported(name, f"a column of dtype {dtype}", remedy)
    if plain == "float64" and np.isinf(_floats(series)).any():
        raise ExportError("numbers must be finite; got an infinite one", "Replace it before fitting.", column=name)
    return Column(name, plain, dtype, None, boolean=plain == "bool")


def _as_boolean(column: Column, series: "pd.Series[Any]") -> Column:
    if column.dtype == "float64" and not series.dropna().isin([0.0, 1.0]).all():
        raise ExportError(
            "a float64 column of type boolean holds 1.0, 0.0 and NaN only; it holds other numbers",
            "Give it the type number.",
            column=column.name,
        )
    return replace(column, boolean=True)


def _object_column(name: str, series: "pd.Series[Any]") -> Column:
    kinds = {type(value).__name__ for value in series}
    missing = kinds & {"NoneType", "float", "NAType", "NaTType"}
    if kinds - missing != {"str"} or len(missing) > 1 or missing == {"NaTType"}:
        got = f"an object column of {', '.join(sorted(kinds))}"
        raise _unsupported(name, got, 'astype("str") for text or astype("float64") for numbers')
    if any(isinstance(value, float) and not np.isnan(value) for value in series):
        raise _unsupported(name, "an object column that mixes text and numbers", 'astype("str")')
    _refuse_code(name, series)
    marks = {"NoneType": None, "NAType": pd.NA}
    return Column(name, "string", np.dtype(object), marks.get(next(iter(missing), ""), np.nan))


def _unsupported(name: str, got: str, remedy: str) -> ExportError:
    return ExportError(
        f"a column must be float64, int64, bool, str, object of text, or category of text; got {got}",
        f"Convert it before fitting: X[{name!r}].{remedy}, then fit again.",
        column=name,
    )


def _refuse_code(name: str, series: "pd.Series[Any]") -> None:
    if (series.dropna() == MISSING_CODE).any():
        raise ExportError(
            f"the text {MISSING_CODE!r} is reserved for missing values; the column holds it",
            "Replace it with a missing value and fit again.",
            column=name,
        )
    for value in series.dropna().unique():
        if not is_plain_text(value):
            raise ExportError(
                f"text must be Unicode without NUL and lone surrogates; the column holds {value[:40]!r}",
                "Replace it and fit again.",
                column=name,
            )


def _values(column: Column, series: "pd.Series[Any]") -> npt.NDArray[Any]:
    if column.dtype == "float64":
        return _floats(series)
    if column.dtype != "string":
        array: npt.NDArray[Any] = series.to_numpy().astype({"int64": np.int64, "bool": bool}[column.dtype])
        return array
    objects = series.astype(object)
    filled: npt.NDArray[Any] = objects.where(series.notna(), MISSING_CODE).to_numpy(dtype=object)
    return filled


def _floats(series: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    numbers: npt.NDArray[np.float64] = series.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers


def _series(column: Column, array: npt.NDArray[Any]) -> Any:
    if column.dtype != "string":
        if isinstance(column.pandas, pd.CategoricalDtype):
            return _categorical(column.pandas, array)
        return pd.Series(array).astype(column.pandas)
    objects = array.astype(object)
    missing = objects == MISSING_CODE
    objects[missing] = column.missing
    if isinstance(column.pandas, pd.CategoricalDtype):
        return _categorical(column.pandas, objects)
    return pd.Series(objects, dtype=column.pandas)


def _categorical(dtype: pd.CategoricalDtype, values: npt.NDArray[Any]) -> Any:
    """A category column; categories that training did not have stand behind the fitted ones."""
    known = list(dtype.categories)
    seen = set(known)
    unseen = sorted({value for value in values.tolist() if not is_missing(value)} - seen)
    return pd.Series(pd.Categorical(values, categories=known + unseen, ordered=dtype.ordered))


def _plain(column: Column, array: npt.NDArray[Any]) -> list[Any]:
    if column.dtype == "string":
        return [None if value == MISSING_CODE else value for value in array.tolist()]
    if column.boolean:
        return [None if is_missing(value) else bool(value) for value in array.tolist()]
    if column.dtype == "float64":
        return [None if is_missing(value) else value for value in array.tolist()]
    values: list[Any] = array.tolist()
    return values
