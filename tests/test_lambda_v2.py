"""The Open Inference Protocol, spoken by Triton's own client to the local server, and event by event."""

import base64
import gzip
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from deploy.serve import app, background_server
from lambda_handler.http import Handler, make_handler
from lambda_handler.predictor import Predictor
from lambda_handler.problem import MAX_ROWS
from tests.bundle_factory import EXAMPLE, FEATURES, Task, make_bundle, seal

CONTEXT = SimpleNamespace(aws_request_id="request-1")
DTYPES: dict[str, Any] = {"number": np.float64, "integer": np.int64, "boolean": np.bool_, "category": np.object_}
DATATYPES = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "category": "BYTES"}
ROWS: list[dict[str, Any]] = [
    EXAMPLE,
    {"income": 0.1 + 0.2, "age": 71, "grade": "C", "home": "rent", "married": False},
    {"income": 1e18, "age": 18, "grade": "ünsëen \U0001f600", "home": "own", "married": True},
]
LENGTH = "inference-header-content-length"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("v2") / "tiny")


@pytest.fixture(scope="module")
def handler(bundle: Path) -> Handler:
    return make_handler(bundle)


@pytest.fixture(scope="module")
def client(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceServerClient]:
    site = tmp_path_factory.mktemp("site")
    with background_server(app([bundle], site)) as url:
        client = InferenceServerClient(url.removeprefix("http://"))
        yield client
        client.close()


def tensors(rows: list[dict[str, Any]], *, binary: bool = True, deep: bool = False) -> list[InferInput]:
    found = []
    for feature in FEATURES:
        values = np.array([row[feature["name"]] for row in rows], dtype=DTYPES[feature["type"]])
        values = values.reshape(-1, 1) if deep else values
        tensor = InferInput(feature["name"], list(values.shape), DATATYPES[feature["type"]])
        found.append(tensor.set_data_from_numpy(values, binary_data=binary))
    return found


def test_the_client_finds_the_model(client: InferenceServerClient, bundle: Path) -> None:
    version = Predictor.load(bundle).contract.version
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("tiny")
    assert client.is_model_ready("tiny", version)
    assert not client.is_model_ready("other")
    assert not client.is_model_ready("tiny", "other")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = client.get_model_metadata("tiny", version)
    assert (metadata["name"], metadata["versions"]) == ("tiny", [version])
    assert metadata["inputs"] == [
        {"name": feature["name"], "datatype": DATATYPES[feature["type"]], "shape": [-1]} for feature in FEATURES
    ]
    assert metadata["outputs"][:2] == [
        {"name": "label", "datatype": "INT64", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]},
    ]


@pytest.mark.parametrize("binary_out", [True, False, None])
@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("deep", [False, True])
def test_the_client_gets_what_python_answers(
    client: InferenceServerClient, bundle: Path, binary_in: bool, binary_out: bool | None, deep: bool
) -> None:
    expected = Predictor.load(bundle).predict(ROWS)
    names = ("label", "probabilities", "warnings")
    outputs = None if binary_out is None else [InferRequestedOutput(name, binary_data=binary_out) for name in names]
    got = client.infer("tiny", tensors(ROWS, binary=binary_in, deep=deep), outputs=outputs, request_id="mine")
    assert (got.get_response()["id"], got.get_response()["model_name"]) == ("mine", "tiny")
    assert got.as_numpy("label").tolist() == [each["label"] for each in expected]
    assert got.as_numpy("probabilities").tolist() == [list(each["probabilities"].values()) for each in expected]
    texts = [text.decode() if isinstance(text, bytes) else text for text in got.as_numpy("warnings").tolist()]
    assert texts == [" ".join(warning["message"] for warning in each["warnings"]) for each in expected]


@pytest.mark.parametrize("algorithm", ["gzip", None])
def test_the_client_may_pack_both_ways(client: InferenceServerClient, bundle: Path, algorithm: str | None) -> None:
    rows = ROWS * 200
    got = client.infer(
        "tiny", tensors(rows), request_compression_algorithm=algorithm, response_compression_algorithm=algorithm
    )
    assert got.as_numpy("label").tolist() == [each["label"] for each in Predictor.load(bundle).predict(rows)]


def test_nan_is_a_missing_number(client: InferenceServerClient, bundle: Path) -> None:
    got = client.infer("tiny", tensors([{**EXAMPLE, "income": np.nan}]))
    [expected] = Predictor.load(bundle).predict([{**EXAMPLE, "income": None}])
    assert got.as_numpy("probabilities").tolist() == [list(expected["probabilities"].values())]


