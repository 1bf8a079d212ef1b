"""Capture records hold what the contract lets out and nothing else; no value of a request reaches a log otherwise."""

import base64
import json
import logging
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_handler import capture
from lambda_handler.capture import chosen
from lambda_handler.direct import FailedError, RefusedError
from lambda_handler.http import Handler, make_handler
from lambda_handler.metrics import NAMESPACE
from lambda_handler.predictor import Predictor
from tests.bundle_factory import EXAMPLE, Task, answer_of, make_bundle, seal

CONTEXT = SimpleNamespace(aws_request_id="request-1")
NUMBER, TEXT, NAME = 8172634.515625, "canary-5f1c", "spy-7e9b"
CANARY = {**EXAMPLE, "income": NUMBER, "grade": TEXT}
SECRETS = (str(NUMBER), "8,172,634", "8172634", TEXT, NAME)


def make(path: Path, task: Task = "classification", loggable: tuple[str, ...] = (), **told: Any) -> Path:
    make_bundle(path, task=task)
    contract = json.loads((path / "contract.json").read_text())
    for feature in contract["features"]:
        feature["loggable"] = feature["name"] in loggable
    automation = {"degree": told.get("degree", "full"), "abstain": told.get("abstain")}
    contract |= {"automation": automation, "capture": {"share": told.get("share", 1.0)}}
    (path / "contract.json").write_text(json.dumps(contract))
    seal(path)
    return path


def event(body: Any, path: str = "/predict", method: str = "POST", **changes: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": "application/json"} | changes.pop("headers", {})
    return {"rawPath": path, "requestContext": {"http": {"method": method}}, "headers": headers, "body": text} | changes


def predictions(handler: Handler, body: Any) -> list[dict[str, Any]]:
    response = handler(event(body), CONTEXT)
    assert response["statusCode"] == 200
    return list(json.loads(response["body"])["predictions"])


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_record_holds_the_answers_and_the_loggable_values_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path / "tiny", loggable=("age", "grade"))
    told = predictions(make_handler(path), {"rows": [CANARY, {**EXAMPLE, "grade": None}]})
    [record] = records(capsys)
    assert list(record) == ["selfsame", "format", "time", "request_id", "model", "predictions"]
    assert (record["selfsame"], record["format"], record["request_id"]) == ("capture", 1, "request-1")
    contract = json.loads((path / "contract.json").read_text())
    assert record["model"] == {"name": "tiny", "version": contract["version"], "sha256": contract["model_sha256"]}
    assert record["time"].endswith("Z")
    assert len(record["time"]) == len("2026-11-21T09:30:00.250Z")
    first, second = record["predictions"]
    assert list(first) == ["id", "row", "complete", "answer", "decision"]
    assert (first["row"], second["row"]) == ({"age": 40, "grade": TEXT}, {"age": 40, "grade": None})
    assert [first["complete"], second["complete"]] == [False, False]
    for each, kept in zip(told, record["predictions"], strict=True):
        assert (kept["id"], kept["decision"]) == (each["id"], each["decision"])
        assert kept["answer"] == {name: each[name] for name in ("label", "probabilities")}


def test_a_row_whose_every_feature_is_loggable_is_complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = make_handler(make(tmp_path / "tiny", loggable=tuple(EXAMPLE)))
    handler({"rows": [EXAMPLE, {**EXAMPLE, "income": math.nan}]}, CONTEXT)
    [record] = records(capsys)
    assert [each["complete"] for each in record["predictions"]] == [True, True]
    assert [each["row"] for each in record["predictions"]] == [EXAMPLE, {**EXAMPLE, "income": None}]


@pytest.mark.parametrize(
    ("degree", "abstain", "decision"),
    [("shadow", None, None), ("human only", None, "refer"), ("assist", None, None), ("partial", [0, 1], "refer")],
)
def test_the_record_keeps_an_answer_that_the_caller_does_not_get(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], degree: str, abstain: Any, decision: Any
) -> None:
    path = make(tmp_path / "tiny", degree=degree, abstain=abstain)
    [told] = predictions(make_handler(path), EXAMPLE)
    [record] = records(capsys)
    [kept] = record["predictions"]
    assert kept["answer"]["probabilities"] == pytest.approx(answer_of(EXAMPLE, "classification")["probabilities"])
    assert (kept["decision"], kept["id"]) == (decision, told["id"])
    assert ("probabilities" in told) == (degree == "assist")


@pytest.mark.parametrize("task", ["regression", "several", "labels", "scores", "values"])
def test_every_form_of_answer_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str], task: Task) -> None:
    path = make(tmp_path / "tiny", task)
    predictions(make_handler(path), EXAMPLE)
    [record] = records(capsys)
    [expected] = Predictor.load(path).predict([EXAMPLE])
    assert {**record["predictions"][0]["answer"], "warnings": []} == expected


def test_a_long_record_is_cut_into_lines_that_a_log_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "LINE_BYTES", 3000)
    handler = make_handler(make(tmp_path / "tiny", loggable=tuple(EXAMPLE)))
    rows = [{**EXAMPLE, "age": age, "grade": "ü" * age} for age in range(60)]
    ids = [each["id"] for each in predictions(handler, {"rows": [*rows, {**EXAMPLE, "grade": "ü" * 2000}]})]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3
    assert all(len(line.encode()) < 3000 + 300 for line in lines)
    found = [each for line in lines for each in json.loads(line)["predictions"]]
    assert [each["id"] for each in found] == ids, "nothing is lost"
    assert [each["row"] for each in found] == [*rows, {}]
    assert [each["complete"] for each in found] == [True] * 60 + [False]


