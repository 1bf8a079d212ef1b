"""Which values the original accepts, found by asking it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from export.frame import MISSING_CODE, Columns, Schema
from export.original import Original
from export.rows import UNSEEN, RowMaker, from_steps, to_steps

ROWS = 3  # rows in which each value is tried
LARGEST = 1.7976931348623157e308
FLOAT32 = math.nextafter(
    3.4028235677973366e38, 0.0
)  # the largest float64 that rounds to a finite float32: the usual edge


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

    def accepts(index: int, value: Any) -> bool:
        tried = [array.copy() for array in base]
        tried[index][:] = value
        return bool(original.answer(tried).accepted.all())

    found = []
    for index, column in enumerate(schema.columns):
        if column.dtype == "string":
            found.append(Accepted(accepts(index, MISSING_CODE), accepts(index, UNSEEN), None))
        elif column.dtype == "float64":
            found.append(Accepted(accepts(index, np.nan), None, _bounds(accepts, index, base)))
        else:
            found.append(Accepted(False, None, None))
    return found


def _bounds(accepts: Callable[[int, Any], bool], index: int, base: Columns) -> tuple[float, float] | None:
    """Where large numbers stop being accepted, to the last float64 step."""
    inside = float(np.nan_to_num(base[index][0]))
    low, high = (
        limit if accepts(index, limit) else _edge(accepts, index, inside, limit) for limit in (-LARGEST, LARGEST)
    )
    return None if (low, high) == (-LARGEST, LARGEST) else (low, high)


def _edge(accepts: Callable[[int, Any], bool], index: int, inside: float, outside: float) -> float:
    """The accepted number next to the first rejected one between `inside` and `outside`."""
    if abs(outside) > FLOAT32 and accepts(index, math.copysign(FLOAT32, outside)):
        beyond = math.nextafter(FLOAT32, math.inf)
        if not accepts(index, math.copysign(beyond, outside)):
            return math.copysign(FLOAT32, outside)
    good, bad = (int(to_steps(np.array([value]))[0]) for value in (inside, outside))
    while abs(good - bad) > 1:
        middle = (good + bad) // 2
        if accepts(index, float(from_steps(np.array([middle]), np.dtype(np.float64))[0])):
            good = middle
        else:
            bad = middle
    return float(from_steps(np.array([good]), np.dtype(np.float64))[0])
