"""Bundle -> answers. The handler, the local server, the replays and the proof all run these lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from lambda_handler.bundle import Bundle, read_bundle
from lambda_handler.contract import ContractError, Problem, Row, Warning_

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
    """The model of one bundle in onnxruntime, one thread.

    Args:
        bundle: as `read_bundle` gives it.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.contract = bundle.contract
        self._inputs = [(feature.input, NUMPY_TYPES[feature.dtype]) for feature in self.contract.features]
        self._session = make_session(bundle.model)
        outputs = self.contract.outputs
        self._classifies = self.contract.task == "classification"
        self._outputs = [outputs["label"], outputs["probabilities"]] if self._classifies else [outputs["value"]]
        threshold = self.contract.threshold
        if threshold is not None:
            self._positive = self.contract.classes.index(threshold["class"])

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
            One dict per row: `{"label", "probabilities", "warnings"}` or `{"value", "warnings"}`.

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
            bad = np.flatnonzero(~(finite.all(axis=1) if finite.ndim == 2 else finite))
            raise ContractError([_no_answer(int(index)) for index in bad])
        if labels is None:
            return [
                {"value": value, "warnings": warning} for value, warning in zip(numbers.tolist(), warnings, strict=True)
            ]
        return self._classifications(labels.tolist(), numbers.tolist(), warnings)

    def run(self, columns: Columns) -> tuple[npt.NDArray[np.int64] | None, npt.NDArray[np.float64]]:
        """Answer columns of graph values, without checking them.

        Args:
            columns: one array of shape (n_rows,) per feature, in contract order, of the contract's dtypes (strings as
                object arrays); missing numbers are NaN, missing strings the missing code.

        Returns:
            Labels, int64 of shape (n_rows,), as indices into the classes, and probabilities, float64 of shape
            (n_rows, n_classes); or None and values, float64 of shape (n_rows,).
        """
        rows = len(columns[0])
        parts = [self._run(columns, start) for start in range(0, max(rows, 1), BATCH)]
        results = parts[0] if len(parts) == 1 else [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
        if not self._classifies:
            return None, results[0]
        labels, probabilities = results
        if self.contract.threshold is not None:
            above = probabilities[:, self._positive] >= self.contract.threshold["value"]
            labels = np.where(above, self._positive, 1 - self._positive)
        return labels, probabilities

    def _run(self, columns: Columns, start: int) -> list[npt.NDArray[Any]]:
        feeds = {
            name: column[start : start + BATCH].reshape(-1, 1)
            for (name, _), column in zip(self._inputs, columns, strict=True)
        }
        results: list[npt.NDArray[Any]] = self._session.run(self._outputs, feeds)
        return results

    def _classifications(
        self, labels: list[int], probabilities: list[list[float]], warnings: list[list[Warning_]]
    ) -> list[dict[str, Any]]:
        classes, keys = self.contract.classes, self.contract.class_keys
        return [
            {"label": classes[label], "probabilities": dict(zip(keys, row, strict=True)), "warnings": warning}
            for label, row, warning in zip(labels, probabilities, warnings, strict=True)
        ]


def make_session(model: bytes) -> Any:
    """An onnxruntime session on one thread, so that sums have one order."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _no_answer(index: int) -> Problem:
    reason = "the model has no finite answer for this row: its numbers are too large. Send values within the ranges."
    return {"row": index, "feature": None, "kind": "no_answer", "reason": reason}
