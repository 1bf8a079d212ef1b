"""What is trained on: the typed frame, the target, and how both came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from train.columns import Decision, build_column, decide
from train.config import ColumnSettings, Config, Task
from train.dates import split_dates
from train.errors import TrainError, did_you_mean
from train.evaluate import setting_of
from train.table import Table, read_table
from train.target import Target, decide_target


@dataclass(frozen=True)
class Material:
    """All that fitting needs and all that the run tells about its data.

    Attributes:
        X: float64 and `str` columns, NaN for missing; rows with a known target only, index 0 … n_rows - 1.
        target: What is predicted; its `y` has one value per row of `X`.
        decisions: One per column of the table, dropped columns and the target with them, in the table's order.
        digest: SHA-256 of the data, as hex digits.
        config: As given, with encoding and delimiter as found.
        name: Of the run.
        probability: The true probability of the positive class where a simulation knows it, float64 of shape (n_rows,).
        aside: As read, the columns by which rows are set apart or looked at: the time, the group, the sensitive ones,
            whether they are features or not.
        asked: What the command told beside the project file: `target`, `task` and `sample`, None where it did not.
        project: The project file, None without one.
        rows_in_file: More than are here where a sample was drawn; None for data in memory.
    """

    X: pd.DataFrame
    target: Target
    decisions: tuple[Decision, ...]
    digest: str
    config: Config
    name: str
    probability: npt.NDArray[np.float64] | None = None
    aside: pd.DataFrame = field(default_factory=pd.DataFrame)
    asked: Mapping[str, Any] = field(default_factory=dict)
    project: bytes | None = None
    rows_in_file: int | None = None

    @property
    def setting(self) -> str:
        """`binary`, `multiclass` or `regression`: what decides which scores apply."""
        return setting_of(self.target.task, len(self.target.classes or []))

    @property
    def dropped_rows(self) -> int:
        """The number of rows that were left out for want of a target."""
        return int((~self.target.known).sum())

    @property
    def dropped_columns(self) -> dict[str, str]:
        """The reason for each column that is not used."""
        return {decision.name: decision.reason for decision in self.decisions if decision.kind == "drop"}


def material_from_file(
    data: Path, target: str, config: Config, name: str, task: Task | None, seed: int = 0
) -> Material:
    """Read the table at `data`, decide every column and build the frame.

    Args:
        data: A CSV or Parquet file.
        target: The column to predict.
        config: The project file.
        name: Of the run.
        task: None takes it from the config, else from the target's values.
        seed: Of the sample that the config may ask for.

    Raises:
        TrainError: The table, the target or the config does not allow it.
    """
    settings = config.table
    table = read_table(data, encoding=settings.encoding or "utf-8-sig", delimiter=settings.delimiter)
    rows = len(table.frame)
    table, meanings = split_dates(_sampled(table, settings.sample, seed), config.prepare.dates)
    columns = [str(column) for column in table.frame.columns]
    _check_columns(config.columns, columns, target)
    told = config.columns.get(target, ColumnSettings())
    goal = decide_target(table, target, told, task or config.run.task)
    decisions = tuple(
        _target_decision(goal) if column == target else _decision(table, column, config, meanings) for column in columns
    )
    found = replace(config, table=replace(settings, encoding=table.encoding, delimiter=table.delimiter))
    frame, beside = build_frame(table, decisions, goal.known), aside_of(table, config, goal.known)
    return Material(frame, goal, decisions, table.digest, found, name, aside=beside, rows_in_file=rows)


def _sampled(table: Table, sample: int | None, seed: int) -> Table:
    """Draw rows and keep their order; all where there are no more."""
    rows = len(table.frame)
    if sample is None or sample >= rows:
        return table
    drawn = np.sort(np.random.default_rng(seed).choice(rows, sample, replace=False))
    return replace(table, frame=table.frame.iloc[drawn].reset_index(drop=True))


def _decision(table: Table, column: str, config: Config, meanings: Mapping[str, str]) -> Decision:
    """Decide a feature column; what only orders or groups the rows is none unless it is given a kind."""
    told = config.columns.get(column, ColumnSettings())
    if column in config.prepare.dates:
        return Decision(column, "drop", f"split into {column}_year, _month, _day, _weekday and _days")
    uses = {config.split.time: "orders the rows", config.split.group: "groups the rows"}
    if column in uses and told.kind is None:
        return Decision(column, "drop", f"{uses[column]}: give it a kind to learn from it", told.missing or ("",))
    if told.description is None and column in meanings:
        told = replace(told, description=meanings[column])
    return decide(table.frame[column], told, typed=table.typed)


def aside_of(table: Table, config: Config, known: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return the columns of the time, the group and the sensitive ones as read, of the rows with a known target.

    Raises:
        TrainError: The config names a column for the split that the table does not have.
    """
    columns = [str(column) for column in table.frame.columns]
    for key in ("time", "group"):
        name = getattr(config.split, key)
        if name is not None and name not in columns:
            rule = f"{key} under [split] must name a column of the table."
            raise TrainError(rule, repr(name), did_you_mean(name, columns))
    wanted = {config.split.time, config.split.group}
    wanted |= {name for name, told in config.columns.items() if told.sensitive}
    kept = [name for name in columns if name in wanted]
    return table.frame[kept][known].reset_index(drop=True)


def _target_decision(goal: Target) -> Decision:
    return Decision(goal.name, "target", goal.reason, goal.missing, goal.unit, goal.description)


def _check_columns(told: Mapping[str, Any], columns: list[str], target: str) -> None:
    for name, settings in told.items():
        if name not in columns:
            raise TrainError("--config may only name columns of the table.", repr(name), did_you_mean(name, columns))
        if settings.kind == "target" and name != target:
            raise TrainError(
                "The column of kind target in --config must be the one that --target names.",
                f"{name!r}, while --target is {target!r}",
                "Change one of the two.",
            )


def build_frame(table: Table, decisions: tuple[Decision, ...], known: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return the feature frame of the rows with a known target.

    Raises:
        TrainError: No column is left, or a value does not fit what its column is taken for.
    """
    used = [decision for decision in decisions if decision.kind not in ("drop", "target")]
    if not used:
        shown = "; ".join(f"{decision.name}: {decision.reason}" for decision in decisions if decision.kind == "drop")
        raise TrainError(
            "At least one column must be left to learn from.",
            f"none ({shown or 'the table has only its target'})",
            "Bring more columns, or keep one by giving it a kind in --config.",
        )
    frame = pd.DataFrame({decision.name: build_column(table.frame[decision.name], decision) for decision in used})
    return frame[known].reset_index(drop=True)
