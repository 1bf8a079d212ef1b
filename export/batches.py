"""The same row alone, in batches of several sizes and on two threads: one answer each time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from export.distance import within
from export.errors import ExportError
from export.frame import Columns, take
from export.original import Answers
from export.tolerance import ROUNDING
from lambda_handler.golden import compare, replay
from lambda_handler.predictor import Predictor

SIZES = {"alone": 1, "of_2": 2, "of_7": 7, "of_1000": 1000}
THREADS = 2
NOT_ASKED = {"wasm": None, "wasm_reason": "this export was made without a replay in wasm"}

Replay = Callable[[Path, Sequence[Any]], list[dict[str, Any]]]
Answer = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]


def batches(predictor: Predictor, stored: tuple[Columns, Answers], decidable: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Ask stored rows alone, 2, 7 and 1,000 at once, and on two threads; hold each against the original.

    Args:
        predictor: of the finished contract.
        stored: accepted rows and the original's answers.
        decidable: which labels are compared, of shape (n_rows, n_labels).

    Returns:
        `rows`, and for each way how many rows have an answer that is not bit for bit that of all rows at once.

    Raises:
        ExportError: an answer is outside the tolerance (on two threads: of *rounding*, also of an identical export), or
            a decidable label differs.
    """
    values, answers = stored
    counts: dict[str, Any] = {"rows": len(values[0])}
    if not len(values[0]):
        return {**counts, **dict.fromkeys([*SIZES, "two_threads"], 0)}
    together = predictor.run(values)
    ways = {name: asked_by(predictor, values, size) for name, size in SIZES.items()}
    ways["two_threads"] = Predictor(predictor.bundle, THREADS).run(values)
    for name, found in ways.items():
        labels = ((found[0] != answers.labels) & decidable).any(axis=1)
        inside = within(predictor.contract, answers.numbers, found[1])
        if name == "two_threads":  # no runtime of ours has them: sums in another order are no more than that
            inside |= np.abs(found[1] - answers.numbers) <= ROUNDING * np.abs(answers.numbers).max(axis=0)
        outside = ~inside.all(axis=1) & ~answers.jumps
        if labels.any() or outside.any():
            raise ExportError(
                f"the exported graph was asked {name.replace('_', ' ')} and is not exact then: {int(labels.sum())} "
                f"labels differ and {int(outside.sum())} of {len(labels)} rows have numbers outside the tolerance",
                "Nothing was written. Please report this estimator.",
            )
        counts[name] = int(((found[0] != together[0]).any(axis=1) | (found[1] != together[1]).any(axis=1)).sum())
    return counts


def asked_by(predictor: Predictor, values: Columns, size: int) -> Answer:
    """The answers to rows that are asked so many at once; the last ones are filled up with the first."""
    rows = len(values[0])
    filled = np.arange(-(-rows // size) * size) % rows
    parts = [predictor.run(take(values, piece)) for piece in filled.reshape(-1, size)]
    return _joined(parts, rows)


def _joined(parts: Sequence[Answer], rows: int) -> Answer:
    labels, numbers = (np.concatenate(pieces)[:rows] for pieces in zip(*parts, strict=True))
    return labels, numbers


def wasm_counts(bundle: Path, golden: list[dict[str, Any]], replay_wasm: Replay) -> dict[str, Any]:
    """Ask the bundle in a folder as the page would, and hold the answers against the original's.

    Args:
        bundle: the folder.
        golden: its golden rows.
        replay_wasm: as `export_bundle` has it.

    Returns:
        `wasm`: how many rows have an answer that is not bit for bit that of Python, None where it could not be asked;
        and `wasm_reason`: why, None where it was.

    Raises:
        ExportError: an answer is outside the tolerance, or a decidable label differs.
    """
    rows = [line["row"] for line in golden]
    try:
        found = replay_wasm(bundle, rows)
    except RuntimeError as error:
        return {"wasm": None, "wasm_reason": str(error)}
    predictor = Predictor.load(bundle)
    for name, stratum in compare(predictor.contract, golden, found).items():
        if not stratum.holds:
            raise ExportError(
                f"the export was replayed in wasm and is not exact on {name} rows: {stratum.labels_differ} of "
                f"{stratum.rows} labels or rejections differ and {stratum.outside} have numbers outside the tolerance",
                "Nothing was written. Please report this estimator.",
            )
    mine = replay(predictor, rows)
    differ = sum(_plain(one) != _plain(other) for one, other in zip(mine, found, strict=True))
    return {"wasm": differ, "wasm_reason": None}


def _plain(answer: dict[str, Any]) -> object:
    if "rejected" in answer:
        return sorted((str(problem["feature"]), problem["kind"]) for problem in answer["rejected"])
    return {key: value for key, value in answer.items() if key != "warnings"}
