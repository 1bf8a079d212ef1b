"""Answer rows in the real Lambda runtime: HTTP events in, predictions out."""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.emulator import emulate, machine_arch
from deploy.events import function_url_event
from deploy.package import build_package
from deploy.pythons import lambda_python
from lambda_handler.decide import PARTS
from lambda_handler.service import AUTOMATION

BATCH = 250  # rows per event: well under Lambda's 6 MB in both directions
ANSWER = (*PARTS, "warnings")  # of a prediction; what was decided, and its id, is no part of the model's answer

Answer = dict[str, Any]


@dataclass(frozen=True)
class LambdaReplay:
    """Rows answered by the runtime.

    Attributes:
        answers: per row a prediction with its warnings, or `{"rejected": [problem, …]}` (each problem's `row` is the
            row's index among all rows).
        events: events that the runtime answered.
        python: the version of Python it ran, such as "3.13.0".
    """

    answers: list[Answer]
    events: int
    python: str


class ReplayError(RuntimeError):
    """The handler gave an answer that no row may get."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"A row is answered (200) or rejected (422); the handler said {status}: {body[:500]}")


def run_lambda(bundle: Path, rows: Sequence[dict[str, Any]]) -> LambdaReplay:
    """Answer rows out of a package built for the bundle, run by the Lambda runtime.

    Args:
        bundle: a bundle folder.
        rows: mappings of feature name to value; None = missing. A row with NaN or an infinite number cannot be sent
            as JSON and must not be among them.

    Returns:
        One answer per row, floats exact, and what ran.

    Raises:
        BundleError, PackageError, EmulatorError: as their modules say.
        ReplayError: the handler answered with another status than 200 or 422.
    """
    with tempfile.TemporaryDirectory(prefix="selfsame-replay-") as folder:
        package = build_package(bundle, Path(folder) / "package", python=lambda_python(), arch=machine_arch())
        with emulate(package, {AUTOMATION: "full"}) as runtime:  # the model's answer itself, whatever becomes of it
            return LambdaReplay(answer_rows(runtime, rows), runtime.events, runtime.python)


def answer_rows(call: Callable[[dict[str, Any]], dict[str, Any]], rows: Sequence[dict[str, Any]]) -> list[Answer]:
    """Answer rows through Function URL events, `BATCH` at a time.

    A batch with rejected rows is answered 422, which names them; they are set aside and the others sent again.

    Args:
        call: event in, response out.
        rows: as for `run_lambda`.
    """
    answers: dict[int, Answer] = {}
    for start in range(0, len(rows), BATCH):
        waiting = list(range(start, min(start + BATCH, len(rows))))
        while waiting:
            settled = _send(call, rows, waiting)
            answers |= settled
            waiting = [index for index in waiting if index not in settled]
    return [answers[index] for index in range(len(rows))]


def _send(
    call: Callable[[dict[str, Any]], dict[str, Any]], rows: Sequence[dict[str, Any]], indices: list[int]
) -> dict[int, Answer]:
    """Send the rows at `indices`; returns the answers that this settles, at least one."""
    body = json.dumps({"rows": [rows[index] for index in indices]}, allow_nan=False).encode()
    response = call(function_url_event("POST", "/predict", body))
    document = json.loads(response["body"])
    if response["statusCode"] == 200:
        answers = [
            {key: prediction[key] for key in ANSWER if key in prediction} for prediction in document["predictions"]
        ]
        return dict(zip(indices, answers, strict=True))
    if response["statusCode"] != 422:
        raise ReplayError(response["statusCode"], response["body"])
    rejected: dict[int, Answer] = {}
    for problem in document["errors"]:
        index = indices[problem["row"]]
        rejected.setdefault(index, {"rejected": []})["rejected"].append({**problem, "row": index})
    if document["error_count"] > len(document["errors"]) and len(rejected) > 1:
        rejected.popitem()  # the list was cut, perhaps within its last row
    return rejected
