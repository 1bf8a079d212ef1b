"""Strict JSON: the quick way lets nothing through that the careful one refuses, and fast answers are the same."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
