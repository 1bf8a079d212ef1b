"""Strict JSON: the quick way lets nothing through that the careful one refuses, and fast answers are the same."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_handler import strict_json
from lambda_handler.answer import Form
from lambda_handler.problem import NotJsonError
from lambda_handler.strict_json import decode_json
from tests.bundle_factory import FEATURES, Task, contract_of


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1,"a":":"}',
        '{"rows":[{"a":1,"a":2}]}',
        '{"rows":[{"a":1},{"a":1,"b":2,"a":3}]}',
        '{"rows":[],"rows":[{"a":1}]}',
        '{"rows":[{"a":1}],"rows":[]}',
        '{"rows":[{"a":{"b":1,"b":2}}]}',
        '{"rows":{"a":1,"a":2}}',
        '{"x":[{"a":1,"a":2}]}',
        '[{"a":1,"a":2}]',
        '[[{"a":1,"a":2}]]',
        '{"a":"b:c","d":1,"d":2}',
        '{"a":1,"\\u0061":2}',
    ],
)
def test_a_key_that_stands_twice_is_found_wherever_it_stands(text: str) -> None:
    with pytest.raises(NotJsonError, match="stands twice"):
        decode_json(text)


OVERFLOWING = [
    "1e309", "-1E309", "1e+309", "2E+308", "1.8e308", "0.01e311", "1e0000309", "1e1000000", "9" * 309, "-" + "9" * 400,
    "1" + "0" * 220 + "e99", "1" + "0" * 300 + ".5e9", "1" + "0" * 305 + ".5E+4",
]  # fmt: skip


@pytest.mark.parametrize(
    "number", [each if "e" in each.lower() or "." in each else f"{each}.0" for each in OVERFLOWING]
)
def test_a_number_that_overflows_is_refused_wherever_it_stands(number: str) -> None:
    assert float(number) in {math.inf, -math.inf}
    for text in (f'{{"a":{number}}}', f'{{"rows":[{{"a":1}},{{"a":{number}}}]}}', f"[[{number}]]", f" {number} "):
        with pytest.raises(NotJsonError, match="larger than any 64-bit number"):
            decode_json(text)


@settings(max_examples=100, deadline=None)
@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,3}|[1-9][0-9]{190,330})(\.[0-9]{1,3})?([eE][-+]?[0-9]{1,4})?", fullmatch=True),
    st.sampled_from(["", '"1e5":"2E6",', '"e999":"1e999",']),
)
def test_a_number_is_refused_if_and_only_if_it_overflows(number: str, before: str) -> None:
    text = f'{{{before}"a":{number}}}'
    if math.isfinite(float(number)) or not {".", "e", "E"} & {*number}:  # an integer has no largest one
        assert decode_json(text) == json.loads(text)
    else:
        with pytest.raises(NotJsonError, match="larger than any 64-bit number"):
            decode_json(text)


def test_without_the_look_at_exponents_one_would_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "_EXPONENT", b"0e0000000")
    assert decode_json('{"a":1e999}') == {"a": math.inf}


SCALARS = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-5, 5) | st.sampled_from(["", "a", ":", "a:b", '"'])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b:", ":", "rows"]), inner),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_what_has_no_key_twice_is_read_as_it_is(value: Any) -> None:
    assert decode_json(json.dumps(value)) == value
    assert decode_json(json.dumps({"rows": [value]})) == {"rows": [value]}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.tuples(st.sampled_from(["a", "b", "c:"]), SCALARS), max_size=4), max_size=4))
def test_rows_of_any_pairs_are_read_or_refused_by_their_keys(rows: list[list[tuple[str, Any]]]) -> None:
    objects = ["{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in row) + "}" for row in rows]
    text = '{"rows":[' + ",".join(objects) + "]}"
    if all(len({key for key, _ in row}) == len(row) for row in rows):
        assert decode_json(text) == {"rows": [dict(row) for row in rows]}
    else:
        with pytest.raises(NotJsonError, match="stands twice"):
            decode_json(text)


@pytest.mark.parametrize(
    "task", ["classification", "multiclass", "regression", "scores", "labels", "values", "several"]
)
def test_answers_of_many_rows_are_those_of_each(task: Task) -> None:
    form = Form(contract_of("tiny", task, FEATURES, "0" * 64))
    rows = 5
    most = [max(len(target.classes) - 1, 0) for target in form.targets] if form.labels else []
    labels = [min(row, most[place]) for row in range(rows) for place in range(form.labels)]
    numbers = [0.1 * index for index in range(rows * form.width)]
    count, width = form.labels, form.width
    each = [
        form.write(labels[row * count : row * count + count], numbers[row * width : row * width + width])
        for row in range(rows)
    ]
    assert form.write_rows(labels, numbers, rows) == each
    assert form.write_rows([], [], 0) == []
