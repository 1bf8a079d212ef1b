"""Tells beforehand how long looking at a large table will take, from a part of its rows and of its columns."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from train.estimate import Span, curve
from train.explore_columns import column_findings
from train.explore_leaks import leak_findings
from train.explore_page import SHOWN_ROWS, drawing
from train.explore_rows import row_findings
from train.survey import Survey, part, spaced

MANY_ROWS = 200_000  # from here on the time is told
PARTS = (20_000, 80_000)  # rows that the checks of every row are timed on
COLUMNS = 4  # that the checks of 20,000 rows, and drawing them, are timed on


def expected(found: Survey, other: pd.DataFrame | None, seed: int, *, page: bool) -> Span:
    """Return about how long the checks will take.

    Args:
        found: A table of at least `PARTS[1]` rows.
        other: The second table, if there is one.
        seed: Of the folds.
        page: Whether the report will be drawn, too.
    """
    clock, began = time.perf_counter(), time.process_time()
    smaller = [_seconds(lambda rows=rows: _checks(found, other, rows)) for rows in PARTS]  # type: ignore[misc] # mypy does not see the default
    names = found.X.columns[spaced(len(found.X.columns), COLUMNS)]
    few = replace(found, X=found.X[names])
    fixed = _seconds(lambda: list(leak_findings(few, seed)))
    if page:
        import skrub  # noqa: F401 (its import is not to be timed)

        fixed += _seconds(lambda: drawing(few, spaced(found.rows, SHOWN_ROWS)))
    slow = (time.perf_counter() - clock) / (time.process_time() - began)
    cpu = curve(PARTS, smaller)(found.rows) + fixed * len(found.X.columns) / len(names)
    return Span(slow * cpu, cpu)


def _checks(found: Survey, other: pd.DataFrame | None, rows: int) -> None:
    small = part(found, spaced(found.rows, rows))
    beside = None if other is None else other.iloc[spaced(len(other), max(len(other) * rows // found.rows, 1))]
    list(row_findings(small, beside))
    list(column_findings(small))


def _seconds(what: Callable[[], object]) -> float:
    """Return the processor seconds that a call takes."""
    began = time.process_time()
    what()
    return time.process_time() - began
