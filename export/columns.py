"""The columns that a graph can hold exactly: what each becomes, or why it is refused."""

import datetime
import decimal
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from export.errors import ExportError
from lambda_handler.contract import SAFE_INTEGER, is_missing, is_plain_text

MISSING_CODE = "\ue000missing"  # a private-use character: no table holds it by chance
WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
NAMES = {"double": "float64", "float": "float32", "boolean": "bool"}  # as Arrow and pandas call them
TO_SECONDS = {  # kind of time -> the expression that makes seconds of it; {} is the column
    "date": "(pd.to_datetime({}) - pd.Timestamp(0)).dt.total_seconds()",
    "datetime": '(pd.to_datetime({}, utc=True) - pd.Timestamp(0, tz="UTC")).dt.total_seconds()',
    "timedelta": "pd.to_timedelta({}).dt.total_seconds()",
    "period": "({}.dt.start_time - pd.Timestamp(0)).dt.total_seconds()",
}
TIMES = (  # how the names of such dtypes begin
    ("timedelta", ("timedelta", "duration")),
    ("period", ("period",)),
    ("datetime", ("datetime", "timestamp")),
    ("date", ("date",)),
)
OBJECTS = (("datetime", datetime.datetime), ("date", datetime.date), ("timedelta", datetime.timedelta))


@dataclass(frozen=True)
class Column:
    """One column of the fitted frame.

    Attributes:
        name: the column's name.
        type: what a request holds: number, integer, boolean, category, or text that a vectorizer reads.
        dtype: the graph value's dtype: float64, float32, int64, bool or string. Whole numbers and booleans that may be
            missing are float64.
        pandas: the pandas dtype that rows are given to the original in.
        missing: the value that stands for a missing string (None, NaN or NA).
        limits: the smallest and largest whole number that `pandas` and `dtype` hold exactly; None without limits.
    """

    name: str
    type: str
    dtype: str
    pandas: Any
    missing: Any = None
    limits: tuple[int, int] | None = None

    @property
    def boolean(self) -> bool:
        """Whether it holds true and false; as float64 these are 1.0 and 0.0."""
        return self.type == "boolean"

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers that may take any value."""
        return self.type in {"number", "integer"}

    def nearest(self, number: float) -> float:
        """The number, or the nearest one that the column holds."""
        if self.type != "integer":
            most = float(np.finfo(self.dtype).max)
            return min(max(number, -most), most)
        low, high = self.limits or (-(2**63), 2**63 - 1)
        return min(max(math.floor(min(max(number, float(low)), float(high))), low), high)

    @property
    def optional(self) -> bool:
        """Whether graph values can say that a value is missing."""
        return self.dtype in {"float64", "float32", "string"}


def describe_column(name: str, series: "pd.Series[Any]") -> Column:
    """Say what a column becomes.

    Raises:
        ExportError: the graph cannot hold it exactly; names the column, the reason and a change that works.
    """
    dtype: Any = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _category(name, series)
    if dtype.kind == "O" and isinstance(dtype, np.dtype):
        return _object(name, series)
    if _is_text(dtype):
        _refuse_text(name, series)
        return Column(name, "category", "string", dtype, dtype.na_value)
    return _numbers(name, series)


def _numbers(name: str, series: "pd.Series[Any]") -> Column:
    dtype = series.dtype
    kind, optional = _kind(dtype), not isinstance(dtype, np.dtype)
    if kind in {"float64", "float32"}:
        return _number(name, kind, series)
    if kind == "bool":
        return Column(name, "boolean", "float64" if optional else "bool", dtype)
    if optional and kind in {*WHOLE, "uint64"}:
        return _optional_whole(name, kind, series)
    if kind in WHOLE:
        return Column(name, "integer", "int64", dtype, limits=None if kind == "int64" else _limits(kind))
    raise _refusal(name, f"a column of dtype {dtype}", _remedy(series))


def _kind(dtype: Any) -> str:
    """The NumPy name of the numbers that a dtype holds; another word where it holds none."""
    if isinstance(dtype, pd.SparseDtype):
        return "sparse"
    name = str(dtype.pyarrow_dtype) if isinstance(dtype, pd.ArrowDtype) else str(dtype).lower()
    return NAMES.get(name, name)


def _is_text(dtype: Any) -> bool:
    """Whether it is pandas' or Arrow's text, or Arrow's dictionary of texts."""
    if not isinstance(dtype, pd.ArrowDtype):
        return isinstance(dtype, pd.StringDtype)
    return str(dtype.pyarrow_dtype).removeprefix("dictionary<values=").startswith(("string", "large_string"))


def _number(name: str, kind: str, series: "pd.Series[Any]") -> Column:
    if np.isinf(series.to_numpy(dtype=np.float64, na_value=np.nan)).any():
        numbers = f'X[{name!r}].astype("float64")'
        remedy = f"X[{name!r}] = {numbers}.replace([np.inf, -np.inf], np.nan), or by a number, and fit again."
        raise ExportError("numbers must be finite; got an infinite one", remedy, column=name)
    return Column(name, "number", kind, series.dtype)


