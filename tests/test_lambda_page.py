"""Answers that a page made: checked against the contract, kept as capture records, loggable values alone."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_handler.contract import Contract
from lambda_handler.http import Handler, make_handler
from lambda_handler.page import MOST_BYTES, MOST_CAPTURES, PageCaptureError, read_captures
from lambda_handler.predictor import Predictor
from tests.bundle_factory import CLASSES, EXAMPLE, Task, make_bundle, seal

CONTEXT = SimpleNamespace(aws_request_id="request-1")
TASKS: tuple[Task, ...] = tuple(CLASSES)
LOGGABLE = ("age", "grade")
ROW = {name: EXAMPLE[name] for name in LOGGABLE}
SECRET = 8172634.515625


def make(path: Path, task: Task = "classification", loggable: tuple[str, ...] = LOGGABLE, share: float = 0.5) -> Path:
    make_bundle(path, task=task)
    contract = json.loads((path / "contract.json").read_text())
    for feature in contract["features"]:
        feature["loggable"] = feature["name"] in loggable
    contract["capture"] = {"share": share}
    (path / "contract.json").write_text(json.dumps(contract))
    seal(path)
    return path


def answer_to(path: Path, row: Any = EXAMPLE) -> dict[str, Any]:
    """The model's answer as a page would tell it."""
    [answer] = Predictor.load(path).predict([row])
    return {name: part for name, part in answer.items() if name != "warnings"}


def send(handler: Handler, body: Any, kind: str = "application/json") -> tuple[int, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    event = {"rawPath": "/capture", "requestContext": {"http": {"method": "POST"}}, "body": text}
    response = handler({**event, "headers": {"content-type": kind}}, CONTEXT)
    return response["statusCode"], json.loads(response["body"])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("page") / "tiny")


@pytest.fixture(scope="module")
def handler(bundle: Path) -> Handler:
    return make_handler(bundle)


@pytest.fixture(scope="module")
def told(bundle: Path) -> dict[str, Any]:
    """A good request."""
    sha256 = json.loads((bundle / "contract.json").read_text())["model_sha256"]
    return {"model": sha256, "captures": [{"row": ROW, "answer": answer_to(bundle)}]}


def test_what_a_page_tells_becomes_a_record_with_its_source(
    handler: Handler, bundle: Path, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [*told["captures"], {"row": {"age": 71, "grade": None}, "answer": answer_to(bundle)}]
    assert send(handler, {**told, "captures": entries}) == (200, {"accepted": 2, "request_id": "request-1"})
    [line] = capsys.readouterr().out.splitlines()
    record = json.loads(line)
    assert list(record) == ["selfsame", "format", "time", "request_id", "model", "source", "predictions"]
    assert (record["selfsame"], record["format"], record["source"]) == ("capture", 1, "page")
    assert record["model"]["sha256"] == told["model"]
    for kept, entry in zip(record["predictions"], entries, strict=True):
        assert list(kept) == ["id", "row", "complete", "answer", "decision"]
        assert (kept["row"], kept["answer"], kept["decision"]) == (entry["row"], entry["answer"], None)
        assert kept["complete"] is False
    assert len({kept["id"] for kept in record["predictions"]}) == 2


def test_a_value_that_is_not_loggable_is_dropped_unread(
    handler: Handler, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    row = {**ROW, "income": SECRET, "home": [{"x": "canary"}], "married": "canary"}
    assert send(handler, {**told, "captures": [{**told["captures"][0], "row": row}]})[0] == 200
    out = capsys.readouterr().out
    assert json.loads(out)["predictions"][0]["row"] == ROW
    assert str(SECRET) not in out
    assert "canary" not in out


@pytest.mark.parametrize("task", TASKS)
def test_every_form_of_answer_is_taken_and_no_other(
    task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path / "tiny", task, tuple(EXAMPLE))
    handler, answer = make_handler(path), answer_to(path)
    sha256 = json.loads((path / "contract.json").read_text())["model_sha256"]
    body = {"model": sha256, "captures": [{"row": EXAMPLE, "answer": answer}]}
    assert send(handler, body)[0] == 200
    [kept] = json.loads(capsys.readouterr().out)["predictions"]
    assert (kept["answer"], kept["row"], kept["complete"]) == (answer, EXAMPLE, True)
    for other in ({}, {**answer, "more": 1}, [answer], {"label": "boat"}, {"value": 10**400}, {"targets": {}}):
        status, problem = send(handler, {**body, "captures": [{"row": EXAMPLE, "answer": other}]})
        assert (status, problem["errors"][0]["kind"]) == (422, "answer")
    assert capsys.readouterr().out == "", "nothing of a refused request is kept"


@pytest.mark.parametrize(
    ("row", "feature", "kind"),
    [
        ({"age": 40}, "grade", "absent"),
        ({**ROW, "age": "forty"}, "age", "type"),
        ({**ROW, "age": 151}, "age", "out_of_bounds"),
        ({**ROW, "age": None}, "age", "missing"),
        ({**ROW, "grade": "a\0"}, "grade", "type"),
        ({**ROW, "weight": 1}, "weight", "unknown"),
    ],
)
def test_a_row_that_breaks_the_contract_is_refused(
    handler: Handler, told: dict[str, Any], row: Any, feature: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good = told["captures"][0]
    status, problem = send(handler, {**told, "captures": [good, {**good, "row": row}]})
    assert (status, problem["error_count"]) == (422, 1)
    assert {name: problem["errors"][0][name] for name in ("row", "feature", "kind")} == {
        "row": 1, "feature": feature, "kind": kind,
    }  # fmt: skip
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"label": 2}, "label is one of 0, 1; got the number 2"),
        ({"label": True}, "got true"),
        ({"probabilities": {"0": 0.5}}, "a number for each of 0, 1"),
        ({"probabilities": {"0": 0.5, "1": 1.5}}, "each of probabilities is a number from 0 to 1; got the number 1.5"),
        ({"probabilities": {"0": 0.5, "1": "0.5"}}, 'got the text "0.5"'),
    ],
)
def test_an_answer_that_the_model_never_gives_is_refused(
    handler: Handler, told: dict[str, Any], change: Any, part: str
) -> None:
    [good] = told["captures"]
    status, problem = send(handler, {**told, "captures": [{**good, "answer": good["answer"] | change}]})
    assert (status, problem["errors"][0]["kind"]) == (422, "answer")
    assert part in problem["errors"][0]["reason"]


