"""The contract says what a row must hold, and what is wrong with one that does not."""

import decimal
import fractions
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bundle_factory import EXAMPLE, FEATURES, MISSING_CODE, contract_of

from lambda_handler.answer import class_key
from lambda_handler.contract import Contract, ContractError, FormatError, is_missing, read_contract


def document(**changes: Any) -> dict[str, Any]:
    return {**contract_of("tiny", "classification", FEATURES, "0" * 64), **changes}


def with_feature(index: int, **changes: Any) -> Contract:
    features = [{**feature, **(changes if position == index else {})} for position, feature in enumerate(FEATURES)]
    return Contract(document(features=features))


CONTRACT = Contract(document())


def problems(row: Any, contract: Contract = CONTRACT) -> list[dict[str, Any]]:
    with pytest.raises(ContractError) as caught:
        contract.columns([row])
    return caught.value.problems


@pytest.mark.parametrize(
    ("changes", "kind", "parts"),
    [
        ({"income": "1"}, "type", ['income takes a number; got the text "1".', "Send for example 50000.0, or null"]),
        ({"income": True}, "type", ["takes a number; got true"]),
        ({"income": np.bool_(True)}, "type", ["takes a number; got true"]),
        ({"income": np.ones(3)}, "type", ["got a ndarray"]),
        ({"income": [1]}, "type", ["got a list"]),
        ({"income": {"a": 1}}, "type", ["got an object"]),
        ({"income": decimal.Decimal(1)}, "type", ["got a Decimal"]),
        ({"income": 1 + 0j}, "type", ["got a complex"]),
        ({"income": math.inf}, "not_finite", ["finite 64-bit number; got the number inf"]),
        ({"income": -math.inf}, "not_finite", ["got the number -inf"]),
        ({"income": 10**400}, "not_finite", ["got an integer of over 40 digits"]),
        ({"income": np.float64(math.inf)}, "not_finite", ["got the number inf"]),
        ({"age": None}, "missing", ["age must not be missing: the original estimator rejects such rows", "example 40"]),
        ({"age": math.nan}, "missing", ["must not be missing"]),
        ({"age": pd.NA}, "missing", ["must not be missing"]),
        ({"age": 40.5}, "type", ["takes a whole 64-bit number; got the number 40.5"]),
        ({"age": "40"}, "type", ['got the text "40"']),
        ({"age": True}, "type", ["got true"]),
        ({"age": 2**63}, "type", ["got the number 9223372036854775808"]),
        ({"age": 10**400}, "type", ["got an integer of over 40 digits"]),
        ({"age": math.inf}, "type", ["got the number inf"]),
        ({"age": 1e300}, "type", ["got the number 1e+300"]),
        ({"age": 151}, "out_of_bounds", ["age must be from 0 to 150", "got the number 151", "Send for example 40"]),
        ({"age": -1}, "out_of_bounds", ["got the number -1"]),
        ({"age": np.int64(151)}, "out_of_bounds", ["got the number 151"]),
        ({"grade": 1}, "type", ["grade takes text; got the number 1"]),
        ({"grade": False}, "type", ["got false"]),
        ({"grade": "a\0"}, "type", ["without NUL and lone surrogates"]),
        ({"grade": "\ud800"}, "type", ["without NUL and lone surrogates"]),
        ({"grade": MISSING_CODE}, "reserved", ["reserved for missing values. Send null"]),
        ({"home": None}, "missing", ["home must not be missing", 'Send for example "own"']),
        ({"home": "boat"}, "unseen", ['home takes one of "own", "rent"; got the text "boat"', "Send one of these"]),
        ({"home": "x" * 9999}, "unseen", ["x" * 40 + '"…']),
        ({"married": None}, "missing", ["married must not be missing"]),
        ({"married": 1}, "type", ["takes true or false; got the number 1"]),
        ({"married": "true"}, "type", ['got the text "true"']),
        ({"married": 0.0}, "type", ["got the number 0.0"]),
    ],
    ids=str,
)
def test_a_value_that_breaks_the_contract(changes: dict[str, Any], kind: str, parts: list[str]) -> None:
    (problem,) = problems({**EXAMPLE, **changes})
    assert problem["row"] == 0
    assert problem["feature"] == next(iter(changes))
    assert problem["kind"] == kind
    for part in parts:
        assert part in problem["reason"]
    assert len(problem["reason"]) < 300


def test_an_absent_feature_and_an_unknown_one() -> None:
    row = {**EXAMPLE, "incom": 1.0, "zzz": 2}
    del row["age"]
    found = {problem["feature"]: problem for problem in problems(row)}
    assert {name: each["kind"] for name, each in found.items()} == {
        "age": "absent",
        "incom": "unknown",
        "zzz": "unknown",
    }
    assert found["age"]["reason"] == "age is required and is not there. Send for example 40."
    assert found["incom"]["reason"] == '"incom" is not a feature of this model. Did you mean "income"?'
    assert found["zzz"]["reason"].endswith('"zzz" is not a feature of this model. Leave it out.')


@pytest.mark.parametrize(("key", "said"), [(5, '"5"'), (None, '"None"'), ((1, 2), '"(1, 2)"')])
def test_a_name_that_is_no_text_is_unknown(key: Any, said: str) -> None:
    (problem,) = problems({**EXAMPLE, key: 1})
    assert problem["kind"] == "unknown"
    assert said in problem["reason"]


@pytest.mark.parametrize(("row", "said"), [(None, "null"), (5, "the number 5"), ([], "a list"), ("{}", "the text")])
def test_a_row_that_is_no_object(row: Any, said: str) -> None:
    (problem,) = problems(row)
    assert (problem["kind"], problem["feature"]) == ("row", None)
    assert f"got {said}" in problem["reason"]


