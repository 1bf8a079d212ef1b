"""The handler answers Function URL events: every route, and every bad input with the problem document it deserves."""

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_handler.http import make_handler
from lambda_handler.predictor import Predictor
from lambda_handler.problem import MAX_BYTES, MAX_ERRORS, MAX_ROWS
from tests.bundle_factory import EXAMPLE, answer_of, bare, make_bundle, seal

ROOT = Path(__file__).parents[1]
CONTEXT = SimpleNamespace(aws_request_id="request-1")
Handler = Callable[[dict[str, Any], object], dict[str, Any]]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("http") / "tiny")


@pytest.fixture(scope="module")
def handler(bundle: Path) -> Handler:
    return make_handler(bundle)


def event(body: Any = None, path: str = "/predict", method: str = "POST", **changes: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    headers = {"content-type": "application/json"}
    context = {"http": {"method": method, "path": path}}
    return {"rawPath": path, "headers": headers, "requestContext": context, "body": text} | changes


def ask(handler: Handler, *args: Any, **changes: Any) -> tuple[int, Any]:
    response = handler(event(*args, **changes), CONTEXT)
    body = json.loads(response["body"])
    if response["statusCode"] >= 400:
        assert response["headers"]["content-type"] == "application/problem+json"
        assert body["status"] == response["statusCode"]
        assert {"type", "title", "detail", "request_id"} <= body.keys()
    return response["statusCode"], body


OVERFLOWS = {
    "a number": {**EXAMPLE, "income": 1},
    "a number in brackets": {"rows": [{**EXAMPLE, "income": 1}]},
    "many rows": {"rows": [*[EXAMPLE] * 20, {**EXAMPLE, "income": 1}, *[EXAMPLE] * 20]},
    "a whole number": {"rows": [{**EXAMPLE, "age": 1}] * 20},
    "a category": {"rows": [{**EXAMPLE, "grade": 1}] * 20},
    "a switch": {"rows": [{**EXAMPLE, "married": 1}] * 20},
    "a list": {"rows": [{**EXAMPLE, "grade": [1]}] * 20},
    "an unknown feature": {"rows": [{**EXAMPLE, "other": 1}] * 20},
    "beside the rows": {"rows": [EXAMPLE], "other": 1},
    "no row": {"rows": [1]},
    "no rows": [1],
    "the option": {"rows": [EXAMPLE], "explain": 1},
    "in the option": {"rows": [EXAMPLE], "explain": {"method": 1}},
    "behind a thousand problems": {"rows": [*[{}] * 1100, {**EXAMPLE, "income": 1}]},
}


@pytest.mark.parametrize("where", OVERFLOWS)
def test_a_number_that_overflows_is_no_json_wherever_it_stands(where: str, handler: Handler) -> None:
    text = json.dumps(OVERFLOWS[where])
    assert len(re.findall(r"\b1\b", text)) in {1, 20}
    for number in ("1e999", "-1E+0400", "9" * 400 + ".0"):
        status, body = ask(handler, re.sub(r"\b1\b", number, text))
        assert (status, "larger than any 64-bit number" in body["detail"]) == (400, True)
    status, body = ask(handler, f'{{"income": 1e999, {text}')  # no JSON for two reasons: the first one is told
    assert (status, "larger than any 64-bit number" in body["detail"]) == (400, True)


def test_without_the_second_look_an_infinite_number_would_break_the_contract_instead(
    handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_handler.http.check_numbers", lambda event: None)
    status, body = ask(handler, json.dumps(EXAMPLE | {"income": 123}).replace("123", "1e999"))
    assert (status, body["errors"][0]["kind"]) == (422, "not_finite")


def test_one_row_is_answered_as_the_original_answers_it(handler: Handler, bundle: Path) -> None:
    status, body = ask(handler, EXAMPLE)
    assert status == 200
    [prediction] = body["predictions"]
    expected = answer_of(EXAMPLE, "classification")
    assert prediction["label"] == expected["label"]
    assert prediction["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-12)
    contract = json.loads((bundle / "contract.json").read_text())
    assert body["model"] == {key: contract[key] for key in ("name", "version")} | {"sha256": contract["model_sha256"]}
    assert body["request_id"] == "request-1"


def test_many_rows_are_answered_in_order_and_exactly_as_python_answers_them(handler: Handler, bundle: Path) -> None:
    rows = [{**EXAMPLE, "income": 4000 + 0.1 * index, "age": 18 + index} for index in range(70)]
    status, body = ask(handler, {"rows": rows})
    assert status == 200
    assert list(map(bare, body["predictions"])) == Predictor.load(bundle).predict(rows)


def test_the_largest_number_of_rows_is_answered_and_one_more_is_refused(handler: Handler) -> None:
    status, body = ask(handler, {"rows": [EXAMPLE] * MAX_ROWS})
    assert (status, len(body["predictions"])) == (200, MAX_ROWS)
    status, body = ask(handler, {"rows": [EXAMPLE] * (MAX_ROWS + 1)})
    assert (status, "10,001" in body["detail"]) == (413, True)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"income": "fifty"}, "type"),
        ({"income": True}, "type"),
        ({"age": 40.5}, "type"),
        ({"age": None}, "missing"),
        ({"age": 151}, "out_of_bounds"),
        ({"income": 10**400}, "not_finite"),
        ({"home": "boat"}, "unseen"),
        ({"grade": "\ue000missing"}, "reserved"),
        ({"married": 1}, "type"),
        ({"grade": ["A"]}, "type"),
    ],
)
def test_a_value_that_breaks_the_contract_is_named_by_row_and_feature(
    handler: Handler, changes: dict[str, Any], kind: str
) -> None:
    status, body = ask(handler, {"rows": [EXAMPLE, {**EXAMPLE, **changes}]})
    assert status == 422
    [error] = body["errors"]
    assert (error["row"], error["feature"], error["kind"]) == (1, *changes, kind)
    assert body["error_count"] == 1


