"""Calls without the Function URL: the SDK's and Step Functions' payload, and objects in S3."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lambda_handler import s3
from lambda_handler.direct import FailedError, RefusedError
from lambda_handler.each import answer_each
from lambda_handler.http import Handler, make_handler
from lambda_handler.predictor import Predictor
from tests.bundle_factory import EXAMPLE, answer_of, make_bundle, seal

CONTEXT = SimpleNamespace(aws_request_id="request-1")
TEXTS = {"income": "50000", "age": "40", "grade": "B", "home": "own", "married": "true"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("direct") / "tiny")


@pytest.fixture(scope="module")
def handler(bundle: Path) -> Handler:
    return make_handler(bundle)


def over_http(handler: Handler, payload: Any) -> dict[str, Any]:
    context = {"http": {"method": "POST", "path": "/predict"}}
    event = {"rawPath": "/predict", "requestContext": context, "body": json.dumps(payload)}
    response = handler(event | {"headers": {"content-type": "application/json"}}, CONTEXT)
    body: dict[str, Any] = json.loads(response["body"])
    return stable(body)


def stable(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what differs from call to call."""
    told = [{name: value for name, value in each.items() if name != "id"} for each in answer["predictions"]]
    return {**answer, "predictions": told}


def refused(handler: Handler, event: Any) -> dict[str, Any]:
    with pytest.raises(RefusedError) as caught:
        handler(event, CONTEXT)
    document: dict[str, Any] = json.loads(str(caught.value))
    assert {"type", "title", "status", "detail", "request_id"} <= document.keys()
    return document


@pytest.mark.parametrize("payload", [EXAMPLE, {"rows": [EXAMPLE, {**EXAMPLE, "income": None}]}], ids=["one", "many"])
def test_a_direct_call_gets_what_http_gets(handler: Handler, payload: Any) -> None:
    assert stable(handler(payload, CONTEXT)) == over_http(handler, payload)


def test_texts_are_typed_by_the_contract(handler: Handler) -> None:
    expected = over_http(handler, {"rows": [EXAMPLE, {**EXAMPLE, "income": None, "grade": None}]})
    rows = [TEXTS, {**TEXTS, "income": "", "grade": ""}]
    assert stable(handler({"rows": rows, "text": True}, CONTEXT)) == expected
    assert stable(handler({**TEXTS, "text": True}, CONTEXT)) == over_http(handler, EXAMPLE)
    assert stable(handler({"rows": [EXAMPLE], "text": False}, CONTEXT)) == over_http(handler, EXAMPLE)
    assert refused(handler, {"rows": [TEXTS]})["error_count"] == 3


def test_a_feature_called_text_is_a_value_in_one_row_and_an_option_beside_rows(tmp_path: Path) -> None:
    path = make_bundle(tmp_path / "named")
    contract = json.loads((path / "contract.json").read_text())
    contract["features"][2]["name"] = "text"
    (path / "contract.json").write_text(json.dumps(contract))
    seal(path)
    handler = make_handler(path)
    row = {("text" if name == "grade" else name): value for name, value in TEXTS.items()}
    assert "predictions" in handler({"rows": [row], "text": True}, CONTEXT)
    assert refused(handler, {**row, "text": True})["error_count"] == 4
    typed = {**EXAMPLE, "text": "B"}
    del typed["grade"]
    assert "predictions" in handler(typed, CONTEXT)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({}, 422),
        ([], 422),
        ("text", 422),
        (None, 422),
        ({"key1": "value1"}, 422),
        ({"rawPath": "/predict"}, 422),
        ({"rows": []}, 422),
        ({"rows": [EXAMPLE], "more": 1}, 422),
        ({"rows": [EXAMPLE], "text": "yes"}, 422),
        ({"rows": [EXAMPLE], "each": 1}, 422),
        ({**EXAMPLE, "each": True}, 422),
        ({"rows": [7], "text": True}, 422),
        ({"rows": [EXAMPLE] * 10_001}, 413),
        ({"Records": []} | EXAMPLE, 422),
        ({"Records": [7]}, 422),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_payload_is_refused_as_one_kind_of_error(handler: Handler, event: Any, status: int) -> None:
    document = refused(handler, event)
    assert (document["status"], document["request_id"]) == (status, "request-1")


def test_a_refusal_names_rows_and_features_and_no_value(handler: Handler) -> None:
    rows = [{**EXAMPLE, "income": "kanarienvogel", "grade": 987123, "kanarien": 1}, EXAMPLE, "vogelkanarie"]
    document = refused(handler, {"rows": rows})
    found = {(error["row"], error["feature"], error["kind"]) for error in document["errors"]}
    assert found == {(0, "income", "type"), (0, "grade", "type"), (0, None, "unknown"), (2, None, "row")}
    assert not any(word in json.dumps(document) for word in ("kanarien", "987123", "vogel"))
    for event in ({"rows": [EXAMPLE], "text": "kanarien"}, "kanarien", {"kanarien": "kanarien"}, [987123]):
        assert not any(word in json.dumps(refused(handler, event)) for word in ("kanarien", "987123"))


def test_an_error_of_ours_is_another_kind_and_shows_no_internals(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Predictor, rows: Any) -> Any:
        raise RuntimeError(f"kanarien {rows}")

    monkeypatch.setattr(Predictor, "answers", fail)
    with pytest.raises(FailedError) as caught:
        make_handler(bundle)(EXAMPLE, CONTEXT)
    assert (json.loads(str(caught.value))["status"], "kanarien" in str(caught.value)) == (500, False)
    assert caught.value.__cause__ is None
    assert "kanarien" not in repr(vars(caplog.records[0]))


