"""What each feature adds to a row's answer: Shapley values, sampled (standard library only).

Strumbelj and Kononenko, "Explaining prediction models and individual predictions with feature contributions",
Knowledge and Information Systems 41 (2014): walk from a reference row to the row by giving it one feature of the row
after the other in a random order, and take the change of the answer at a feature's turn for what it adds. Each order
is also walked backwards (antithetic sampling), and each reference row is left equally often.

Twin of web_demo/js/shapley.js: the same draws, the same calls of the model, the same order of every sum. Floats are
summed in plain loops, because Python's `sum` compensates since 3.12 and JavaScript does not.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any, NamedTuple

Columns = list[list[Any]]
Numbers = Callable[[Columns, int], list[list[float]]]


class Shares(NamedTuple):
    """How one number of a row's answer comes about: it is `base` plus the sum of `contributions`.

    Attributes:
        base: the mean of that number over the reference rows.
        contributions: what each feature adds, in contract order.
        errors: the standard error of each contribution, for the orders that were not drawn.
    """

    base: float
    contributions: list[float]
    errors: list[float]


def generator(seed: int) -> Callable[[], int]:
    """Whole numbers from 0 to 2**32 - 1: mulberry32 by Tommy Ettinger, public domain.

    Args:
        seed: from 0 to 2**32 - 1.
    """
    state = seed

    def draw() -> int:
        nonlocal state
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        mixed = ((state ^ state >> 15) * (state | 1)) & 0xFFFFFFFF
        mixed ^= (mixed + (mixed ^ mixed >> 7) * (mixed | 61)) & 0xFFFFFFFF
        return mixed ^ mixed >> 14

    return draw


def permutation(size: int, draw: Callable[[], int]) -> list[int]:
    """The numbers from 0 to `size` - 1 in a random order (Fisher and Yates)."""
    places = list(range(size))
    for last in range(size - 1, 0, -1):
        chosen = draw() * (last + 1) >> 32
        places[last], places[chosen] = places[chosen], places[last]
    return places


def shares(numbers: Numbers, row: Sequence[Any], references: Columns, samples: int, seed: int) -> list[Shares]:
    """Tell a row's numbers apart into what each feature adds.

    Args:
        numbers: columns of graph values and how many rows they have in, numbers per row out; asked once for the row,
            once for all reference rows, and once for the walks from each of them.
        row: a graph value per feature.
        references: a column of graph values per feature, all of one length, at least 1.
        samples: the orders that are drawn for each reference row, at least 2.
        seed: of the draws, from 0 to 2**32 - 1.

    Returns:
        One `Shares` per number.
    """
    features, count, draw = len(row), len(references[0]), generator(seed)
    [ends] = numbers([[value] for value in row], 1)
    starts = numbers(references, count)
    totals = [[0.0] * features for _ in ends]
    spreads = [[0.0] * features for _ in ends]
    for index, start in enumerate(starts):
        orders = [permutation(features, draw) for _ in range(samples)]
        origin = [column[index] for column in references]
        rows = samples * 2 * (features - 1)
        found = numbers(_walks(row, origin, orders), rows) if rows else []
        for k, end in enumerate(ends):
            changes = _changes([each[k] for each in found], start[k], end, orders)
            _collect(changes, totals[k], spreads[k])
    return [
        Shares(
            _mean([start[k] for start in starts]),
            [total / count for total in totals[k]],
            [sqrt(spread) / count for spread in spreads[k]],
        )
        for k in range(len(ends))
    ]


def _walks(row: Sequence[Any], origin: Sequence[Any], orders: Sequence[Sequence[int]]) -> Columns:
    """The rows between `origin` and `row`, both left out, per order forwards and then backwards.

    Args:
        row: where each walk ends.
        origin: where it begins.
        orders: of each walk the turn of every feature, from 0.
    """
    last = len(row) - 1
    columns: Columns = []
    for feature, (new, old) in enumerate(zip(row, origin, strict=True)):
        column: list[Any] = []
        for turns in orders:
            turn = turns[feature]
            column += [old] * turn + [new] * (last - turn) + [old] * (last - turn) + [new] * turn
        columns.append(column)
    return columns


def _changes(found: Sequence[float], start: float, end: float, orders: Sequence[Sequence[int]]) -> list[list[float]]:
    """What each feature changes at its turn: per feature one number per order, the mean of both directions."""
    last = len(orders[0]) - 1
    changes: list[list[float]] = [[] for _ in orders[0]]
    for k, turns in enumerate(orders):
        first = k * 2 * last
        forth = [start, *found[first : first + last], end]
        back = [start, *found[first + last : first + 2 * last], end]
        for feature, turn in enumerate(turns):
            change = (forth[turn + 1] - forth[turn]) + (back[last - turn + 1] - back[last - turn])
            changes[feature].append(change / 2)
    return changes


def _collect(changes: Sequence[Sequence[float]], totals: list[float], spreads: list[float]) -> None:
    """Add one reference row's mean changes to `totals`, and the variances of those means to `spreads`."""
    for feature, drawn in enumerate(changes):
        mean = _mean(drawn)
        squares = 0.0
        for change in drawn:
            squares += (change - mean) * (change - mean)
        totals[feature] += mean
        spreads[feature] += squares / (len(drawn) - 1) / len(drawn)


def _mean(numbers: Sequence[float]) -> float:
    total = 0.0
    for number in numbers:
        total += number
    return total / len(numbers)
