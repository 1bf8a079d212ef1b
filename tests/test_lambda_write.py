"""Predictions written at once: byte for byte what the JSON of their objects is."""

import json
import math
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ujson
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.events import function_url_event
from lambda_handler import write
from lambda_handler.automation import DEGREES
from lambda_handler.contract import Contract
from lambda_handler.decide import Decider
from lambda_handler.http import Handler, make_handler
from lambda_handler.predictor import Answers, Predictor
from lambda_handler.problem import encode_json
from lambda_handler.write import FEW_NUMBERS, FEW_ROWS, frame_of
from tests.bundle_factory import EXAMPLE, FEATURES, Task, contract_of, make_bundle

TASKS: tuple[Task, ...] = (
    "classification", "multiclass", "regression", "interval", "scores", "labels", "values", "several",
)  # fmt: skip
STEM = "0123456789ab"
LINES = frame_of("jsonl", "")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["%", "%s", "%%d", '"', "\\", "\n", "{}", "],[", "</script>", "\u2028", "é", "\x7f", "😀"]
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 1.0, 5e-324, 1e16, 1e22, 0.1, 1 / 3, 123456789012345680.0, -1.7976931348623157e308]
)
WARNINGS = st.lists(
    st.builds(  # in the order in which a contract makes a warning
        lambda feature, kind, message: {"feature": feature, "kind": kind, "message": message},
        TEXTS,
        st.sampled_from(["imputed", "unseen"]),
        TEXTS,
    ),
    max_size=2,
)
NAMES = st.lists(TEXTS, min_size=2, max_size=3, unique=True)


def renamed(task: Task, names: list[str]) -> dict[str, Any]:
    """A contract whose classes and targets have these names, where they are texts."""
    document = deepcopy(contract_of("tiny", task, FEATURES, "0" * 64))
    if task in {"multiclass", "labels"}:
        document["classes"] = [*names, "three letters"][:3]
    if document["targets"]:
        for target, name in zip(document["targets"], names, strict=False):
            target["name"] = name
    return document


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_kind_of_answer_is_written_as_its_object_is(task: Task, data: st.DataObject) -> None:
    document = renamed(task, data.draw(NAMES))
    document |= {"version": data.draw(TEXTS), "capture": {"share": 1.0}}
    contract = Contract(document)
    form, rows = contract.form, data.draw(st.integers(1, 4))
    degrees = [each for each in DEGREES if each != "partial" or task in {"classification", "scores"}]
    degree = data.draw(st.sampled_from(degrees))
    if degree == "partial":
        contract = Contract(document | {"automation": {"degree": degree, "abstain": [0, 1]}})
    most = [len(target.classes) - 1 for target in form.targets] if form.labels else []
    labels = [data.draw(st.integers(0, last)) for _ in range(rows) for last in most]
    count = rows * form.width
    numbers = data.draw(st.lists(NUMBERS, min_size=count, max_size=count))
    if form.interval is not None:
        numbers = [math.fmod(number, 1e300) for number in numbers]  # its ends must be finite, too
    warnings = data.draw(st.lists(WARNINGS, min_size=rows, max_size=rows))
    decider, answers = Decider(contract, degree), Answers(form, labels, numbers, warnings, [])
    expected = [encode_json(each) for each in decider.decide(answers, STEM).predictions]
    assert decider.write(answers, STEM, LINES).split("\n")[:-1] == expected
    assert decider.write(answers, STEM, frame_of("json", '"model":{}')) == encode_json(
        {"predictions": decider.decide(answers, STEM).predictions, "model": {}}
    )
    assert [json.loads(text) for text in expected] == decider.decide(answers, STEM).predictions


@pytest.mark.parametrize("task", [task for task in TASKS if task != "interval"])
def test_the_fast_way_is_taken(task: Task) -> None:
    assert write.is_plain(Contract(contract_of("tiny", task, FEATURES, "0" * 64)).form)


