"""Requests to one model whose answers are known beforehand, and a served process to send them to.

`load.py` and tests/test_lambda_reliability.py drive it. What a request must get is computed in this process, with the
other engine than the served one where both are installed.
"""

import contextlib
import csv
import gzip
import http.client
import io
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lambda_handler.predictor import Predictor
from lambda_handler.tensors import DATATYPES
from lambda_handler.text import write_cell

ROOT = Path(__file__).parent.parent
SECONDS = 60.0  # to start, and to answer
JSON = {"content-type": "application/json"}
GZIP = {"content-encoding": "gzip", "accept-encoding": "gzip"}
SERVER = "import sys; from pathlib import Path; from deploy.serve import serve; "
SERVER += "serve([Path(sys.argv[1])], Path(sys.argv[2]), port=int(sys.argv[3]))"

Row = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """A request and what it must get.

    Attributes:
        way: what kind of request it is.
        status: of the right answer.
        answers: as `Predictor.predict` gives them, without warnings; empty where no rows are asked about.
    """

    way: str
    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    status: int
    answers: tuple[Row, ...] = ()


class Traffic:
    """Draws requests to one bundle.

    Args:
        bundle: the folder.
        engine: computes what must be answered; None = the installed default.
    """

    def __init__(self, bundle: Path, engine: str | None = None) -> None:
        self._predictor = Predictor.load(bundle, engine)
        self._contract = self._predictor.contract
        self._base = [line["row"] for line in self._predictor.bundle.golden() if "answer" in line]
        self._ways = (self._one, self._one, self._many, self._csv, self._jsonl, self._tensors, self._refused, self._get)

    def draw(self, chance: random.Random) -> Ask:
        """The next request."""
        return chance.choice(self._ways)(chance)

    def row(self, chance: random.Random) -> Row:
        """A row that the contract takes: golden values recombined, numbers drawn anew from their range."""
        row = {feature.name: chance.choice(self._base)[feature.name] for feature in self._contract.features}
        for feature in self._contract.features:
            if feature.range is not None and row[feature.name] is not None and chance.random() < 0.7:
                low, high = feature.range
                drawn = chance.uniform(low, high)
                row[feature.name] = min(max(round(drawn), low), high) if feature.whole else drawn
        return row

    def judge(self, ask: Ask, status: int, headers: Mapping[str, str], body: bytes) -> tuple[str | None, list[str]]:
        """What is wrong with an answer, None where nothing is; and the ids of its predictions."""
        if status != ask.status:
            return f"{ask.way}: {status} instead of {ask.status}: {body[:300]!r}", []
        raw = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        if not ask.answers:
            json.loads(raw)
            return None, []
        if ask.way == "tensors":
            return self._judge_tensors(ask, json.loads(raw))
        found = (
            [json.loads(line) for line in raw.splitlines()] if ask.way == "jsonl" else json.loads(raw)["predictions"]
        )
        if len(found) != len(ask.answers):
            return f"{ask.way}: {len(found)} answers to {len(ask.answers)} rows", []
        told = [{name: each.get(name) for name in right} for each, right in zip(found, ask.answers, strict=True)]
        wrong = None if told == list(ask.answers) else f"{ask.way}: {told} instead of {ask.answers}"
        return wrong, [each["id"] for each in found]

    def _judge_tensors(self, ask: Ask, answer: Any) -> tuple[str | None, list[str]]:
        found = {output["name"]: output["data"] for output in answer["outputs"]}
        for name in ask.answers[0].get("targets", {None: None}):
            parts = [each if name is None else each["targets"][name] for each in ask.answers]
            for key in parts[0]:
                right = [part[key] for part in parts]
                flat = [n for each in right for n in each.values()] if isinstance(right[0], dict) else right
                told = found[key if name is None else f"{name}.{key}"]
                if told != flat:
                    return f"tensors: {key} is {told} instead of {flat}", []
        return None, found["id"]

    def _ask(self, way: str, rows: list[Row], body: bytes, headers: Mapping[str, str], path: str = "/predict") -> Ask:
        answers = self._predictor.predict(rows)
        bare = tuple({name: value for name, value in each.items() if name != "warnings"} for each in answers)
        return Ask(way, "POST", path, body, headers, 200, bare)

    def _one(self, chance: random.Random) -> Ask:
        row = self.row(chance)
        return self._ask("one", [row], json.dumps(row).encode(), JSON)

    def _many(self, chance: random.Random) -> Ask:
        rows = [self.row(chance) for _ in range(chance.randint(2, 60))]
        return self._ask("many", rows, gzip.compress(json.dumps({"rows": rows}).encode(), 1), {**JSON, **GZIP})

    def _csv(self, chance: random.Random) -> Ask:
        rows, text = [self.row(chance) for _ in range(5)], io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(rows[0])
        writer.writerows(map(write_cell, row.values()) for row in rows)
        return self._ask(
            "csv", rows, text.getvalue().encode(), {"content-type": "text/csv", "accept": JSON["content-type"]}
        )

    def _jsonl(self, chance: random.Random) -> Ask:
        rows, kind = [self.row(chance) for _ in range(5)], "application/jsonl"
        body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        return self._ask("jsonl", rows, body, {"content-type": kind, "accept": kind})

    def _tensors(self, chance: random.Random) -> Ask:
        rows = [self.row(chance) for _ in range(3)]
        inputs = [{"name": feature.name, "datatype": DATATYPES[feature.type], "shape": [len(rows)],
                   "data": [row[feature.name] for row in rows]} for feature in self._contract.features]  # fmt: skip
        path = f"/v2/models/{self._contract.name}/infer"
        return self._ask("tensors", rows, json.dumps({"inputs": inputs}).encode(), JSON, path)

    def _refused(self, chance: random.Random) -> Ask:
        bad = ((b'{"a":', 400), (b"{}", 422), (b'{"rows": []}', 422), (b"\xff", 400), (b'{"a": 1e999}', 400))
        body, status = chance.choice(bad)
        return Ask("refused", "POST", "/predict", body, JSON, status)

    def _get(self, chance: random.Random) -> Ask:
        return Ask("get", "GET", chance.choice(("/contract", "/health", "/v2/health/ready")), b"", {}, 200)


def send(connection: http.client.HTTPConnection, ask: Ask) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case, whole body.

    Raises:
        OSError, http.client.HTTPException: no whole answer came.
    """
    connection.request(ask.method, ask.path, ask.body, dict(ask.headers))
    response = connection.getresponse()
    body = response.read()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


@contextlib.contextmanager
def served(bundle: Path, site: Path, sink: IO[bytes], settings: Mapping[str, str]) -> Iterator[tuple[Any, int]]:
    """A process of its own that serves a bundle, until the block ends.

    Args:
        bundle: the folder.
        site: what lies at "/".
        sink: takes its log, stdout.
        settings: environment variables beside this process's own.

    Yields:
        The process, and its port on 127.0.0.1.
    """
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVER, str(bundle), str(site), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=sink, env={**os.environ, **settings}) as process:
        try:
            end = time.monotonic() + SECONDS
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"the served process must start; it ended with {process.poll()}")
                time.sleep(0.02)
            yield process, port
        finally:
            process.kill()


def _listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def resident(pid: int) -> float:
    """A process's resident memory in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
