"""Fuzzed requests, for `make fuzz` and tests/test_lambda_fuzz.py.

A case is bytes: the first one chooses the model and the way in, the others are the body. `fuzz_oracle.py` says what
each must get, so that a wrong answer and a wrong refusal are seen as a crash is.
"""

import gzip
import io
import json
import random
import re
import struct
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.fuzz_oracle import (
    Answers,
    Model,
    RefusedBodyError,
    hold,
    hold_direct,
    hold_problem,
    hold_tensors,
    question_of,
    strict,
    table,
    text,
)
from deploy.events import function_url_event
from lambda_handler.direct import FailedError, RefusedError
from lambda_handler.problem import MAX_BYTES, MAX_ROWS
from tests.bundle_factory import Task, as_json, make_bundle, seal

MODELS = 3
JSON = "application/json"
TOKENS = [
    b'{"rows":[', b"]}", b'"', b":", b",", b"null", b"NaN", b"-Infinity", b"1e999", b"-0.0", b"5e-324", b"-", b"1",
    b"9" * 400, b"9" * 5000, b"true", b"\\ud800", b"\\u0000", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\n", b"\0", b";",
    b"[" * 2000, b'{"a":' * 2000, b'"text":true', b'"each":true', b'"Records":[]', b'"requestContext":{}', b"\xc2\x85",
    b'"data":', b'"shape":[1]', b'"datatype":"FP32"', b'"parameters":{"binary_data_size":8}', b"gzip", b"q=0.5", b"{}",
    b"content-encoding: gzip\n", b"accept: text/csv\n", b"charset=latin-1", b"\xee\x80\x80missing", b"e", b".",
    b"9007199254740993",
]  # fmt: skip
WORD = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\s,:{}\[\]"]+')
VALUES = [
    b"null", b"true", b"false", b"0", b"-1", b"41", b"40.5", b"4e4", b"1e300", b"1e999", b"-0.0", b"5e-324", b"150",
    b"2147483648", b"9223372036854775807", b"9223372036854775808", b"9007199254740993", b"0.1", b"[]", b"{}", b"[1]",
    b"[2]", b"[1,1]", b'"A"', b'"C"', b'"rent"', b'"boat"', b'""', b'" own "', b'"\\u00e9\\ud83d\\ude00"', b'"\\ud800"',
    b'"a:b"', b'"40"', b'"FP64"', b'"FP32"', b'"INT64"', b'"INT8"', b'"BOOL"', b'"BYTES"', b'"rows"', b'"text"',
    b'"each"', b'"income"', b'"grade"', b'{"binary_data_size":8}', b'{"binary_data":true}', b"own", b"rent", b"NA",
    b'"decision"', b'"label"', b'[{"name":"label"}]', b"text/csv", b"application/jsonl", b"*/*", b"gzip", b"utf-8",
    b'"explain"', b'{"samples":2}', b'{"seed":7}',
]  # fmt: skip
CONTEXT = SimpleNamespace(aws_request_id="3f0c9d5e-8a41-4f0b-9a53-2f6d1c7b8e90")


