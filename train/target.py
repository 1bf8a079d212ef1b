"""Decides what is predicted: classes, in their own type, or a number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy import stats

from lambda_handler.text import MISSING_CODES, is_number
from train.columns import Decision, arrow_type, as_texts, build_column
from train.config import ColumnSettings, Config, Kind, Task
from train.errors import TrainError, did_you_mean
from train.table import Table

Label = bool | int | str
MOST_INTEGER_CLASSES = 20
MOST_CLASSES = 100
ROWS_PER_INTEGER_CLASS = 20
FEWEST_ROWS = 50
FEWEST_PER_CLASS = 10
KIND_OF_CLASSES: dict[str, Kind] = {
    "boolean": "boolean",
    "whole": "integer",
    "decimal": "category",
    "text": "category",
}


@dataclass(frozen=True)
class Target:
    """What is predicted.

    Attributes:
        name: The column.
        task: Classification or regression.
        reason: Why it is taken so, in one line.
        y: The known values: int64, bool or object (texts) for classes, float64 else, of shape (n_known,).
        known: Which rows of the table have a value, bool of shape (n_rows,).
        missing: The texts that stand for a missing value.
        unit: The unit, if told.
        description: What it means, if told.
    """

    name: str
    task: Task
    reason: str
    y: npt.NDArray[Any]
    known: npt.NDArray[np.bool_]
    missing: tuple[str, ...] = ("",)
    unit: str | None = None
    description: str | None = None

    @cached_property
    def classes(self) -> list[Label] | None:
        """The classes in scikit-learn's order, as Python values; None for regression."""
        return None if self.task == "regression" else [as_label(value) for value in np.unique(pd.unique(self.y))]


