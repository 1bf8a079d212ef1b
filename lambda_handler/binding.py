"""onnxruntime through its Python binding, and answers as NumPy arrays: what the export and its proofs work with."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from lambda_handler.answer import Form
from lambda_handler.contract import Contract

SILENT = 4  # onnxruntime logs fatal errors only: others are raised, and their text may quote a request
NUMPY_TYPES: Mapping[str, type] = {
    "float64": np.float64,
    "float32": np.float32,
    "int64": np.int64,
    "bool": np.bool_,
    "string": np.object_,
}

Columns = Sequence[npt.NDArray[Any]]

ort.disable_telemetry_events()


class Binding:
    """A session of the Python binding: an `Engine`."""

    def __init__(self, contract: Contract, model: bytes, threads: int) -> None:
        self._inputs = [(feature.input, NUMPY_TYPES[feature.dtype]) for feature in contract.features]
        self._outputs = contract.form.outputs
        self._session = make_session(model, threads)

    def run(self, columns: Sequence[Any], rows: int) -> list[npt.NDArray[Any]]:
        """See `Engine.run`."""
        feeds = {
            name: (np.array(column, dtype=kind) if isinstance(column, list) else column).reshape(rows, 1)
            for (name, kind), column in zip(self._inputs, columns, strict=True)
        }
        return [found.ravel() for found in self._session.run(self._outputs, feeds)]


def make_session(model: bytes, threads: int = 1) -> Any:
    """An onnxruntime session, on one thread so that sums have one order."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def answers_of(
    contract: Contract, found: Sequence[Any], rows: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Labels and numbers, as `Predictor.run` gives them, out of what a session gave for the form's outputs."""
    form = contract.form
    labels = np.asarray(found[0]).reshape(rows, form.labels) if form.labels else np.empty((rows, 0), dtype=np.int64)
    numbers = np.asarray(found[-1]).reshape(rows, form.width) if form.width else np.empty((rows, 0))
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
    positive, place, sign = form.held(threshold)
    return positive, sign * numbers[:, place]
