"""The served API keeps to the document that it serves (`make schemathesis` sends 10,000 cases and more)."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.schema_cases import run
from lambda_handler.http import _Routes
from tests.bundle_factory import Task, make_bundle, seal

FEW = ("--seed", "7", "--no-shrink", "--phases", "examples,fuzzing")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


@pytest.mark.parametrize("task", ["classification", "several"])
def test_every_check_holds(task: Task, site: Path, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "tiny", task=task)
    contract = json.loads((bundle / "contract.json").read_text())
    contract["features"][2]["loggable"], contract["capture"] = True, {"share": 0.5}
    (bundle / "contract.json").write_text(json.dumps(contract))
    seal(bundle)
    outcome = run(bundle, site, 12, *FEW)
    assert outcome.holds, outcome.said
    assert outcome.cases > 25


def fails(*_: Any) -> Any:
    raise RuntimeError


def answers(body: str) -> Any:
    told = {"content-type": "application/json"}
    return lambda *_: {"statusCode": 200, "headers": told, "body": body, "isBase64Encoded": False}


@pytest.mark.parametrize(("route", "said"), [(fails, "Server error"), (answers("7"), "violates schema")])
def test_a_fault_is_found(route: Any, said: str, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Routes, "_feedback", route)
    few = ("--phases", "examples", "--include-path", "/feedback")
    outcome = run(make_bundle(tmp_path / "tiny"), site, 1, *few)
    assert not outcome.holds
    assert said in outcome.said