def test_every_problem_of_every_row_is_listed() -> None:
    rows = [EXAMPLE, {**EXAMPLE, "age": None, "home": "boat"}, 7, {**EXAMPLE, "income": "x"}]
    with pytest.raises(ContractError) as caught:
        CONTRACT.columns(rows)
    assert [(p["row"], p["feature"], p["kind"]) for p in caught.value.problems] == [
        (1, "age", "missing"), (1, "home", "unseen"), (2, None, "row"), (3, "income", "type"),
    ]  # fmt: skip
    assert str(caught.value).startswith("row 1: age must not be missing")
    assert str(caught.value).endswith("(and 3 more)")


@pytest.mark.parametrize("missing", [None, math.nan, np.float64("nan"), pd.NA, pd.NaT], ids=repr)
def test_every_missing_value_of_python_is_missing(missing: Any) -> None:
    values, _ = CONTRACT.columns([{**EXAMPLE, "income": missing, "grade": missing}])
    assert math.isnan(values[0][0])
    assert values[2] == [MISSING_CODE]


@pytest.mark.parametrize("number", [7, 7.0, np.float32(7), np.float64(7), np.int64(7), fractions.Fraction(7)])
def test_every_real_number_of_python_is_a_number(number: Any) -> None:
    values, _ = CONTRACT.columns([{**EXAMPLE, "income": number}])
    assert values[0] == [7.0]
    assert type(values[0][0]) is float


@pytest.mark.parametrize("number", [41, 41.0, np.int64(41), np.uint8(41), np.float64(41)])
def test_a_whole_number_is_an_integer(number: Any) -> None:
    values, _ = CONTRACT.columns([{**EXAMPLE, "age": number}])
    assert values[1] == [41]
    assert type(values[1][0]) is int


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"income": 3999.0}, "out_of_range", "income: 3,999 is outside the training range, 4,000 to 200,000."),
        ({"income": 200001}, "out_of_range", "income: 200,001 is outside"),
        ({"income": 1e300}, "out_of_range", "income: 1e+300 is outside"),
        ({"income": 5000.25}, "fraction", "income: 5,000.25 is not a whole number, as all training values were."),
        ({"age": 91}, "out_of_range", "age: 91 is outside the training range, 18 to 90."),
        ({"grade": "Z"}, "unseen", 'grade: the text "Z" was not seen in training.'),
        ({"grade": ""}, "unseen", 'grade: the text "" was not seen in training.'),
        ({"income": None}, "imputed", "income: missing; the model answers with a substitute of its own for it."),
        ({"income": math.nan}, "imputed", "income: missing"),
        ({"grade": pd.NA}, "imputed", "grade: missing"),
    ],
    ids=str,
)
def test_a_value_unlike_the_training_rows_is_answered_with_a_warning(
    changes: dict[str, Any], kind: str, message: str
) -> None:
    _, (warnings,) = CONTRACT.columns([{**EXAMPLE, **changes}])
    (warning,) = warnings
    assert (warning["feature"], warning["kind"]) == (next(iter(changes)), kind)
    assert warning["message"].startswith(message)


@pytest.mark.parametrize("value", [4000.0, 200000])
def test_the_ends_of_the_range_bring_no_warning(value: Any) -> None:
    assert CONTRACT.columns([{**EXAMPLE, "income": value}])[1] == [[]]


def test_nan_of_32_bits_is_a_missing_number() -> None:
    assert math.isnan(CONTRACT.columns([{**EXAMPLE, "income": np.float32("nan")}])[0][0][0])


def test_a_boolean_stored_as_a_number() -> None:
    contract = with_feature(4, dtype="float64", missing="allowed")
    values, _ = contract.columns([{**EXAMPLE, "married": value} for value in (True, False, None)])
    assert values[4][:2] == [1.0, 0.0]
    assert math.isnan(values[4][2])


def test_a_number_stored_in_32_bits() -> None:
    contract = with_feature(0, dtype="float32", accepts=None)
    (problem,) = problems({**EXAMPLE, "income": 3.5e38}, contract)
    assert problem["kind"] == "not_finite"
    assert "32-bit" in problem["reason"]


def test_rows_stay_unchanged_and_no_rows_are_no_columns() -> None:
    row = dict(EXAMPLE)
    CONTRACT.columns([row])
    assert row == EXAMPLE
    assert CONTRACT.columns([]) == ([[] for _ in FEATURES], [])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (3, "Upgrade selfsame"),
        (0, "Run `selfsame export` again"),
        (None, "format None"),
        (1, "export` again"),
        ("2", "format 2"),
        (True, "format True"),
    ],
)
def test_a_contract_of_another_format(found: Any, said: str) -> None:
    with pytest.raises(FormatError, match="this build reads 2") as caught:
        Contract(document(format=found))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "key", [key for key in document() if key not in {"format", "description", "notice", "target", "interval"}]
)
def test_a_contract_without_a_key(key: str) -> None:
    whole = document()
    del whole[key]
    with pytest.raises(FormatError, match=key):
        Contract(whole)


def test_a_contract_that_is_no_json() -> None:
    with pytest.raises(FormatError, match="must be JSON"):
        read_contract("{")
    with pytest.raises(FormatError, match="format None"):
        read_contract("[]")
    assert read_contract(json.dumps(document())).name == "tiny"


def test_class_keys_are_what_json_writes() -> None:
    assert [class_key(value) for value in (True, False, 1, -3, "é")] == ["true", "false", "1", "-3", "é"]
    assert not any(is_missing(value) for value in (0, 0.0, "", False, "nan", "NaN", math.inf))