def test_a_request_of_another_shape_model_or_size_is_refused(handler: Handler, told: dict[str, Any]) -> None:
    [good] = told["captures"]
    for body in ([], {}, {**told, "captures": {}}, {**told, "visitor": 7}, {**told, "captures": []},
                 {**told, "captures": [7]}, {**told, "captures": [{"row": ROW}]},
                 {**told, "captures": [good] * (MOST_CAPTURES + 1)}):  # fmt: skip
        assert send(handler, body)[0] == 422
    status, problem = send(handler, {**told, "model": "0" * 64})
    assert (status, problem["errors"][0]["kind"]) == (422, "model")
    assert told["model"] in problem["detail"] + problem["errors"][0]["reason"]
    long = {**told, "captures": [{**good, "row": {**ROW, "grade": "ü" * (MOST_BYTES // 2)}}]}
    status, problem = send(handler, json.dumps(long, ensure_ascii=False))
    assert (status, "65,536 bytes" in problem["detail"]) == (413, True)
    assert send(handler, "{")[0] == 400
    assert send(handler, told, "text/plain")[0] == 415


def test_where_the_contract_captures_nothing_there_is_no_such_path(tmp_path: Path, told: dict[str, Any]) -> None:
    status, problem = send(make_handler(make(tmp_path / "tiny", share=0.0)), told)
    assert (status, "There is no '/capture' here." in problem["detail"]) == (404, True)


def test_a_ranking_is_taken_in_its_order_alone(bundle: Path) -> None:
    document = json.loads((bundle / "contract.json").read_text())
    items = [{"id": name} for name in ("castle", "gallery", "park")]
    outputs = dict.fromkeys(("label", "probabilities", "scores", "value"), None) | {"label": "label", "items": "scores"}
    changes = {"task": "ranking", "classes": [item["id"] for item in items], "outputs": outputs, "threshold": None}
    contract = Contract({**document, **changes, "ranking": {"items": items, "top": 2}})
    best = [{"id": "park", "score": 0.5}, {"id": "castle", "score": 0.25}]

    def taken(answer: Any) -> Any:
        entry = {"row": ROW, "answer": answer}
        [(_, kept)] = read_captures(contract, {"model": contract.model_sha256, "captures": [entry]})
        return kept

    assert taken({"items": best}) == {"items": best}
    for wrong in (best[::-1], [*best, {"id": "gallery", "score": 0.1}], [best[0], best[0]], [{"id": "sea", "score": 1}],
                  [{"id": "park", "score": "1"}], [7], 7):  # fmt: skip
        with pytest.raises(PageCaptureError):
            taken({"items": wrong})
