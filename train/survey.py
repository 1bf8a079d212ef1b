"""The table that is explored: as read, typed by the usual decisions, with its target where that can be learnt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from train.columns import Decision, build_column, decide
from train.config import ColumnSettings, Config, Task
from train.errors import TrainError, did_you_mean
from train.explore_visits import visit_columns
from train.table import Table, read_table
from train.target import Target, decide_target

MOST_ROWS = 20_000  # of the checks that fit models


@dataclass(frozen=True)
class Survey:
    """What the checks look at.

    Attributes:
        table: As read, every row.
        decisions: One per column but the target, in the table's order.
        target: What is predicted; `known` marks the rows that have it.
        X: float64 and `str` columns, the dropped ones that can be typed left out; every row of the table.
        config: The project file.
    """

    table: Table
    decisions: tuple[Decision, ...]
    target: Target
    X: pd.DataFrame
    config: Config

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return len(self.table.frame)

    def truth(self) -> npt.NDArray[np.float64]:
        """Return the target of the rows that have it as a number: of two classes whether it is the last one."""
        classes = self.target.classes
        if classes is None:
            return np.asarray(self.target.y, dtype=np.float64)
        return np.asarray(self.target.y == classes[-1], dtype=np.float64)

    def known(self) -> pd.DataFrame:
        """Return the features of the rows that have a target, numbered from 0 on."""
        return self.X[self.target.known].reset_index(drop=True)


def survey(data: Path, target: str | None, config: Config) -> Survey:
    """Read and type a table.

    Args:
        data: A CSV or Parquet file.
        target: The column to predict, of visits the item; None takes the config's, or what a table of visits visits.
        config: The project file's settings.

    Raises:
        TrainError: It cannot be read, does not have the target or a column that the config names, or no target is told.
    """
    settings = config.table
    table = read_table(data, encoding=settings.encoding or "utf-8-sig", delimiter=settings.delimiter)
    columns = [str(name) for name in table.frame.columns]
    for name in config.columns:
        if name not in columns:
            raise TrainError("--config may only name columns of the table.", repr(name), did_you_mean(name, columns))
    time = config.split.time
    if time is not None and time not in columns:
        raise TrainError("The time must be a column of the table.", repr(time), did_you_mean(time, columns))
    visits = visit_columns(table.frame, None) if target is None else None
    goal = target or config.run.target or config.ranking.item or (visits and visits[0])
    if goal is None:
        raise TrainError("A table needs a column to predict.", "none", "Add --target COLUMN.")
    return survey_table(table, goal, config)


def survey_table(table: Table, target: str, config: Config) -> Survey:
    """Type a table that is read; see `survey`."""
    told = config.columns
    goal = decide_target(table, target, told.get(target, ColumnSettings()), _task(config))
    decisions = tuple(
        decide(table.frame[name], told.get(str(name), ColumnSettings()), typed=table.typed)
        for name in table.frame.columns
        if str(name) != target
    )
    kept = [each for each in decisions if each.kind not in ("drop", "target")]
    X = pd.DataFrame({each.name: build_column(table.frame[each.name], each) for each in kept}, index=table.frame.index)
    return Survey(table, decisions, goal, X, config)


def _task(config: Config) -> Task | None:
    """Of a table of visits the item is looked at as a class."""
    return "classification" if config.run.task == "ranking" else config.run.task


def part(found: Survey, rows: npt.NDArray[Any]) -> Survey:
    """Return the survey of some rows, by their numbers."""
    frame = found.table.frame.iloc[rows].reset_index(drop=True)
    known = found.target.known[rows]
    number = np.cumsum(found.target.known) - 1
    y = found.target.y[number[rows[known]]]
    X = found.X.iloc[rows].reset_index(drop=True)
    return replace(found, table=replace(found.table, frame=frame), target=replace(found.target, y=y, known=known), X=X)


def spaced(rows: int, most: int = MOST_ROWS) -> npt.NDArray[np.int64]:
    """Return the numbers of at most `most` evenly spaced rows."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(np.int64))