def test_a_missing_and_an_extra_feature_are_named(handler: Handler) -> None:
    row = {name: value for name, value in EXAMPLE.items() if name != "age"} | {"agee": 40}
    status, body = ask(handler, row)
    assert status == 422
    found = {(error["feature"], error["kind"]) for error in body["errors"]}
    assert found == {("age", "absent"), ("agee", "unknown")}


def test_the_list_of_errors_is_capped_and_counted(handler: Handler) -> None:
    status, body = ask(handler, {"rows": [{}] * 100})
    assert (status, len(body["errors"]), body["error_count"]) == (422, MAX_ERRORS, 500)


@pytest.mark.parametrize(
    "body", [[], [EXAMPLE], "text", 3, None, True, {"rows": []}, {"rows": [EXAMPLE], "more": 1}], ids=repr
)
def test_json_of_another_shape_is_refused_with_one_error(handler: Handler, body: Any) -> None:
    status, document = ask(handler, json.dumps(body))
    assert (status, document["error_count"], document["errors"][0]["kind"]) == (422, 1, "body")


def test_a_rows_entry_that_is_no_row_is_named(handler: Handler) -> None:
    status, body = ask(handler, {"rows": [EXAMPLE, 7, None, []]})
    assert (status, [(error["row"], error["kind"]) for error in body["errors"]]) == (
        422,
        [(1, "row"), (2, "row"), (3, "row")],
    )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "line 1"),
        ("{", "line 1"),
        ("{'income': 1}", "line 1"),
        ('{"income": 1,}', "line 1"),
        ('{"income": NaN}', "NaN"),
        ('{"income": -Infinity}', "-Infinity"),
        ('{"income": 1e999}', "1e999"),
        ('{"income": -1e999}', "-1e999"),
        ('{"income": ' + "9" * 5000 + "}", "digits"),
        ('{"income": 1, "income": 2}', '"income"'),
        ('{"rows": [{"income": 1}], "rows": []}', '"rows"'),
        ('{"rows": [{"income": 1, "age": 2}, {"age": 3, "age": 4}]}', '"age"'),
        ('{"rows": [{"a": {"b": 1, "b": 2}}]}', '"b"'),
        ('[{"b": 1, "b": 2}]', '"b"'),
        ('{"a:": 1, "a:": 2}', '"a:"'),
        ("[" * 10_000 + "]" * 10_000, "nested"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "nested"),
        ('{"grade": "\\ud800"}', "half a character"),
        ('{"grade": "\ud800"}', "UTF-8"),
        ("\ufeff{}", "line 1"),
    ],
    ids=lambda text: repr(text[:24]),
)
def test_what_is_not_strict_json_is_refused(handler: Handler, body: str, says: str) -> None:
    status, document = ask(handler, body)
    assert (status, document["title"]) == (400, "Bad Request")
    assert says in document["detail"]
    assert len(document["detail"]) < 300


