"""Rows that try the export: recombined, at boundaries, special, missing and unseen values.

All of them are constructed, and none stands in the training table: a bundle is public.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from export.frame import MISSING_CODE, Column, Columns, Schema, take
from export.halve import halved
from export.original import Answers
from lambda_handler.contract import is_missing

COUNTS = {"recombined": 80, "boundary": 160, "edge": 120, "special": 120, "missing": 60, "unseen": 40}
FAR = 24  # of the special rows
BEYOND = 0.15  # of the ends between which boundaries are searched: as far outside the training range as it is wide
NUMBERS = (
    0.0, -0.0, 1.0, -1.0, 0.5, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-9, 16777217.0, 2.0**53, 2.0**53 + 2,
    0.1, float(np.float32(0.1)), 1.401298464324817e-45, 1.1754943508222875e-38, -1.401298464324817e-45,
    1e15, -1e15, 3.4028234e38, 3.5e38, 1e100, -1e100, 1e300, 1.7976931348623157e308, -1.7976931348623157e308,
)  # fmt: skip
WHOLE = (
    0, 1, -1, 2**24 + 1, 2**53 - 1, -(2**53) + 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**60 + 2**36 + 1, 2**63 - 1,
    -(2**63),
)  # fmt: skip
TEXTS = (
    "", " ", "nan", "NaN", "None", "null", "NA", "<NA>", "0", "\u00e9", "e\u0301", "\u0130",
    "\U0001f600", "x" * 10_000, "\u00c5", "A\u030a", "i\u0307", "\ufeff", "\u00df", "ss", "0.0", "true",
)  # fmt: skip
_LOWEST = {4: np.int64(-(2**31)), 8: np.int64(-(2**63))}  # bits of -0.0, by the bytes of a float
UNSEEN = "\u2205 never seen"

Answer = Callable[[Columns], Answers]


@dataclass(frozen=True)
class _Pairs:
    """Pairs of rows between whose ends an answer jumps.

    Attributes:
        base: graph values of the rows.
        column: that is moved in each.
        low, high: positions of its two ends, in any order.
        at_low: the answers at `low`.
        by_label: bool of shape (n_pairs,), whether a label jumps; else a number.
    """

    base: Columns
    column: npt.NDArray[np.int64]
    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    at_low: Answers
    by_label: npt.NDArray[np.bool_]


class RowMaker:
    """Makes rows from the training table, reproducibly.

    Args:
        schema: the columns.
        table: graph values of the training rows.
        seed: of every draw.
    """

    def __init__(self, schema: Schema, table: Columns, seed: int) -> None:
        self.schema, self.table = schema, table
        self._random = np.random.default_rng(seed)
        self._known = _fingerprints(table)
        self._whole = frozenset(i for i, column in enumerate(schema.columns) if column.type == "integer")
        self._listed: frozenset[int] = frozenset()
        texts = [i for i, column in enumerate(schema.columns) if column.type == "text"]
        self._words = {i: _words(table[i]) for i in texts}  # of free texts no whole one is given away

    def leave(self, columns: Iterable[int]) -> None:
        """Search no boundary in these columns: the original takes listed values only."""
        self._listed = frozenset(columns)

    def recombined(self, count: int) -> Columns:
        """Rows whose values come, column by column, from one of two training rows."""
        rows = len(self.table[0])
        first, second = self._random.integers(rows, size=(2, count))
        made = [array[np.where(self._random.random(count) < 0.5, first, second)] for array in self.table]
        for index, words in self._words.items():
            lengths = [len(str(text).split()) for text in made[index]]
            made[index] = np.array([" ".join(self._random.choice(words, n)) for n in lengths], dtype=object)
        return made

    def special(self, count: int) -> Columns:
        """Recombined rows with one value that software trips over, at least one for each column, and far rows.

        A far row has two numbers far outside the training range, so that large terms may cancel.
        """
        first, others = [], []
        for index, column in enumerate(self.schema.columns):
            values = list(self._special_values(index, column))
            order = self._random.permutation(len(values))
            first.append((index, values[order[0]]))
            others += [(index, values[place]) for place in order[1:]]
        drawn = self._random.permutation(len(others))[: max(count - FAR - len(first), 0)]
        chosen = first + [others[place] for place in drawn]
        base = self.recombined(len(chosen))
        for row, (index, value) in enumerate(chosen):
            base[index][row] = value
        return [np.concatenate(pair) for pair in zip(base, self._far(), strict=True)]

    def _far(self) -> Columns:
        """Recombined rows with two numbers 10 to 10^6 times the training range away from it, on either side."""
        able = [index for index, column in enumerate(self.schema.columns) if column.numeric]
        base = self.recombined(FAR if len(able) > 1 else 0)
        for row in range(len(base[0])):
            for index in self._random.choice(able, size=2, replace=False):
                known = self.table[index][~np.isnan(self.table[index].astype(np.float64))]
                low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
                away = (high - low or 1.0) * 10.0 ** self._random.integers(1, 7) * self._random.choice([-1.0, 1.0])
                base[index][row] = self.schema.columns[index].nearest(away)
        return base

    def missing(self, count: int) -> Columns:
        """Recombined rows with one value missing (each column in turn), then with several, then with all."""
        able = [index for index, column in enumerate(self.schema.columns) if column.optional]
        count = max(count, len(able) + 10)
        base = self.recombined(count if able else 0)
        for row in range(len(base[0])):
            share = 1.0 if row == count - 1 else 0.3
            hit = [able[row]] if row < len(able) else [i for i in able if self._random.random() < share]
            for index in hit:
                base[index][row] = MISSING_CODE if self.schema.columns[index].dtype == "string" else np.nan
        return base

    def unseen(self, count: int) -> Columns:
        """Recombined rows with a category that training never held."""
        able = [index for index, column in enumerate(self.schema.columns) if column.type == "category"]
        base = self.recombined(max(count, len(able)) if able else 0)
        for row in range(len(base[0])):
            base[able[row % len(able)]][row] = f"{UNSEEN} {row}"
        return base

    def boundaries(self, answer: Answer, count: int) -> Columns:
        """Pairs of rows that differ in one number by one step (one integer), between which the answer jumps.

        Found by bisection on the original: half the pairs between two labels, the others wherever its numbers
        change; all between labels where there are no numbers.
        """
        able = [i for i, column in enumerate(self.schema.columns) if column.numeric and i not in self._listed]
        if not able:
            return take(self.table, np.arange(0))
        numbers = answer(take(self.table, np.arange(1))).numbers.shape[1]
        kinds = [(count // 4, True), (count // 4, False)] if numbers else [(count // 2, True)]
        return _bisected(answer, [self._apart(answer, able, each, by_label) for each, by_label in kinds], self._whole)

    def private(self, values: Columns) -> npt.NDArray[np.bool_]:
        """Which rows stand in the training table, of shape (n_rows,)."""
        return np.array([key in self._known for key in _keys(values)], dtype=bool)

    def holds(self, row: Iterable[Any]) -> bool:
        """Whether the values of one row, None = missing, are a row of the training table."""
        return tuple(row) in self._known

    def _special_values(self, index: int, column: Column) -> Sequence[Any]:
        dtype = column.dtype
        if dtype == "string":
            return TEXTS
        if column.boolean:
            return (True, False)
        numbers = self.table[index]
        numbers = numbers[~np.isnan(numbers)] if column.optional else numbers
        if column.type == "integer":
            ends = [int(number) for number in (numbers.min(), numbers.max())] if len(numbers) else []
            return [value for value in (*WHOLE, *ends, *(column.limits or ())) if column.nearest(value) == value]
        around: list[Any] = []
        if len(numbers):
            low, high = numbers.min(), numbers.max()
            with np.errstate(over="ignore"):
                around = [low, high, np.nextafter(low, -np.inf), np.nextafter(high, np.inf)]
                around += [2 * high - low, 2 * low - high]
        kind = numbers.dtype.type
        with np.errstate(over="ignore"):
            return [float(value) for value in map(kind, (*NUMBERS, *around)) if np.isfinite(value)]

    def _apart(self, answer: Answer, able: list[int], count: int, by_label: bool) -> "_Pairs":
        """`count` pairs, or fewer where few are found: one column each, ends from the table that differ."""
        tries = 6 * count
        column = self._random.choice(able, size=tries)
        base = self.recombined(tries)
        ends = [self._steps(column), self._steps(column)]
        answers = [answer(moved(base, column, steps, self._whole)) for steps in ends]
        chosen = np.flatnonzero(_differ(answers[0], answers[1], np.full(tries, by_label)))[:count]
        low, high = ends[0][chosen], ends[1][chosen]
        return _Pairs(
            take(base, chosen), column[chosen], low, high, answers[0].at(chosen), np.full(len(chosen), by_label)
        )

    def _steps(self, columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """A training value of each given column, or now and then one beyond, as a position among its numbers."""
        steps = np.zeros(len(columns), dtype=np.int64)
        for row, index in enumerate(columns):
            numbers = self.table[index]
            known = numbers[~np.isnan(numbers)]
            value = self._random.choice(known) if len(known) else numbers.dtype.type(0)
            if len(known) and self._random.random() < BEYOND:
                low, high = float(known.min()), float(known.max())
                away = self.schema.columns[index].nearest(self._random.choice([2 * low - high, 2 * high - low]))
                value = numbers.dtype.type(away)
            steps[row] = int(value) if index in self._whole else to_steps(np.array([value]))[0]
        return steps


def _bisected(answer: Answer, kinds: Sequence[_Pairs], whole: Collection[int]) -> Columns:
    """The pairs, halved until their ends are adjacent: of each kind first all its low ends, then all high ones."""
    base = [np.concatenate(pieces) for pieces in zip(*(each.base for each in kinds), strict=True)]
    column, low, high, by_label = (
        np.concatenate([getattr(each, name) for each in kinds]) for name in ("column", "low", "high", "by_label")
    )
    at_low = Answers.joined([each.at_low for each in kinds])

    def as_low(pair: npt.NDArray[np.int64], steps: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        found = answer(moved(take(base, pair), column[pair], steps, whole))
        return ~_differ(at_low.at(pair), found, by_label[pair])

    low, high = halved(low, high, as_low)
    ends = np.cumsum([0, *(len(each.column) for each in kinds)])
    parts = [(steps, np.arange(*pair)) for pair in pairwise(ends.tolist()) for steps in (low, high)]
    made = [moved(take(base, index), column[index], steps[index], whole) for steps, index in parts]
    return [np.concatenate(pieces) for pieces in zip(*made, strict=True)]


def moved(
    base: Columns, column: npt.NDArray[np.int64], steps: npt.NDArray[np.int64], whole: Collection[int] = ()
) -> Columns:
    """Base rows with one column of each set to the number at the given position; columns of `whole` hold integers."""
    changed = [array.copy() for array in base]
    for index in np.unique(column):
        rows = np.flatnonzero(column == index)
        dtype = changed[index].dtype
        changed[index][rows] = steps[rows].astype(dtype) if index in whole else from_steps(steps[rows], dtype)
    return changed


def to_steps(numbers: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Positions in the order of their dtype's floats (neighbours are one apart); integers stand for themselves."""
    if numbers.dtype.kind != "f":
        return numbers.astype(np.int64)
    bits = (numbers + numbers.dtype.type(0)).view(f"i{numbers.itemsize}").astype(np.int64)
    steps: npt.NDArray[np.int64] = np.where(bits < 0, _LOWEST[numbers.itemsize] - bits, bits)
    return steps


