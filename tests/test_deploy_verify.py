"""Verification: the real runtimes, and that a wrong answer in any one of them is reported."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import deploy.browser
import deploy.lambda_replay
import deploy.node
import deploy.verify
from deploy.verdict import verdict_text
from deploy.verify import RUNTIMES, Verdict, differing_rows, verify
from lambda_handler.bundle import BundleError
from lambda_handler.golden import Stratum
from tests.bundle_factory import Task, make_bundle

Answers = list[dict[str, Any]]
REPLAYS = {
    "python": (deploy.verify, "replay"),
    "lambda": (deploy.lambda_replay, "run_lambda"),
    "node": (deploy.node, "replay_node"),
    "js": (deploy.node, "replay_js"),
    "browser": (deploy.browser, "replay_browser"),
}


@pytest.mark.parametrize("task", ["classification", "multiclass", "regression"])
def test_every_runtime_holds(task: Task, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle", task=task)
    reported: list[str] = []
    verdict = verify(bundle, report=reported.append)
    assert verdict.holds
    assert tuple(verdict.strata) == tuple(reported) == RUNTIMES
    lines = (bundle / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    for runtime in RUNTIMES:
        assert verdict.total(runtime).rows == len(lines)
        assert list(verdict.strata[runtime]) == list(dict.fromkeys(json.loads(line)["stratum"] for line in lines))
    assert list(verdict.apart) == ["python = lambda", "python = node", "python = js", "python = browser", "node = js"]
    assert verdict.apart["python = lambda"] == verdict.apart["node = js"] == []
    json.dumps(verdict.as_json(), allow_nan=False)


def other_label(answers: Answers) -> None:
    answers[0]["label"] = 1 - answers[0]["label"]


def label_of_another_type(answers: Answers) -> None:
    answers[0]["label"] = str(answers[0]["label"])


def number_beyond_the_tolerance(answers: Answers) -> None:
    answers[3]["probabilities"]["1"] += 2e-12


def number_that_is_none(answers: Answers) -> None:
    answers[3]["probabilities"]["1"] = float("nan")


def classes_swapped(answers: Answers) -> None:
    answers[1]["probabilities"] = dict(reversed(answers[1]["probabilities"].items()))


def rejected_instead_of_answered(answers: Answers) -> None:
    answers[2] = {"rejected": [{"row": 2, "feature": "income", "kind": "missing", "reason": "."}]}


def answered_instead_of_rejected(answers: Answers) -> None:
    answers[-1] = copy.deepcopy(answers[0])


def rejected_for_another_reason(answers: Answers) -> None:
    answers[-1]["rejected"][0]["kind"] = "type"


FAULTS = [
    other_label, label_of_another_type, number_beyond_the_tolerance, number_that_is_none, classes_swapped,
    rejected_instead_of_answered, answered_instead_of_rejected, rejected_for_another_reason,
]  # fmt: skip


def with_fault(monkeypatch: pytest.MonkeyPatch, runtime: str, fault: Callable[[Answers], None]) -> None:
    """Let a runtime answer as it does, then change one answer."""
    module, name = REPLAYS[runtime]
    real = getattr(module, name)

    def replay(*arguments: Any) -> Any:
        found = copy.deepcopy(real(*arguments))
        fault(found.answers if runtime == "lambda" else found)
        return found

    monkeypatch.setattr(module, name, replay)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("verify") / "bundle")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_wrong_label_in_any_one_runtime_is_reported(
    runtime: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_fault(monkeypatch, runtime, other_label)
    runtimes = ("python", runtime if runtime != "python" else "node")
    verdict = verify(bundle, runtimes)
    assert not verdict.holds
    for name in runtimes:
        assert verdict.total(name).labels_differ == (name == runtime)
        assert verdict.total(name).holds is (name != runtime)
    assert 0 in verdict.apart[f"python = {runtimes[1]}"]
    assert verdict.as_json()["holds"] is False


@pytest.mark.parametrize("fault", FAULTS)
def test_every_kind_of_wrong_answer_is_reported(
    fault: Callable[[Answers], None], bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_fault(monkeypatch, "python", fault)
    verdict = verify(bundle, ("python",))
    assert not verdict.holds
    total = verdict.total("python")
    assert (total.labels_differ, total.outside) in {(1, 0), (0, 1)}


def test_a_last_bit_holds_but_is_counted_as_apart(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def last_bit(answers: Answers) -> None:
        for index in (1, 4):
            shares = answers[index]["probabilities"]
            shares["1"] = float(np.nextafter(shares["1"], 2.0))

    plain = verify(bundle, ("python", "node"))
    with_fault(monkeypatch, "python", last_bit)
    verdict = verify(bundle, ("python", "node"))
    assert verdict.holds
    assert set(verdict.apart["python = node"]) ^ set(plain.apart["python = node"]) <= {1, 4}
    assert verdict.as_json()["apart"]["python = node"]["rows"] == len(verdict.apart["python = node"])


def test_differing_rows_sees_labels_numbers_and_rejections() -> None:
    one = {"label": 1, "probabilities": {"0": 0.25, "1": 0.75}, "warnings": []}
    refused = {"rejected": [{"row": 0, "feature": "age", "kind": "missing", "reason": "one"}]}
    others: Answers = [
        {**one, "warnings": [{"feature": "age"}]},
        {**one, "label": 0},
        {**one, "probabilities": {"0": 0.25, "1": float(np.nextafter(0.75, 1))}},
        refused,
        {"rejected": [{"row": 5, "feature": "age", "kind": "missing", "reason": "another"}]},
        {"rejected": [{"row": 0, "feature": "age", "kind": "type", "reason": "one"}]},
    ]
    assert differing_rows([one, one, one, one, refused, refused], others) == [1, 2, 3, 5]
    with pytest.raises(ValueError, match="zip"):
        differing_rows([one], [])


def test_a_verdict_holds_only_if_every_stratum_of_every_runtime_does() -> None:
    good, bad = Stratum(rows=5), Stratum(rows=5, outside=1)
    assert Verdict("m 1", {"python": {"a": good, "b": good}}, {}).holds
    assert not Verdict("m 1", {"python": {"a": good}, "node": {"a": good, "b": bad}}, {}).holds
    assert Verdict("m 1", {"node": {"a": good, "b": bad}}, {}).total("node").outside == 1


def test_a_verdict_says_in_words_whether_it_holds() -> None:
    good, bad = Stratum(rows=1234), Stratum(rows=5, outside=1)
    lines = verdict_text(Verdict("m 1", {"python": {"a": good}, "node": {"a": bad}}, {"python = node": [3]})).split(
        "\n"
    )
    assert lines[0] == "m 1"
    assert lines[2].split() == ["python", "a", "1,234", "0", "0", "0", "0"]
    assert lines[3].split() == ["node", "a", "5", "0", "1", "0", "0"]
    assert lines[4] == "python = node: 1 rows are not alike bit for bit"
    assert lines[-1] == "It does not hold."
    assert verdict_text(Verdict("m 1", {"python": {"a": good}}, {})).endswith("\nIt holds.")


def test_a_broken_bundle_is_refused(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    (bundle / "golden.jsonl").write_text("")
    with pytest.raises(BundleError, match=r"golden\.jsonl must have the SHA-256"):
        verify(bundle)


def test_the_demo_holds(tmp_path: Path) -> None:
    """The embedded cases end to end, in a process of their own, with its terminal output away from a terminal."""
    command = [str(Path(sys.executable).with_name("selfsame")), "demo", "--check", "--out", "demo"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    assert "All holds." in result.stdout
    assert "\x1b" not in result.stdout
    assert result.stdout.count("rows that differ") == 4
    assert result.stdout.count("python 0 · lambda 0 · node 0 · js 0 · browser 0") == 4
    assert "simulated" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == ["bundles", "runs", "site"]
