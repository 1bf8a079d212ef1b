"""Rows aimed at single splits of the exported trees: both sides of the threshold, one input step apart.

The graph's own first part (everything in front of the trees) says which matrix a row becomes; bisection in input space
finds the two adjacent inputs between which the aimed column crosses the threshold, on a row that reaches the split.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.frame import Column, Columns, Schema, take
from export.halve import middle
from export.part import Part, feeds_of
from export.places import Places, Reached, Sample, sample_of
from export.rows import moved, to_steps
from export.walk import Trees

SPLITS = 240  # splits that rows are aimed at
MATRICES = 8  # input matrices of trees that rows are aimed at
ROWS = 4000  # training rows that show what the trees see
FAR = 1e30  # beyond every threshold
WHOLE = 2**53  # the largest whole number of a column of them

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Split:
    """A split that rows are aimed at.

    Attributes:
        node, place: its TreeEnsemble node, and its position there.
        below, above: what the trees see on both sides of its threshold: the last on the left, the first on the right.
    """

    node: int
    place: int
    below: float
    above: float


@dataclass(frozen=True)
class Aimed:
    """Rows built for some splits.

    Attributes:
        rows: graph values; two rows per split (all left ones, all right ones), then those with the input missing.
        splits: those aimed at.
        missing: those that a row with a missing input reaches.
    """

    rows: Columns
    splits: list[Split]
    missing: list[Split]


class Front:
    """The graph up to an input matrix of trees."""

    def __init__(self, model: onnx.ModelProto, schema: Schema, name: str) -> None:
        self.schema, self.name = schema, name
        self._part = Part(model, [name])

    def matrix(self, values: Columns) -> npt.NDArray[np.float64]:
        """What the trees see, float64 of shape (n_rows, n_columns)."""
        result: npt.NDArray[np.float64] = self._part.run(feeds_of(values))[self.name]
        return result


def aim(
    model: bytes,
    schema: Schema,
    table: Columns,
    seed: int,
    splits: int = SPLITS,
    known: tuple[Places, Sample] | None = None,
) -> Aimed:
    """Build rows for up to `splits` splits, drawn at random from all trees; none where the model has no trees.

    Trees that read the same matrix are aimed at together; of more than `MATRICES` matrices some are drawn.

    Args:
        model: the graph.
        schema: of its columns.
        table: graph values of training rows; those that reach a split are changed.
        seed: of the draws.
        splits: how many.
        known: the graph's places and a sample of the table, where they are there already.
    """
    parsed = onnx.load_from_string(model)
    places = known[0] if known else Places(parsed)
    random = np.random.default_rng(seed)
    nothing = Aimed(take(table, np.arange(0)), [], [])
    if not places.trees:
        return nothing
    rows = known[1] if known else sample_of(places, table, seed)
    sample, reached = rows.rows, rows.reached
    names = list(dict.fromkeys(trees.matrix for trees in places.trees.values()))
    drawn = [names[place] for place in random.permutation(len(names))[:MATRICES]]
    parts = [nothing]
    for name in drawn:
        front = Front(parsed, schema, name)
        chosen = list(_choose(places, reached, name, random, -(-splits // len(drawn))))
        if chosen:
            parts += _bisect(front, sample, chosen, places)
            parts += _known(front, sample, chosen, places, reached)
    sides = [[take(part.rows, _side(part, side)) for part in parts] for side in range(3)]
    return Aimed(
        [np.concatenate(pieces) for pieces in zip(*(rows for side in sides for rows in side), strict=True)],
        [split for part in parts for split in part.splits],
        [split for part in parts for split in part.missing],
    )


def _side(part: Aimed, side: int) -> Ints:
    count = len(part.splits)
    every = np.arange(len(part.rows[0]))
    return every[2 * count :] if side == 2 else every[side * count : (side + 1) * count]


def sources_of(front: Front, sample: Columns) -> dict[int, int]:
    """Matrix column -> the input column of numbers that it depends on."""
    found = {}
    for index, column in enumerate(front.schema.columns):
        if not column.numeric:
            continue
        numbers = sample[index]
        known = numbers[~np.isnan(numbers)] if column.optional else numbers
        if not len(known):
            continue
        probes = [array[:2].copy() if len(array) > 1 else np.repeat(array, 2) for array in sample]
        for array in probes:
            array[1] = array[0]
        low, high = known.min(), known.max()
        probes[index][:] = [high, low if low < high else column.nearest(float(low) - 1.0)]
        matrix = front.matrix(probes)
        for changed in np.flatnonzero(matrix[0] != matrix[1]):
            found[int(changed)] = index
    return found


def ends_of(column: Column, numbers: npt.NDArray[Any]) -> tuple[int, int]:
    """Positions (`to_steps`) below and above all that the column may hold; whole numbers stand for themselves."""
    if column.type == "integer":
        low, high = column.limits or (-WHOLE, WHOLE)
        return max(int(low), -WHOLE), min(int(high), WHOLE)
    least, most = to_steps(np.array([-FAR, FAR], dtype=numbers.dtype)).tolist()
    return least, most


def whole_of(schema: Schema) -> frozenset[int]:
    """The columns of whole numbers."""
    return frozenset(index for index, column in enumerate(schema.columns) if column.type == "integer")


def _choose(
    places: Places, reached: Reached, matrix: str, random: np.random.Generator, count: int
) -> Iterator[tuple[Trees, int, int]]:
    """Up to `count` times (trees, split, row of the sample that reaches it)."""
    own = [trees for trees in places.trees.values() if trees.matrix == matrix]
    every = [(trees, int(split)) for trees in own for split in np.flatnonzero(trees.plain)]
    found = 0
    for place in random.permutation(len(every))[: 3 * count]:
        trees, split = every[place]
        rows = np.flatnonzero(_passes(places, reached, trees, split))
        if len(rows):
            yield trees, split, int(random.choice(rows))
            found += 1
            if found == count:
                return


def _passes(places: Places, reached: Reached, trees: Trees, split: int) -> npt.NDArray[np.bool_]:
    leaf = reached[:, places.start[trees.node] + int(trees.tree[split])]
    passes: npt.NDArray[np.bool_] = (leaf >= trees.first[split]) & (leaf < trees.end[split])
    return passes


def _bisect(front: Front, sample: Columns, chosen: list[tuple[Trees, int, int]], places: Places) -> Iterator[Aimed]:
    """Both sides of splits whose column depends on one of numbers."""
    sources = sources_of(front, sample)
    chosen = [each for each in chosen if int(each[0].feature[each[1]]) in sources]
    if not chosen:
        return
    base = take(sample, np.array([row for _, _, row in chosen]))
    column = np.array([trees.feature[split] for trees, split, _ in chosen])
    threshold = np.array([trees.threshold[split] for trees, split, _ in chosen])
    source = np.array([sources[int(each)] for each in column])
    inputs, seen = beside(front, base, source, column, threshold)
    kept = np.flatnonzero(~np.isnan(seen).any(axis=1))
    splits = [Split(chosen[i][0].node, chosen[i][1], float(seen[i, 0]), float(seen[i, 1])) for i in kept]
    whole = whole_of(front.schema)
    sides = [take(moved(base, source, inputs[:, side], whole), kept) for side in (0, 1)]
    holes = _with_missing(base, source, front.schema)
    every = np.arange(len(chosen))
    lost = np.isnan(front.matrix(holes)[every, column])
    leaves = places.reached(holes)
    passing = [_passes(places, leaves[[i]], trees, split)[0] for i, (trees, split, _) in enumerate(chosen)]
    missing = [place for place, i in enumerate(kept) if lost[i] and passing[i]]
    rows = [np.concatenate(pieces) for pieces in zip(*sides, take(holes, kept[missing]), strict=True)]
    yield Aimed(rows, splits, [splits[place] for place in missing])


def beside(front: Front, base: Columns, source: Ints, column: Ints, threshold: Floats) -> tuple[Ints, Floats]:
    """Bisect for the inputs beside thresholds, each on a row of its own.

    Args:
        front: of the trees.
        base: the rows.
        source: the input column that is moved in each row.
        column: of the matrix, for each row.
        threshold: in that column.

    Returns:
        Positions of the last input on the left and the first on the right, of shape (n_rows, 2); and what the trees see
        of them, NaN where no input crosses the threshold.
    """
    every, whole = np.arange(len(column)), whole_of(front.schema)

    def seen(steps: Ints) -> Floats:
        found: Floats = front.matrix(moved(base, source, steps, whole))[every, column].astype(np.float64)
        return found

    ends = {index: ends_of(front.schema.columns[index], base[index]) for index in np.unique(source).tolist()}
    low, high = np.array([ends[index] for index in source.tolist()], dtype=np.int64).reshape(-1, 2).T
    at_low = seen(low) <= threshold
    crossing = at_low != (seen(high) <= threshold)
    while True:
        between = middle(low, high)
        if np.all((between == low) | (between == high)):
            break
        as_low = (seen(between) <= threshold) == at_low
        low, high = np.where(as_low, between, low), np.where(as_low, high, between)
    inputs = np.stack([np.where(at_low, low, high), np.where(at_low, high, low)], axis=1)
    looks = np.stack([seen(inputs[:, 0]), seen(inputs[:, 1])], axis=1)
    looks[~crossing] = np.nan
    return inputs, looks


def _known(
    front: Front, sample: Columns, chosen: list[tuple[Trees, int, int]], places: Places, reached: Reached
) -> Iterator[Aimed]:
    """The rows nearest to splits whose column depends on no numbers: both sides of those that rows pass on both."""
    sources, matrix = sources_of(front, sample), front.matrix(sample)
    splits, rows = [], []
    for trees, split, _ in chosen:
        column = int(trees.feature[split])
        passing = np.flatnonzero(_passes(places, reached, trees, split))
        values = matrix[passing, column].astype(np.float64)
        left, right = (passing[side] for side in (values <= trees.threshold[split], values > trees.threshold[split]))
        if column not in sources and len(left) and len(right):
            pair = int(left[matrix[left, column].argmax()]), int(right[matrix[right, column].argmin()])
            splits.append(Split(trees.node, split, *(float(matrix[row, column]) for row in pair)))
            rows.append(pair)
    if rows:
        yield Aimed(take(sample, np.array(rows).T.reshape(-1)), splits, [])


def _with_missing(base: Columns, source: Ints, schema: Schema) -> Columns:
    holes = [array.copy() for array in base]
    for index in np.unique(source):
        if schema.columns[index].optional:
            holes[index][source == index] = np.nan
    return holes
