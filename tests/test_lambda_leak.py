"""Nothing that onnxruntime makes is kept: every object is counted, and the memory of a process stays flat."""

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bundle_factory import Task, make_bundle

from lambda_handler import session
from lambda_handler.bundle import Bundle, read_bundle
from lambda_handler.capi import Api
from lambda_handler.engine import EngineError, library
from lambda_handler.session import Session

ROOT = Path(__file__).parent.parent
ONE: list[list[Any]] = [[1.0], [40], ["A"], ["own"], [True]]
THREE: list[list[Any]] = [column * 3 for column in ONE]
LONG: list[list[Any]] = [[1.0], [40], ["A" * 9999], ["own"], [True]]
GROWTH = 1.0  # MB that a process may grow between its first requests and its last: the allocators' own moods


class Counted:
    """onnxruntime's functions, with the handles of what they made and did not yet release."""

    def __init__(self) -> None:
        api = Api(library() or "")
        self.alive: set[int] = set()
        self.made = 0
        self.environment, self.allocator = api.environment, api.allocator
        makers = {"CreateSessionOptions": 0, "CreateSessionFromArray": 4, "GetTensorTypeAndShape": 1}
        self.call = SimpleNamespace(**vars(api.call))
        for name, place in makers.items():
            setattr(self.call, name, self.maker(getattr(api.call, name), place))
        self.call.CreateTensorAsOrtValue = self.tensor(api.call.CreateTensorAsOrtValue)
        self.call.Run = self.run(api.call.Run)
        self.release = SimpleNamespace(
            **{name: self.releaser(function) for name, function in vars(api.release).items()}
        )

    def note(self, handle: int | None) -> None:
        assert handle is not None
        assert handle not in self.alive
        self.made += 1
        self.alive.add(handle)

    def maker(self, function: Callable[..., None], place: int) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            function(*arguments)
            self.note(arguments[place]._obj.value)

        return call

    def tensor(self, function: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            function(*arguments)
            self.note(session.c_void_p.from_address(arguments[4].value).value)

        return call

    def run(self, function: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            given = list(arguments[-1])
            function(*arguments)
            for before, after in zip(given, arguments[-1], strict=True):
                if before is None:
                    self.note(after)
                else:
                    assert before == after

        return call

    def releaser(self, function: Callable[..., None]) -> Callable[..., None]:
        def call(handle: Any) -> None:
            value = getattr(handle, "value", handle)
            if value is not None:
                self.alive.remove(value)  # a KeyError: released twice, or never made
            function(handle)

        return call


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    made = Counted()
    monkeypatch.setattr(session, "load", lambda path: made)
    return made


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Bundle]:
    folder, tasks = tmp_path_factory.mktemp("leak"), ("several", "labels")
    return {task: read_bundle(make_bundle(folder / task, task=task)) for task in tasks}


def use(bundle: Bundle) -> None:
    """Answer, and fail at each step: while filling, inside onnxruntime, and while reading."""
    ours = Session("", bundle.contract, bundle.model)
    for columns, rows in ((ONE, 1), (ONE, 1), (THREE, 3), (LONG, 1), (ONE, 1)):
        ours.run(columns, rows)
    for wrong in (["\0"], [None], [1.0], []):
        for k in (0, 2, 4):
            with suppress(ValueError, TypeError, AttributeError):
                ours.run([*ONE[:k], wrong, *ONE[k + 1 :]], 1)
            with suppress(ValueError, TypeError, AttributeError):
                ours.run([*THREE[:k], wrong * 3, *THREE[k + 1 :]], 3)
    names, found = ours._outputs, ours._found
    for _ in range(2):
        ours._outputs = session._names(["nothing"] * len(names))
        for columns, rows in ((ONE, 1), (THREE, 3)):
            with pytest.raises(EngineError, match=r"Invalid [Oo]utput"):
                ours.run(columns, rows)
        ours._outputs = names
        ours._found = [(kind, code, width + 1) for kind, code, width in found]
        with pytest.raises(EngineError, match="must hold"):
            ours.run(THREE, 3)
        ours._found = found
        ours.run(ONE, 1)
    with pytest.raises(EngineError):
        Session("", bundle.contract, b"garbage")


def test_every_object_is_released_once_also_after_failures(counted: Counted, bundles: dict[Task, Bundle]) -> None:
    for bundle in bundles.values():
        use(bundle)
    gc.collect()
    assert counted.made > 200
    assert counted.alive == set()


def test_a_tensor_that_is_not_released_is_counted(
    counted: Counted, bundles: dict[Task, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_release", lambda *_: None)
    use(bundles["labels"])
    gc.collect()
    assert counted.alive != set()


PROGRAM = """
import ctypes, json, resource, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from lambda_handler import session
from lambda_handler.predictor import Predictor
bundle, requests, leaks = sys.argv[2], int(sys.argv[3]), sys.argv[4] == "leaks"
if leaks:
    session._release = lambda *_: None
predictor = Predictor.load(bundle, "capi")
rows = [line["row"] for line in predictor.bundle.golden() if "answer" in line]
def resident():
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
def ask(count):
    for k in range(count):
        row = rows[k % len(rows)]
        predictor.predict([row] if k % 2 else [{**row, "grade": f"unseen {k}"}, row, row])
ask(1000)
before = resident()
ask(requests)
print(json.dumps(resident() - before))
assert "numpy" not in sys.modules and "onnxruntime" not in sys.modules
"""


def growth(bundle: Path, requests: int, leaks: str = "") -> float:
    """MB by which a fresh process grows over so many requests; it must end in peace."""
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(ROOT), str(bundle), str(requests), leaks],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stderr == ""
    return float(json.loads(told.stdout))


def test_memory_stays_flat(bundles: dict[Task, Bundle]) -> None:
    assert growth(bundles["several"].path, 5000) < GROWTH


def test_a_leak_is_seen(bundles: dict[Task, Bundle]) -> None:
    assert growth(bundles["several"].path, 5000, "leaks") > 3 * GROWTH


@pytest.mark.slow
def test_memory_stays_flat_over_100_000_requests(bundles: dict[Task, Bundle]) -> None:
    assert growth(bundles["several"].path, 100_000) < GROWTH
