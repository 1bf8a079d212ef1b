"""The OpenAPI document: valid, the same every time, and true: every example in it is sent and answered so."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from deploy.examples import REQUEST_ID, read_answer
from deploy.openapi import openapi_document
from lambda_handler.http import Handler, make_handler
from tests.bundle_factory import CLASSES, EXAMPLE, Task, make_bundle, seal

TASKS: tuple[Task, ...] = tuple(CLASSES)
CONTEXT = SimpleNamespace(aws_request_id=REQUEST_ID)


@pytest.fixture(scope="module", params=TASKS)
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that captures, with a loggable feature."""
    path = make_bundle(tmp_path_factory.mktemp("openapi") / "tiny", task=request.param)
    contract = json.loads((path / "contract.json").read_text())
    contract["features"][2]["loggable"], contract["capture"] = True, {"share": 0.5}
    (path / "contract.json").write_text(json.dumps(contract))
    seal(path)
    return path


@pytest.fixture(scope="module")
def document(bundle: Path) -> Any:
    return json.loads(openapi_document(bundle))


@pytest.fixture(scope="module")
def handler(bundle: Path) -> Handler:
    return make_handler(bundle, lambda: openapi_document(bundle))


def ask(handler: Handler, path: str, body: str, headers: dict[str, str], method: str) -> tuple[int, str, Any]:
    context = {"http": {"method": method, "path": path}}
    response = handler({"rawPath": path, "headers": headers, "requestContext": context, "body": body}, CONTEXT)
    kind = response["headers"]["content-type"].partition(";")[0]
    return response["statusCode"], kind, read_answer(kind, response["body"])


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def examples(document: Any) -> Iterator[tuple[int, str, Any, Any]]:
    """Status, content type, schema and example of every response that has one."""
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            for kind, content in response["content"].items():
                for example in content.get("examples", {}).values():
                    yield int(status), kind, content["schema"], example


def check(document: Any, schema: Any, value: Any) -> None:
    """Hold a value against a schema of the document."""
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def test_the_document_is_openapi_and_the_same_every_time(bundle: Path, document: Any) -> None:
    validate(document)
    assert document["openapi"] == "3.1.0"
    assert openapi_document(bundle) == openapi_document(bundle)
    assert "servers" not in document
    assert json.loads(openapi_document(bundle, "/tiny"))["servers"] == [{"url": "/tiny"}]


def test_a_document_that_is_none_is_found(document: Any) -> None:
    broken = {**document, "paths": {"/predict": {"post": {"responses": 7}}}}
    with pytest.raises(Exception, match="7"):
        validate(broken)


def test_every_example_of_an_answer_is_what_the_handler_answers(handler: Handler, document: Any) -> None:
    seen = set()
    for status, kind, schema, example in examples(document):
        request = example["x-request"]
        found = ask(handler, request["path"], request["body"], request["headers"], request["method"])
        assert found == (status, kind, example["value"])
        check(document, schema, example["value"])
        seen.add((status, kind))
    problem = "application/problem+json"
    assert seen == {
        *((200, kind) for kind in ("application/json", "text/csv", "application/jsonl")),
        *((status, problem) for status in (400, 406, 415, 422)),
    }


def test_every_example_of_a_request_is_answered(handler: Handler, document: Any) -> None:
    count = 0
    for path, method, operation in operations(document):
        for kind, content in operation.get("requestBody", {"content": {}})["content"].items():
            for example in content["examples"].values():
                value = example["value"]
                body = value if isinstance(value, str) else json.dumps(value)
                assert ask(handler, path, body, {"content-type": kind}, method)[0] == 200
                check(document, content["schema"], value)
                count += 1
    assert count == 8


def test_every_path_that_is_read_answers_as_its_schema_says(handler: Handler, document: Any) -> None:
    for path, method, operation in operations(document):
        if method != "GET":
            continue
        status, kind, value = ask(handler, path, "", {}, "GET")
        assert (status, kind) == (200, "application/json")
        check(document, operation["responses"]["200"]["content"][kind]["schema"], value)


def test_the_paths_are_those_of_the_handler(handler: Handler, document: Any) -> None:
    known = {path for path, _, _ in operations(document)}
    told = " ".join(ask(handler, path, "", {}, "GET")[2]["detail"] for path in ("/nowhere", "/v2/nowhere"))
    assert {word.rstrip(",.") for word in told.split() if word.startswith("/")} == known
    for path, method, operation in operations(document):
        status, _, problem = ask(handler, path, "", {}, "DELETE")
        assert (status, method in problem["detail"], "405" in operation["responses"]) == (405, True, True)


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"income": None}, True),
        ({"income": 10**400}, False),
        ({"income": "1"}, False),
        ({"age": None}, False),
        ({"age": 151}, False),
        ({"age": 40.5}, False),
        ({"home": "boat"}, False),
        ({"grade": "boat"}, True),
        ({"grade": None}, True),
        ({"grade": "\ue000missing"}, False),
        ({"grade": "\0"}, False),
        ({"married": None}, False),
        ({"married": 1}, False),
        ({"more": 1}, False),
    ],
)
def test_the_schema_of_a_row_takes_what_the_handler_takes(
    handler: Handler, document: Any, changes: dict[str, Any], fits: bool
) -> None:
    row = EXAMPLE | changes
    schema = {**document["components"]["schemas"]["Row"], "components": document["components"]}
    assert jsonschema.Draft202012Validator(schema).is_valid(row) is fits
    body = json.dumps(row)
    assert (ask(handler, "/predict", body, {"content-type": "application/json"}, "POST")[0] == 200) is fits


def test_a_model_that_captures_nothing_has_no_path_for_it(tmp_path: Path) -> None:
    assert "/capture" not in json.loads(openapi_document(make_bundle(tmp_path / "tiny")))["paths"]


def test_without_a_document_there_is_no_such_path(bundle: Path) -> None:
    assert ask(make_handler(bundle), "/openapi.json", "", {}, "GET")[0] == 404
