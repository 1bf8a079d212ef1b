"""The original estimator as the reference: its answers to rows, and the rows that it rejects."""

import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.decomposition import NMF, MiniBatchSparsePCA, SparsePCA
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 (without it scikit-learn hides the class)
from sklearn.impute import IterativeImputer
from sklearn.pipeline import Pipeline
from threadpoolctl import ThreadpoolController

from export.converters import REGISTRY
from export.errors import ExportError
from export.form import form_of, probabilities_of, table_of
from export.frame import MISSING_CODE, Columns, Schema, take
from export.support import core_of
from lambda_handler.answer import Form

_THREADS = ThreadpoolController()  # sums on several threads have no fixed order
ALONE = {NMF}  # it stops when a whole batch changes little
FLATTENING = {SparsePCA, MiniBatchSparsePCA}  # they give one row as one dimension: it is asked twice at once
SAMPLE = 3  # training rows that show the shapes of the answers


@dataclass(frozen=True)
class Answers:
    """What the original says to rows.

    Attributes:
        accepted: bool of shape (n_rows,): it answers, and with finite numbers.
        labels: int64 of shape (n_rows, n_labels), indices into the classes of each target; no column where the
            answers are numbers. Arbitrary where rejected.
        numbers: float64 of shape (n_rows, n_numbers), target after target; no column beside labels alone. NaN where
            rejected.
        jumps: bool of shape (n_rows,): the answer hangs on rounding (`export.settle`) and is compared no further; no
            row until that is known.
        unsure: bool of shape (n_rows, n_labels): the label hangs on rounding.
    """

    accepted: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.float64]
    jumps: npt.NDArray[np.bool_]
    unsure: npt.NDArray[np.bool_]

    def at(self, index: npt.NDArray[np.int64]) -> "Answers":
        """The answers to some of the rows."""
        return Answers(*(array[index] for array in self._arrays()))

    @staticmethod
    def joined(parts: Sequence["Answers"]) -> "Answers":
        """The answers to rows one part after the other."""
        return Answers(*(np.concatenate(arrays) for arrays in zip(*(part._arrays() for part in parts), strict=True)))

    @staticmethod
    def sure(
        accepted: npt.NDArray[np.bool_], labels: npt.NDArray[np.int64], numbers: npt.NDArray[np.float64]
    ) -> "Answers":
        """Answers of which none is known to hang on rounding."""
        return Answers(
            accepted, labels, numbers, np.zeros(len(accepted), dtype=bool), np.zeros(labels.shape, dtype=bool)
        )

    def _arrays(self) -> tuple[npt.NDArray[Any], ...]:
        return self.accepted, self.labels, self.numbers, self.jumps, self.unsure


