"""Which values the original accepts, found by asking it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from export.converters import REGISTRY
from export.frame import MISSING_CODE, Column, Columns, Schema, plain
from export.halve import middle
from export.original import Original
from export.part import feeds_of
from export.rows import UNSEEN, RowMaker, from_steps, to_steps
from lambda_handler.binding import make_session
from lambda_handler.contract import is_missing, is_plain_text

ROWS = 3  # rows in which missing and unseen values are tried; where large numbers end is asked in one row
LARGEST = 1.7976931348623157e308
LARGEST32 = 3.4028234663852886e38
FLOAT32 = math.nextafter(3.4028235677973366e38, 0.0)  # the largest float64 that rounds to a finite float32
BEYOND = math.nextafter(FLOAT32, math.inf)

Trial = tuple[int, Any]


@dataclass(frozen=True)
class Accepted:
    """What one column may hold.

    Attributes:
        missing: a missing value.
        unseen: a value that training did not hold; None for a column of numbers or booleans that takes others.
        bounds: the smallest and largest number; None where every number of the column's dtype is accepted.
        more: accepted values that training did not hold, where unseen ones are not.
    """

    missing: bool
    unseen: bool | None
    bounds: tuple[float, float] | None
    more: tuple[Any, ...] = ()


def probe(original: Original, schema: Schema, rows: RowMaker, estimator: Any, model: bytes) -> list[Accepted]:
    """Ask the original, column by column, about missing, unseen and huge values.

    Args:
        original: asked.
        schema: its columns.
        rows: makes the rows that it is asked in; searches no boundary in columns of listed values from then on.
        estimator: the original without its threshold: what its encoders know is tried, too.
        model: the graph, which says about where numbers become too large; the original has the last word.

    Returns:
        One entry per column. A value counts as accepted when the original answers it in all of `ROWS` rows.
    """
    base = rows.recombined(ROWS)
    columns = schema.columns
    able = [(i, _missing(column)) for i, column in enumerate(columns) if column.optional]
    missing = dict(zip([i for i, _ in able], _accepts(original, base, able), strict=True))
    others = [(i, value) for i, column in enumerate(columns) for value in _unseen(column, rows.table[i])]
    unseen: dict[int, bool] = {}
    for (i, _), ok in zip(others, _accepts(original, base, others), strict=True):
        unseen[i] = unseen.get(i, False) or ok
    closed = [i for i, ok in unseen.items() if not ok]
    rows.leave(closed)
    more = _more(original, base, columns, rows.table, _candidates(estimator, closed))
    bounds = _bounds(original, base, columns, closed, model)
    return [
        Accepted(
            missing.get(i, False),
            unseen.get(i) if column.type == "category" or i in closed else None,
            bounds.get(i),
            tuple(more.get(i, ())),
        )
        for i, column in enumerate(columns)
    ]


def _missing(column: Column) -> Any:
    return MISSING_CODE if column.dtype == "string" else np.nan


def _unseen(column: Column, values: npt.NDArray[Any]) -> list[Any]:
    """Values between those of training, or beside them where nothing is between: if these are rejected, all are."""
    if column.dtype == "string":
        return [UNSEEN]
    known = sorted({value for value in plain(column, values) if value is not None})
    if column.boolean:
        return [value for value in (True, False) if value not in known] if known else []
    if not known:
        return []
    kind = values.dtype.type
    if column.type == "integer":
        between = [low + 1 for low, high in pairwise(known) if high - low > 1]
        beside = [value for value in (known[-1] + 1, known[0] - 1) if column.nearest(value) == value]
        return (between or beside)[:2]
    between = [float(kind(low / 2 + high / 2)) for low, high in pairwise(known)]
    between = sorted(set(between) - set(known))
    return (between or [column.nearest(known[-1] + (abs(known[-1]) or 1.0))])[:2]


def _candidates(estimator: Any, closed: Sequence[int]) -> dict[int, list[Any]]:
    """Column -> the categories of the encoders that see it, for columns that take listed values only."""
    found: dict[int, list[Any]] = {index: [] for index in closed}
    if not closed:
        return found
    names = getattr(estimator, "feature_names_in_", [])
    for index, categories in _encoded(estimator, list(range(len(names)))):
        if index in found:
            found[index] += [value for value in np.asarray(categories).tolist() if not is_missing(value)]
    return found


def _encoded(step: Any, places: list[int]) -> Iterator[tuple[int, Any]]:
    """(column, its categories) of every encoder inside; `places`: the table's columns in the order of the step's."""
    if isinstance(step, Pipeline):
        for _, inner in step.steps:
            yield from _encoded(inner, places)
    elif isinstance(step, ColumnTransformer):
        for name, inner, _ in step.transformers_:
            yield from _encoded(inner, [places[i] for i in step._transformer_to_input_indices[name]])
    elif len(getattr(step, "categories_", ())) == len(places):
        yield from zip(places, step.categories_, strict=True)
    elif type(step) in REGISTRY:
        for _, inner in REGISTRY[type(step)].members(step):
            yield from _encoded(inner, places)


def _more(
    original: Original,
    base: Columns,
    columns: Sequence[Column],
    table: Columns,
    candidates: dict[int, list[Any]],
) -> dict[int, list[Any]]:
    """Column -> candidates that training did not hold and the original accepts."""
    found: dict[int, list[Any]] = {}
    for index, values in candidates.items():
        column = columns[index]
        known = set(plain(column, table[index]))
        able = [value for value in dict.fromkeys(values) if value not in known and _holds(column, value)]
        answers = _accepts(original, base, [(index, value) for value in able])
        found[index] = [value for value, ok in zip(able, answers, strict=True) if ok]
    return found


def _holds(column: Column, value: Any) -> bool:
    """Whether the column can hold a category."""
    if column.dtype == "string":
        return isinstance(value, str) and is_plain_text(value) and value != MISSING_CODE
    if column.boolean or isinstance(value, bool):
        return column.boolean and isinstance(value, bool)
    return isinstance(value, int | float) and math.isfinite(value) and column.nearest(value) == value


def _accepts(original: Original, base: Columns, trials: Sequence[Trial], rows: int = ROWS) -> list[bool]:
    """Whether the original answers each trial, one column set to one value, in all base rows; asked all at once.

    An infinite answer counts: it hangs on the whole row whether numbers overflow, and the predictor rejects such a row.
    """
    if not trials:
        return []
    answers = original.answer(_tried(base, trials, rows))
    accepted = answers.accepted | np.isinf(answers.numbers).any(axis=1)
    return [bool(accepted[start : start + rows].all()) for start in range(0, len(trials) * rows, rows)]


def _tried(base: Columns, trials: Sequence[Trial], rows: int) -> Columns:
    """The first base rows once per trial, with its value in its column."""
    tried = [np.tile(array[:rows], len(trials)) for array in base]
    for number, (index, value) in enumerate(trials):
        tried[index][number * rows : (number + 1) * rows] = value
    return tried


def _bounds(
    original: Original, base: Columns, columns: Sequence[Column], closed: Sequence[int], model: bytes
) -> dict[int, tuple[float, float]]:
    """Columns that do not take every number, with the last accepted ones, to the step of their dtype.

    These are columns whose dtype has limits, and those where the original stops accepting large numbers.
    """
    numbers = [i for i, column in enumerate(columns) if column.numeric and i not in closed]
    full = {i: _ends(columns[i]) for i in numbers}
    limits = [(i, limit) for i in numbers for limit in full[i]]
    rejected = [trial for trial, ok in zip(limits, _accepts(original, base, limits, 1), strict=True) if not ok]
    edges = {trial: trial[1] for trial in limits}
    floats = [(i, limit) for i, limit in rejected if abs(limit) == LARGEST]
    usual = [(i, math.copysign(size, limit)) for i, limit in floats for size in (FLOAT32, BEYOND)]
    answers = _accepts(original, base, usual, 1)
    unusual = [trial for trial in rejected if trial not in floats]
    for trial, inside, outside in zip(floats, answers[::2], answers[1::2], strict=True):
        edges[trial] = math.copysign(FLOAT32, trial[1])
        if not inside or outside:
            unusual.append(trial)
    high, low = ([trial for trial in unusual if (trial[1] > 0) == above] for above in (True, False))
    edges |= _found(original, base, columns, high, _guessed(model, base, columns, high))
    edges |= _found(original, base, columns, low, [-edges[i, full[i][1]] for i, _ in low])
    pairs = {i: (edges[i, full[i][0]], edges[i, full[i][1]]) for i in numbers}
    return {i: pair for i, pair in pairs.items() if pair != full[i] or columns[i].limits}


def _ends(column: Column) -> tuple[Any, Any]:
    """The smallest and the largest number that the column holds."""
    if column.type == "integer":
        return column.limits or (-(2**63), 2**63 - 1)
    largest = LARGEST32 if column.dtype == "float32" else LARGEST
    return -largest, largest


def _found(
    original: Original, base: Columns, columns: Sequence[Column], trials: Sequence[Trial], guesses: Sequence[Any]
) -> dict[Trial, Any]:
    """What `_search` finds by asking the original."""
    found = _search(lambda some: _accepts(original, base, some, 1), base, columns, trials, guesses)
    return dict(zip(trials, found, strict=True))


def _guessed(model: bytes, base: Columns, columns: Sequence[Column], trials: Sequence[Trial]) -> list[Any]:
    """What `_search` finds by asking the graph, which is quick: where its numbers become NaN."""
    if not trials:
        return []
    session = make_session(model)

    def computes(some: Sequence[Trial]) -> list[bool]:
        numbers = session.run(None, feeds_of(_tried(base, some, 1)))[-1].reshape(len(some), -1)
        return [bool(ok) for ok in ~np.isnan(numbers).any(axis=1) | np.isinf(numbers).any(axis=1)]

    return _search(computes, base, columns, trials)


def _search(
    accepts: Callable[[Sequence[Trial]], list[bool]],
    base: Columns,
    columns: Sequence[Column],
    trials: Sequence[Trial],
    guesses: Sequence[Any] = (),
) -> list[Any]:
    """The accepted number next to the first rejected one, between a base row's value and each rejected limit.

    A guess of each trial's result, and the number beyond it, are asked about first.
    """
    if not trials:
        return []
    kinds = [np.dtype(np.int64) if columns[i].type == "integer" else base[i].dtype for i, _ in trials]
    ends = [
        np.array([np.nan_to_num(base[i][0]), limit], dtype=kind) for (i, limit), kind in zip(trials, kinds, strict=True)
    ]
    inside, outside = np.array([to_steps(pair) for pair in ends], dtype=np.int64).reshape(-1, 2).T

    def asked(between: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        values = [from_steps(between[[k]], kind)[0].item() for k, kind in enumerate(kinds)]
        ok = np.array(accepts([(i, value) for (i, _), value in zip(trials, values, strict=True)]))
        return np.where(ok, between, inside), np.where(ok, outside, between)

    if len(guesses):
        told = np.array([to_steps(np.array([each], dtype=kind))[0] for each, kind in zip(guesses, kinds, strict=True)])
        for near in (told, told + np.where(outside > inside, 1, -1)):
            inside, outside = asked(np.clip(near, np.minimum(inside, outside), np.maximum(inside, outside)))
    while True:
        between = middle(inside, outside)
        if np.all((between == inside) | (between == outside)):
            return [from_steps(inside[[k]], kind)[0].item() for k, kind in enumerate(kinds)]
        inside, outside = asked(between)
