"""Many rows are checked column by column: the same values, warnings and problems as value by value."""

import math
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_handler.contract import Contract, ContractError
from lambda_handler.value import FLOAT32_LIMIT
from tests.bundle_factory import EXAMPLE, FEATURES, MISSING_CODE, contract_of

NUMBER = FEATURES[0]
EXTRA: list[dict[str, Any]] = [
    {**NUMBER, "name": "single", "input": "x5", "dtype": "float32", "range": [-1.5, 0.1], "whole": False},
    {**NUMBER, "name": "listed", "input": "x6", "range": [1.0, 3.0], "categories": [1.0, 2.0, 3.0],
     "unseen": "rejected", "missing": "rejected"},
    {**FEATURES[1], "name": "counted", "input": "x7", "dtype": "float64", "missing": "allowed",
     "accepts": [-(2**53), 2**53]},
    {**FEATURES[4], "name": "known", "input": "x8", "dtype": "float64", "missing": "allowed"},
    {**FEATURES[4], "name": "always", "input": "x9", "categories": [True], "unseen": "rejected"},
    {**FEATURES[2], "name": "note", "input": "x10", "type": "text", "categories": None, "unseen": None},
    {**FEATURES[2], "name": "odd", "input": "x11", "categories": ["A", "a\0", MISSING_CODE]},
]  # fmt: skip
ROW = {**EXAMPLE, "single": 0.0, "listed": 2.0, "counted": 3, "known": True, "always": True, "note": "x", "odd": "A"}
CONTRACT = Contract(contract_of("tiny", "classification", [*FEATURES, *EXTRA], "0" * 64))

ODD: dict[str, list[Any]] = {
    "number": [None, math.nan, 4000.0, 200000, 3999.999, 5e4 + 0.5, -0.0, 1e300, 10**400, math.inf, True, "1",
               np.float64(5e4), np.int64(7), pd.NA, [], np.ones(2), 2**53 + 1],
    "single": [0.1, np.nextafter(0.1, 1), float(np.float32(0.1)), -1.5, -1.5000000001, FLOAT32_LIMIT, 3.4e38, 1e39,
               None, 1],
    "listed": [1.0, 2, 3.0, 2.5, 0, True, None, math.nan],
    "integer": [18, 90, 91, 150, 151, -1, 2**63, -(2**63), 40.0, 40.5, True, None, "4", np.int64(41), 2**53, 2**53 + 1],
    "boolean": [True, False, 1, 0.0, None, np.bool_(True), "true"],
    "text": ["A", "B", "Z", "", "a\0", "\ud800", "ü", MISSING_CODE, None, 1, True, math.nan, ["A"]],
}  # fmt: skip
VALUES = {
    "income": ODD["number"], "age": ODD["integer"], "grade": ODD["text"], "home": [*ODD["text"], "own", "rent"],
    "married": ODD["boolean"], "single": ODD["single"], "listed": ODD["listed"], "counted": ODD["integer"],
    "known": ODD["boolean"], "always": ODD["boolean"], "note": ODD["text"], "odd": ODD["text"],
}  # fmt: skip


def outcome(check: Any, rows: list[Any]) -> Any:
    """What a check gives or lists, comparable: NaN as text, every value with its type."""
    try:
        values, warnings = check(rows)
    except ContractError as error:
        return error.problems
    return [[(type(value), repr(value)) for value in column] for column in values], warnings


def same(rows: list[Any]) -> None:
    assert outcome(CONTRACT.columns, rows) == outcome(CONTRACT._by_row, rows)


@pytest.mark.parametrize("name", VALUES)
def test_one_odd_value_among_many_is_treated_as_alone(name: str) -> None:
    for value in VALUES[name]:
        rows = [dict(ROW) for _ in range(12)]
        rows[5][name] = value
        same(rows)
        same([{**ROW, name: value}] * 12)


def refuses(name: str, value: Any) -> bool:
    return isinstance(outcome(CONTRACT._by_row, [{**ROW, name: value}]), list)


ACCEPTED = {name: [each for each in values if not refuses(name, each)] for name, values in VALUES.items()}


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_tables_of_accepted_values_give_the_same_columns_and_warnings(data: st.DataObject) -> None:
    row = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in ACCEPTED.items()})
    rows = data.draw(st.lists(row, min_size=9, max_size=30))
    same(rows)
    assert not isinstance(outcome(CONTRACT.columns, rows), list)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_tables_of_any_values_give_the_same_problems(data: st.DataObject) -> None:
    row = st.fixed_dictionaries({name: st.sampled_from([ROW[name], *VALUES[name]]) for name in VALUES})
    odd = st.sampled_from([None, 5, [], {}, {**ROW, "extra": 1}, {"income": 1}])
    same(data.draw(st.lists(st.one_of(row, st.just(ROW), odd), min_size=9, max_size=20)))


def test_rows_as_other_mappings_are_checked_too() -> None:
    rows = [MappingProxyType(ROW)] * 12
    assert outcome(CONTRACT.columns, rows) == outcome(CONTRACT.columns, [ROW] * 12)


def test_a_table_of_one_column_is_a_table() -> None:
    single = Contract(contract_of("tiny", "classification", FEATURES[:1], "0" * 64))
    rows = [{"income": None if index % 3 else 5e4 + index} for index in range(12)]
    assert outcome(single.columns, rows) == outcome(single._by_row, rows)
    assert outcome(single.columns, [*rows, {"income": "much"}]) == outcome(single._by_row, [*rows, {"income": "much"}])


def test_good_rows_are_not_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("one by one")

    rows = [{**ROW, "income": 5e4 + index, "grade": None if index % 3 else "A"} for index in range(50)]
    plain = Contract(contract_of("tiny", "classification", FEATURES, "0" * 64))
    expected = outcome(plain._by_row, [{name: row[name] for name in EXAMPLE} for row in rows])
    plain._checks = [(feature, never) for feature, _ in plain._checks]
    monkeypatch.setattr(plain, "_by_row", never)
    assert outcome(plain.columns, [{name: row[name] for name in EXAMPLE} for row in rows]) == expected


def test_a_wrong_bulk_check_would_be_found() -> None:
    wrong = Contract(CONTRACT.document)
    wrong._bulk = [lambda values, _: values for _ in wrong._bulk]
    rows = [{**ROW, "income": 1.0}] * 12
    assert outcome(wrong.columns, rows) != outcome(wrong._by_row, rows)