def test_the_share_of_requests_is_captured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not any(chosen(0.0) for _ in range(100))
    assert all(chosen(1.0) for _ in range(100))
    assert 350 < sum(chosen(0.25) for _ in range(2000)) < 650
    predictions(make_handler(make(tmp_path / "none", share=0.0)), EXAMPLE)
    assert records(capsys) == []


def test_ids_are_new_each_time(tmp_path: Path) -> None:
    handler = make_handler(make(tmp_path / "tiny", share=0.0))
    ids = [each["id"] for _ in range(20) for each in predictions(handler, {"rows": [EXAMPLE] * 5})]
    assert len(set(ids)) == 100
    assert {each.rpartition("-")[2] for each in ids} == set("01234")


def refused(handler: Handler, *args: Any, **changes: Any) -> None:
    assert 400 <= handler(event(*args, **changes), CONTEXT)["statusCode"] < 500


def raised(handler: Handler, payload: Any) -> None:
    with pytest.raises(RefusedError) as caught:
        handler(payload, CONTEXT)
    sys.stdout.write(str(caught.value))  # the runtime logs it


def failed(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ValueError(f"{NUMBER} {TEXT} {NAME}")

    monkeypatch.setattr(Predictor, "answers", fail)
    assert handler(event(CANARY), CONTEXT)["statusCode"] == 500
    with pytest.raises(FailedError) as caught:
        handler(CANARY, CONTEXT)
    sys.stdout.write(str(caught.value))  # the runtime logs it


OUTCOME = {"id": "a-0", "outcome": TEXT}
CSV = f"income,age,grade,home,married\n{NUMBER},40,{TEXT},own,true\n"
INFER = {
    "inputs": [
        {"name": name, "shape": [1], "datatype": kind, "data": [CANARY[name]]}
        for name, kind in zip(EXAMPLE, ("FP64", "INT64", "BYTES", "BYTES", "BOOL"), strict=True)
    ]
}
WAYS: dict[str, Callable[[Handler], Any]] = {
    "answered": lambda handler: predictions(handler, {"rows": [CANARY, CANARY]}),
    "csv": lambda handler: handler(event(CSV, headers={"content-type": "text/csv"}), CONTEXT),
    "infer": lambda handler: handler(event(INFER, "/v2/models/tiny/infer"), CONTEXT),
    "direct": lambda handler: handler(CANARY, CONTEXT),
    "type": lambda handler: refused(handler, {**CANARY, "age": TEXT}),
    "bounds": lambda handler: refused(handler, {**CANARY, "age": int(NUMBER)}),
    "unseen": lambda handler: refused(handler, {**CANARY, "home": TEXT}),
    "unknown": lambda handler: refused(handler, {**CANARY, NAME: 1}),
    "shape": lambda handler: refused(handler, [TEXT]),
    "json": lambda handler: refused(handler, f'{{"{NAME}": {NUMBER}, "{NAME}": }}'),
    "twice": lambda handler: refused(handler, f'{{"{NAME}": {NUMBER}, "{NAME}": 1}}'),
    "line": lambda handler: refused(handler, CSV + TEXT, headers={"content-type": "text/csv"}),
    "media": lambda handler: refused(handler, CANARY, headers={"content-type": TEXT}),
    "base64": lambda handler: refused(handler, base64.b64encode(TEXT.encode()).decode(), isBase64Encoded=True),
    "path": lambda handler: refused(handler, CANARY, f"/{NAME}"),
    "method": lambda handler: refused(handler, CANARY, method=NAME),
    "direct type": lambda handler: raised(handler, {**CANARY, "age": TEXT}),
    "direct unseen": lambda handler: raised(handler, {**CANARY, "home": TEXT}),
    "direct unknown": lambda handler: raised(handler, {**CANARY, NAME: 1}),
    "direct shape": lambda handler: raised(handler, TEXT),
    "direct option": lambda handler: raised(handler, {"rows": [CANARY], "text": NUMBER}),
    "feedback class": lambda handler: refused(handler, {"feedback": [OUTCOME]}, "/feedback"),
    "feedback id": lambda handler: refused(handler, {"id": f"{TEXT} {NUMBER}", "outcome": 0}, "/feedback"),
    "feedback key": lambda handler: refused(handler, {"id": "a-0", "outcome": 0, NAME: NUMBER}, "/feedback"),
}


ANSWERED = ("answered", "csv", "infer", "direct")


@pytest.mark.parametrize("way", [*WAYS, "failure"])
def test_no_value_of_a_request_reaches_a_log(
    way: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(NAMESPACE, "selfsame")
    handler = make_handler(make(tmp_path / "tiny", loggable=("age", "home", "married")))
    with caplog.at_level(logging.DEBUG):
        failed(handler, monkeypatch) if way == "failure" else WAYS[way](handler)
    written = "".join(capfd.readouterr())
    assert '"RequestErrors":1' in written or way in ANSWERED, "there is a line at all"
    assert '"Rows":' in written or way not in ANSWERED
    for secret in SECRETS:
        assert secret not in written + caplog.text, f"{secret} in {written}"


def test_a_loggable_value_does_reach_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What the test above looks for is found where it is."""
    predictions(make_handler(make(tmp_path / "tiny", loggable=("income", "grade"))), CANARY)
    written = capfd.readouterr().out
    assert all(secret in written for secret in (str(NUMBER), TEXT))