def test_the_client_is_told_what_is_wrong(client: InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match=r"row 1: age must be from 0 to 150") as caught:
        client.infer("tiny", tensors([EXAMPLE, {**EXAMPLE, "age": 151}]))
    assert caught.value.status() == "422"
    with pytest.raises(InferenceServerException, match="age is required"):
        client.infer("tiny", tensors([EXAMPLE])[:1])
    with pytest.raises(InferenceServerException, match="The outputs are label, probabilities"):
        client.infer("tiny", tensors([EXAMPLE]), outputs=[InferRequestedOutput("score")])
    with pytest.raises(InferenceServerException, match="classification"):
        client.infer("tiny", tensors([EXAMPLE]), outputs=[InferRequestedOutput("label", class_count=1)])
    with pytest.raises(InferenceServerException, match="/v2/models/tiny"):
        client.infer("other", tensors([EXAMPLE]))


@pytest.mark.parametrize("task", ["multiclass", "regression", "scores", "labels", "values", "several"])
def test_every_form_of_answer_has_its_tensors(task: Task, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle", task=task)
    handler, form = make_handler(bundle), Predictor.load(bundle).contract.form
    status, metadata = ask(handler, None, path="/v2/models/tiny", method="GET")
    assert status == 200
    status, body = ask(handler, request(ROWS))
    assert status == 200
    found = {output["name"]: output for output in body["outputs"]}
    assert [each["name"] for each in metadata["outputs"]] == list(found)[: len(metadata["outputs"])]
    for row, expected in enumerate(Predictor.load(bundle).predict(ROWS)):
        parts = expected["targets"] if form.several else {None: expected}
        for name, part in parts.items():
            before = "" if name is None else f"{name}."
            for key in ("label", "value"):
                if key in part:
                    assert found[before + key]["data"][row] == part[key]
            for key in ("probabilities", "scores"):
                if key in part:
                    width = len(part[key])
                    assert found[before + key]["shape"] == [len(ROWS), width]
                    assert found[before + key]["data"][row * width : (row + 1) * width] == list(part[key].values())


def request(rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    inputs = [
        {
            "name": feature["name"],
            "shape": [len(rows)],
            "datatype": DATATYPES[feature["type"]],
            "data": [row[feature["name"]] for row in rows],
        }
        for feature in FEATURES
    ]
    return {"inputs": inputs} | changes


def ask(
    handler: Handler, body: Any, rest: bytes | None = None, *, path: str = "/v2/models/tiny/infer", method: str = "POST"
) -> tuple[int, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": "application/json"} if rest is None else {LENGTH: str(len(text))}
    event = {"rawPath": path, "headers": headers, "requestContext": {"http": {"method": method, "path": path}}}
    if rest is not None:
        text = base64.b64encode(text.encode() + rest).decode()
    response = handler({**event, "body": text, "isBase64Encoded": rest is not None}, CONTEXT)
    return response["statusCode"], json.loads(response["body"])


def test_null_in_json_is_missing(handler: Handler, bundle: Path) -> None:
    row = {**EXAMPLE, "income": None, "grade": None}
    status, body = ask(handler, request([row]))
    assert (status, body["outputs"][1]["data"]) == (
        200,
        list(Predictor.load(bundle).predict([row])[0]["probabilities"].values()),
    )


def changed(place: int, **changes: Any) -> dict[str, Any]:
    found = request([EXAMPLE])
    found["inputs"][place] = found["inputs"][place] | changes
    return found


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ("{", 400, "JSON"),
        ([], 422, '"inputs"'),
        ({}, 422, '"inputs"'),
        ({"inputs": []}, 422, '"inputs"'),
        ({"inputs": [7]}, 422, "name"),
        (changed(0, name=7), 422, "name"),
        (changed(0, name="age"), 422, "once"),
        (changed(0, datatype="FP16"), 422, "FP64"),
        (changed(0, datatype=["FP64"]), 422, "FP64"),
        (changed(0, shape=[2]), 422, "one value per row"),
        (changed(0, shape=[1, 2]), 422, "[rows]"),
        (changed(0, shape=[True]), 422, "[rows]"),
        (changed(0, shape=[-1]), 422, "[rows]"),
        (changed(0, shape=None), 422, "[rows]"),
        (changed(0, shape=[2], data=[1, 2]), 422, "as many rows"),
        (changed(0, shape=[MAX_ROWS + 1]), 413, "10,000"),
        (changed(0, data=7), 422, "one value per row"),
        (changed(0, datatype="FP32", data=["x"]), 422, "FP32"),
        (changed(0, datatype="FP32", data=[1e300]), 422, "FP32"),
        (changed(2, parameters={"content_type": "base64"}), 422, "content_type"),
        (changed(2, parameters=[1]), 422, "content_type"),
        (changed(2, parameters={"content_type": []}), 422, "content_type"),
        (changed(2, parameters={"shared_memory_region": "x"}), 422, "shared memory"),
        (changed(0, parameters={"binary_data_size": 8}), 422, "binary_data_size"),
        (changed(2, parameters=None), 422, "content_type"),
        (request([EXAMPLE], id=7), 422, "An id"),
        (request([EXAMPLE], parameters=[]), 422, "Parameters"),
        (request([EXAMPLE], outputs=[{"name": "label", "parameters": 7}]), 422, "Parameters"),
        (request([EXAMPLE], outputs=7), 422, '"outputs"'),
        (request([EXAMPLE], outputs=None), 422, '"outputs"'),
        (request([EXAMPLE], outputs=[{}]), 422, '"outputs"'),
        (request([EXAMPLE], parameters={"binary_data_output": 1}), 422, "binary_data_output"),
        ({"inputs": [tensor | {"shape": [0], "data": []} for tensor in request([EXAMPLE])["inputs"]]}, 422, "one row"),
        (changed(0, data=["fifty"]), 422, "income takes a number"),
        (changed(4, data=[1]), 422, "married takes true or false"),
    ],
    ids=lambda value: repr(value)[-60:],
)
def test_a_request_of_another_form_is_refused(handler: Handler, body: Any, status: int, says: str) -> None:
    answered, document = ask(handler, body)
    assert (answered, says in document["error"]) == (status, True), document
    assert document["status"] == status


def test_float32_is_what_it_says(handler: Handler, bundle: Path) -> None:
    [expected] = Predictor.load(bundle).predict([{**EXAMPLE, "income": float(np.float32(0.1))}])
    for data in ([0.1], [[0.1]]):
        status, body = ask(handler, changed(0, datatype="FP32", data=data))
        assert (status, body["outputs"][1]["data"]) == (200, list(expected["probabilities"].values()))


@pytest.mark.parametrize(
    ("place", "rest", "size", "says"),
    [
        (0, struct.pack("<d", 1.0), 7, "one value per row"),
        (0, struct.pack("<d", 1.0), 9, "binary_data_size"),
        (0, struct.pack("<d", 1.0), -1, "binary_data_size"),
        (0, struct.pack("<d", 1.0), True, "binary_data_size"),
        (0, struct.pack("<dd", 1.0, 2.0), 8, "8 bytes more"),
        (0, b"", 0, "one value per row"),
        (2, struct.pack("<I", 1), 4, "one value per row"),
        (2, struct.pack("<I", 2**32 - 1) + b"A", 5, "one value per row"),
        (2, struct.pack("<I", 1) + b"\xff", 5, "one value per row"),
        (2, struct.pack("<I", 1) + b"AB", 6, "one value per row"),
        (2, (struct.pack("<I", 1) + b"A") * 2, 10, "one value per row"),
    ],
)
def test_bytes_that_are_not_what_they_say_are_refused(
    handler: Handler, place: int, rest: bytes, size: Any, says: str
) -> None:
    body = changed(place, parameters={"binary_data_size": size})
    del body["inputs"][place]["data"]
    status, document = ask(handler, body, rest)
    assert (status, says in document["error"]) == (422, True), document


@pytest.mark.parametrize("length", ["x", "-1", "²", "99999", "9" * 5000, "1.0", " "])
def test_a_wrong_length_of_the_json_is_refused(handler: Handler, length: str) -> None:
    text = base64.b64encode(json.dumps(request([EXAMPLE])).encode()).decode()
    http = {"http": {"method": "POST", "path": "/"}}
    event = {"rawPath": "/v2/models/tiny/infer", "headers": {LENGTH: length}, "requestContext": http, "body": text}
    response = handler(event | {"isBase64Encoded": True}, CONTEXT)
    assert (response["statusCode"], LENGTH in json.loads(response["body"])["error"]) == (422, True)


def test_a_binary_answer_is_packed_where_that_is_taken(handler: Handler) -> None:
    http = {"http": {"method": "POST", "path": "/"}}
    body = json.dumps(request(ROWS * 300, parameters={"binary_data_output": True}))
    event = {"rawPath": "/v2/models/tiny/infer", "requestContext": http, "body": body}
    plain = handler({**event, "headers": {}}, CONTEXT)
    packed = handler({**event, "headers": {"accept-encoding": "gzip"}}, CONTEXT)
    assert plain["headers"][LENGTH] == packed["headers"][LENGTH]
    assert packed["headers"]["content-encoding"] == "gzip"
    both = [base64.b64decode(response["body"]) for response in (plain, packed)]
    assert len(gzip.decompress(both[1])) == len(both[0])


def test_a_model_that_answers_otherwise_is_not_ready(tmp_path: Path) -> None:
    path = make_bundle(tmp_path / "changed")
    lines = [json.loads(line) for line in (path / "golden.jsonl").read_text().splitlines()]
    lines[0]["answer"]["label"] = 1 - lines[0]["answer"]["label"]
    (path / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    seal(path)
    handler = make_handler(path)
    for ready in ("/v2/health/ready", "/v2/models/tiny/ready"):
        assert ask(handler, "", path=ready, method="GET") == (503, {"name": "tiny", "ready": False})
    assert ask(handler, "", path="/v2/health/live", method="GET")[0] == 200


def test_a_name_is_found_quoted_and_as_it_is(tmp_path: Path) -> None:
    handler = make_handler(make_bundle(tmp_path / "named", name="zins ü"))
    for path in ("/v2/models/zins ü/infer", "/v2/models/zins%20%C3%BC/infer"):
        assert ask(handler, request([EXAMPLE]), path=path)[0] == 200


def test_of_a_row_whose_answer_is_withheld_the_numbers_are_nothing(tmp_path: Path) -> None:
    path = make_bundle(tmp_path / "partial")
    contract = json.loads((path / "contract.json").read_text())
    numbers = [each["probabilities"]["1"] for each in Predictor.load(path).predict(ROWS)]
    contract["automation"] = {"degree": "partial", "abstain": [0.2, 0.5]}
    (path / "contract.json").write_text(json.dumps(contract))
    seal(path)
    handler = make_handler(path)
    status, body = ask(handler, request(ROWS))
    found = {output["name"]: output for output in body["outputs"]}
    decisions = found["decision"]["data"]
    assert (status, "label" in found, found["decision"]["datatype"]) == (200, False, "BYTES")
    assert decisions == ["refer", "1", "0"]
    for row, (decision, number) in enumerate(zip(decisions, numbers, strict=True)):
        shown = found["probabilities"]["data"][2 * row : 2 * row + 2]
        assert shown == ([None, None] if decision == "refer" else [pytest.approx(1 - number), number])
    http = {"http": {"method": "POST", "path": "/"}}
    event = {"rawPath": "/v2/models/tiny/infer", "requestContext": http, "headers": {}}
    response = handler({**event, "body": json.dumps(request(ROWS, parameters={"binary_data_output": True}))}, CONTEXT)
    raw = base64.b64decode(response["body"])
    told = json.loads(raw[: int(response["headers"][LENGTH])])["outputs"]
    size = next(output["parameters"]["binary_data_size"] for output in told if output["name"] == "probabilities")
    start = int(response["headers"][LENGTH])
    values = np.frombuffer(raw[start : start + size]).reshape(-1, 2)
    assert np.isnan(values).any(axis=1).tolist() == [decision == "refer" for decision in decisions]


def test_where_all_is_withheld_the_decisions_are_told_alone(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSAME_AUTOMATION", "human only")
    status, body = ask(make_handler(bundle), request(ROWS))
    found = {output["name"]: output["data"] for output in body["outputs"]}
    assert (status, found["decision"]) == (200, ["refer"] * len(ROWS))
    assert found.keys() & {"label", "probabilities"} == set()


def test_of_several_models_each_has_its_own_address(bundle: Path, tmp_path: Path) -> None:
    other = make_bundle(tmp_path / "other", name="other", task="regression")
    with background_server(app([bundle, other], tmp_path)) as url:
        for name, output in (("tiny", "probabilities"), ("other", "value")):
            client = InferenceServerClient(f"{url.removeprefix('http://')}/{name}")
            assert client.is_model_ready(name)
            assert client.infer(name, tensors(ROWS)).as_numpy(output).shape[0] == len(ROWS)
            client.close()