class Cases:
    """Runs cases.

    Args:
        bundles: the models, `MODELS` of them.

    Attributes:
        ways: the names of the ways in.
        seen: how often each way got each status.
    """

    def __init__(self, bundles: Sequence[Path]) -> None:
        self._models = [Model(bundle) for bundle in bundles]
        self._ways: list[Callable[[Model, bytes], int]] = [
            self._json, self._csv, self._jsonl, self._packed, self._gzip, self._base64, self._tensors, self._binary,
            self._direct, self._feedback, self._headers, self._event, self._capture,
        ]  # fmt: skip
        self.ways = [way.__name__[1:] for way in self._ways]
        self.seen: Counter[str] = Counter()

    def seeds(self) -> list[bytes]:
        """Whole requests of every way to every model."""
        found = []
        for place, model in enumerate(self._models):
            one, many = (json.dumps(value).encode() for value in (model.examples.one, model.examples.rows))
            texts = [model.examples.texts[kind].encode() for kind in ("text/csv", "application/jsonl")]
            tensors = json.dumps(model.examples.tensors).encode()
            feedback = json.dumps({"feedback": [{"id": f"{'a' * 24}-0", "outcome": 1}]}).encode()
            headers = b"content-type: application/json; charset=utf-8\naccept: text/csv;q=0.5, */*\n\n" + one
            event = json.dumps(function_url_event("POST", "/predict", one)).encode()
            direct = json.dumps({**model.examples.rows, "text": True, "each": True}).encode()
            told = {"model": model.examples.contract.model_sha256, "captures": [model.examples.captured()]}
            bodies = [one, *texts, many, gzip.compress(one), b64encode(one), tensors, struct.pack("<H", len(tensors)) +
                      tensors, direct, feedback, headers, event, json.dumps(told).encode()]  # fmt: skip
            found += [bytes([place * len(self._ways) + way]) + body for way, body in enumerate(bodies)]
            explained = json.dumps({**model.examples.rows, "explain": {"samples": 2}}).encode()
            found += [bytes([place * len(self._ways) + way]) + explained for way in (0, 3, 8)]
            found += [bytes([place * len(self._ways)]) + many, bytes([place * len(self._ways) + 8]) + one]
        return found

    def run(self, case: bytes) -> None:
        """Send one case.

        Raises:
            AssertionError: the answer is not what it must be.
        """
        place, way = divmod((case or b"\0")[0] % (MODELS * len(self._ways)), len(self._ways))
        with redirect_stdout(io.StringIO()) as log:
            status = self._ways[way](self._models[place], case[1:])
        self.seen[f"{self.ways[way]} {status}"] += 1
        for line in log.getvalue().splitlines():
            assert isinstance(json.loads(line), dict), line

    def _json(self, model: Model, body: bytes) -> int:
        response = _ask(model, "/predict", body, {"content-type": JSON})
        return hold(response, lambda: _asked(model, body))

    def _packed(self, model: Model, body: bytes) -> int:
        headers = {"content-type": JSON, "content-encoding": "gzip", "accept-encoding": "gzip"}
        response = _ask(model, "/predict", gzip.compress(body, 1), headers)
        return hold(response, lambda: _asked(model, body))

    def _gzip(self, model: Model, body: bytes) -> int:
        def right() -> tuple[Answers, bool]:
            try:
                content = gzip.GzipFile(fileobj=io.BytesIO(body)).read(MAX_BYTES + 1) if body else b""
            except (OSError, EOFError, zlib.error):
                raise RefusedBodyError(400, 413) from None
            return _asked(model, content)

        response = _ask(model, "/predict", body, {"content-type": JSON, "content-encoding": "gzip"})
        # gzip's own reader is laxer: it takes zeros behind a member and does not look at the header's checksum
        return hold(response, right, others=(400,))

    def _base64(self, model: Model, body: bytes) -> int:
        event = function_url_event("POST", "/predict", b"", [("content-type", JSON)])
        event |= {"body": body.decode("latin-1"), "isBase64Encoded": True}

        def right() -> tuple[Answers, bool]:
            try:
                content = b64decode(body, validate=True)
            except ValueError:
                raise RefusedBodyError(400) from None
            return _asked(model, content)

        return hold(model.handler(event, CONTEXT), right)

    def _csv(self, model: Model, body: bytes) -> int:
        response = _ask(model, "/predict", body, {"content-type": "text/csv", "accept": JSON})
        return hold(response, lambda: (model.right(table(model.contract, text(body))), False))

    def _jsonl(self, model: Model, body: bytes) -> int:
        def right() -> tuple[Answers, bool]:
            lines = [line for line in text(body).removeprefix("\ufeff").split("\n") if line.strip()]
            if not lines:
                raise RefusedBodyError(422)
            return model.right([strict(line) for line in lines[: MAX_ROWS + 1]]), False

        return hold(_ask(model, "/predict", body, {"content-type": "application/jsonl"}), right)

    def _tensors(self, model: Model, body: bytes) -> int:
        response = _ask(model, f"/v2/models/{model.contract.name}/infer", body, {"content-type": JSON})
        return hold_tensors(model, response, body, b"")

    def _binary(self, model: Model, body: bytes) -> int:
        length = int.from_bytes(body[:2], "little")
        headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(length)}
        response = _ask(model, f"/v2/models/{model.contract.name}/infer", body[2:], headers)
        return hold_tensors(model, response, body[2 : 2 + length], body[2 + length :])

    def _direct(self, model: Model, body: bytes) -> int:
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            return 0  # the runtime's own client refuses it
        if isinstance(event, dict) and "requestContext" in event:
            return self._event(model, body)
        try:
            answer = model.handler(event, CONTEXT)
        except RefusedError as error:
            document = json.loads(str(error))
            hold_problem(document, document["status"])
            status, found = document["status"], None
        except FailedError as error:
            raise AssertionError(f"a 5xx for {event!r}") from error
        else:
            status, found = 200, answer["predictions"]
        hold_direct(model, event, status, found)
        return status

    def _feedback(self, model: Model, body: bytes) -> int:
        response = _ask(model, "/feedback", body, {"content-type": JSON})
        return hold(response, None)

    def _capture(self, model: Model, body: bytes) -> int:
        return hold(_ask(model, "/capture", body, {"content-type": JSON}), None)

    def _headers(self, model: Model, body: bytes) -> int:
        head, _, rest = body.partition(b"\n\n")
        lines = (line.partition(":") for line in head.decode("latin-1").splitlines())
        pairs = [(name.strip(), value.strip()) for name, _, value in lines]
        return hold(model.handler(function_url_event("POST", "/predict", rest, pairs), CONTEXT), None)

    def _event(self, model: Model, body: bytes) -> int:
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            return 0
        if not isinstance(event, dict):
            return 0
        return hold(model.handler({"requestContext": None, **event}, CONTEXT), None)


