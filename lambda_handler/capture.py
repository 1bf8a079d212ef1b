"""Capture records: what was answered, as JSON lines on stdout, with no value that the contract does not let out."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from os import urandom
from typing import Any

from lambda_handler.contract import Contract, is_missing
from lambda_handler.decide import PARTS, Decided
from lambda_handler.problem import encode_json

CAPTURE_FORMAT = 1
LINE_BYTES = 200_000  # a line of the log holds 256 KB


def chosen(share: float) -> bool:
    """Whether this request is among the share of captured ones."""
    return share > 0 and int.from_bytes(urandom(6)) < share * 2**48


def capture_lines(
    contract: Contract,
    model: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    answers: Sequence[Mapping[str, Any]],
    decided: Decided,
    request_id: str | None,
    *,
    source: str | None = None,
) -> Iterator[str]:
    """The records of one request: one, or several where it would be longer than a line of the log may be.

    Args:
        contract: says which features are loggable.
        model: name, version and SHA-256.
        rows: as answered.
        answers: the model's own, also where the caller got none.
        decided: what the caller got.
        request_id: Lambda's.
        source: who says so, where it is not this handler.
    """
    names = [feature.name for feature in contract.features if feature.loggable]
    complete = len(names) == len(contract.features)
    head = {"selfsame": "capture", "format": CAPTURE_FORMAT, "time": now(), "request_id": request_id, "model": model}
    head |= {"source": source} if source is not None else {}
    opening = encode_json(head)[:-1] + ',"predictions":['
    pieces: list[str] = []
    size = 0
    for row, answer, prediction, decision in zip(rows, answers, decided.predictions, decided.decisions, strict=True):
        entry = {
            "id": prediction["id"],
            "row": {name: None if is_missing(row[name]) else row[name] for name in names},
            "complete": complete,
            "answer": {part: answer[part] for part in PARTS if part in answer},
            "decision": decision,
        }
        piece = encode_json(entry)
        if len(piece.encode()) > LINE_BYTES:
            piece = encode_json({**entry, "row": {}, "complete": False})
        if pieces and size + len(piece.encode()) > LINE_BYTES:
            yield f"{opening}{','.join(pieces)}]}}"
            pieces, size = [], 0
        pieces.append(piece)
        size += len(piece.encode()) + 1
    yield f"{opening}{','.join(pieces)}]}}"


def now() -> str:
    """The time in UTC, as `2026-11-21T09:30:00.250Z`."""
    seconds = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds * 1000) % 1000:03d}Z"


def write_line(line: str) -> None:
    """Write one line to stdout, in one piece."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
