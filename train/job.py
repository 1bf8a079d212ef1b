"""One piece of the comparison: search and fit a candidate on some rows and answer others. It runs anywhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from train.config import Config, Task
from train.evaluate import fit_pipeline
from train.models import build
from train.scores import DECIDING, LOWER_IS_BETTER, MAIN_SCORE, score
from train.search import INNER_FOLDS, SPACES, search
from train.split import Marks, RowNumbers, folds_of

FloatArray = npt.NDArray[np.float64]
RECENT = 10


@dataclass(frozen=True)
class Shared:
    """What all pieces need; it is sent to each worker once.

    Attributes:
        X: The train rows.
        y: Their target.
        marks: Their times or groups.
        task: Classification or regression.
        setting: `binary`, `multiclass` or `regression`.
        classes: In order; None for numbers.
        config: Of the project.
        seed: Of folds and models.
        log_target: Whether the logarithm of the target is learnt.
    """

    X: pd.DataFrame
    y: npt.NDArray[Any]
    marks: Marks
    task: Task
    setting: str
    classes: list[Any] | None
    config: Config
    seed: int
    log_target: bool

    def build(self, name: str, parameters: dict[str, Any] | None = None, *, calibrate: bool = True) -> Any:
        """Return the unfitted candidate."""
        settings, prepare = self.config.candidates, self.config.prepare
        return build(
            name,
            self.X,
            self.task,
            settings,
            self.seed,
            prepare,
            log_target=self.log_target,
            parameters=parameters,
            calibrate=calibrate,
        )


@dataclass(frozen=True)
class Piece:
    """A candidate on one fold, or (`held` empty) its search on all train rows."""

    name: str
    number: int
    train: RowNumbers
    held: RowNumbers

    @property
    def key(self) -> str:
        """The piece's name in the work folder."""
        return f"{self.name}-{self.number}"


@dataclass(frozen=True)
class Outcome:
    """What a piece gives: the answers to the held rows, the parameters that a search found, and the seconds it took."""

    answers: FloatArray
    parameters: dict[str, Any]
    seconds: float


def run_piece(shared: Shared, piece: Piece, deadline: float | None, threads: int) -> Outcome:
    """Search, fit and answer.

    One thread does the sums, so that their order and with it the last bits never vary.

    Args:
        shared: What all pieces need.
        piece: Which.
        deadline: As `time.time()` counts; None without one.
        threads: For the trees of a forest; they do not depend on it.

    Raises:
        OutOfTimeError: The deadline passed during a search.
    """
    began = time.perf_counter()
    with threadpool_limits(1):
        parameters = _searched(shared, piece, deadline)
        answers = np.empty(0)
        if len(piece.held):
            rows = _recent(shared, piece.train) if piece.name == "baseline" else piece.train
            fitted = fit_pipeline(shared.build(piece.name, parameters), shared.X.iloc[rows], shared.y[rows], threads)
            answers = answer(fitted, shared.X.iloc[piece.held], shared.classes)
    return Outcome(answers, parameters, time.perf_counter() - began)


def _recent(shared: Shared, rows: RowNumbers) -> RowNumbers:
    """Along time the baseline is what was last so: it sees the latest tenth of the rows only."""
    times = shared.marks.times
    if times is None:
        return rows
    return np.sort(rows[np.argsort(times[rows], kind="stable")][-max(len(rows) // RECENT, 30) :])


def _searched(shared: Shared, piece: Piece, deadline: float | None) -> dict[str, Any]:
    settings = shared.config.candidates
    space = SPACES.get((piece.name, shared.task))
    if settings.search == "none" or space is None:
        return {}
    X, y = shared.X.iloc[piece.train], shared.y[piece.train]
    told = shared.config.run.metric
    by_answer = told in DECIDING[shared.setting] and told not in ("balanced_accuracy", "f1", "accuracy", "cost")
    metric = str(told) if by_answer else MAIN_SCORE[shared.setting]
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0

    def better(fitted: Any, rows: pd.DataFrame, truth: npt.NDArray[Any]) -> float:
        return sign * score(truth, answer(fitted, rows, shared.classes), shared.classes, metric, shared.config.costs)

    inner = type(shared.config.split)(folds=INNER_FOLDS)
    return search(
        shared.build(piece.name, calibrate=False),
        space,
        X,
        y,
        list(folds_of(y, shared.task, shared.seed, inner, shared.marks.take(piece.train))),
        better,
        how=settings.search,
        trials=settings.trials,
        seed=shared.seed,
        prefix="regressor__" if shared.log_target else "",
        deadline=deadline,
    )


def answer(fitted: Any, X: pd.DataFrame, classes: list[Any] | None) -> FloatArray:
    """Return the probabilities, float64 of shape (n_rows, n_classes), or the values, of shape (n_rows,).

    A class that the model never saw has probability 0.
    """
    if classes is None:
        return np.asarray(fitted.predict(X), dtype=np.float64).reshape(len(X))
    found = np.asarray(fitted.predict_proba(X), dtype=np.float64)
    seen = fitted.classes_.tolist()
    if len(seen) == len(classes):
        return found
    full = np.zeros((len(X), len(classes)))
    full[:, [classes.index(label) for label in seen]] = found
    return full