def make_models(folder: Path) -> list[Path]:
    """The bundles of `MODELS` models, which capture every request and some of its values."""
    tasks: tuple[Task, ...] = ("classification", "regression", "several")
    return [_capturing(make_bundle(folder / task, task=task)) for task in tasks]


def _capturing(bundle: Path) -> Path:
    contract = json.loads((bundle / "contract.json").read_bytes())
    contract["capture"] = {"share": 1.0}
    for feature in contract["features"]:
        feature["loggable"] = feature["name"] in {"income", "home"}
    (bundle / "contract.json").write_bytes(as_json(contract))
    seal(bundle)
    return bundle


def mutated(case: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """A case changed in one to three places: a word for another, or bytes; the way in mostly stays."""
    body = bytearray(case[1:])
    words = chance.random() < 0.7
    for _ in range(chance.choice((1, 1, 2, 3))):
        if words:
            _change_word(body, chance)
        else:
            _change_bytes(body, others, chance)
    first = case[:1] if chance.random() < 0.95 else bytes([chance.randrange(256)])
    return first + bytes(body)


def _change_word(body: bytearray, chance: random.Random) -> None:
    found = list(WORD.finditer(body))
    if not found:
        return
    start, stop = chance.choice(found).span()
    old = bytes(body[start:stop])
    new = chance.choice((*VALUES, old + b"," + old, b"")) if chance.random() < 0.9 else chance.choice(TOKENS)
    body[start:stop] = new


def _change_bytes(body: bytearray, others: Sequence[bytes], chance: random.Random) -> None:
    start = chance.randint(0, len(body))
    stop = min(len(body), start + chance.choice((0, 1, 1, 2, 5, 20)))
    kind = chance.randrange(6)
    if kind == 0:
        body[start:stop] = chance.choice(TOKENS)
    elif kind == 1:
        body[start:stop] = chance.randbytes(stop - start)
    elif kind == 2:
        del body[start:stop]
    elif kind == 3:
        body[start:start] = body[chance.randint(0, start) : stop]
    elif kind == 4:
        other = chance.choice(others)
        cut = chance.randint(1, len(other))
        body[start:stop] = other[cut : cut + chance.randint(0, 60)]
    elif start < len(body):
        body[start] ^= 1 << chance.randrange(8)


def _asked(model: Model, body: bytes) -> tuple[Answers, bool]:
    rows, explained = question_of(strict(text(body)))
    return model.right(rows), explained


def _ask(model: Model, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    return model.handler(function_url_event("POST", path, body, headers.items()), CONTEXT)
