"""What a degree of automation makes of an answer, and which configurations are refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import selfsame
from deploy.events import function_url_event
from export import ExportError, export_bundle
from export.acting import acting
from export.source import Source
from lambda_handler.automation import DEGREES, AutomationError, read_automation
from lambda_handler.bundle import read_bundle
from lambda_handler.contract import Contract, FormatError
from lambda_handler.decide import Decider, number_of
from lambda_handler.http import make_handler
from lambda_handler.predictor import Answers
from lambda_handler.service import AUTOMATION
from tests.bundle_factory import EXAMPLE, FEATURES, THRESHOLD, Task, answer_of, contract_of, make_bundle, seal

DIGEST = "0123456789abcdef" * 4
MODEL = "0123456789ab+0123456789ab"
LOW, HIGH = {"income": 180000.0, "age": 20}, {"income": 9000.0, "age": 80, "grade": "C", "home": "rent"}


def contract(task: Task = "classification", **changes: Any) -> Contract:
    return Contract({**contract_of("tiny", task, FEATURES, DIGEST), **changes})


def automation(degree: str, abstain: Any = None, share: float = 1.0) -> dict[str, Any]:
    return {"automation": {"degree": degree, "abstain": abstain}, "capture": {"share": share}}


def answers(task: Task = "classification") -> list[dict[str, Any]]:
    rows = [{**EXAMPLE, **LOW}, EXAMPLE, {**EXAMPLE, **HIGH}]
    return [{**answer_of(row, task), "warnings": []} for row in rows]


def columns(task: Task) -> Answers:
    """The same answers as a model gives them."""
    form, labels, numbers = contract(task).form, [], []
    for answer in answers(task):
        found = form.read(answer)
        assert found is not None
        labels += [target.classes.index(label) for target, label in zip(form.targets, found[0], strict=False)]
        numbers += found[1]
    return Answers(form, labels, numbers, [[], [], []], [])


def decide(task: Task, degree: str, abstain: Any = None) -> tuple[list[dict[str, Any]], list[Any], dict[str, int]]:
    decider = Decider(contract(task, **automation(degree, abstain)))
    decided = decider.decide(columns(task), "stem")
    for index, each in enumerate(decided.predictions):
        assert (each.pop("id"), each.pop("model")) == (f"stem-{index}", MODEL)
    return decided.predictions, decided.decisions, decider.kinds(columns(task))


def test_full_gives_the_answer_with_its_decision_and_threshold() -> None:
    predictions, decisions, kinds = decide("classification", "full")
    assert decisions == [0, 0, 1]
    expected = [{**answer, "decision": answer["label"], "threshold": THRESHOLD} for answer in answers()]
    assert predictions == expected
    assert kinds == {"decided": 3}


def test_partial_refers_inside_the_band_and_gives_no_answer_there() -> None:
    first, middle, last = (each["probabilities"]["1"] for each in answers())
    assert first < middle < THRESHOLD < last
    predictions, decisions, kinds = decide("classification", "partial", [middle, THRESHOLD])
    assert decisions == [0, "refer", 1], "both ends are inside"
    assert predictions[1] == {"decision": "refer", "warnings": []}
    assert (predictions[0]["label"], predictions[2]["label"]) == (0, 1)
    assert kinds == {"decided": 2, "referred": 1}
    _, decisions, _ = decide("classification", "partial", [np.nextafter(middle, 1), THRESHOLD])
    assert decisions == [0, 0, 1]


def test_human_only_refers_every_row_and_gives_no_answer() -> None:
    predictions, decisions, kinds = decide("classification", "human only")
    assert predictions == [{"decision": "refer", "warnings": []}] * 3
    assert (decisions, kinds) == (["refer"] * 3, {"referred": 3})


def test_shadow_gives_neither_answer_nor_decision() -> None:
    predictions, decisions, kinds = decide("classification", "shadow")
    assert predictions == [{"status": "shadow", "warnings": []}] * 3
    assert (decisions, kinds) == ([None] * 3, {"shadowed": 3})


def test_assist_suggests() -> None:
    predictions, decisions, kinds = decide("classification", "assist")
    assert [each["suggestion"] for each in predictions] == [0, 0, 1]
    assert all("decision" not in each and each["threshold"] == THRESHOLD for each in predictions)
    assert (decisions, kinds) == ([None] * 3, {"suggested": 3})
    assert decide("regression", "assist")[0][0]["suggestion"] == answers("regression")[0]["value"]
    assert decide("several", "assist")[0][0]["status"] == "suggestion"


@pytest.mark.parametrize("task", ["multiclass", "labels", "scores"])
def test_a_label_without_a_threshold_is_a_decision(task: Task) -> None:
    predictions, decisions, _ = decide(task, "full")
    assert decisions == [each["label"] for each in answers(task)]
    assert all("threshold" not in each for each in predictions)


@pytest.mark.parametrize("task", ["regression", "values", "several"])
def test_numbers_and_several_targets_are_no_decision(task: Task) -> None:
    predictions, decisions, kinds = decide(task, "full")
    assert (predictions, decisions, kinds) == (answers(task), [None] * 3, {"decided": 3})
    assert decide(task, "human only")[0] == [{"decision": "refer", "warnings": []}] * 3


def test_a_score_may_have_a_band() -> None:
    scores = [each["scores"]["1"] for each in answers("scores")]
    assert scores == sorted(scores)
    assert decide("scores", "partial", [min(scores[1], 0.0), max(scores[1], 0.0)])[1] == [-1, "refer", 1]


@pytest.mark.parametrize(
    ("task", "threshold", "number"),
    [
        ("classification", {"class": 1, "value": 0.5}, lambda answer: answer["probabilities"]["1"]),
        ("classification", {"class": 0, "value": 0.5}, lambda answer: answer["probabilities"]["0"]),
        ("classification", None, lambda answer: answer["probabilities"]["1"]),
        ("scores", {"class": -1, "value": 0.0}, lambda answer: -answer["scores"]["1"]),
        ("scores", {"class": 1, "value": 0.0}, lambda answer: answer["scores"]["1"]),
        ("regression", None, lambda answer: answer["value"]),
    ],
)
def test_the_number_of_an_answer_is_the_one_that_the_threshold_is_held_against(
    task: Task, threshold: Any, number: Any
) -> None:
    read = number_of(contract(task, threshold=threshold))
    assert read is not None
    assert read(columns(task)) == [number(answer) for answer in answers(task)]


@pytest.mark.parametrize("task", ["labels", "several", "values"])
def test_some_answers_have_no_one_number(task: Task) -> None:
    assert number_of(contract(task)) is None


@pytest.mark.parametrize(
    ("task", "told", "parts"),
    [
        ("classification", automation("automatic"), ["one of shadow, human only", "got 'automatic'"]),
        ("classification", automation("shadow", share=0), ["some must be written", "Give a share above 0"]),
        ("classification", automation("full", share=1.5), ["from 0 to 1; got 1.5"]),
        ("classification", automation("full", share=True), ["got True"]),
        ("classification", automation("full", [0.1, 0.5]), ["belongs to partial", "one beside 'full'"]),
        ("classification", automation("partial"), ["needs an abstain band", "Give its two ends"]),
        ("classification", automation("partial", [0.5, 0.1]), ["the lower one first", "[0.5, 0.1]"]),
        ("classification", automation("partial", [0.1]), ["two finite numbers"]),
        ("classification", automation("partial", "ab"), ["two finite numbers"]),
        ("classification", automation("partial", [0.1, float("nan")]), ["two finite numbers"]),
        ("classification", automation("partial", [0.1, 1.5]), ["from 0 to 1"]),
        ("classification", automation("partial", [0.5, 0.9]), ["at which the decision turns, 0.4", "Widen the band"]),
        ("scores", automation("partial", [0.5, 0.9]), ["turns, 0.0"]),
        ("multiclass", automation("partial", [0.1, 0.9]), ["of two classes", "Choose another degree"]),
        ("regression", automation("partial", [0.1, 0.9]), ["probability or score"]),
        ("several", automation("partial", [0.1, 0.9]), ["of two classes"]),
        ("labels", {**automation("human only"), "classes": ["refer", "x", "y"]}, ["must not be a class", "Rename"]),
    ],
    ids=str,
)
def test_a_configuration_that_says_nothing_sensible_is_refused(
    task: Task, told: dict[str, Any], parts: list[str]
) -> None:
    with pytest.raises(FormatError) as caught:
        contract(task, **told)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("changes", [{"automation": None}, {"capture": {}}, {"automation": {"degree": "full"}}])
def test_a_contract_without_the_keys_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="must hold every key"):
        contract(**changes)


@pytest.mark.parametrize("loggable", [None, 1, "yes"])
def test_loggable_is_true_or_false(loggable: Any) -> None:
    with pytest.raises(FormatError, match="loggable must be true or false"):
        contract(features=[{**FEATURES[0], "loggable": loggable}, *FEATURES[1:]])


def test_the_function_may_have_another_degree_than_its_bundle() -> None:
    partial = contract(**automation("partial", [0.3, 0.5]))
    assert Decider(partial, "human only").automation.degree == "human only"
    assert Decider(partial, "full").automation.abstain is None
    assert Decider(partial, "partial").automation.abstain == (0.3, 0.5)
    with pytest.raises(AutomationError, match="needs an abstain band"):
        Decider(contract(), "partial")
    with pytest.raises(AutomationError, match="one of shadow"):
        read_automation(partial.document, "off")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "tiny")


def test_the_environment_sets_another_degree(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AUTOMATION, "human only")
    [prediction] = make_handler(bundle)({"rows": [EXAMPLE]}, None)["predictions"]
    assert prediction["decision"] == "refer"
    assert "label" not in prediction
    monkeypatch.setenv(AUTOMATION, "off")
    with pytest.raises(AutomationError, match="one of shadow"):
        make_handler(bundle)


@pytest.mark.parametrize("degree", DEGREES)
@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/jsonl", "v2"])
def test_every_degree_is_told_in_every_form(bundle: Path, degree: str, accept: str) -> None:
    document = json.loads((bundle / "contract.json").read_text())
    told = automation(degree, [0, 1] if degree == "partial" else None, share=1e-9)
    (bundle / "contract.json").write_text(json.dumps(document | told))
    seal(bundle)
    body: dict[str, Any] = EXAMPLE
    if accept == "v2":
        types = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "category": "BYTES"}
        tensors = [{"name": each["name"], "shape": [1], "datatype": types[each["type"]],
                    "data": [EXAMPLE[each["name"]]]} for each in FEATURES]  # fmt: skip
        body = {"inputs": tensors}
    path = "/v2/models/tiny/infer" if accept == "v2" else "/predict"
    headers = [("content-type", "application/json"), *([("accept", accept)] if accept != "v2" else [])]
    answer = make_handler(bundle)(function_url_event("POST", path, json.dumps(body).encode(), headers), None)
    assert answer["statusCode"] == 200
    assert ("refer" in answer["body"]) == (degree in {"human only", "partial"})
    assert ("suggestion" in answer["body"]) == (degree == "assist")
    probability = str(answer_of(EXAMPLE, "classification")["probabilities"]["1"])[:10]
    assert (probability in answer["body"]) == (degree in {"assist", "full"})


X = pd.DataFrame({"a": np.linspace(0.0, 1.0, 60), "b": np.tile([0.0, 1.0, 2.0], 20)})


@pytest.fixture(scope="module")
def classifier() -> LogisticRegression:
    return LogisticRegression().fit(X, X["a"] + X["b"] > 1.4)


def test_export_writes_the_configuration_into_the_contract(classifier: LogisticRegression, tmp_path: Path) -> None:
    told: dict[str, Any] = {"automation": "partial", "abstain": (0.25, 0.75), "loggable": ["b"], "capture": 0.5}
    path = export_bundle(classifier, X, tmp_path / "model", effort="quick", **told)
    read = read_bundle(path).contract
    assert (read.automation.degree, read.automation.abstain, read.automation.share) == ("partial", (0.25, 0.75), 0.5)
    assert [feature.loggable for feature in read.features] == [False, True]
    plain = read_bundle(export_bundle(classifier, X, tmp_path / "plain", effort="quick")).contract.automation
    assert (plain.degree, plain.abstain, plain.share) == ("full", None, 0.0)


def test_a_shadow_is_captured_whole_unless_told_otherwise() -> None:
    assert acting(["a"], "shadow")["capture"] == {"share": 1.0}
    assert acting(["a"], "shadow", capture=0.1)["capture"] == {"share": 0.1}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"loggable": ["c"]}, r"no column 'c'. Its columns are a, b"),
        ({"automation": "partial", "abstain": (0.6, 0.9)}, r"turns, 0\.5: there .* got 0\.6 to 0\.9. Widen"),
        ({"automation": "shadow", "capture": 0.0}, "some must be written; got a capture share of 0. Give a share"),
    ],
)
def test_export_refuses_a_wrong_configuration(
    classifier: LogisticRegression, tmp_path: Path, told: Any, said: str
) -> None:
    with pytest.raises(ExportError, match=said):
        export_bundle(classifier, X, tmp_path / "model", **told)
    assert not (tmp_path / "model").exists()


def test_a_regressor_abstains_from_nothing(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="probability or score of a classifier of two classes"):
        export_bundle(LinearRegression().fit(X, X["a"]), X, tmp_path / "m", automation="partial", abstain=(0.1, 0.2))


def test_the_command_hands_the_configuration_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source, given = Source(estimator=None, X=X, about={}, seed=0), {}
    monkeypatch.setattr("export.source.read_source", lambda *_, **__: source)
    monkeypatch.setattr("export.export_bundle", lambda *_, **told: given.update(told))
    monkeypatch.setattr("demo.print_certificate", lambda _: None)
    command = ["export", "run", "--out", str(tmp_path / "b")]
    names = ("automation", "abstain", "loggable", "capture")
    assert selfsame.main(command) == 0
    assert {name: given[name] for name in names if name in given} == {"loggable": (), "capture": None}
    told = ["--automation", "partial", "--abstain", "0.1", "0.5", "--loggable", "a", "b", "--capture", "0.25"]
    assert selfsame.main(command + told) == 0
    assert [given[name] for name in names] == ["partial", [0.1, 0.5], ["a", "b"], 0.25]
