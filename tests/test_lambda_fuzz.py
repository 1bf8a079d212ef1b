"""Changed requests of every way in: no crash, no 5xx, no wrong answer and no wrong refusal (`make fuzz` goes on)."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fuzz_cases import Cases, make_models, mutated
from lambda_handler import decide, http, problem, strict_json
from lambda_handler.capture import write_line
from lambda_handler.contract import ContractError

CASES = 8000


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_models(tmp_path_factory.mktemp("fuzz"))


@pytest.fixture
def cases(bundles: list[Path], monkeypatch: pytest.MonkeyPatch) -> Cases:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "selfsame")
    return Cases(bundles)


def run_changed(cases: Cases, count: int = CASES) -> None:
    chance, seeds = random.Random(7), cases.seeds()
    for _ in range(count):
        case = mutated(chance.choice(seeds), seeds, chance)
        try:
            cases.run(case)
        except Exception as error:
            raise AssertionError(f"the case is {case!r}") from error


def test_changed_requests_are_answered_rightly_or_refused(cases: Cases) -> None:
    for seed in cases.seeds():
        cases.run(seed)
    assert {what.split()[0] for what, _ in cases.seen.items() if what.endswith(" 200")} == set(cases.ways)
    run_changed(cases)
    for way in cases.ways:
        refused = sum(count for what, count in cases.seen.items() if what.startswith(f"{way} 4"))
        assert cases.seen[f"{way} 200"] > 0, way
        assert refused > 0, way


def wrong_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member more of the answer: nothing that `Predictor.predict` gives."""
    given = decide.Decider._given

    def changed(self: Any, answer: Any, decision: Any) -> Any:
        return {name: 1 - value if name == "label" else value for name, value in given(self, answer, decision).items()}

    monkeypatch.setattr(decide.Decider, "_given", changed)


def lax_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON read as Python does, a key twice and NaN taken."""
    monkeypatch.setattr("lambda_handler.request.decode_json", json.loads)


def quick_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that stand twice are not looked for."""
    monkeypatch.setattr(strict_json, "_DECODER", strict_json._QUICK)


def refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Good rows are refused now and then."""
    turns = iter(range(10**9))

    def refuses(*arguments: Any) -> Any:
        if next(turns) % 50 == 49:
            raise ContractError([{"row": 0, "feature": None, "kind": "type", "reason": "none"}])
        return given(*arguments)

    given = http.read_question
    monkeypatch.setattr(http, "read_question", refuses)


def crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal that fails itself."""
    monkeypatch.setattr(problem.MediaTypeError, "__init__", lambda *_: 1 / 0)


def torn_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambda_handler.service.write_line", lambda line: write_line(line[:-1]))


@pytest.mark.parametrize("fault", [wrong_answer, lax_json, quick_json, refusal, crash, torn_line])
def test_a_fault_is_found(
    fault: Callable[[pytest.MonkeyPatch], None], cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    with pytest.raises(AssertionError, match="the case is"):
        run_changed(cases)
