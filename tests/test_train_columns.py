"""What every column is taken for, and the frame that follows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from train.columns import build_column, decide
from train.config import ColumnSettings
from train.errors import TrainError

ROWS = 60


def texts(values: list[str], name: str = "x") -> pd.Series:
    repeated = (values * ROWS)[:ROWS]
    return pd.Series(repeated, name=name, dtype=object)


def distinct(pattern: str, name: str = "x") -> pd.Series:
    return pd.Series([pattern.format(number * 7 % 61) for number in range(1, ROWS + 1)], name=name, dtype=object)


@pytest.mark.parametrize(
    ("column", "kind", "reason"),
    [
        (texts(["1", "2.5", "-3e2"]), "number", "3 different values from -300 to 2.5"),
        (texts(["1", "2", "NA", "3"]), "integer", "missing: 'NA' 15 of 60"),
        (texts(["0", "1"]), "integer", "2 different values"),
        (texts(["true", "False", ""]), "boolean", "true and false"),
        (texts(["yes", "no"]), "category", "2 levels"),
        (texts(["Grvl", "NA", "NA"]), "category", "'NA' (66.7 %) stays a level"),
        (texts(["Stone", "None"]), "category", "'None' (50 %) stays a level"),
        (texts(["a", "b", ""]), "category", "20 empty"),
        (texts(["01", "02", "10"]), "category", "3 levels"),
        (texts(["1e999", "2"]), "category", "2 levels"),
        (texts(["5"]), "drop", "constant: 5"),
        (texts(["a"]), "drop", "constant: 'a'"),
        (texts(["", "NA", "nan"]), "drop", "every value is missing"),
        (texts([""] * 59 + ["4"]), "drop", "only 1 of 60"),
        (texts([""] * 59 + ["a"]), "drop", "only 1 of 60"),
        (pd.Series([str(i) for i in range(1, ROWS + 1)], name="n"), "drop", "counts up by one"),
        (distinct("{}", "customer_id"), "drop", "named like an identifier"),
        (distinct("{}", "amount"), "integer", "60 different values"),
        (distinct("text {}"), "drop", "identifier or free text"),
        (texts([f"{i} words" for i in range(40)]), "drop", "free text"),
        (distinct("2024-01-{}"), "drop", "dates"),
        (texts([str(i / 7) for i in range(58)] + ["unknown", "unknown"]), "drop", "not ['unknown']: list them"),
        (texts([str(2**60 + i) for i in range(50)]), "drop", "beyond 2^53"),
    ],
)
def test_a_text_column_is_decided_by_its_values(column: pd.Series, kind: str, reason: str) -> None:
    decision = decide(column, ColumnSettings(), typed=False)
    assert decision.kind == kind
    assert reason in decision.reason


@pytest.mark.parametrize("name", ["1stFlrSF", "2ndFlrSF", "GarageYrBlt", "paid", "grid", "MedianIncome"])
def test_names_that_only_look_like_identifiers_are_kept(name: str) -> None:
    assert decide(distinct("{}", name), ColumnSettings(), typed=False).kind == "integer"


@pytest.mark.parametrize(
    ("values", "dtype", "kind"),
    [
        ([True, False], "bool[pyarrow]", "boolean"),
        ([1, 2, 3], "int32[pyarrow]", "integer"),
        ([1.0, 2.0, float("nan")], "double[pyarrow]", "integer"),
        ([1.5, 2.0], "float[pyarrow]", "number"),
        (["NA", "b"], pd.ArrowDtype(pa.string()), "category"),
        (["2024-01-01", "2024-01-02"], "timestamp[ns][pyarrow]", "drop"),
        ([True], "bool[pyarrow]", "drop"),
        ([None], "int64[pyarrow]", "drop"),
        ([2**60, 2**60 + 2], "int64[pyarrow]", "drop"),
    ],
)
def test_a_typed_column_is_decided_by_its_type(values: list[object], dtype: str | pd.ArrowDtype, kind: str) -> None:
    column = pd.Series((values * ROWS)[:ROWS], name="x").astype(dtype)
    assert decide(column, ColumnSettings(), typed=True).kind == kind


def test_what_the_person_says_has_precedence() -> None:
    told = ColumnSettings(kind="category", missing=("?",), unit="m", description="d")
    decision = decide(texts(["1", "2", "?"]), told, typed=False)
    assert (decision.kind, decision.missing, decision.unit, decision.description) == ("category", ("?",), "m", "d")
    assert build_column(texts(["1", "2", "?"]), decision).isna().sum() == ROWS // 3


def test_told_missing_codes_make_a_number_of_a_column_with_999_or_text() -> None:
    column = texts(["1", "2", "999", "unknown"])
    decision = decide(column, ColumnSettings(missing=("999", "unknown")), typed=False)
    assert decision.kind == "integer"
    assert build_column(column, decision).dropna().unique().tolist() == [1.0, 2.0]


def test_the_frame_is_float64_and_str_with_nan_for_missing() -> None:
    numbers = texts(["1", "NA", "0.1"])
    built = build_column(numbers, decide(numbers, ColumnSettings(), typed=False))
    assert built.dtype == np.float64
    assert built.iloc[[0, 2]].tolist() == [1.0, 0.1]
    assert np.isnan(built.iloc[1])
    flags = texts(["TRUE", "false", ""])
    assert build_column(flags, decide(flags, ColumnSettings(), typed=False)).iloc[:2].tolist() == [1.0, 0.0]
    levels = texts(["NA", "", "None"])
    text = build_column(levels, decide(levels, ColumnSettings(), typed=False))
    assert str(text.dtype) == "str"
    assert text.isna().tolist()[:3] == [False, True, False]
    assert text.iloc[0] == "NA"


def test_parquet_values_arrive_unchanged() -> None:
    values = [0.1, None, 1 / 3, -0.0, 5e-324, 1.7976931348623157e308]
    column = pd.Series(values * 10, dtype="double[pyarrow]", name="x")
    built = build_column(column, decide(column, ColumnSettings(), typed=True))
    assert built[:6].tolist()[0::2] == [0.1, 1 / 3, 5e-324]
    assert np.isnan(built[1])
    assert built[5] == 1.7976931348623157e308
    literal = pd.Series(["nan", "b", None] * 20, dtype=pd.ArrowDtype(pa.string()), name="x")
    assert build_column(literal, decide(literal, ColumnSettings(), typed=True))[:3].isna().tolist() == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("kind", "bad"), [("number", "x"), ("integer", "1.5"), ("boolean", "maybe"), ("number", "inf")]
)
def test_a_value_that_does_not_fit_the_told_kind_is_named(kind: str, bad: str) -> None:
    column = pd.Series(["1", "0", bad], name="x", dtype=object)
    decision = decide(column, ColumnSettings(kind=kind), typed=False)  # type: ignore[arg-type]
    with pytest.raises(TrainError, match=rf"'{bad}' in data row 3.*\[columns\.x\]"):
        build_column(column, decision)


def test_a_decimal_comma_is_named_as_the_reason() -> None:
    column = pd.Series([f"{number},5" for number in range(60)], dtype="str", name="price")
    decision = decide(column, ColumnSettings(), typed=False)
    assert decision.kind == "drop"
    assert "decimal comma" in decision.reason
