"""Every request leaves one line of metrics in CloudWatch's embedded format, where the environment asks for it."""

import hashlib
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx
import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics
from jsonschema import Draft7Validator

from lambda_handler.bundle import read_bundle
from lambda_handler.direct import RefusedError
from lambda_handler.http import Handler, make_handler
from lambda_handler.metrics import NAMESPACE, REMEMBERED, SERVICE, UNITS, WATCHED, Seen, training_scores
from lambda_handler.predictor import Predictor
from tests.bundle_factory import EXAMPLE, Task, answer_of, constant, make_bundle, seal

CONTEXT = SimpleNamespace(aws_request_id="request-1")
EDGES, COUNTS = [0.0, 0.2, 0.4, 1.0], [60, 30, 10]
TRAINING = (0.22, math.sqrt(0.6 * 0.12**2 + 0.3 * 0.08**2 + 0.1 * 0.48**2))  # of the bins' middles
# The parts of CloudWatch's schema of the format that this service's lines use; values are numbers or lists of them.
NAME = {"type": "string", "minLength": 1, "maxLength": 1024}
EMBEDDED: dict[str, Any] = {
    "type": "object", "required": ["_aws"],
    "properties": {"_aws": {
        "type": "object", "required": ["CloudWatchMetrics", "Timestamp"], "additionalProperties": False,
        "properties": {
            "Timestamp": {"type": "integer", "minimum": 1_600_000_000_000},
            "CloudWatchMetrics": {"type": "array", "minItems": 1, "items": {
                "type": "object", "required": ["Namespace", "Dimensions", "Metrics"], "additionalProperties": False,
                "properties": {
                    "Namespace": NAME,
                    "Dimensions": {"type": "array", "minItems": 1,
                                   "items": {"type": "array", "minItems": 1, "maxItems": 30, "items": NAME}},
                    "Metrics": {"type": "array", "minItems": 1, "maxItems": 100, "items": {
                        "type": "object", "required": ["Name", "Unit"], "additionalProperties": False,
                        "properties": {"Name": NAME, "Unit": {
                            "enum": ["Milliseconds", "Count", "Percent", "Megabytes", "None"]}}}},
                },
            }},
        },
    }},
}  # fmt: skip


def metered(path: Path, task: Task = "classification", **changes: Any) -> Path:
    make_bundle(path, task=task)
    reference = json.loads((path / "reference.json").read_text())
    reference["answers"] |= {"edges": EDGES, "counts": COUNTS}
    (path / "reference.json").write_text(json.dumps(reference))
    contract = json.loads((path / "contract.json").read_text())
    (path / "contract.json").write_text(json.dumps(contract | changes))
    seal(path)
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return metered(tmp_path_factory.mktemp("metrics") / "tiny")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMESPACE, "selfsame")
    monkeypatch.setenv(SERVICE, "stack")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "7")


@pytest.fixture
def handler(environment: None, bundle: Path) -> Handler:
    return make_handler(bundle)


def call(handler: Handler, body: Any, path: str = "/predict", method: str = "POST") -> int:
    event = {"rawPath": path, "requestContext": {"http": {"method": method}}, "body": json.dumps(body)}
    return int(handler({**event, "headers": {"content-type": "application/json"}}, CONTEXT)["statusCode"])


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in found:
        Draft7Validator(EMBEDDED).validate(line)
        for directive in line["_aws"]["CloudWatchMetrics"]:
            assert directive["Namespace"] == "selfsame"
            assert {name for names in directive["Dimensions"] for name in names} <= line.keys()
            for metric in directive["Metrics"]:
                assert isinstance(line[metric["Name"]], int | float)
                assert UNITS[metric["Name"]] == metric["Unit"]
    return found


