"""Sets rows apart before anything is fitted: at random, along time, or by group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    train_test_split,
)

from train.config import SplitSettings, Task
from train.dates import instants, is_instant
from train.errors import TrainError

RowNumbers = npt.NDArray[np.int64]
USUAL = SplitSettings()


@dataclass(frozen=True)
class Split:
    """Ascending row numbers of the three parts, int64 of shapes (n_train,), (n_validation,), (n_test,)."""

    train: RowNumbers
    validation: RowNumbers
    test: RowNumbers

    @property
    def final(self) -> RowNumbers:
        """Train and validation rows together, ascending: what the final models are fitted on."""
        return np.sort(np.concatenate([self.train, self.validation]))


@dataclass(frozen=True)
class Marks:
    """What keeps rows together or in order.

    Attributes:
        times: One number per row, float64 of shape (n_rows,); None without a time.
        groups: One number per row, int64 of shape (n_rows,); None without groups.
    """

    times: npt.NDArray[np.float64] | None = None
    groups: RowNumbers | None = None

    def take(self, rows: RowNumbers) -> Marks:
        """Return the marks of some rows."""
        times = None if self.times is None else self.times[rows]
        return Marks(times, None if self.groups is None else self.groups[rows])


UNMARKED = Marks()


def marks_of(aside: pd.DataFrame, settings: SplitSettings) -> Marks:
    """Read the time and the group of each row.

    Args:
        aside: The two columns as read.
        settings: Name them.

    Raises:
        TrainError: A time or group is missing, or a time is neither a number nor a date; or both are told.
    """
    if settings.time and settings.group:
        raise TrainError("[split] takes a time or a group.", "both", "Leave one of them out.")
    if settings.group:
        found, _ = pd.factorize(aside[settings.group].astype("str"))
        return Marks(groups=found.astype(np.int64))
    return Marks(times=_times(aside[settings.time], settings.time)) if settings.time else Marks()


def _times(column: pd.Series, name: str) -> npt.NDArray[np.float64]:
    if is_instant(column):
        dates = instants(column)
    else:
        values = pd.to_numeric(column.astype(object), errors="coerce")
        if not values.isna().any():
            return values.to_numpy(dtype=np.float64)
        dates = pd.to_datetime(column.astype("str"), errors="coerce", format="mixed", utc=True)
    if dates.isna().any():
        row = int(np.flatnonzero(dates.isna())[0])
        rule = f"Every row must have a time in {name!r}: a number or a date."
        raise TrainError(rule, f"{column.iloc[row]!r} in row {row + 1} of those with a target", "Correct it.")
    seconds: pd.Series = (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return seconds.to_numpy(dtype=np.float64)


def split_rows(
    y: npt.NDArray[Any], task: Task, seed: int, settings: SplitSettings = USUAL, marks: Marks = UNMARKED
) -> Split:
    """Split into train, validation and test: of two classes 60 : 20 : 20 unless told otherwise, else 80 : 0 : 20.

    At random, classes in proportion; with times the latest rows are the test rows and those before them the validation
    rows; with groups every group stands in one part. Validation is a quarter of what is not held out; only a threshold
    is chosen on it, so that more classes and numbers do without it.

    Args:
        y: The target, of shape (n_rows,).
        task: For a classification the classes are kept in proportion.
        seed: Of the draw; no effect with times.
        settings: The share that is held out.
        marks: Times or groups.

    Raises:
        TrainError: There are too few groups.
    """
    parts = _three_parts(y, task, seed, settings, marks)
    if task == "classification" and len(np.unique(y)) == 2:
        return parts
    return Split(parts.final, np.empty(0, dtype=np.int64), parts.test)


def _three_parts(y: npt.NDArray[Any], task: Task, seed: int, settings: SplitSettings, marks: Marks) -> Split:
    rows = np.arange(len(y))
    if marks.times is not None:
        order = np.argsort(marks.times, kind="stable")
        held = round(len(y) * settings.test)
        rest, test = order[: len(y) - held], order[len(y) - held :]
        first, validation = np.split(rest, [len(rest) - len(rest) // 4])
        return Split(np.sort(first), np.sort(validation), np.sort(test))
    if marks.groups is not None:
        rest, test = _by_group(rows, marks.groups, settings.test, seed)
        first, validation = _by_group(rest, marks.groups, 0.25, seed)
        return Split(np.sort(first), np.sort(validation), np.sort(test))
    classes = y if task == "classification" else None
    rest, test = train_test_split(rows, test_size=settings.test, random_state=seed, stratify=classes)
    classes = None if classes is None else classes[rest]
    first, validation = train_test_split(rest, test_size=0.25, random_state=seed, stratify=classes)
    return Split(np.sort(first), np.sort(validation), np.sort(test))


def _by_group(rows: RowNumbers, groups: RowNumbers, share: float, seed: int) -> tuple[RowNumbers, RowNumbers]:
    if len(np.unique(groups[rows])) < 4:
        count = len(np.unique(groups[rows]))
        raise TrainError("A split by group needs more groups.", f"{count} to divide", "Choose another column.")
    drawn = GroupShuffleSplit(1, test_size=share, random_state=seed)
    first, second = next(drawn.split(rows, groups=groups[rows]))
    return rows[first], rows[second]


def folds_of(
    y: npt.NDArray[Any], task: Task, seed: int, settings: SplitSettings = USUAL, marks: Marks = UNMARKED
) -> Iterator[tuple[RowNumbers, RowNumbers]]:
    """Give the rows to fit on and those to score on, fold after fold, each repeat with another seed.

    With times every fold is scored on rows after those that it is fitted on, and repeats have no effect.

    Args:
        y: The target of the train rows, of shape (n_rows,).
        task: For a classification the classes are kept in proportion.
        seed: Of the first draw.
        settings: How many folds and repeats.
        marks: Times or groups of these rows.

    Raises:
        TrainError: There are fewer groups than folds.
    """
    if marks.times is not None:
        order = np.argsort(marks.times, kind="stable")
        for train, held in TimeSeriesSplit(settings.folds).split(order):
            yield np.sort(order[train]), np.sort(order[held])
        return
    stratified = task == "classification"
    for repeat in range(settings.repeats):
        if marks.groups is not None:
            count = len(np.unique(marks.groups))
            if count < settings.folds:
                raise TrainError("Folds by group need a group each.", f"{count} groups", "Lower folds in [split].")
            by_group = StratifiedGroupKFold if stratified else GroupKFold
            kind = by_group(settings.folds, shuffle=True, random_state=seed + repeat)
        else:
            kind = (StratifiedKFold if stratified else KFold)(settings.folds, shuffle=True, random_state=seed + repeat)
        yield from kind.split(np.zeros(len(y)), y, marks.groups)