def from_steps(steps: npt.NDArray[np.int64], dtype: "np.dtype[Any]") -> npt.NDArray[Any]:
    """The inverse of `to_steps`."""
    if dtype.kind != "f":
        return steps.astype(dtype)
    return np.where(steps < 0, _LOWEST[dtype.itemsize] - steps, steps).astype(f"i{dtype.itemsize}").view(dtype)


def _differ(a: Answers, b: Answers, by_label: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Rows that both answers accept and that differ: in a label where `by_label`, else in a number."""
    labels, numbers = (a.labels != b.labels).any(axis=1), (a.numbers != b.numbers).any(axis=1)
    different: npt.NDArray[np.bool_] = a.accepted & b.accepted & np.where(by_label, labels, numbers)
    return different


def _words(texts: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The words of the texts, as often as they stand there; at least one."""
    known = [text for text in texts.tolist() if text != MISSING_CODE]
    return np.array([word for text in known for word in text.split()] or ["word"], dtype=object)


def _keys(values: Columns) -> list[tuple[Any, ...]]:
    plain = [[None if is_missing(value) else value for value in array.tolist()] for array in values]
    return list(zip(*plain, strict=True))


def _fingerprints(table: Columns) -> frozenset[tuple[Any, ...]]:
    return frozenset(_keys(table))