@pytest.mark.parametrize("text", ["a:b", ":", "é:"])
def test_a_colon_in_a_text_is_no_key(handler: Handler, text: str) -> None:
    assert ask(handler, {"rows": [{**EXAMPLE, "grade": text}]})[0] == 200
    assert ask(handler, {"rows": [EXAMPLE, {**EXAMPLE, text: 1}]})[0] == 422


def test_a_duplicate_key_among_many_is_found_at_once(handler: Handler) -> None:
    keys = ",".join(f'"k{index}": 1' for index in range(200_000))
    started = time.process_time()
    status, document = ask(handler, f'{{{keys}, "k199999": 2}}')
    assert (status, "k199999" in document["detail"]) == (400, True)
    assert time.process_time() - started < 5


def test_a_base64_body_is_decoded(handler: Handler) -> None:
    encoded = base64.b64encode(json.dumps(EXAMPLE).encode()).decode()
    assert ask(handler, encoded, isBase64Encoded=True)[0] == 200


@pytest.mark.parametrize(("body", "says"), [("@@@@", "base64"), ("é", "base64"), ("/////w==", "UTF-8")])
def test_a_base64_body_that_is_not_one_or_holds_no_text_is_refused(handler: Handler, body: str, says: str) -> None:
    status, document = ask(handler, body, isBase64Encoded=True)
    assert (status, says in document["detail"]) == (400, True)


@pytest.mark.parametrize("encode", [False, True])
@pytest.mark.parametrize("size", [MAX_BYTES + 1, 10_000_000])
def test_more_bytes_than_lambda_carries_are_refused(handler: Handler, size: int, encode: bool) -> None:
    body = "é" * (size // 2) + " "
    text = base64.b64encode(body.encode()).decode() if encode else body
    status, document = ask(handler, text, isBase64Encoded=encode)
    assert (status, f"{MAX_BYTES:,}" in document["detail"]) == (413, True)


def test_an_answer_that_lambda_could_not_carry_is_refused(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**EXAMPLE, "income": 1e17, "age": 149, "grade": "unseen"}] * 2000
    assert ask(handler, {"rows": rows})[0] == 200
    monkeypatch.setattr("lambda_handler.reply.MAX_BYTES", 500_000)
    status, document = ask(handler, {"rows": rows})
    assert (status, document["detail"].startswith("An answer")) == (413, True)


@pytest.mark.parametrize("value", ["", "text/plain", "application/x-www-form-urlencoded", "application/json;charset=x"])
def test_another_content_type_is_refused(handler: Handler, value: str) -> None:
    status, document = ask(handler, EXAMPLE, headers={"content-type": value})
    assert (status, "got" in document["detail"]) == (415, True)


@pytest.mark.parametrize(
    "headers", [{"Content-Type": "application/json"}, {"CONTENT-TYPE": "Application/JSON; charset=UTF-8"}]
)
def test_header_names_are_read_in_any_case(handler: Handler, headers: dict[str, str]) -> None:
    assert ask(handler, EXAMPLE, headers=headers)[0] == 200