@pytest.mark.parametrize("times", [1, FEW_ROWS])
@pytest.mark.parametrize("fault", ["repr", "label", "row", "escape", "between", None])
def test_a_wrong_writer_would_be_found(fault: str | None, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = Contract(contract_of("tiny", "multiclass", FEATURES, "0" * 64) | {"classes": ["a", "b", 'c"']})
    numbers = [0.1, 0.2, 0.7, 0.1 + 0.2, 0.0, 1e22]
    answers = Answers(contract.form, [0, 2] * times, numbers * times, [[], []] * times, [])
    expected = [encode_json(each) for each in Decider(contract).decide(answers, STEM).predictions]
    if fault == "escape":
        monkeypatch.setattr(write, "quote", lambda text: f'"{text}"')
    if fault == "repr":
        monkeypatch.setattr(write, "written", lambda numbers: [f"{number:.15g}" for number in numbers])
    if fault == "label":
        encoded = iter(['"c\\""', '"b"', '"a"', *map(encode_json, "abc")])
        monkeypatch.setattr(write, "encode_json", lambda _: next(encoded))
    if fault == "row":
        monkeypatch.setattr(write, "IDS", lambda told: [f"{each}0" for each in told.ids])
    frame = LINES._replace(between=",") if fault == "between" else LINES
    assert (Decider(contract).write(answers, STEM, frame) == LINES.join(expected)) == (fault is None)


ENDS = [float(f"1e{power}") for power in range(-323, 309)] + [2.0**power for power in range(-1074, 1024)]
EDGES = [math.nextafter(end, towards) for end in ENDS for towards in (0.0, end, 1e308)]


def test_numbers_at_every_edge_are_written_as_each_is() -> None:
    assert write.written(EDGES) == list(map(repr, EDGES))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.floats(1e-4, 1), min_size=40, max_size=60))
def test_many_numbers_are_written_as_each_is(numbers: list[float]) -> None:
    plain = [number for number in numbers if "e" not in repr(number)]
    assert write.written(numbers) == list(map(repr, numbers))
    assert write.written(plain * 40) == list(map(repr, plain * 40))


def test_numbers_that_ujson_writes_otherwise_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [1.5e-7, 0.1, -2e-9] * FEW_NUMBERS
    assert json.dumps(numbers) != ujson.dumps(numbers), "an exponent of one digit"
    assert write.written(numbers) == list(map(repr, numbers))
    monkeypatch.setattr(ujson, "dumps", lambda given: str([round(each, 15) for each in given]).replace(" ", ""))
    assert write.written([1 / 3, *numbers]) != list(map(repr, [1 / 3, *numbers]))


@pytest.mark.parametrize("task", TASKS)
def test_the_body_of_an_answer_is_the_json_of_the_model_s_answers(task: Task, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "tiny", task=task)
    asked = [{**EXAMPLE, "income": None if index % 3 else 4000.5 + index} for index in range(12)]
    handler, predictor = make_handler(bundle), Predictor.load(bundle)
    for rows in (asked[:1], asked):
        compare_bodies(handler, predictor, rows)


def compare_bodies(handler: Handler, predictor: Predictor, asked: list[dict[str, Any]]) -> None:
    context = SimpleNamespace(aws_request_id="request-1")
    told = [("content-type", "application/json")]
    body = json.dumps({"rows": asked}).encode()
    answer = handler(function_url_event("POST", "/predict", body, told), context)["body"]
    found = json.loads(answer)
    assert answer == encode_json(found), "no blank, no other form of a number, no key in another place"
    assert list(found) == ["predictions", "model", "request_id"]
    lines = handler(function_url_event("POST", "/predict", body, [*told, ("accept", "application/jsonl")]), context)
    for index, line in enumerate(lines["body"].splitlines()):
        assert json.loads(line) | {"id": ""} == found["predictions"][index] | {"id": ""}
    for prediction, answered in zip(found["predictions"], predictor.predict(asked), strict=True):
        assert {name: prediction[name] for name in answered} == answered