def as_label(value: object) -> Label:
    """Return a class label as the Python value that JSON knows: bool, int or str."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    return int(value) if isinstance(value, int | np.integer) else str(value)


def decide_target(table: Table, name: str, settings: ColumnSettings, task: Task | None) -> Target:
    """Find the target column in the table and decide what it is.

    Args:
        table: The table.
        name: The target column.
        settings: What the person said about it.
        task: What the person said the task is, or None.

    Raises:
        TrainError: There is no such column, or its values cannot be learnt.
    """
    columns = [str(column) for column in table.frame.columns]
    if name not in columns:
        raise TrainError("--target must name a column of the table.", repr(name), did_you_mean(name, columns))
    if settings.kind not in (None, "target"):
        raise TrainError(
            f"The target {name!r} must be of kind target in --config.", repr(settings.kind), "Remove that line."
        )
    column = table.frame[name]
    missing = settings.missing if settings.missing is not None else _missing(column, table.typed)
    form, reason = _form(column, missing)
    if task is not None:
        reason = f"{task} as told; " + reason
    else:
        task, why = _task(form, column, missing)
        reason = f"{task}: {why}; " + reason
    if task == "regression" and form == "text":
        raise TrainError(
            "Regression needs a target of numbers.",
            f"text in {name!r}",
            "Use --task classification, or another target.",
        )
    kind = "number" if task == "regression" else KIND_OF_CLASSES[form]
    return _valued(column, Decision(name, kind, reason, missing), settings, task)


def _missing(column: pd.Series, typed: bool) -> tuple[str, ...]:
    """Numbers and booleans: the usual codes are missing; text: only an empty cell is."""
    if typed:
        return ()
    known = [value for value in column.unique() if value not in MISSING_CODES]
    plain = all(is_number(value) or value.casefold() in ("true", "false") for value in known)
    present = set(column.unique())
    return tuple(code for code in MISSING_CODES if code in present or code == "") if plain else ("",)


def _known(column: pd.Series, missing: tuple[str, ...]) -> list[str]:
    texts, gone = as_texts(column, missing)
    return list(texts[~gone])


def _form(column: pd.Series, missing: tuple[str, ...]) -> tuple[str, str]:
    """Tell whether the known values are boolean, whole, decimal or text, with a note on their number."""
    counts = Counter(_known(column, missing))
    gone = len(column) - sum(counts.values())
    note = f"{len(counts)} different values" + (f", {gone} rows without one" if gone else "")
    if not counts:
        raise TrainError(f"The target {column.name!r} must have values.", "none", "Choose another column.")
    if {value.casefold() for value in counts} <= {"true", "false"}:
        return "boolean", note
    if not all(is_number(value) for value in counts):
        arrow = arrow_type(column)
        if arrow is not None and pa.types.is_floating(arrow):
            raise TrainError(f"The target {column.name!r} must be finite.", "an infinite number", "Remove those rows.")
        return "text", note
    return ("whole" if all(float(value).is_integer() for value in counts) else "decimal"), note


def _task(form: str, column: pd.Series, missing: tuple[str, ...]) -> tuple[Task, str]:
    if form in ("boolean", "text"):
        return "classification", form
    known = _known(column, missing)
    distinct = len({float(value) for value in set(known)})
    few = distinct <= MOST_INTEGER_CLASSES and distinct * ROWS_PER_INTEGER_CLASS <= len(known)
    if form == "whole" and (few or distinct <= 2):
        return "classification", "few whole numbers"
    return "regression", "numbers"


def _valued(column: pd.Series, decision: Decision, settings: ColumnSettings, task: Task) -> Target:
    series = build_column(column, decision)
    known = series.notna().to_numpy()
    values = series[known].to_numpy()
    if decision.kind == "integer":
        values = values.astype(np.int64)
    elif decision.kind == "boolean":
        values = values.astype(bool)
    elif decision.kind == "category":
        values = np.array([str(value) for value in values], dtype=object)
    target = Target(
        str(column.name), task, decision.reason, values, known, decision.missing, settings.unit, settings.description
    )
    check_target(target.name, target.task, target.y)
    return target


def learns_logarithm(target: Target, config: Config) -> bool:
    """Whether the logarithm of the target is learnt: as told, else where it is positive and skewed to the right.

    Skewed means a skewness above 1, of which the logarithm takes at least half away.

    Raises:
        TrainError: It is told, and the target is no positive number.
    """
    told = config.candidates.log_target
    positive = target.task == "regression" and bool((target.y > 0).all())
    if told and not positive:
        got = "classes" if target.task != "regression" else f"{float(target.y.min()):g} as the smallest"
        rule = "log_target in [candidates] needs a target of positive numbers."
        raise TrainError(rule, got, "Remove that line.")
    if told is not None or not positive:
        return bool(told)
    skew = float(stats.skew(target.y))
    return skew > 1 and abs(float(stats.skew(np.log(target.y)))) < skew / 2


def check_target(name: str, task: Task, y: npt.NDArray[Any]) -> None:
    """Check that there is enough to split and to learn from.

    Raises:
        TrainError: Too few rows, one class only, too many classes, a class too rare to split, or a constant number.
    """
    if len(y) < FEWEST_ROWS:
        raise TrainError(f"At least {FEWEST_ROWS} rows with a target are needed.", f"{len(y)} rows", "Bring more rows.")
    codes, values = pd.factorize(y)
    labels = [as_label(value) if task == "classification" else float(value) for value in values]
    counts = dict(zip(labels, np.bincount(codes).tolist(), strict=True))
    if len(counts) == 1:
        raise TrainError(
            f"The target {name!r} must have at least two different values.",
            f"{next(iter(counts))!r} in all {len(y)} rows",
            "Choose another target, or rows that hold both classes.",
        )
    if task == "regression":
        return
    if len(counts) > MOST_CLASSES:
        raise TrainError(
            f"Classification takes at most {MOST_CLASSES} classes.",
            f"{len(counts)} different values in {name!r}",
            "Group them, use --task regression if they are numbers, or choose another target.",
        )
    label, count = min(counts.items(), key=lambda item: item[1])
    if count < FEWEST_PER_CLASS:
        raise TrainError(
            f"Every class needs at least {FEWEST_PER_CLASS} rows to be split into train, validation and test.",
            f"{count} of class {label!r} in {name!r}",
            "Join it with another class, remove its rows, or use --task regression if the target is a number.",
        )
