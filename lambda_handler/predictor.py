"""Bundle -> answers. The handler, the local server, the replays and the proof all run these lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from lambda_handler.answer import Form
from lambda_handler.bundle import Bundle, read_bundle
from lambda_handler.contract import Contract, ContractError, Problem, Row

BATCH = 4096  # rows per session.run: memory stays flat and a tree's nodes stay in cache
NUMPY_TYPES: Mapping[str, type] = {
    "float64": np.float64,
    "float32": np.float32,
    "int64": np.int64,
    "bool": np.bool_,
    "string": np.object_,
}

Columns = Sequence[npt.NDArray[Any]]


class Predictor:
    """The model of one bundle in onnxruntime.

    Args:
        bundle: as `read_bundle` gives it.
        threads: of the session; more than one only to show that it makes no difference.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self.bundle = bundle
        self.contract = bundle.contract
        self._inputs = [(feature.input, NUMPY_TYPES[feature.dtype]) for feature in self.contract.features]
        self._session = make_session(bundle.model, threads)
        self._form = self.contract.form
        self._outputs = self._form.outputs

    @classmethod
    def load(cls, path: Path | str) -> "Predictor":
        """Open the bundle at `path`.

        Raises:
            BundleError: it is no bundle, of another format, or a file has changed.
        """
        return cls(read_bundle(path))

    def predict(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Answer rows.

        Args:
            rows: mappings of feature name to value; None = missing.

        Returns:
            One dict per row: the answer as docs/bundle.md has it, and `warnings`.

        Raises:
            ContractError: lists every problem of every row.
        """
        values, warnings = self.contract.columns(rows)
        if not rows:
            return []
        columns: list[npt.NDArray[Any]] = [
            np.array(column, dtype=kind) for column, (_, kind) in zip(values, self._inputs, strict=True)
        ]
        labels, numbers = self.run(columns)
        finite = np.isfinite(numbers)
        if not finite.all():
            raise ContractError([_no_answer(int(index)) for index in np.flatnonzero(~finite.all(axis=1))])
        answers = list(map(self._form.write, labels.tolist(), numbers.tolist()))
        for answer, warning in zip(answers, warnings, strict=True):
            answer["warnings"] = warning
        return answers

    def run(self, columns: Columns) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Answer columns of graph values, without checking them.

        Args:
            columns: one array of shape (n_rows,) per feature, in contract order, of the contract's dtypes (strings as
                object arrays); missing numbers are NaN, missing strings the missing code.

        Returns:
            Labels, int64 of shape (n_rows, n_labels), as indices into the classes of each target (no column where the
            answers are numbers); and numbers, float64 of shape (n_rows, n_numbers), target after target (no column
            where there are labels alone).
        """
        rows = len(columns[0])
        parts = [self._run(columns, start) for start in range(0, max(rows, 1), BATCH)]
        labels, numbers = (
            parts[0] if len(parts) == 1 else [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
        )
        return labels, numbers

    def _run(self, columns: Columns, start: int) -> list[npt.NDArray[Any]]:
        feeds = {
            name: column[start : start + BATCH].reshape(-1, 1)
            for (name, _), column in zip(self._inputs, columns, strict=True)
        }
        found: list[npt.NDArray[Any]] = self._session.run(self._outputs, feeds)
        return list(answers_of(self.contract, found, len(columns[0][start : start + BATCH])))


def answers_of(
    contract: Contract, found: Sequence[npt.NDArray[Any]], rows: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Labels and numbers, as `Predictor.run` gives them, out of what a session gave for the form's outputs."""
    form = contract.form
    labels = found[0].reshape(rows, form.labels) if form.labels else np.empty((rows, 0), dtype=np.int64)
    numbers = found[-1].reshape(rows, form.width) if form.width else np.empty((rows, 0))
    if contract.threshold is not None:
        positive, number = decided(form, contract.threshold, numbers)
        above = number >= contract.threshold["value"]
        labels = np.where(above, positive, 1 - positive).reshape(-1, 1)
    return labels, numbers


def decided(
    form: Form, threshold: Mapping[str, Any], numbers: npt.NDArray[np.float64]
) -> tuple[int, npt.NDArray[np.float64]]:
    """The position of the threshold's class, and what is held against the threshold, float64 of shape (n_rows,).

    That is the class's probability or its score; the first class's score is minus the second's.
    """
    positive = form.targets[0].classes.index(threshold["class"])
    if form.numbers == "probabilities":
        return positive, numbers[:, positive]
    return positive, numbers[:, 0] if positive else -numbers[:, 0]


def make_session(model: bytes, threads: int = 1) -> Any:
    """An onnxruntime session, on one thread so that sums have one order."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _no_answer(index: int) -> Problem:
    reason = "the model has no finite answer for this row: its numbers are too large. Send values within the ranges."
    return {"row": index, "feature": None, "kind": "no_answer", "reason": reason}
