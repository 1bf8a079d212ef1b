"""Load: clients that check every answer, for as long as told; memory stays flat and nothing goes wrong.

Run by `make load`. `--against url` drives `selfsame serve` (many callers at once), `--against runtime` the package in
Lambda's real runtime client under the emulator (one call at a time, as Lambda does it). The process's log, with metrics
and a capture record of every request, is read while it runs, and every line of it must be whole. Exit code 1 where an
answer was wrong, a line was torn or memory grew.
"""

import argparse
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from benchmarks.traffic import Ask, Traffic, resident, send, served
from deploy.emulator import BOOTSTRAP, emulate, machine_arch
from deploy.events import function_url_event
from deploy.package import build_package
from deploy.pythons import lambda_python
from export import export_bundle
from train.demo import loan_case
from train.fit import train_frame
from train.store import load_estimator

SETTINGS = {"POWERTOOLS_METRICS_NAMESPACE": "selfsame"}
MOST_SECONDS = 200_000  # times kept
CAPTURE = 0.1  # share of requests
MOST_GROWTH = 5.0  # MB between a tenth of the run and its end
SHOWN = 5  # wrong answers

Sending = Callable[[Ask], tuple[int, dict[str, str], bytes]]


@dataclass
class Run:
    """What one run has shown so far.

    Attributes:
        asked: requests by their kind.
        wrong: what was wrong with answers.
        seconds: how long each answer took; a sample.
        memory: MB, one figure a second.
        lines: of the log, by what they are; `torn` are no JSON.
    """

    asked: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    lines: Counter[str] = field(default_factory=Counter)

    @property
    def growth(self) -> float:
        """MB by which the process grew between a tenth of the run and its end."""
        return self.memory[-1] - self.memory[len(self.memory) // 10]

    @property
    def holds(self) -> bool:
        """Whether every answer was right, every line whole, and memory flat."""
        return bool(self.asked) and not self.wrong and not self.lines["torn"] and self.growth <= MOST_GROWTH


def main() -> int:
    """Drive one process and say what that showed."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=4, help="callers at once (of the runtime: 1)")
    parser.add_argument("--against", choices=("url", "runtime"), default="url")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="selfsame-load-") as name:
        bundle = _bundle(Path(name))
        traffic, run = Traffic(bundle, "binding"), Run()
        if options.against == "url":
            with _url(bundle, run) as (pid, sendings):
                drive(traffic, [next(sendings) for _ in range(options.clients)], pid, 60 * options.minutes, run)
        else:
            with _runtime(bundle, Path(name)) as (pid, sending):
                drive(traffic, [sending], pid, 60 * options.minutes, run)
    _show(run, options)
    return 0 if run.holds else 1


def drive(traffic: Traffic, sendings: list[Sending], pid: int, seconds: float, run: Run) -> None:
    """Send requests from a thread for each of `sendings`; what that shows is written into `run`."""
    end = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_client, args=(traffic, sending, random.Random(seed), end, run), daemon=True)
        for seed, sending in enumerate(sendings)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(min(1.0, seconds / 100))
        run.memory.append(resident(pid))


def _client(traffic: Traffic, sending: Sending, chance: random.Random, end: float, run: Run) -> None:
    start = 0.0
    while start < end:
        ask, start = traffic.draw(chance), time.monotonic()
        try:
            answer = sending(ask)
            wrong, _ = traffic.judge(ask, *answer)
        except Exception as error:
            wrong = f"{ask.way}: {error!r}"
        run.seconds.append(time.monotonic() - start)
        if len(run.seconds) > MOST_SECONDS:
            del run.seconds[::2]
        run.asked[ask.way] += 1
        if wrong is not None:
            run.wrong.append(wrong)


def _bundle(folder: Path) -> Path:
    """The boosted loan model, which captures a share of its requests in full."""
    run = train_frame(loan_case(), folder / "run")
    estimator = load_estimator(run.candidates["boosting"])
    return export_bundle(estimator, run.X, folder / "bundle", effort="quick", loggable=list(run.X), capture=CAPTURE)


@contextmanager
def _url(bundle: Path, run: Run) -> Iterator[tuple[int, Iterator[Sending]]]:
    """`selfsame serve` in a process of its own, its log read meanwhile; gives a connection to each client."""
    (bundle.parent / "site").mkdir()
    source, sink = os.pipe()
    with os.fdopen(source, "rb") as log, os.fdopen(sink, "wb", 0) as into:
        reader = threading.Thread(target=_read, args=(log, run), daemon=True)
        reader.start()
        with served(bundle, bundle.parent / "site", into, SETTINGS) as (process, port):
            into.close()
            yield process.pid, (partial(send, connection) for connection in _connections(port))
        reader.join()


def _connections(port: int) -> Iterator[http.client.HTTPConnection]:
    while True:
        yield http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def _read(log: IO[bytes], run: Run) -> None:
    for line in log:
        run.lines[kind_of_line(line)] += 1


def kind_of_line(line: bytes) -> str:
    """`capture`, `metrics` or another line of the handler's; `torn` where it is not one whole JSON object."""
    try:
        document = json.loads(line)
    except ValueError:
        return "torn"
    if not line.endswith(b"\n") or not isinstance(document, dict):
        return "torn"
    return "metrics" if "_aws" in document else str(document.get("selfsame", "other"))


@contextmanager
def _runtime(bundle: Path, folder: Path) -> Iterator[tuple[int, Sending]]:
    """The package in Lambda's runtime."""
    package = build_package(bundle, folder / "package", python=lambda_python(), arch=machine_arch())
    with emulate(package, SETTINGS) as call:

        def sending(ask: Ask) -> tuple[int, dict[str, str], bytes]:
            response = call(function_url_event(ask.method, ask.path, ask.body, ask.headers.items()))
            body = b64decode(response["body"]) if response["isBase64Encoded"] else response["body"].encode()
            return response["statusCode"], response["headers"], body

        call(function_url_event("GET", "/health"))
        yield _runtime_process(package), sending


def _runtime_process(package: Path) -> int:
    """The Python that runs a package: the emulator's child, told by its arguments."""
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (place / "cmdline").read_bytes().split(b"\0")
            if BOOTSTRAP.encode() in words and str(package.resolve()).encode() in words and b"-I" in words[1:2]:
                return int(place.name)
    raise RuntimeError("the runtime's process must be there; none was found")


def _show(run: Run, options: argparse.Namespace) -> None:
    count, times = sum(run.asked.values()), sorted(run.seconds)
    print(f"{options.against}: {count:,} requests in {options.minutes:g} minutes, {len(run.wrong):,} wrong answers")
    print("  " + ", ".join(f"{way} {number:,}" for way, number in sorted(run.asked.items())))
    print(
        f"  one answer: median {times[len(times) // 2] * 1e3:.1f} ms, 99 % {times[len(times) * 99 // 100] * 1e3:.1f} ms"
    )
    tenths = [run.memory[(len(run.memory) - 1) * k // 10] for k in range(1, 11)]
    print("  memory at each tenth of the run, MB: " + ", ".join(f"{each:.1f}" for each in tenths))
    print("  log: " + (", ".join(f"{name} {number:,}" for name, number in sorted(run.lines.items())) or "not read"))
    for wrong in run.wrong[:SHOWN]:
        print(f"  WRONG {wrong}", file=sys.stderr)
    if run.growth > MOST_GROWTH:
        print(f"  memory grew by {run.growth:.1f} MB; at most {MOST_GROWTH:g} are allowed", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
