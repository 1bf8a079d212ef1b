"""The original estimator as the reference: its answers to rows, and the rows that it rejects."""

import copy
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import ThreadpoolController

from export.frame import Columns, Schema, take
from export.support import core_of

_THREADS = ThreadpoolController()  # sums on several threads have no fixed order


@dataclass(frozen=True)
class Answers:
    """What the original says to rows.

    Attributes:
        accepted: bool of shape (n_rows,): it answers, and with finite numbers.
        labels: int64 of shape (n_rows,), indices into the classes; None for a regressor. Arbitrary where rejected.
        numbers: float64 of shape (n_rows, n_classes) or (n_rows, 1); NaN where rejected.
    """

    accepted: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.int64] | None
    numbers: npt.NDArray[np.float64]


class Original:
    """A fitted estimator, asked through frames of the dtypes that it was fitted on.

    Args:
        estimator: fitted; a copy is asked, on one thread, so that its sums have one order.
        schema: its columns.
    """

    def __init__(self, estimator: Any, schema: Schema) -> None:
        self.schema = schema
        self._estimator = _single_threaded(estimator)
        self.classifies = hasattr(estimator, "classes_")
        self.classes: list[Any] = np.asarray(estimator.classes_).tolist() if self.classifies else []
        self.threshold, self.positive = core_of(estimator)[1:]

    def answer(self, values: Sequence[npt.NDArray[Any]]) -> Answers:
        """Answer graph values, one array of shape (n_rows,) per column."""
        rows = len(values[0])
        width = len(self.classes) if self.classifies else 1
        numbers = np.full((rows, width), np.nan)
        labels = np.zeros(rows, dtype=np.int64)
        with _THREADS.limit(limits=1):
            self._fill(self.schema.frame(values), np.arange(rows), numbers, labels)
        accepted = np.isfinite(numbers).all(axis=1)
        return Answers(accepted, labels if self.classifies else None, numbers)

    def answer_alone(self, values: Columns) -> Answers:
        """The same, each row in a frame of its own."""
        parts = [self.answer(take(values, np.array([index]))) for index in range(len(values[0]))]
        labels = [part.labels for part in parts if part.labels is not None]
        return Answers(
            np.concatenate([part.accepted for part in parts]),
            np.concatenate(labels) if labels else None,
            np.concatenate([part.numbers for part in parts]),
        )

    def _fill(
        self, frame: pd.DataFrame, index: npt.NDArray[Any], numbers: npt.NDArray[Any], labels: npt.NDArray[Any]
    ) -> None:
        """Ask for all rows at once; where that is rejected, for each half, down to the rejected rows."""
        if not len(index):
            return
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # unseen categories and overflows are meant here
                part = frame.iloc[index]
                if self.classifies:
                    found = self._estimator.predict_proba(part)
                    labels[index] = self._indices(self._estimator.predict(part))
                    numbers[index] = found
                else:
                    numbers[index] = np.asarray(self._estimator.predict(part), dtype=np.float64).reshape(len(index), 1)
        except (ValueError, TypeError):  # scikit-learn says TypeError where NA stands among texts
            if len(index) > 1:
                middle = len(index) // 2
                self._fill(frame, index[:middle], numbers, labels)
                self._fill(frame, index[middle:], numbers, labels)

    def _indices(self, labels: npt.NDArray[Any]) -> list[int]:
        known = {value: index for index, value in enumerate(self.classes)}
        return [known[label] for label in np.asarray(labels).tolist()]


def _single_threaded(estimator: Any) -> Any:
    alone = copy.deepcopy(estimator)
    for part in (alone, core_of(alone)[0]):
        jobs = {name: None for name in part.get_params() if name == "n_jobs" or name.endswith("__n_jobs")}
        part.set_params(**jobs)
    return alone