@pytest.mark.parametrize("path", ["/", "/predict/", "/Predict", "/a" * 5000, ""])
def test_another_path_is_not_found(handler: Handler, path: str) -> None:
    status, document = ask(handler, EXAMPLE, path=path)
    assert (status, len(document["detail"]) < 200) == (404, True)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/predict", "POST, OPTIONS"),
        ("DELETE", "/predict", "POST, OPTIONS"),
        ("TRACE", "/health", "GET, HEAD, OPTIONS"),
        ("POST", "/contract", "GET, HEAD, OPTIONS"),
        ("GET, HEAD", "/contract", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_refused_with_the_methods_that_are_allowed(
    handler: Handler, method: str, path: str, allow: str
) -> None:
    response = handler(event(EXAMPLE, path=path, method=method), CONTEXT)
    assert (response["statusCode"], response["headers"]["allow"]) == (405, allow)


def test_options_names_the_methods_and_head_sends_no_body(handler: Handler) -> None:
    options = handler(event(path="/predict", method="OPTIONS"), CONTEXT)
    assert (options["statusCode"], options["headers"]["allow"]) == (204, "POST, OPTIONS")
    head = handler(event(path="/contract", method="HEAD"), CONTEXT)
    assert (head["statusCode"], head["body"]) == (200, "")


def test_the_contract_is_served_as_the_bundle_holds_it(handler: Handler, bundle: Path) -> None:
    status, body = ask(handler, path="/contract", method="GET")
    assert (status, body) == (200, json.loads((bundle / "contract.json").read_text()))


def test_health_replays_the_golden_rows(handler: Handler, bundle: Path) -> None:
    status, body = ask(handler, path="/health", method="GET")
    rows = len((bundle / "golden.jsonl").read_text().splitlines())
    assert (status, body["status"]) == (200, "ok")
    assert body["golden"] == {"rows": rows, "labels_differ": 0, "outside": 0}


def test_health_fails_when_a_golden_answer_differs(tmp_path: Path) -> None:
    path = make_bundle(tmp_path / "changed")
    lines = [json.loads(line) for line in (path / "golden.jsonl").read_text().splitlines()]
    lines[0]["answer"]["label"] = 1 - lines[0]["answer"]["label"]
    (path / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    seal(path)
    response = make_handler(path)(event(path="/health", method="GET"), CONTEXT)
    body = json.loads(response["body"])
    assert (response["statusCode"], body["status"], body["golden"]["labels_differ"]) == (503, "failed", 1)


@pytest.mark.parametrize("bad", [{}, {"http": {}}, [], "text", None, {"http": {"method": "POST"}}])
def test_what_is_no_function_url_event_is_refused(handler: Handler, bad: Any) -> None:
    response = handler({"requestContext": bad}, CONTEXT)
    assert (response["statusCode"], "Function URL" in response["body"]) == (400, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"rawPath": ["/predict"]},
        {"rawPath": 7},
        {"body": 7},
        {"headers": None},
        {"headers": []},
        {"headers": {"accept": 7}},
    ],
)
def test_a_misshaped_event_is_the_callers_fault(handler: Handler, changes: dict[str, Any]) -> None:
    assert 400 <= handler(event(EXAMPLE) | changes, CONTEXT)["statusCode"] < 500


def test_an_unexpected_error_is_logged_and_shows_neither_internals_nor_values(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Predictor, rows: Any) -> Any:
        raise RuntimeError(f"secret {rows}")

    monkeypatch.setattr(Predictor, "answers", fail)
    status, document = ask(make_handler(bundle), {"income": "secret"})
    assert (status, document["title"]) == (500, "Internal Server Error")
    assert not {"secret", "RuntimeError", "Traceback"} & set(json.dumps(document).split())
    assert ".py" not in json.dumps(document)
    [record] = caplog.records
    logged = vars(record)
    assert (logged["error"], logged["levelname"], logged["request_id"]) == ("RuntimeError", "ERROR", "request-1")
    assert "secret" not in repr(logged)


def test_an_answer_is_strict_json_in_utf8(handler: Handler) -> None:
    response = handler(event({**EXAMPLE, "grade": "ünsëen \U0001f600"}), CONTEXT)
    assert "ünsëen \U0001f600" in response["body"]
    json.loads(response["body"], parse_constant=pytest.fail)


def test_a_request_of_json_loads_no_module_of_the_other_ways_in(bundle: Path) -> None:
    code = """
import json, sys
from pathlib import Path
from lambda_handler.http import make_handler
event = {"rawPath": "/predict", "headers": {"content-type": "application/json"}, "body": sys.argv[2]}
event["requestContext"] = {"http": {"method": "POST"}}
response = make_handler(Path(sys.argv[1]))(event, None)
print(response["statusCode"], *sorted(name for name in sys.modules if name.startswith("lambda_handler.")))
"""
    words = [sys.executable, "-c", code, str(bundle), json.dumps(EXAMPLE)]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    others = ("v2", "tensors", "direct", "s3", "each", "golden", "table", "text", "feedback")
    assert told[0] == "200"
    assert "lambda_handler.http" in told
    assert set(told) & {f"lambda_handler.{name}" for name in others} == set()
