"""Many callers at once, and a process that is killed under load: right answers or errors, and whole records."""

import http.client
import io
import json
import os
import random
import sys
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.fuzz_cases import make_models
from benchmarks.load import Run, drive, kind_of_line
from benchmarks.traffic import Ask, Traffic, send, served
from deploy.events import function_url_event
from lambda_handler.capture import write_line
from lambda_handler.engine import ENGINES
from lambda_handler.http import Handler, make_handler
from lambda_handler.predictor import Predictor

CONTEXT = SimpleNamespace(aws_request_id="3f0c9d5e-8a41-4f0b-9a53-2f6d1c7b8e90")
METRICS = {"POWERTOOLS_METRICS_NAMESPACE": "selfsame"}
CALLERS = 8


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Models that capture every request."""
    return make_models(tmp_path_factory.mktemp("reliability"))


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads change places as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def through(handler: Handler) -> Callable[[Ask], tuple[int, dict[str, str], bytes]]:
    def sending(ask: Ask) -> tuple[int, dict[str, str], bytes]:
        response = handler(function_url_event(ask.method, ask.path, ask.body, ask.headers.items()), CONTEXT)
        body = b64decode(response["body"]) if response["isBase64Encoded"] else response["body"].encode()
        return response["statusCode"], response["headers"], body

    return sending


def records_of(log: bytes) -> list[Any]:
    """The capture records of a log; each line but the last, cut one must be whole."""
    lines = log.split(b"\n")[:-1]
    assert {kind_of_line(line + b"\n") for line in lines} <= {"capture", "metrics"}
    return [record for record in map(json.loads, lines) if record.get("selfsame") == "capture"]


def ids_of(log: bytes) -> list[str]:
    return [prediction["id"] for record in records_of(log) for prediction in record["predictions"]]


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("place", range(3))
def test_callers_at_once_get_their_own_answers_and_whole_records(
    engine: str, place: int, bundles: list[Path], monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    monkeypatch.setenv("SELFSAME_ENGINE", engine)
    for name, value in METRICS.items():
        monkeypatch.setenv(name, value)
    other = ENGINES[1 - ENGINES.index(engine)]
    traffic, sending = Traffic(bundles[place], other), through(make_handler(bundles[place]))

    def call(seed: int) -> list[str]:
        chance, given = random.Random(seed), []
        for _ in range(60):
            ask = traffic.draw(chance)
            wrong, ids = traffic.judge(ask, *sending(ask))
            assert wrong is None
            given += ids
        return given

    with ThreadPoolExecutor(CALLERS) as pool:
        ids = [each for given in pool.map(call, range(CALLERS)) for each in given]
    assert len(ids) == len(set(ids)) > 1000
    assert sorted(ids) == sorted(ids_of(capfdbinary.readouterr().out))


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("engine", ENGINES)
def test_one_predictor_serves_many_threads(engine: str, bundles: list[Path]) -> None:
    traffic, chance = Traffic(bundles[2], engine), random.Random(3)
    batches = [[traffic.row(chance) for _ in range(chance.choice((1, 1, 1, 2, 40)))] for _ in range(400)]
    predictor = Predictor.load(bundles[2], engine)
    alone = [predictor.predict(rows) for rows in batches]
    with ThreadPoolExecutor(CALLERS) as pool:
        assert list(pool.map(predictor.predict, batches * 3)) == alone * 3


@pytest.mark.parametrize("place", range(3))
def test_answers_of_another_caller_are_seen(place: int, bundles: list[Path]) -> None:
    traffic, chance = Traffic(bundles[place]), random.Random(5)
    sending = through(make_handler(bundles[place]))
    asks = [ask for ask in (traffic.draw(chance) for _ in range(200)) if ask.answers]
    for way in ("one", "many", "csv", "jsonl", "tensors"):
        first, second = [ask for ask in asks if ask.way == way][:2]
        assert traffic.judge(first, *sending(first))[0] is None
        _, headers, body = sending(second)
        assert traffic.judge(first, 200, headers, body)[0] is not None


def test_a_line_is_written_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call of the system for each: nothing comes between, and a kill cuts the last line alone."""
    pieces: list[bytes] = []

    class Raw(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, content: Any) -> int:
            pieces.append(bytes(content))
            return len(content)

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(Raw()), encoding="utf-8"))
    lines = ["é" * size for size in (0, 1, 4000, 4096, 8191, 8192, 8193, 100_000, 250_000, 3)]
    for line in lines:
        write_line(line)
    assert pieces == [f"{line}\n".encode() for line in lines]


