"""Which values the original accepts, found by asking it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from export.frame import MISSING_CODE, Columns, Schema
from export.original import Original
from export.rows import UNSEEN, RowMaker, from_steps, middle, to_steps

ROWS = 3  # rows in which missing and unseen values are tried; where large numbers end is asked in one row
LARGEST = 1.7976931348623157e308
FLOAT32 = math.nextafter(3.4028235677973366e38, 0.0)  # the largest float64 that rounds to a finite float32
BEYOND = math.nextafter(FLOAT32, math.inf)

Trial = tuple[int, Any]


@dataclass(frozen=True)
class Accepted:
    """What one column may hold.

    Attributes:
        missing: a missing value.
        unseen: a category that training did not hold; None for a column of numbers.
        bounds: the smallest and largest number; None where every finite number is accepted.
    """

    missing: bool
    unseen: bool | None
    bounds: tuple[float, float] | None


def probe(original: Original, schema: Schema, rows: RowMaker) -> list[Accepted]:
    """Ask the original, column by column, about missing, unseen and huge values.

    Returns:
        One entry per column. A value counts as accepted when the original answers it in all of `ROWS` rows.
    """
    base = rows.recombined(ROWS)
    text = [index for index, column in enumerate(schema.columns) if column.dtype == "string"]
    numbers = [index for index, column in enumerate(schema.columns) if column.dtype == "float64"]
    trials: list[Trial] = [(index, MISSING_CODE) for index in text] + [(index, np.nan) for index in numbers]
    able = dict(zip([index for index, _ in trials], _accepts(original, base, trials), strict=True))
    unseen = dict(zip(text, _accepts(original, base, [(index, UNSEEN) for index in text]), strict=True))
    bounds = _bounds(original, base, [index for index in numbers if schema.columns[index].numeric])
    return [
        Accepted(able.get(index, False), unseen.get(index), bounds.get(index)) for index in range(len(schema.columns))
    ]


def _accepts(original: Original, base: Columns, trials: Sequence[Trial], rows: int = ROWS) -> list[bool]:
    """Whether the original answers each trial, one column set to one value, in all base rows; asked all at once."""
    if not trials:
        return []
    asked = [np.tile(array[:rows], len(trials)) for array in base]
    for number, (index, value) in enumerate(trials):
        asked[index][number * rows : (number + 1) * rows] = value
    accepted = original.answer(asked).accepted
    return [bool(accepted[start : start + rows].all()) for start in range(0, len(trials) * rows, rows)]


def _bounds(original: Original, base: Columns, numbers: list[int]) -> dict[int, tuple[float, float]]:
    """Columns where large numbers stop being accepted, with the last accepted ones, to the float64 step."""
    limits = [(index, limit) for index in numbers for limit in (-LARGEST, LARGEST)]
    rejected = [trial for trial, ok in zip(limits, _accepts(original, base, limits, 1), strict=True) if not ok]
    edges = {trial: trial[1] for trial in limits}
    usual = [(index, math.copysign(size, limit)) for index, limit in rejected for size in (FLOAT32, BEYOND)]
    answers = _accepts(original, base, usual, 1)
    unusual = []
    for trial, inside, outside in zip(rejected, answers[::2], answers[1::2], strict=True):
        edges[trial] = math.copysign(FLOAT32, trial[1])
        if not inside or outside:
            unusual.append(trial)
    edges |= dict(zip(unusual, _search(original, base, unusual), strict=True))
    pairs = {index: (edges[index, -LARGEST], edges[index, LARGEST]) for index in numbers}
    return {index: pair for index, pair in pairs.items() if pair != (-LARGEST, LARGEST)}


def _search(original: Original, base: Columns, trials: Sequence[Trial]) -> list[float]:
    """The accepted number next to the first rejected one, between a base row's value and each rejected limit."""
    inside = to_steps(np.array([np.nan_to_num(base[index][0]) for index, _ in trials], dtype=np.float64))
    outside = to_steps(np.array([limit for _, limit in trials], dtype=np.float64))
    while True:
        between = middle(inside, outside)
        if np.all((between == inside) | (between == outside)):
            return [float(number) for number in _numbers(inside)]
        values = _numbers(between).tolist()
        tried = [(index, value) for (index, _), value in zip(trials, values, strict=True)]
        ok = np.array(_accepts(original, base, tried, 1))
        inside, outside = np.where(ok, between, inside), np.where(ok, outside, between)


def _numbers(steps: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    numbers: npt.NDArray[np.float64] = from_steps(steps, np.dtype(np.float64))
    return numbers
