"""The challenger: made log events in, metrics about its disagreement with the champion out."""

import base64
import gzip
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.emulator import find_python, machine_arch
from deploy.events import function_url_event
from deploy.package import ROOT, RUNTIME_PYTHON
from lambda_handler.http import make_handler
from lambda_handler.predictor import Predictor
from rollout.shadow import CaptureError, make_shadow, predictions_of
from tests.bundle_factory import EXAMPLE, make_bundle, seal

ROWS = [{**EXAMPLE, "income": float(income), "age": age} for income in (5000, 30000, 190000) for age in (20, 60)]


def record(answers: list[Any], rows: list[Any] = ROWS, **changes: Any) -> dict[str, Any]:
    """A capture record of the documented form."""
    predictions = [
        {"id": f"id-{index}", "row": dict(row), "complete": True, "answer": answer, "decision": None}
        for index, (row, answer) in enumerate(zip(rows, answers, strict=True))
    ]
    head = {"selfsame": "capture", "format": 1, "request_id": "r", "time": "2026-11-21T12:00:00Z", "model": {}}
    return head | {"predictions": predictions} | changes


def log_event(*lines: Any, kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    """What CloudWatch Logs sends to a subscribed function."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    entries = [{"id": str(index), "timestamp": 0, "message": f"{text}\n"} for index, text in enumerate(texts)]
    batch = {"messageType": kind, "owner": "123456789012", "logGroup": "g", "logStream": "s", "logEvents": entries}
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()}}


def answers_of(bundle: Path, rows: list[Any] = ROWS) -> list[dict[str, Any]]:
    kept = Predictor.load(bundle).predict(rows)
    return [{name: value for name, value in answer.items() if name != "warnings"} for answer in kept]


@pytest.fixture(autouse=True)
def _namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "selfsame")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("shadow") / "tiny")


@pytest.fixture(scope="module")
def shadow(bundle: Path) -> Callable[[Mapping[str, Any], object], dict[str, int]]:
    return make_shadow(bundle)


def metrics(text: str) -> Iterator[tuple[str, float]]:
    """Every value of every metric that embedded metric format tells CloudWatch of."""
    for line in map(json.loads, text.splitlines()):
        for told in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert told["Namespace"] == "selfsame"
            assert [sorted(names) for names in told["Dimensions"]] == [["challenger", "service"]]
            assert line["service"] == "stack"
            for metric in told["Metrics"]:
                yield from ((metric["Name"], value) for value in line[metric["Name"]])


def test_the_same_model_agrees_with_itself(shadow: Any, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = shadow(log_event(record(answers_of(bundle))), None)
    assert counts == {"scored": 6, "disagreements": 0, "not_scorable": 0, "unreadable": 0}
    told = list(metrics(capsys.readouterr().out))
    assert [value for name, value in told if name == "ShadowDifference"] == [0.0] * 6
    rest = {name: value for name, value in told if name != "ShadowDifference"}
    assert rest == {
        "ShadowRows": 6,
        "ShadowDisagreements": 0,
        "ShadowNotScorable": 0,
        "ShadowUnreadable": 0,
        "ShadowAgreement": 1.0,
    }


def test_another_label_and_its_distance_are_published(
    shadow: Any, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = answers_of(bundle)
    low, high = answers[0]["probabilities"].values()
    answers[0]["label"] = 1 - answers[0]["label"]
    answers[0]["probabilities"] = {"0": low - 0.25, "1": high + 0.25}
    counts = shadow(log_event(record(answers)), None)
    assert (counts["scored"], counts["disagreements"]) == (6, 1)
    out = capsys.readouterr().out
    told = list(metrics(out))
    assert [value for name, value in told if name == "ShadowDifference"] == pytest.approx([0.25, 0, 0, 0, 0, 0])
    assert dict(told)["ShadowAgreement"] == pytest.approx(5 / 6)
    named = json.loads(out.splitlines()[-1])
    assert (named["selfsame"], named["disagreements"]) == ("shadow", ["id-0"])
    assert "income" not in out


def test_a_label_of_another_type_is_another_label(shadow: Any, bundle: Path) -> None:
    answers = answers_of(bundle)
    answers[0]["label"] = bool(answers[0]["label"])
    assert shadow(log_event(record(answers)), None)["disagreements"] == 1


def test_rows_that_cannot_be_compared_are_counted(shadow: Any, bundle: Path) -> None:
    answers = answers_of(bundle)
    held = record(answers)
    held["predictions"][0]["complete"] = False
    held["predictions"][1]["row"] = {**ROWS[1], "home": "boat"}  # the challenger refuses it
    del held["predictions"][2]["row"]["age"]
    held["predictions"][3]["answer"] = {"value": 3.5}
    counts = shadow(log_event(held), None)
    assert counts == {"scored": 2, "disagreements": 0, "not_scorable": 4, "unreadable": 0}


def test_a_challenger_may_need_fewer_features(shadow: Any, bundle: Path) -> None:
    held = record(answers_of(bundle), [{**row, "postcode": "1010"} for row in ROWS])
    assert shadow(log_event(held), None)["scored"] == 6


def test_many_records_and_over_a_hundred_rows_are_all_counted(
    shadow: Any, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ROWS * 30
    held = record(answers_of(bundle, rows), rows)
    assert shadow(log_event(held, held), None)["scored"] == 360
    told = list(metrics(capsys.readouterr().out))
    assert sum(1 for name, _ in told if name == "ShadowDifference") == 360
    assert [value for name, value in told if name == "ShadowRows"] == [360]


@pytest.mark.parametrize(
    ("line", "got"),
    [
        ("START RequestId: 1", "no JSON"),
        ("[]", "another line"),
        ({"selfsame": "feedback", "format": 1}, "another line"),
        (record([], [], format=2), "format 2"),
        (record([], [], predictions=None), "another form"),
        (record([], [], predictions=[{"id": 1, "row": {}, "complete": True, "answer": {}}]), "another form"),
        (record([], [], predictions=["id"]), "another form"),
    ],
)
def test_a_line_of_another_form_is_refused_by_name(
    line: Any, got: str, shadow: Any, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = line if isinstance(line, str) else json.dumps(line)
    with pytest.raises(CaptureError, match=got):
        predictions_of(text)
    counts = shadow(log_event(text, record(answers_of(bundle))), None)
    assert (counts["unreadable"], counts["scored"]) == (1, 6)
    out = capsys.readouterr().out
    assert got in json.loads(out.splitlines()[0])["error"]
    assert dict(metrics(out))["ShadowUnreadable"] == 1


def test_a_control_message_says_nothing(shadow: Any, capsys: pytest.CaptureFixture[str]) -> None:
    counts = shadow(log_event("CWL CONTROL MESSAGE: Checking health of destination.", kind="CONTROL_MESSAGE"), None)
    assert sum(counts.values()) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("task", ["regression", "scores", "labels", "values", "several"])
def test_every_form_of_answer_is_compared(task: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = make_bundle(tmp_path / task, task=task)
    counts = make_shadow(bundle)(log_event(record(answers_of(bundle))), None)
    assert counts == {"scored": 6, "disagreements": 0, "not_scorable": 0, "unreadable": 0}
    differences = [value for name, value in metrics(capsys.readouterr().out) if name == "ShadowDifference"]
    assert differences == ([] if task == "labels" else [0.0] * 6)


def capturing(folder: Path, loggable: bool = True) -> Path:
    """A bundle that captures every request."""
    bundle = make_bundle(folder)
    contract = json.loads((bundle / "contract.json").read_bytes())
    contract["capture"] = {"share": 1.0}
    for feature in contract["features"]:
        feature["loggable"] = loggable or feature["name"] != "income"
    (bundle / "contract.json").write_text(json.dumps(contract))
    seal(bundle)
    return bundle


@pytest.mark.parametrize(("loggable", "scored"), [(True, len(ROWS)), (False, 0)])
def test_what_the_handler_captures_is_what_the_challenger_reads(
    loggable: bool, scored: int, shadow: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = make_handler(capturing(tmp_path / "champion", loggable))
    response = handler(function_url_event("POST", "/predict", json.dumps({"rows": ROWS}).encode()), None)
    assert response["statusCode"] == 200
    lines = [line for line in capsys.readouterr().out.splitlines() if json.loads(line).get("selfsame") == "capture"]
    counts = shadow(log_event(*lines), None)
    assert counts == {"scored": scored, "disagreements": 0, "not_scorable": len(ROWS) - scored, "unreadable": 0}


def test_what_a_page_says_of_itself_is_not_scored(shadow: Any, bundle: Path) -> None:
    counts = shadow(log_event(record(answers_of(bundle), source="page")), None)
    assert counts == {"scored": 0, "disagreements": 0, "not_scorable": 0, "unreadable": 0}


@pytest.mark.skipif(
    find_python(RUNTIME_PYTHON) is None, reason=f"no Python {RUNTIME_PYTHON} here to run the build with"
)
def test_the_built_challenger_scores_without_the_source_tree(bundle: Path, tmp_path: Path) -> None:
    package, event = tmp_path / "package", tmp_path / "event.json"
    command = ["make", "build-ChallengerFunction", f"ARTIFACTS_DIR={package}", f"CHALLENGER={bundle}"]
    settings = {"PATH": os.environ["PATH"], "HOME": str(Path.home())}
    subprocess.run([*command, f"ARCH={machine_arch()}"], cwd=ROOT, env=settings, check=True, capture_output=True)
    event.write_text(json.dumps(log_event(record(answers_of(bundle)))))
    called = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); from rollout.challenger import handler; "
        "print(json.dumps(handler(json.load(open(sys.argv[2])), None)))"
    )
    python = [str(find_python(RUNTIME_PYTHON)), "-I", "-S", "-B", "-c", called, str(package), str(event)]
    names = {"POWERTOOLS_METRICS_NAMESPACE": "selfsame", "POWERTOOLS_SERVICE_NAME": "stack"}
    done = subprocess.run(python, env=names, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert json.loads(done.stdout.splitlines()[-1])["scored"] == len(ROWS)