def test_a_request_leaves_one_line_with_every_metric(handler: Handler, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [EXAMPLE, {**EXAMPLE, "income": None, "grade": "Z"}, {**EXAMPLE, "income": 1e6}, EXAMPLE]
    assert call(handler, {"rows": rows}) == 200
    [line] = lines(capsys)
    answers = [answer_of(row, "classification") for row in rows]
    mean = sum(answer["probabilities"]["1"] for answer in answers) / 4
    assert {name: line[name] for name in ("service", "version", "release", "request_id")} == {
        "service": "stack", "version": line["version"], "release": "7", "request_id": "request-1"}  # fmt: skip
    expected = {
        "Rows": 4, "ColdStart": 1, "RequestErrors": 0, "RequestErrors422": 0, "NullOutputs": 0, "RepeatedQueries": 1,
        "MissingShare": 100 / 20, "OutOfRangeShare": 100 / 20, "UnseenShare": 100 / 20, "DecisionsAutomated": 4,
        "DecisionsPositive": sum(answer["label"] == 1 for answer in answers),
    }  # fmt: skip
    assert {name: line[name] for name in expected} == expected
    assert line["MeanScore"] == pytest.approx(mean, abs=1e-12)
    assert line["ScoreShift"] == pytest.approx((mean - TRAINING[0]) / TRAINING[1], abs=1e-9)
    assert line["Latency"] > 0
    assert 1 < line["Memory"] < 10_000
    every, watched = line["_aws"]["CloudWatchMetrics"]
    assert every["Dimensions"] == [["service", "version"]]
    assert watched["Dimensions"] == [["service"], ["service", "release"]]
    assert {metric["Name"] for metric in every["Metrics"]} == line.keys() & UNITS.keys()
    assert {metric["Name"] for metric in watched["Metrics"]} == line.keys() & set(WATCHED)


def test_the_second_request_is_no_cold_start_and_repeats_are_counted(
    handler: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    reordered = dict(reversed(list(EXAMPLE.items())))
    for row in (EXAMPLE, reordered, {**EXAMPLE, "age": 41}):
        call(handler, row)
    assert [(line["ColdStart"], line["RepeatedQueries"]) for line in lines(capsys)] == [(1, 0), (0, 1), (0, 0)]


def test_a_row_with_a_gap_is_known_again_alone_and_among_many(
    handler: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    gaps = {**EXAMPLE, "income": None, "grade": None}
    for body in (gaps, gaps, {"rows": [gaps, *[{**EXAMPLE, "age": age} for age in range(20, 40)]]}, gaps):
        assert call(handler, body) == 200
    assert [line["RepeatedQueries"] for line in lines(capsys)] == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("body", "path", "method", "status"),
    [
        ([], "/predict", "POST", 422),
        ({"rows": [{**EXAMPLE, "age": None}, {}]}, "/predict", "POST", 422),
        (EXAMPLE, "/nowhere", "POST", 404),
        (EXAMPLE, "/predict", "GET", 405),
        ({"rows": [EXAMPLE] * 10_001}, "/predict", "POST", 413),
    ],
    ids=["shape", "contract", "path", "method", "size"],
)
def test_errors_are_counted_by_kind(
    handler: Handler, capsys: pytest.CaptureFixture[str], body: Any, path: str, method: str, status: int
) -> None:
    assert call(handler, body, path, method) == status
    [line] = lines(capsys)
    assert (line["RequestErrors"], line[f"RequestErrors{status}"]) == (1, 1)
    assert line["RequestErrors422"] == (status == 422)
    assert "Rows" not in line
    if isinstance(body, dict) and len(body.get("rows", [])) == 2:
        assert line["problem_kinds"] == {"missing": 1, "absent": 5}


def test_an_answer_that_is_not_finite_is_counted(
    environment: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make_bundle(tmp_path / "values", task="regression")
    model = onnx.load(path / "model.onnx")
    [scale] = [each for each in model.graph.initializer if each.name == "hundred"]
    scale.CopyFrom(constant("hundred", 1e10))
    onnx.save(model, path / "model.onnx")
    contract = json.loads((path / "contract.json").read_text())
    contract["model_sha256"] = hashlib.sha256((path / "model.onnx").read_bytes()).hexdigest()
    (path / "contract.json").write_text(json.dumps(contract))
    seal(path)
    handler = make_handler(path)
    assert call(handler, {**EXAMPLE, "income": 1.7e308}) == 422
    [line] = lines(capsys)
    assert (line["NullOutputs"], line["problem_kinds"]) == (1, {"no_answer": 1})


def test_an_unexpected_error_is_counted_too(
    handler: Handler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Predictor, "answers", lambda *_: 1 / 0)
    assert call(handler, EXAMPLE) == 500
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert (line["RequestErrors500"], line["RequestErrors"]) == (1, 1)


def test_what_asks_for_no_rows_is_not_counted(handler: Handler, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(handler, None, "/health", "GET") == 200
    assert call(handler, None, "/contract", "GET") == 200
    assert call(handler, EXAMPLE, "/predict", "OPTIONS") == 204
    assert lines(capsys) == []


def test_a_direct_call_is_counted(handler: Handler, capsys: pytest.CaptureFixture[str]) -> None:
    handler({"rows": [EXAMPLE, EXAMPLE]}, CONTEXT)
    with pytest.raises(RefusedError):
        handler({"rows": []}, CONTEXT)
    answered, refused = lines(capsys)
    assert (answered["Rows"], refused["RequestErrors422"]) == (2, 1)


@pytest.mark.parametrize(
    ("degree", "abstain", "expected"),
    [
        ("shadow", None, {"DecisionsShadowed": 2}),
        ("human only", None, {"DecisionsReferred": 2}),
        ("assist", None, {"DecisionsSuggested": 2}),
        ("partial", [0.3, 0.4], {"DecisionsAutomated": 2, "DecisionsReferred": 0}),
        ("full", None, {"DecisionsAutomated": 2}),
    ],
)
def test_decisions_are_counted_by_kind(
    environment: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], degree: str, abstain: Any, expected: Any
) -> None:
    share = 1e-9 if degree == "shadow" else 0.0  # so small that no record is written here
    told = {"automation": {"degree": degree, "abstain": abstain}, "capture": {"share": share}}
    call(make_handler(metered(tmp_path / "tiny", **told)), {"rows": [EXAMPLE, {**EXAMPLE, "age": 41}]})
    [line] = lines(capsys)
    assert {name: value for name, value in line.items() if name.startswith("DecisionsP") is False
            and name.startswith("Decisions")} == expected  # fmt: skip


@pytest.mark.parametrize("task", ["regression", "labels", "several", "scores"])
def test_every_form_of_answer_is_metered(
    environment: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], task: Task
) -> None:
    call(make_handler(metered(tmp_path / "tiny", task)), EXAMPLE)
    [line] = lines(capsys)
    answer = answer_of(EXAMPLE, task)
    expected = {"regression": answer.get("value"), "scores": answer.get("scores", {}).get("1")}.get(task)
    assert line.get("MeanScore") == pytest.approx(expected) if expected is not None else "MeanScore" not in line
    assert ("DecisionsPositive" in line) is False


@pytest.mark.parametrize(
    "settings", [{}, {NAMESPACE: ""}, {NAMESPACE: "selfsame", "POWERTOOLS_METRICS_DISABLED": "true"}], ids=str
)
def test_nothing_is_written_where_nobody_asks(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], settings: dict[str, str]
) -> None:
    monkeypatch.delenv(NAMESPACE, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    handler = make_handler(bundle)
    assert (call(handler, EXAMPLE), call(handler, [])) == (200, 422)
    assert capfd.readouterr() == ("", "")


def test_powertools_takes_every_name_and_unit_and_is_loaded_for_metrics_alone(bundle: Path) -> None:
    document = EphemeralMetrics(namespace="selfsame", service="stack")
    for name, unit in UNITS.items():
        document.add_metric(name, unit, 1)
    assert set(UNITS) < set(document.serialize_metric_set())
    code = f"import sys, lambda_handler.http as h; h.make_handler({str(bundle)!r}); print('jmespath' in sys.modules)"
    for settings, expected in (({}, "False"), ({NAMESPACE: "selfsame"}, "True")):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True, cwd=Path.cwd())
        assert done.stdout.strip() == expected


def test_training_scores_are_the_bins_middles() -> None:
    assert training_scores({"answers": {"edges": EDGES, "counts": COUNTS}}) == pytest.approx(TRAINING)
    for answers in ({"edges": [], "counts": []}, {"edges": [1.0, 1.0], "counts": [50]}, {"categories": {"a": 20}}):
        assert training_scores({"answers": answers}) is None


def test_queries_are_remembered_within_bounds_and_without_their_values() -> None:
    seen = Seen()
    row = [["canary"], [1.5]]
    assert [seen.again(row), seen.again([["canary"] * 2, [1.5] * 2]), seen.again(row)] == [0, 2, 1]
    assert [seen.again([["canary"], [2.5]]), seen.again([["other"], [1.5]])] == [0, 0]
    assert Seen().again([[math.nan, math.nan, 0.0]]) == 1
    for start in range(0, 5 * REMEMBERED, 1000):
        seen.again([list(range(start, start + 1000)), [0] * 1000])
    kept = seen._new | seen._old
    assert len(kept) <= 2 * REMEMBERED
    assert all(type(each) is int for each in kept)
    assert seen.again(row) == 0, "the oldest are forgotten"
    assert Seen()._salt != seen._salt


def test_the_reference_of_a_real_bundle_is_read(bundle: Path) -> None:
    assert training_scores(json.loads(read_bundle(bundle).read("reference.json"))) is not None


def test_the_documentation_names_every_metric_and_its_unit() -> None:
    page = (Path(__file__).parents[1] / "docs" / "lambda.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in page.partition("### Metrics")[2].splitlines() if line.startswith("| `")]
    told = {name: unit.strip() for names, unit in rows for name in re.findall(r"`(\w+)`", names)}
    by_status = {name for name in UNITS if re.fullmatch(r"RequestErrors\d+", name)}
    assert told == {name: unit for name, unit in UNITS.items() if name in told}
    assert UNITS.keys() - told.keys() <= by_status