class Original:
    """A fitted estimator, asked through frames of the dtypes that it was fitted on.

    Args:
        estimator: fitted; a copy is asked, on one thread, so that its sums have one order.
        schema: its columns.
        table: graph values of training rows; the first ones show the shapes of its answers.
        interval: around its values, as contract.json has it, or None; where an end is not finite the row is rejected.

    Attributes:
        document: what it answers, with the keys that contract.json has for it.
        form: the same, read.

    Raises:
        ExportError: what it answers has no form here.
    """

    def __init__(
        self, estimator: Any, schema: Schema, table: Columns, interval: Mapping[str, Any] | None = None
    ) -> None:
        self.schema = schema
        self._estimator = _single_threaded(estimator)
        sample = take(table, np.arange(min(SAMPLE, len(table[0]))))
        self.document = {**form_of(self._estimator, schema.frame(sample)), "interval": interval}
        try:
            self.form = Form(self.document)
        except ValueError as error:
            raise ExportError(str(error), "Give level, kind, low and high for a regressor of one target.") from error
        self._flattens = bool(FLATTENING & {type(step) for step in _steps(self._estimator)})
        self._known = [{value: i for i, value in enumerate(target.classes)} for target in self.form.targets]

    def answer(self, values: Sequence[npt.NDArray[Any]]) -> Answers:
        """Answer graph values, one array of shape (n_rows,) per column."""
        rows = len(values[0])
        answers = Answers.sure(
            np.zeros(rows, dtype=bool),
            np.zeros((rows, self.form.labels), dtype=np.int64),
            np.full((rows, self.form.width), np.nan),
        )
        with _THREADS.limit(limits=1):
            for index in asked_together(self._estimator, values):
                self._fill(values, index, answers)
        return answers

    def answer_alone(self, values: Columns) -> Answers:
        """The same, each row in a frame of its own."""
        parts = [self.answer(take(values, np.array([index]))) for index in range(len(values[0]))]
        return Answers.joined(parts)

    def _fill(
        self, values: Sequence[npt.NDArray[Any]], index: npt.NDArray[Any], answers: Answers, rejected: bool = False
    ) -> bool:
        """Ask for all rows at once; where that is rejected, for each half, down to the rejected rows.

        Each half is a frame of its own: a category column that another row gave an unseen category is another column.

        Args:
            values: graph values.
            index: of the rows.
            answers: filled.
            rejected: whether these rows are known to be rejected together, so that they are not asked for at once.

        Returns:
            Whether all were answered at once.
        """
        if not len(index):
            return True
        if not rejected or len(index) == 1:
            times = 2 if len(index) == 1 and self._flattens else 1
            if self._answered(self.schema.frame(take(values, np.repeat(index, times))), index, answers):
                return True
        if len(index) > 1:
            middle = len(index) // 2
            held = self._fill(values, index[:middle], answers)
            self._fill(values, index[middle:], answers, rejected=held)
        return False

    def _answered(self, frame: pd.DataFrame, index: npt.NDArray[Any], answers: Answers) -> bool:
        """Ask for a frame and fill its rows; False where it is rejected."""
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # unseen categories and overflows are meant here
                labels, numbers = self._ask(frame)
        except (ValueError, TypeError, IndexError):  # NA among texts: TypeError; CategoricalNB: IndexError
            return False
        answers.labels[index], answers.numbers[index] = labels[: len(index)], numbers[: len(index)]
        answers.accepted[index] = np.isfinite(answers.numbers[index]).all(axis=1)
        if self.form.interval is not None:
            ends = [self.form.interval.ends(value) for value in answers.numbers[index, 0].tolist()]
            answers.accepted[index] = np.isfinite(ends).all(axis=1)
        return True

    def _ask(self, part: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Labels and numbers, as `Answers` has them."""
        columns, model = self._through(part)
        predicted = table_of(model.predict(columns))
        if self.form.numbers == "value":
            return np.empty((len(part), 0), dtype=np.int64), predicted.astype(np.float64)
        targets = zip(self._known, predicted.T, strict=True)
        labels = np.array([[known[value] for value in column.tolist()] for known, column in targets], dtype=np.int64).T
        if self.form.numbers == "probabilities":
            return labels, probabilities_of(model.predict_proba(columns), self.form.labels)
        if self.form.numbers in {"scores", "items"}:
            found = model.decision_function(columns)
            return labels, np.asarray(found, dtype=np.float64).reshape(len(part), -1)
        return labels, np.empty((len(part), 0))

    def _through(self, part: pd.DataFrame) -> tuple[Any, Any]:
        """What the model itself reads, and the model: a pipeline's steps run once for its labels and numbers."""
        if type(self._estimator) is not Pipeline or len(self._estimator) == 1:
            return part, self._estimator
        return self._estimator[:-1].transform(part), self._estimator[-1]


def asked_together(estimator: Any, values: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[np.int64]]:
    """The rows of each question: all; with an IterativeImputer inside, those that miss the same columns; or one by one.

    What a factorisation says to a batch depends on the error of all its rows: the reference is the row alone.
    It answers a row that misses everything otherwise where another row of the batch does not, and what a missing value
    means must not depend on the rows beside it.
    """
    rows, kinds = len(values[0]), {type(step) for step in _steps(estimator)}
    if kinds & ALONE:
        return list(np.arange(rows)[:, None])
    if not rows or IterativeImputer not in kinds:
        return [np.arange(rows)]
    misses = [array == MISSING_CODE if array.dtype.kind == "O" else np.isnan(array) for array in values]
    groups = np.unique(np.stack(misses, axis=1), axis=0, return_inverse=True)[1]
    return [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]


def _steps(estimator: Any) -> Iterator[Any]:
    """The estimator and those inside it."""
    yield estimator
    for _, inner in REGISTRY[type(estimator)].members(estimator) if type(estimator) in REGISTRY else []:
        yield from _steps(inner)


def _single_threaded(estimator: Any) -> Any:
    alone = copy.deepcopy(estimator)
    for part in (alone, core_of(alone)[0]):
        jobs = {name: None for name in part.get_params() if name == "n_jobs" or name.endswith("__n_jobs")}
        part.set_params(**jobs)
    return alone
