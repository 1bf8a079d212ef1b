"""Decides what every column is, and says why; each decision can be overridden in the --config file."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from lambda_handler.text import MISSING_CODES, is_number
from train.config import ColumnSettings, Kind
from train.errors import TrainError

LOOKS_MISSING = (*MISSING_CODES[1:], "None", "none", "unknown", "Unknown", "n/a", "-")
CODE_WITH_ZEROS = re.compile(r"0\d+")
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:.*)?|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}([ T]\d{1,2}:.*)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
ID_NAME = re.compile(r"(?i:^(id|index|key|uuid|guid|row|rowid|row_?number)$)|[_ .-](id|ID|Id|key)$|[a-z](Id|ID)$")
WHOLE_LIMIT = 2.0**53
MOST_LEVELS = 1000
FEWEST_KNOWN = 10


@dataclass(frozen=True)
class Decision:
    """What one column is taken for.

    Attributes:
        name: The column.
        kind: What it is.
        reason: Why, in one line.
        missing: The texts that stand for a missing value in it.
        unit: The unit of a number, if told.
        description: What the column means, if told.
    """

    name: str
    kind: Kind
    reason: str
    missing: tuple[str, ...] = ("",)
    unit: str | None = None
    description: str | None = None


def decide(column: pd.Series, settings: ColumnSettings, *, typed: bool) -> Decision:
    """Decide what one feature column is.

    Args:
        column: Texts (`typed` false) or an Arrow backed column (`typed` true).
        settings: What the person said about it; it has precedence.
        typed: Whether the file gave the column a type.
    """
    name = str(column.name)
    if settings.kind is not None:
        missing = settings.missing if settings.missing is not None else _default_missing(settings.kind)
        return Decision(name, settings.kind, "as told in --config", missing, settings.unit, settings.description)
    kind, reason, missing = (_by_type if typed else _by_text)(column, settings.missing)
    return Decision(name, kind, reason, missing, settings.unit, settings.description)


def _default_missing(kind: Kind) -> tuple[str, ...]:
    return MISSING_CODES if kind in ("number", "integer", "boolean") else ("",)


def _by_text(column: pd.Series, told: tuple[str, ...] | None) -> tuple[Kind, str, tuple[str, ...]]:
    """Decide for a CSV column: its values without the missing codes tell the kind."""
    counts = Counter(column)
    codes = MISSING_CODES if told is None else ("", *told)
    known = {value: count for value, count in counts.items() if value not in codes}
    present = tuple(code for code in dict.fromkeys(codes) if code in counts or code == "")
    if not known:
        return "drop", "every value is missing", present
    if set(map(str.casefold, known)) <= {"true", "false"}:
        return "boolean", "true and false", present
    numbers = [value for value in known if is_number(value)]
    if len(numbers) == len(known) and not any(CODE_WITH_ZEROS.fullmatch(value) for value in known):
        values = np.array([float(value) for value in known])
        if np.abs(values).max() <= WHOLE_LIMIT:
            column_numbers = column[~column.isin(present)].astype("float64")
            kind, reason = _by_numbers(str(column.name), column_numbers, len(column))
            return kind, reason + _missing_note(counts, present, len(column)), present
    levels = Counter(counts) if told is None else Counter(known)
    del levels[""]
    kind, reason = _by_levels(str(column.name), levels, len(column))
    return kind, reason, ("",) if told is None else present


def _missing_note(counts: Counter[str], codes: tuple[str, ...], rows: int) -> str:
    shown = [f"{code or 'empty'!r} {counts[code]}" for code in codes if counts[code]]
    return f"; missing: {', '.join(shown)} of {rows}" if shown else ""


def _by_numbers(name: str, values: pd.Series, rows: int) -> tuple[Kind, str]:
    """Decide for a column of finite numbers (float64 of shape (n_known,))."""
    numbers = values.to_numpy(dtype=np.float64)
    distinct = len(np.unique(numbers))
    whole = bool(np.all(numbers == np.floor(numbers)))
    counts_up = whole and len(numbers) == rows > 2 and bool(np.all(np.diff(numbers) == 1))
    named_id = whole and distinct == len(numbers) > 2 and ID_NAME.search(name)
    reasons = (
        (len(numbers) < min(FEWEST_KNOWN, rows), f"only {len(numbers)} of {rows} values are known"),
        (distinct == 1 and len(numbers) == rows, f"constant: {numbers[0]:.10g} in every row"),
        (counts_up, "counts up by one from row to row: a row number"),
        (named_id, "named like an identifier and different in every row"),
    )
    for holds, reason in reasons:
        if holds:
            return "drop", reason
    extent = f"{distinct} different values from {numbers.min():.10g} to {numbers.max():.10g}"
    return ("integer", f"whole numbers, {extent}") if whole else ("number", f"numbers, {extent}")


def _by_levels(name: str, levels: Counter[str], rows: int) -> tuple[Kind, str]:
    """Decide for a column of texts, `levels` being its known values with their counts."""
    known = sum(levels.values())
    reason = _useless_levels(name, levels, known, rows)
    if reason is not None:
        return "drop", reason
    suspects = [f"{value!r} ({100 * levels[value] / rows:.3g} %)" for value in LOOKS_MISSING if levels[value]]
    note = f"; {', '.join(suspects)} stays a level: list it under missing if it means missing" if suspects else ""
    empty = f"; {rows - known} empty" if known < rows else ""
    return "category", f"text with {len(levels)} levels{empty}{note}"


def _useless_levels(name: str, levels: Counter[str], known: int, rows: int) -> str | None:
    """Return why a column of texts is of no use to a model, None if it is of use."""
    if not known:
        return "every value is missing"
    share = len(levels) / known
    dates = sum(count for value, count in levels.items() if DATE.fullmatch(value)) / known
    numbers = sum(count for value, count in levels.items() if is_number(value)) / known
    commas = sum(count for value, count in levels.items() if DECIMAL_COMMA.fullmatch(value)) / known
    strays = [value for value in levels if not is_number(value)][:3]
    why = f"not {strays}: list them under missing" if strays else "codes with leading zeros or beyond 2^53"
    many = len(levels) > MOST_LEVELS or (share > 0.5 and len(levels) > 20)
    reasons = (
        (known < min(FEWEST_KNOWN, rows), f"only {known} of {rows} values are known"),
        (len(levels) == 1 and known == rows, f"constant: {next(iter(levels))!r} in every row"),
        (commas >= 0.5, "numbers with a decimal comma, which are not read: write them with a point"),
        (dates >= 0.95, "dates: split them into year, month, weekday or an age to use them"),
        (many and numbers >= 0.9, f"{100 * numbers:.3g} % numbers, but {why}"),
        (share == 1 and known > 20, "a text of its own in every row: an identifier or free text"),
        (
            ID_NAME.search(name) and share > 0.95 and known > 20,
            "named like an identifier, most rows have their own",
        ),
        (many and share > 0.5, f"{len(levels)} different texts in {known} rows: free text"),
        (many, f"{len(levels)} different texts, more than {MOST_LEVELS}: group them to use them"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def _by_type(column: pd.Series, told: tuple[str, ...] | None) -> tuple[Kind, str, tuple[str, ...]]:
    """Decide for a Parquet column: its type tells the kind; its nulls, NaN and the codes told are what is missing."""
    arrow = arrow_type(column)
    assert arrow is not None
    codes = told or ()
    values = column if pa.types.is_temporal(arrow) else plain_numbers(column, codes)
    values, gone = as_texts(column, codes) if values is None else (values, values.isna())
    kind, reason = _by_known(column, arrow, values[~gone])
    missing = f"; missing: {int(gone.sum())} of {len(column)}" if gone.any() and kind != "drop" else ""
    return kind, f"type {arrow}: {reason}{missing}", codes


def _by_known(column: pd.Series, arrow: pa.DataType, known: pd.Series) -> tuple[Kind, str]:
    name, rows = str(column.name), len(column)
    if not len(known):
        return "drop", "every value is missing"
    if _is_text(arrow) or pa.types.is_boolean(arrow):
        kind, reason = _by_levels(name, Counter(known), rows)
        return ("boolean", "true and false") if kind == "category" and pa.types.is_boolean(arrow) else (kind, reason)
    if pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow):
        numbers = known.astype("float64")
        beyond = pa.types.is_integer(arrow) and numbers.abs().max() > WHOLE_LIMIT
        return ("drop", "whole numbers beyond 2^53: codes") if beyond else _by_numbers(name, numbers, rows)
    dates = "split dates into year, month, weekday or an age to use them"
    return "drop", dates if pa.types.is_temporal(arrow) else "neither number, boolean nor text"


def arrow_type(column: pd.Series) -> pa.DataType | None:
    """Return the type that a Parquet file gave the column, None for a column of texts."""
    return column.dtype.pyarrow_dtype if isinstance(column.dtype, pd.ArrowDtype) else None


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def build_column(column: pd.Series, decision: Decision) -> pd.Series:
    """Return one feature column in the dtype that scikit-learn is handed.

    Args:
        column: Texts, or an Arrow backed column.
        decision: What it is taken for; not `drop`.

    Returns:
        float64 with NaN (number, integer, boolean as 1.0 and 0.0) or `str` with NaN (category), same index.

    Raises:
        TrainError: A value does not fit the kind.
    """
    plain = plain_numbers(column, decision.missing) if decision.kind in ("number", "integer") else None
    if plain is not None and (decision.kind == "number" or bool((plain.isna() | (plain == np.floor(plain))).all())):
        return plain
    texts, gone = as_texts(column, decision.missing)
    if decision.kind == "category":
        return texts.mask(gone, None).astype("str")
    if decision.kind == "boolean":
        values = texts.str.casefold().map({"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0})
    else:
        fits = texts[~gone].map(is_number).astype(bool)
        values = pd.Series(np.nan, index=texts.index)
        values.loc[fits.index[fits]] = texts[fits.index[fits]].astype("float64")
    values = values.astype("float64")
    wrong = values.isna() & ~gone
    if decision.kind == "integer":
        wrong |= values.notna() & (values != np.floor(values))
    if wrong.any():
        row = int(np.flatnonzero(wrong.to_numpy())[0])
        raise TrainError(
            f"Column {decision.name!r} is taken as {decision.kind}; every value must be one or a missing code.",
            f"{texts.iloc[row]!r} in data row {row + 1}",
            f"Change its kind, or list that text under missing, in [columns.{decision.name}] of --config.",
        )
    return values.mask(gone)


def plain_numbers(column: pd.Series, missing: tuple[str, ...] = ()) -> pd.Series | None:
    """Return a Parquet column of finite numbers as float64 with NaN for missing; None for any other column.

    It says what `as_texts` would, number for number, without a text for each; of the codes in `missing` only those are
    met that are written as the column's numbers are, such as 999.0 among floats and 999 among whole numbers.
    """
    arrow = arrow_type(column)
    if arrow is None or not (pa.types.is_integer(arrow) or pa.types.is_floating(arrow)):
        return None
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        return None
    write = repr if pa.types.is_floating(arrow) else _whole_text
    codes = [float(code) for code in missing if is_number(code) and write(float(code)) == code]
    found = pd.Series(values, index=column.index, name=column.name)
    return found.mask(found.isin(codes)) if codes else found


def _whole_text(number: float) -> str:
    return str(int(number)) if number.is_integer() else ""


def as_texts(column: pd.Series, missing: tuple[str, ...]) -> tuple[pd.Series, pd.Series]:
    """Return the column as Python texts (object, shape (n_rows,)), and which rows are missing (bool, same shape)."""
    arrow = arrow_type(column)
    if arrow is None:
        return column, column.isin({code.strip() for code in missing} | {""})
    floating = pa.types.is_floating(arrow)
    if floating:
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan).tolist()
        each = [None if null else repr(number) for number, null in zip(numbers, column.isna(), strict=True)]
        shown = np.array(each, dtype=object)
    elif pa.types.is_nested(arrow) or pa.types.is_null(arrow):
        shown = np.array([None if value is pd.NA else str(value) for value in column], dtype=object)
    else:  # one text per different value
        codes, values = pd.factorize(column)
        shown = np.array([*map(str, values), None], dtype=object)[codes]
    texts = pd.Series(shown, index=column.index, dtype=object)
    gone = texts.isna() | texts.isin([*missing, "nan"] if floating else missing)
    return texts.mask(gone, ""), gone