def _optional_whole(name: str, kind: str, series: "pd.Series[Any]") -> Column:
    """Whole numbers that may be missing: scikit-learn itself makes float64 of them, so they must fit."""
    low, high = _limits(kind)
    limits = (max(low, -SAFE_INTEGER), min(high, SAFE_INTEGER))
    known = series.dropna()
    if len(known) and not (limits[0] <= int(known.min()) and int(known.max()) <= limits[1]):
        remedy = "str" if len(known) < len(series) else "int64"
        raise _refusal(
            name,
            f"a column of dtype {series.dtype} with whole numbers beyond 2**53, which scikit-learn rounds",
            f'{{}}.astype("{remedy}")',
        )
    return Column(name, "integer", "float64", series.dtype, limits=limits)


def _limits(kind: str) -> tuple[int, int]:
    info = np.iinfo(kind)
    return int(info.min), int(info.max)


def _category(name: str, series: "pd.Series[Any]") -> Column:
    """A category column: its categories say what it holds, and any of its values may be missing."""
    dtype: Any = series.dtype
    categories = pd.Series(dtype.categories)
    if categories.dtype == np.int64:
        if categories.between(-SAFE_INTEGER, SAFE_INTEGER).all():
            return Column(name, "integer", "float64", dtype, limits=(-SAFE_INTEGER, SAFE_INTEGER))
        if not series.isna().any():
            return Column(name, "integer", "int64", dtype)
        got = "a category column of missing values and whole numbers beyond 2**53, which scikit-learn rounds"
        raise _refusal(name, got, "{}.cat.rename_categories(str)")
    if categories.dtype == np.float64:
        return replace(_number(name, "float64", categories), pandas=dtype)
    if categories.dtype == np.bool_:
        return Column(name, "boolean", "float64", dtype)
    if len(categories) and all(type(value) is str for value in categories):
        _refuse_text(name, categories)
        return Column(name, "category", "string", dtype, np.nan)
    got = f"a category column of {categories.dtype} values"
    raise _refusal(name, got, _remedy(categories, missing=bool(series.isna().any())))


def _object(name: str, series: "pd.Series[Any]") -> Column:
    marks = {type(value).__name__: value for value in series if is_missing(value)}
    kinds = {type(value).__name__ for value in series if not is_missing(value)}
    if kinds == {"str"} and len(marks) <= 1 and "NaTType" not in marks:
        _refuse_text(name, series)
        return Column(name, "category", "string", np.dtype(object), next(iter(marks.values()), np.nan))
    got = f"an object column of {', '.join(sorted(kinds | set(marks)))}"
    raise _refusal(name, got, _remedy(series))


def _remedy(series: "pd.Series[Any]", *, missing: bool = False) -> str:
    """The expression that makes an exportable column of one that is not; {} is the column."""
    kind = _kind(series.dtype)
    if kind == "sparse":
        return "{}.sparse.to_dense()"
    time = next((word for word, start in TIMES if kind.startswith(start)), None)
    if time:
        return TO_SECONDS[time]
    known = [value for value in series.tolist() if not is_missing(value)]
    kinds = {type(value) for value in known}
    missing = missing or len(known) < len(series)
    if kinds and kinds <= {bool, np.bool_}:
        return '{}.astype("boolean")' if missing else '{}.astype("bool")'
    if kinds and all(
        issubclass(each, int | float | decimal.Decimal | np.number) and each is not bool for each in kinds
    ):
        return _number_remedy(known, missing)
    time = next((word for word, cls in OBJECTS if kinds and all(issubclass(each, cls) for each in kinds)), None)
    return TO_SECONDS[time] if time else '{}.astype("str")'


def _number_remedy(known: list[Any], missing: bool) -> str:
    if missing:
        return '{}.astype("Float64").astype("float64")'
    whole = all(isinstance(value, int | np.integer) and -(2**63) <= int(value) < 2**63 for value in known)
    return '{}.astype("int64")' if whole else '{}.astype("float64")'


def _refusal(name: str, got: str, remedy: str) -> ExportError:
    place = f"X[{name!r}]"
    return ExportError(
        "a column must hold numbers, whole numbers, booleans or text, in a dtype of NumPy, pandas or Arrow of its own; "
        f"got {got}",
        f"Convert it before fitting: {place} = {remedy.format(place)}, then fit again.",
        column=name,
    )


def _refuse_text(name: str, series: "pd.Series[Any]") -> None:
    for value in series.dropna().unique():
        if value == MISSING_CODE:
            raise ExportError(
                f"the text {MISSING_CODE!r} is reserved for missing values; the column holds it",
                "Replace it with a missing value and fit again.",
                column=name,
            )
        if not is_plain_text(value):
            raise ExportError(
                f"text must be Unicode without NUL and lone surrogates; the column holds {value[:40]!r}",
                "Replace it and fit again.",
                column=name,
            )
