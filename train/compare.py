"""Cross-validates the candidates: here, in several processes, or on a Dask cluster; within a time, and resumable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

from train.errors import TrainError
from train.job import Outcome, Piece, Shared, run_piece
from train.search import SPACES, OutOfTimeError
from train.split import RowNumbers, folds_of
from train.work import Work

Progress = Callable[[str, int, int], None]
STEP = "cross-validate"
CONNECT_SECONDS = 10.0


def silent(what: str, done: int, total: int) -> None:
    """Show no progress."""


def print_nothing(line: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class How:
    """By what means the candidates are compared; nothing of it changes a result but the budget.

    Attributes:
        progress: Called with a step's name, how much of it is done, and how much there is.
        say: Called with a line for the person who waits.
        measure: Gives the ONNX file's bytes and the milliseconds of one row, of a fitted estimator and rows that it
            was fitted on; raises a ValueError where it cannot be exported. None measures nothing.
        budget: Seconds for the comparison; None without an end. What is finished is kept, the rest is left out.
        scheduler: The address of a Dask scheduler, or None.
        jobs: Processes here.
    """

    progress: Progress = silent
    say: Callable[[str], None] = print_nothing
    measure: Callable[[Any, Any], tuple[int, float]] | None = None
    budget: float | None = None
    scheduler: str | None = None
    jobs: int = 1


@dataclass(frozen=True)
class Compared:
    """What the cross-validation gave.

    Attributes:
        folds: The held rows of each fold.
        held_share: Held rows of a fold for each row that it is fitted on.
        answers: Of each finished candidate, one fold after the other.
        parameters: That a search on all train rows found, per finished candidate.
        left_out: Why a candidate is not among them.
    """

    folds: list[RowNumbers]
    held_share: float
    answers: dict[str, npt.NDArray[np.float64]]
    parameters: dict[str, dict[str, Any]]
    left_out: dict[str, str] = field(default_factory=dict)


def compare(shared: Shared, work: Work, how: How) -> Compared:
    """Cross-validate every candidate of the config, and search its parameters on all train rows.

    Raises:
        TrainError: The time is over before one candidate is finished, or the scheduler cannot be reached.
    """
    deadline = None if how.budget is None else time.time() + how.budget
    folds = list(folds_of(shared.y, shared.task, shared.seed, shared.config.split, shared.marks))
    names: tuple[str, ...] = shared.config.candidates.names
    pieces = {name: _pieces(name, folds, shared) for name in names}
    found = {piece.key: kept for each in pieces.values() for piece in each if (kept := work.read(piece)) is not None}
    total = sum(map(len, pieces.values()))
    if found:
        how.say(f"Going on: {len(found)} of {total} pieces are there from before.")
    how.progress(STEP, len(found), total)
    _run(shared, [piece for each in pieces.values() for piece in each if piece.key not in found],
         found, work, how, deadline, total)  # fmt: skip
    done = [name for name in names if all(piece.key in found for piece in pieces[name])]
    left = {name: _why(pieces[name], found) for name in names if name not in done}
    if not done:
        raise TrainError(
            "The time must suffice for one candidate.",
            f"{how.budget:g} s, in which {len(found)} of {total} pieces came to an end",
            "Give more time: `train` goes on where it was.",
        )
    if left:
        how.say(
            f"The time of {how.budget:g} s is over with {len(found)} of {total} pieces done; left out: "
            f"{', '.join(left)}. The same command goes on from there."
        )
    fitted = float(np.mean([len(train) for train, _ in folds]))
    share = float(np.mean([len(held) for _, held in folds])) / fitted
    answers = {name: np.concatenate([found[f"{name}-{n}"].answers for n in range(len(folds))]) for name in done}
    parameters = {name: found[pieces[name][-1].key].parameters for name in done}
    return Compared([held for _, held in folds], share, answers, parameters, left)


def _pieces(name: str, folds: list[tuple[RowNumbers, RowNumbers]], shared: Shared) -> list[Piece]:
    """One per fold, and one for the search on all rows where there is something to search."""
    found = [Piece(name, number, train, held) for number, (train, held) in enumerate(folds)]
    if shared.config.candidates.search != "none" and (name, shared.task) in SPACES:
        found.append(Piece(name, len(folds), np.arange(len(shared.y)), np.empty(0, dtype=np.int64)))
    return found


def _why(pieces: list[Piece], found: dict[str, Outcome]) -> str:
    finished = sum(piece.key in found for piece in pieces)
    return f"out of time: {finished} of {len(pieces)} pieces finished"


def _run(
    shared: Shared,
    pieces: list[Piece],
    found: dict[str, Outcome],
    work: Work,
    how: How,
    deadline: float | None,
    total: int,
) -> None:
    """Run what is left and keep each piece as it comes to an end."""
    if not pieces:
        return
    with _runner(shared, how, deadline) as run:
        for piece, outcome in run(pieces):
            if outcome is not None:
                work.keep(piece, outcome)
                found[piece.key] = outcome
            how.progress(STEP, len(found), total)


Run = Callable[[list[Piece]], Iterable[tuple[Piece, Outcome | None]]]


@contextmanager
def _runner(shared: Shared, how: How, deadline: float | None) -> Iterator[Run]:
    if how.scheduler is None and how.jobs == 1:
        yield lambda pieces: _one_by_one(shared, pieces, deadline)
        return
    parallel = joblib.Parallel(n_jobs=how.jobs if how.scheduler is None else -1, return_as="generator_unordered",
                               batch_size=1)  # fmt: skip

    def run(pieces: list[Piece]) -> Iterable[tuple[Piece, Outcome | None]]:
        calls = (joblib.delayed(_within)(shared, piece, deadline) for piece in pieces)
        return parallel(calls)  # type: ignore[no-any-return] # joblib has no types

    if how.scheduler is None:
        yield run
        return
    # Every worker holds the rows (scatter), so that none is missed when one dies.
    with (
        _cluster(how.scheduler) as client,
        joblib.parallel_config(backend="dask", client=client, scatter=[shared]),
    ):
        yield run


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError:
        remedy = "Install it: pip install 'selfsame[dask]'."
        raise TrainError("--scheduler needs Dask.", "distributed is not installed", remedy) from None
    try:
        client: Any = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call] # distributed has no types
    except (OSError, ValueError, TimeoutError) as error:
        remedy = "Start one with `dask scheduler` and workers with `dask worker ADDRESS`."
        raise TrainError(
            "--scheduler must be the address of a Dask scheduler.", f"{address} ({error})", remedy
        ) from None
    try:
        if not client.scheduler_info()["workers"]:
            raise TrainError(
                "The Dask cluster must have workers.", f"none at {address}", "Start `dask worker ADDRESS`."
            )
        yield client
    finally:
        client.close()


def _within(shared: Shared, piece: Piece, deadline: float | None, threads: int = 1) -> tuple[Piece, Outcome | None]:
    """Run a piece unless the time is over."""
    if deadline is not None and time.time() > deadline:
        return piece, None
    try:
        return piece, run_piece(shared, piece, deadline, threads)
    except OutOfTimeError:
        return piece, None


def _one_by_one(shared: Shared, pieces: list[Piece], deadline: float | None) -> Iterator[tuple[Piece, Outcome | None]]:
    """Run here; a piece that would not be ready in time, by its candidate's slowest so far, is not begun."""
    slowest: dict[str, float] = {}
    for piece in pieces:
        late = deadline is not None and time.time() + slowest.get(piece.name, 0.0) > deadline
        found = (piece, None) if late else _within(shared, piece, deadline, threads=-1)
        if found[1] is not None:
            slowest[piece.name] = max(slowest.get(piece.name, 0.0), found[1].seconds)
        yield found
