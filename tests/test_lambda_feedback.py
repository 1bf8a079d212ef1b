"""Feedback tells how predictions turned out: typed by the contract, written as one log line each."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_handler.http import Handler, make_handler
from lambda_handler.problem import MAX_ERRORS, MAX_ROWS
from tests.bundle_factory import EXAMPLE, Task, make_bundle

CONTEXT = SimpleNamespace(aws_request_id="request-2")
ID = "0123456789abcdef-7"


@pytest.fixture(scope="module")
def handlers(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Handler]:
    folder = tmp_path_factory.mktemp("feedback")
    tasks: tuple[Task, ...] = ("classification", "multiclass", "regression", "several", "values")
    return {task: make_handler(make_bundle(folder / task, task=task)) for task in tasks}


def send(handler: Handler, body: Any, path: str = "/feedback") -> tuple[int, Any]:
    event = {"rawPath": path, "requestContext": {"http": {"method": "POST"}}, "body": json.dumps(body)}
    response = handler({**event, "headers": {"content-type": "application/json"}}, CONTEXT)
    return response["statusCode"], json.loads(response["body"])


def told(handler: Handler, outcome: Any) -> tuple[int, Any]:
    return send(handler, {"id": ID, "outcome": outcome})


def test_each_entry_becomes_one_line_that_names_the_prediction(
    handlers: dict[Task, Handler], capsys: pytest.CaptureFixture[str]
) -> None:
    handler = handlers["classification"]
    _, answer = send(handler, {"rows": [EXAMPLE, EXAMPLE]}, "/predict")
    ids = [each["id"] for each in answer["predictions"]]
    entries = [{"id": ids[0], "outcome": 0}, {"id": ids[1], "outcome": 1}]
    assert send(handler, {"feedback": entries}) == (200, {"accepted": 2, "request_id": "request-2"})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line, entry in zip(lines, entries, strict=True):
        assert list(line) == ["selfsame", "format", "time", "request_id", "model", "id", "outcome"]
        assert (line["selfsame"], line["format"], line["request_id"]) == ("feedback", 1, "request-2")
        assert line["model"] == answer["model"]
        assert {name: line[name] for name in ("id", "outcome")} == entry


@pytest.mark.parametrize(
    ("task", "outcome", "logged"),
    [
        ("classification", 1, 1),
        ("classification", 1.0, 1),
        ("multiclass", "low", "low"),
        ("regression", -2.5, -2.5),
        ("regression", 7, 7),
        ("several", {"late": True}, {"late": True}),
        ("several", {"late": False, "size": "high"}, {"late": False, "size": "high"}),
        ("values", {"days": 3}, {"days": 3}),
    ],
)
def test_an_outcome_is_one_that_the_model_could_have_answered(
    handlers: dict[Task, Handler], capsys: pytest.CaptureFixture[str], task: Task, outcome: Any, logged: Any
) -> None:
    assert told(handlers[task], outcome)[0] == 200
    found = json.loads(capsys.readouterr().out)["outcome"]
    assert (found, type(found)) == (logged, type(logged))


@pytest.mark.parametrize(
    ("task", "outcome", "kind", "reason"),
    [
        ("classification", 2, "unseen", "outcome is one of 0, 1; got the number 2."),
        ("classification", True, "unseen", "got true"),
        ("classification", "1", "unseen", 'got the text "1"'),
        ("classification", None, "unseen", "got null"),
        ("classification", [1], "unseen", "got a list"),
        ("multiclass", "medium", "unseen", 'one of "high", "low", "middle"'),
        ("regression", "3", "type", 'outcome is a finite number; got the text "3"'),
        ("regression", True, "type", "got true"),
        ("regression", 10**400, "type", "over 40 digits"),
        ("several", True, "type", "outcome is an object of some of late, size; got true"),
        ("several", {}, "type", "got an object"),
        ("several", {"late": True, "soon": 1}, "type", "some of late, size"),
        ("several", {"late": 1}, "unseen", "one of false, true; got the number 1"),
        ("values", {"days": "x"}, "type", "finite number"),
    ],
)
def test_another_outcome_is_refused(
    handlers: dict[Task, Handler], capsys: pytest.CaptureFixture[str], task: Task, outcome: Any, kind: str, reason: str
) -> None:
    status, document = told(handlers[task], outcome)
    assert status == 422
    [error] = document["errors"]
    assert (error["row"], error["feature"], error["kind"]) == (0, "outcome", kind)
    assert reason in error["reason"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ([], [(0, None, "row")]),
        (3, [(0, None, "row")]),
        ({}, [(0, "id", "absent"), (0, "outcome", "absent")]),
        ({"id": ID}, [(0, "outcome", "absent")]),
        ({"id": 7, "outcome": 0}, [(0, "id", "type")]),
        ({"id": "x y-0", "outcome": 0}, [(0, "id", "type")]),
        ({"id": "nonsense", "outcome": 0}, [(0, "id", "type")]),
        ({"id": ID + "\n", "outcome": 0}, [(0, "id", "type")]),
        ({"id": ID, "outcome": 0, "note": "x"}, [(0, "note", "unknown")]),
        ({"feedback": []}, [(None, None, "body")]),
        ({"feedback": [{"id": ID, "outcome": 0}], "more": 1}, [(None, None, "body")]),
        ({"feedback": [{"id": ID, "outcome": 0}, 5, {"id": ID, "outcome": 9}]},
         [(1, None, "row"), (2, "outcome", "unseen")]),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_feedback_is_refused_entry_by_entry(
    handlers: dict[Task, Handler], capsys: pytest.CaptureFixture[str], body: Any, problems: list[tuple[Any, ...]]
) -> None:
    status, document = send(handlers["classification"], body)
    assert (status, document["error_count"]) == (422, len(problems))
    assert [(error["row"], error["feature"], error["kind"]) for error in document["errors"]] == problems
    assert all(error["reason"] for error in document["errors"])
    assert capsys.readouterr().out == "", "nothing is taken of a request that is refused"


def test_many_entries_are_taken_and_too_many_refused(
    handlers: dict[Task, Handler], capsys: pytest.CaptureFixture[str]
) -> None:
    handler = handlers["classification"]
    assert send(handler, {"feedback": [{"id": ID, "outcome": 0}] * MAX_ROWS})[1]["accepted"] == MAX_ROWS
    assert len(capsys.readouterr().out.splitlines()) == MAX_ROWS
    assert send(handler, {"feedback": [{"id": ID, "outcome": 0}] * (MAX_ROWS + 1)})[0] == 413
    status, document = send(handler, {"feedback": [{"id": ID, "outcome": 5}] * 300})
    assert (status, document["error_count"], len(document["errors"])) == (422, 300, MAX_ERRORS)