def test_each_row_stands_for_itself_where_that_is_asked(handler: Handler) -> None:
    rows = [{**TEXTS, "id": "7"}, {**TEXTS, "age": "151"}, TEXTS]
    answer = handler({"rows": rows, "text": True, "each": True}, CONTEXT)
    assert (answer["request_id"], answer["model"]["name"]) == ("request-1", "tiny")
    first, second, third = answer["predictions"]
    [expected] = over_http(handler, EXAMPLE)["predictions"]
    for line, row in ((first, {**EXAMPLE, "id": "7"}), (third, EXAMPLE)):
        assert line.pop("row") == row
        assert stable({"predictions": [line]})["predictions"] == [expected]
    assert second["row"] == {**EXAMPLE, "age": 151}
    [problem] = second["problems"]
    assert (problem["feature"], problem["kind"], "151" in problem["reason"]) == ("age", "out_of_bounds", True)
    assert second.keys() == {"row", "problems"}


def test_rows_are_answered_one_and_all(bundle: Path) -> None:
    predictor = Predictor.load(bundle)
    rows = [EXAMPLE, {}, {**EXAMPLE, "age": None}, EXAMPLE]
    found = answer_each(predictor.predict, rows)
    assert found[0] == found[3] == predictor.predict([EXAMPLE])[0]
    assert [{problem["row"] for problem in found[index]["rejected"]} for index in (1, 2)] == [{1}, {2}]
    assert answer_each(predictor.predict, []) == []


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv(s3.OUTPUT, "s3://rows/scored/")
    with mock_aws():
        s3.client.cache_clear()
        client = boto3.client("s3")
        client.create_bucket(Bucket="rows", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield client
    s3.client.cache_clear()


def notified(client: Any, key: str, text: str | bytes) -> dict[str, Any]:
    """Put an object and give the event that S3 sends of it: keys are quoted there."""
    from urllib.parse import quote_plus

    client.put_object(Bucket="rows", Key=key, Body=text if isinstance(text, bytes) else text.encode())
    return {
        "Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "rows"}, "object": {"key": quote_plus(key)}}}]
    }


def lines(client: Any, key: str) -> list[dict[str, Any]]:
    body = client.get_object(Bucket="rows", Key=key)["Body"].read().decode()
    return [json.loads(line) for line in body.splitlines()]


def test_an_object_of_csv_is_scored_row_by_row(handler: Handler, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "CHUNK", 2)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["id", *TEXTS])
    writer.writeheader()
    ages = ["40", "151", "", "33", "71"]
    writer.writerows({**TEXTS, "id": f"row {index}\r\n", "age": age} for index, age in enumerate(ages))
    event = notified(bucket, "in/new rows ü.csv", "\ufeff" + text.getvalue())
    answer = handler(event, CONTEXT)
    key = "scored/in/new rows ü.csv.jsonl"
    assert answer["written"] == [{"bucket": "rows", "key": key, "rows": 5, "answered": 3}]
    assert (answer["request_id"], answer["model"]["name"]) == ("request-1", "tiny")
    found = lines(bucket, key)
    assert [line["row"]["id"] for line in found] == [f"row {index}\r\n" for index in range(5)]
    for line, age in zip(found, ages, strict=True):
        if age in {"151", ""}:
            assert [problem["feature"] for problem in line["problems"]] == ["age"]
            continue
        expected = answer_of({**EXAMPLE, "age": int(age)}, "classification")
        assert line["label"] == expected["label"]
        assert line["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-12)


def test_an_object_of_jsonl_is_scored_row_by_row(handler: Handler, bucket: Any) -> None:
    rows = [EXAMPLE, 7, {**EXAMPLE, "id": 1}, {"id": 2}]
    handler(notified(bucket, "in/x.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n"), CONTEXT)
    found = lines(bucket, "scored/in/x.jsonl.jsonl")
    assert [line["row"] for line in found] == rows
    assert ["label" in line for line in found] == [True, False, True, False]


@pytest.mark.parametrize(
    ("key", "text", "status"),
    [
        ("in/x.parquet", "", 422),
        ("scored/x.csv", "income\n1\n", 422),
        ("in/x.csv", "", 400),
        ("in/x.csv", 'kanarien\n"x', 400),
        ("in/x.csv", b"kanarien\n\xff", 400),
        ("in/x.jsonl", "{kanarien", 400),
        ("in/x.jsonl", b"\xff", 400),
    ],
)
def test_an_object_that_cannot_be_read_is_refused(
    handler: Handler, bucket: Any, key: str, text: str | bytes, status: int
) -> None:
    document = refused(handler, notified(bucket, key, text))
    assert (document["status"], "kanarien" in json.dumps(document)) == (status, False)
    assert all(not item["Key"].endswith(".jsonl.jsonl") for item in bucket.list_objects_v2(Bucket="rows")["Contents"])


@pytest.mark.parametrize("told", [None, "", "rows/scored", "s3:///scored"])
def test_without_an_output_nothing_is_scored(
    handler: Handler, bucket: Any, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(s3.OUTPUT, told) if told is not None else monkeypatch.delenv(s3.OUTPUT)
    assert s3.OUTPUT in refused(handler, notified(bucket, "in/x.csv", "income\n1\n"))["detail"]


def test_what_s3_refuses_is_an_error_of_ours(handler: Handler, bucket: Any, caplog: pytest.LogCaptureFixture) -> None:
    event = notified(bucket, "in/x.csv", "income\n1\n")
    bucket.delete_object(Bucket="rows", Key="in/x.csv")
    with pytest.raises(FailedError):
        handler(event, CONTEXT)
    assert vars(caplog.records[0])["error"] == "ClientError"
