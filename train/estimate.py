"""Tells beforehand how long training on a large table will take, from fits and judgements on a few of its rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from train.evaluate import RESAMPLES, fit_pipeline
from train.job import Shared, answer
from train.judged import DRAWS, DRAWS_OF_MANY, MANY, Judged, draws_of, score_functions
from train.record import frame_to_parquet
from train.search import INNER_FOLDS, SPACES
from train.slices import worst_slices
from train.split import folds_of

LARGE = 50_000
ONE_IN = 40  # of the train rows so many are timed
FEWEST, MOST = 8_000, 100_000
KEPT = 4 / 3  # rows of the last fit (train and validation rows) for each train row
STEEPEST = {"svm": 2.0, "knn": 2.0}  # the power of the rows that a candidate takes; of all others the first
Curve = Callable[[float], float]


class Span(NamedTuple):
    """How long something takes.

    Attributes:
        seconds: That will pass if other programs go on as they do.
        cpu: Seconds of a processor: what will pass where no other program runs, and one thread works.
    """

    seconds: float
    cpu: float

    def __str__(self) -> str:
        return f"{shown(self.seconds)} ({shown(self.cpu)} of a processor)"


def estimate(shared: Shared, jobs: int = 1) -> dict[str, Span]:
    """Return about how long each candidate and the rest will take.

    Of a candidate these are folds, search, threshold and last fit; `the rest` judges the chosen one and writes the run.
    A candidate is fitted on a fortieth of the rows and on a quarter of these; the growth between the two goes on. With
    a search it has the middle of every parameter's values.

    Args:
        shared: What the comparison gets.
        jobs: Processes among which the folds are divided.
    """
    settings, rows = shared.config, len(shared.y)
    pairs = folds_of(shared.y, shared.task, shared.seed, settings.split, shared.marks)
    folds = [(len(seen), len(held)) for seen, held in pairs]
    found: dict[str, Span] = {}
    for name in settings.candidates.names:
        fit, reply, slow = _curves(shared, name)
        search = _search(shared, name, fit)
        divided = sum(fit(seen) + search(seen) + reply(held) for seen, held in folds)
        once = search(rows) + fit(rows) + fit(KEPT * rows) + reply(rows)
        found[name] = Span(slow * (divided / min(jobs, len(folds)) + once), divided + once)
    test = settings.split.test
    return {**found, "the rest": _rest(shared, rows * test / (0.75 * (1 - test)))}


def total(spans: Iterable[Span]) -> Span:
    """Return the sum of spans."""
    seconds, cpu = zip(*spans, strict=True)
    return Span(sum(seconds), sum(cpu))


def _counts(shared: Shared) -> tuple[int, int]:
    most = int(np.clip(len(shared.y) // ONE_IN, FEWEST, MOST))
    return most // 4, most


def _curves(shared: Shared, name: str) -> tuple[Curve, Curve, float]:
    """Return the processor seconds of a fit and of the answers by the number of rows, and how slow these pass."""
    counts = _counts(shared)
    timed = [_seconds(shared, name, count) for count in counts]
    fits, replies = [each[0] for each in timed], [each[1] for each in timed]
    most = STEEPEST.get(name, 1.0)
    return curve(counts, fits, most), curve(counts, replies, most), _slowness(timed)


def _rest(shared: Shared, test_rows: float) -> Span:
    """Return how long it takes to judge so many test rows and to write all: intervals, slices, files."""
    counts = _counts(shared)
    draws = RESAMPLES + (DRAWS if test_rows <= MANY else DRAWS_OF_MANY)
    timed = [_judging(shared, count) for count in counts]
    score, more = [each[0] for each in timed], [each[1] for each in timed]
    cpu = draws * curve(counts, score)(test_rows) + curve(counts, more)(test_rows)
    return Span(_slowness(timed) * cpu, cpu)


def _slowness(timed: list[tuple[float, float, float]]) -> float:
    """Return the seconds that pass for a processor second: other programs, and several threads."""
    return sum(each[2] for each in timed) / sum(each[0] + each[1] for each in timed)


def _judging(shared: Shared, count: int) -> tuple[float, float, float]:
    """Return processor seconds of one draw of an interval and of all that is done once, and the seconds of both.

    So many rows are judged, with made-up answers.
    """
    rows, draw = _drawn(shared, count), np.random.default_rng(shared.seed)
    X, y, classes = shared.X.iloc[rows].reset_index(drop=True), shared.y[rows], shared.classes
    answer_, probability = y, None
    if classes is not None:
        probability = draw.dirichlet(np.ones(len(classes)), count)
        answer_ = np.array(classes, dtype=y.dtype)[probability.argmax(axis=1)]
    costs, positive = shared.config.costs, None if classes is None else classes[-1]
    judged = Judged(X, y, answer_, probability, classes, positive, costs, rows, pd.DataFrame())
    clock, began = time.perf_counter(), time.process_time()
    functions = score_functions(judged)
    worst_slices(X, judged.loss)
    frame_to_parquet(X)
    between = time.process_time()
    weight = next(draws_of(count))
    for function in functions.values():
        function(weight)
    return time.process_time() - between, between - began, time.perf_counter() - clock


def _drawn(shared: Shared, count: int) -> npt.NDArray[Any]:
    return np.sort(np.random.default_rng(shared.seed).permutation(len(shared.y))[:count])


def curve(counts: tuple[int, int], seconds: Sequence[float], most: float = 1.0) -> Curve:
    """Return the seconds of more rows from those of two numbers of rows.

    What grows as fast as the rows or faster goes on as a power of them; all else as a constant part and a part in
    proportion.

    Args:
        counts: The two numbers of rows.
        seconds: Of a processor, for each.
        most: The largest power; few rows show fewer levels, so that what is in proportion looks steeper at first.
    """
    (small, large), (first, second) = counts, (max(each, 1e-9) for each in seconds)
    power = float(np.clip(np.log(second / first) / np.log(large / small), 0.0, most))
    if power >= 1:
        return lambda rows: second * (rows / large) ** power
    each = max(second - first, 0.0) / (large - small)
    return lambda rows: second + each * (rows - large)


def _search(shared: Shared, name: str, fit: Curve) -> Curve:
    """Return the seconds of a search by the number of its rows."""
    settings = shared.config.candidates
    if settings.search == "none" or (name, shared.task) not in SPACES:
        return lambda _: 0.0
    share, inner = 1 - 1 / INNER_FOLDS, INNER_FOLDS
    if settings.search == "optuna":
        return lambda rows: settings.trials * inner * fit(share * rows)
    stages = [(settings.trials / 3**stage, 3.0 ** (stage - 2)) for stage in range(3)]  # settings, and of the rows
    return lambda rows: sum(count * inner * fit(share * part * rows) for count, part in stages)


def _seconds(shared: Shared, name: str, count: int) -> tuple[float, float, float]:
    """Fit on some rows, answer as many, and return the processor seconds of either and the seconds of both."""
    rows = _drawn(shared, count)
    X, y = shared.X.iloc[rows].reset_index(drop=True), shared.y[rows]
    space = SPACES.get((name, shared.task), {}) if shared.config.candidates.search != "none" else {}
    estimator = shared.build(name, {key: values[len(values) // 2] for key, values in space.items()})
    with threadpool_limits(1):
        clock, began = time.perf_counter(), time.process_time()
        fitted = fit_pipeline(estimator, X, y)
        between = time.process_time()
        answer(fitted, X, shared.classes)
    return between - began, time.process_time() - between, time.perf_counter() - clock


def shown(seconds: float) -> str:
    """Return a span of time as a person says it."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