@dataclass
class Killed:
    """What clients saw of a process that was killed, and what it had written."""

    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    log: bytes = b""

    def check(self) -> None:
        """Every call ended in its right answer or an error, and every answer had been captured before."""
        assert not self.wrong
        assert set(self.ids) <= set(ids_of(self.log))


def kill_under_load(bundle: Path, folder: Path, seed: int) -> Killed:
    """Serve a bundle, ask from some threads, and kill the process at a random moment."""
    chance, seen, traffic = random.Random(seed), Killed(), Traffic(bundle, "binding")
    begun = threading.Event()
    (folder / "site").mkdir(exist_ok=True)

    def call(port: int, draws: random.Random) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            while True:
                ask = traffic.draw(draws)
                try:
                    answer = send(connection, ask)
                except (OSError, http.client.HTTPException) as error:
                    seen.failed.append(repr(error))
                    return
                wrong, ids = traffic.judge(ask, *answer)
                seen.wrong += [] if wrong is None else [wrong]
                seen.ids += ids
                begun.set()

    log = folder / f"log-{seed}"
    with log.open("ab", 0) as sink, served(bundle, folder / "site", sink, METRICS) as (process, port):
        threads = [threading.Thread(target=call, args=(port, random.Random(k)), daemon=True) for k in range(4)]
        for thread in threads:
            thread.start()
        assert begun.wait(60)
        time.sleep(chance.uniform(0.0, 0.5))
        process.kill()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
    seen.log = log.read_bytes()
    return seen


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_process_leaves_right_answers_and_whole_records(
    seed: int, bundles: list[Path], tmp_path: Path
) -> None:
    seen = kill_under_load(bundles[seed], tmp_path, seed)
    seen.check()
    assert len(seen.failed) == 4
    assert seen.ids


@pytest.mark.slow
def test_a_killed_process_leaves_right_answers_and_whole_records_every_time(
    bundles: list[Path], tmp_path: Path
) -> None:
    for seed in range(100, 125):
        seen = kill_under_load(bundles[seed % 3], tmp_path, seed)
        seen.check()
        assert len(seen.failed) == 4


def test_a_torn_record_and_a_lost_one_are_seen() -> None:
    line = b'{"selfsame": "capture", "predictions": [{"id": "a-0"}]}\n'
    Killed(ids=["a-0"], log=line + line[:20]).check()
    for log in (line[:20] + b"\n" + line, line[:30] + line, line[:-1], b""):
        with pytest.raises(AssertionError):
            Killed(ids=["a-0"], log=log).check()
    with pytest.raises(AssertionError):
        Killed(wrong=["one: 500"]).check()


def test_a_short_load_holds(bundles: list[Path]) -> None:
    run = Run()
    sendings = [through(make_handler(bundles[0]))] * 2
    drive(Traffic(bundles[0]), sendings, os.getpid(), 1.0, run)
    assert run.asked.total() > 50
    assert run.wrong == []


def test_a_load_that_goes_wrong_is_told(bundles: list[Path]) -> None:
    def fails(ask: Ask) -> Any:
        raise ConnectionResetError

    run = Run()
    drive(Traffic(bundles[0]), [fails], os.getpid(), 0.05, run)
    assert run.wrong
    assert not run.holds
    good: dict[str, Any] = {"asked": {"one": 1}, "memory": [50.0] * 20}
    assert Run(**good).holds
    assert not Run(**{**good, "memory": [50.0] * 19 + [56.0]}).holds
    assert not Run(**{**good, "asked": {}}).holds
    torn = Run(**good)
    torn.lines["torn"] = 1
    assert not torn.holds
    kinds = {
        b'{"_aws": {}}\n': "metrics",
        b'{"selfsame": "feedback"}\n': "feedback",
        b'{"a": 1}': "torn",
        b"[]\n": "torn",
    }
    assert {line: kind_of_line(line) for line in kinds} == kinds
