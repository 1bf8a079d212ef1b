"""Splits columns of dates into numbers before anything is decided: a model and its contract know no dates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa

from lambda_handler.text import MISSING_CODES
from train.errors import TrainError, did_you_mean
from train.table import Table

PARTS = {
    "year": "year",
    "month": "month, 1 to 12",
    "day": "day of the month, 1 to 31",
    "weekday": "weekday, 0 is Monday",
    "days": "days since 1 January 1970",
}


def split_dates(table: Table, names: Iterable[str]) -> tuple[Table, dict[str, str]]:
    """Return the table with five columns of whole numbers behind each date, and what each of them means.

    Args:
        table: As read; the dates stay in it.
        names: Columns of dates: ISO 8601 (such as 2026-11-21, also with a time), or a Parquet file's own type.

    Raises:
        TrainError: There is no such column, or a value is no date.
    """
    frame, meanings = table.frame, {}
    for name in names:
        if name not in frame.columns:
            rule = "dates in [prepare] must name columns of the table."
            raise TrainError(rule, repr(name), did_you_mean(name, map(str, frame.columns)))
        dates = _dates(frame[name], name)
        place = list(frame.columns).index(name)
        for offset, (part, meaning) in enumerate(PARTS.items(), start=1):
            column = f"{name}_{part}"
            if column in frame.columns:
                rule = f"The date {name!r} is split into a column {column!r}, which must not be there."
                raise TrainError(rule, "a column of that name", "Rename it.")
            meanings[column] = f"{meaning}, of {name}"
            frame = frame.copy(deep=False)
            frame.insert(place + offset, column, _part(dates, part, typed=table.typed))
    return replace(table, frame=frame), meanings


def _dates(column: pd.Series, name: str) -> pd.Series:
    if is_instant(column):
        return instants(column)
    texts = column.astype(object)
    gone = texts.isna() | texts.isin(MISSING_CODES)
    dates = pd.to_datetime(texts.mask(gone, None), errors="coerce", format="ISO8601", utc=True)
    wrong = dates.isna() & ~gone
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        rule = f"dates in [prepare]: every value of {name!r} must be a date such as 2026-11-21."
        raise TrainError(rule, f"{texts.iloc[row]!r} in data row {row + 1}", "Write it so, or take the column out.")
    return dates


def is_instant(column: pd.Series) -> bool:
    """Whether a Parquet file says that the column holds dates or times of a day that is known."""
    if not isinstance(column.dtype, pd.ArrowDtype):
        return False
    kind = column.dtype.pyarrow_dtype
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def instants(column: pd.Series) -> pd.Series:
    """Return a Parquet column of dates or times in UTC, NaT for missing; one without a zone is taken as UTC."""
    kind = column.dtype.pyarrow_dtype  # type: ignore[union-attr] # only such columns come here
    unit: Any = kind.unit if pa.types.is_timestamp(kind) else "ms"
    zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    stamps = column.astype(pd.ArrowDtype(pa.timestamp(unit, "UTC" if zoned else None)))
    found: pd.Series = (stamps if zoned else stamps.dt.tz_localize("UTC")).astype(pd.DatetimeTZDtype(unit, "UTC"))
    return found


def _part(dates: pd.Series, part: str, *, typed: bool) -> pd.Series:
    days = (dates - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(days=1)
    name = "day_of_week" if part == "weekday" else part
    whole = (days if part == "days" else getattr(dates.dt, name)).astype("Int64")
    if typed:
        return whole.astype(pd.ArrowDtype(pa.int64()))
    return whole.astype("string").fillna("").astype(object)
