"""The sides of the splits of trees: which rows stand beside a threshold, where a fault of it would show.

A row passes a split when its leaf lies below it (`export.walk`), and stands beside its threshold when the next input is
on the other side. So leaves and the matrix that the trees read say which faults of thresholds a row would show.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import onnx

from export.aim import ROWS, Front, beside, sources_of
from export.frame import Columns, take
from export.places import Places, Reached
from export.rows import RowMaker

SIDES = 3  # the last input on the left, the first on the right, a missing one
TOGETHER = 300_000  # pairs of rows and splits that are looked at together

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Sides:
    """The splits by `x <= threshold` of all trees that read one matrix.

    A side is numbered `SIDES * split + 0` (left), 1 (right) or 2 (missing); splits are counted node after node.

    Args:
        model: the whole graph.
        maker: of rows.
        places: of the graph.
        matrix: the tensor's name.
        random: draws the rows that show what the trees see.

    Attributes:
        front: what makes the matrix.
        column, place, first, end: per split its column, the place of its tree among `places.all`, and its leaves.
        below: place, first and end side by side.
        sources: matrix column -> the input column of numbers that it depends on.
        holes: matrix columns that are missing where their input is.
        pair: per split the position of its threshold among `inputs`; -1 where it is no such split.
        inputs: per distinct threshold the positions (`to_steps`) of the inputs beside it, of shape (n, 2).
        seen: what the trees see of them, of shape (n, 2); NaN where rows cannot be moved there.
        threshold: of the pairs.
    """

    def __init__(
        self, model: onnx.ModelProto, maker: RowMaker, places: Places, matrix: str, random: np.random.Generator
    ) -> None:
        self.front = Front(model, maker.schema, matrix)
        own = [trees for trees in places.trees.values() if trees.matrix == matrix]
        self.column = np.concatenate([trees.feature for trees in own])
        self.first, self.end = (np.concatenate([getattr(trees, name) for trees in own]) for name in ("first", "end"))
        self.place = np.concatenate([trees.tree + places.start[trees.node] for trees in own])
        self.below = np.stack([self.place, self.first, self.end], axis=1).astype(np.int32)
        sample = take(maker.table, random.permutation(len(maker.table[0]))[:ROWS])
        self.sources = sources_of(self.front, sample)
        self.holes = self._holes(sample)
        plain = np.flatnonzero(np.concatenate([trees.plain for trees in own]))
        keys = np.stack([self.column, np.concatenate([trees.threshold for trees in own])], axis=1)[plain]
        pairs, inverse = np.unique(keys, axis=0, return_inverse=True)
        self.pair = np.full(len(self.column), -1, dtype=np.int64)
        self.pair[plain] = inverse.reshape(-1)
        self._columns, self.threshold = pairs[:, 0].astype(np.int64), pairs[:, 1]
        self.inputs, self.seen = self._search(maker.recombined(1))
        self._ordered = plain[np.argsort(self.pair[plain], kind="stable")]
        self._starts = np.searchsorted(self.pair[self._ordered], np.arange(len(pairs) + 1))

    @property
    def aimable(self) -> npt.NDArray[np.bool_]:
        """The sides that rows can be moved to, bool of shape (SIDES * n_splits,)."""
        able = np.zeros((len(self.pair), SIDES), dtype=bool)
        plain = self.pair >= 0
        able[plain, :2] = ~np.isnan(self.seen[self.pair[plain]])
        able[:, 2] = np.isin(self.column, list(self.holes))
        return able.reshape(-1)

    def hits(self, matrix: Floats, reached: Reached) -> Iterator[tuple[Ints, Ints]]:
        """The sides at which rows stand: (rows, sides), piece by piece.

        Args:
            matrix: what the trees see, of shape (n_rows, n_columns).
            reached: by the same rows.
        """
        for column in sorted(self.sources):
            own = np.flatnonzero((self._columns == column) & ~np.isnan(self.seen).any(axis=1))
            values = matrix[:, column].astype(np.float64)
            for side in (0, 1):
                order = own[np.argsort(self.seen[own, side], kind="stable")]
                low, high = (np.searchsorted(self.seen[order, side], values, side=way) for way in ("left", "right"))
                for shift in range(int((high - low).max(initial=0))):
                    rows = np.flatnonzero(low + shift < high)
                    yield from self._passing(rows, order[low[rows] + shift], side, reached)
            holes = np.flatnonzero(np.isnan(values)) if column in self.holes else np.arange(0)
            if len(holes):
                splits = np.flatnonzero(self.column == column)
                for piece in np.array_split(holes, -(-len(splits) * len(holes) // TOGETHER) or 1):
                    yield _kept(self, np.repeat(piece, len(splits)), np.tile(splits, len(piece)), 2, reached)

    def _passing(self, rows: Ints, pairs: Ints, side: int, reached: Reached) -> Iterator[tuple[Ints, Ints]]:
        """Of rows beside thresholds those that pass splits with these thresholds."""
        counts = self._starts[pairs + 1] - self._starts[pairs]
        for piece in np.array_split(np.arange(len(rows)), -(-int(counts.sum()) // TOGETHER) or 1):
            own = counts[piece]
            within = np.arange(int(own.sum())) - np.repeat(np.cumsum(own) - own, own)
            splits = self._ordered[np.repeat(self._starts[pairs[piece]], own) + within]
            yield _kept(self, np.repeat(rows[piece], own), splits, side, reached)

    def _holes(self, sample: Columns) -> set[int]:
        found = set()
        for source in set(self.sources.values()):
            if self.front.schema.columns[source].optional:
                row = take(sample, np.zeros(1, dtype=np.int64))
                row[source] = np.full(1, np.nan, dtype=row[source].dtype)
                lost = np.flatnonzero(np.isnan(self.front.matrix(row)[0]))
                found |= {column for column in lost.tolist() if self.sources.get(column) == source}
        return found

    def _search(self, base: Columns) -> tuple[Ints, Floats]:
        source = np.array([self.sources.get(each, -1) for each in self._columns.tolist()], dtype=np.int64)
        inputs, seen = np.zeros((len(source), 2), dtype=np.int64), np.full((len(source), 2), np.nan)
        moving = np.flatnonzero(source >= 0)
        if len(moving):
            rows = take(base, np.zeros(len(moving), dtype=np.int64))
            inputs[moving], seen[moving] = beside(
                self.front, rows, source[moving], self._columns[moving], self.threshold[moving]
            )
        return inputs, seen


def _kept(sides: Sides, rows: Ints, splits: Ints, side: int, reached: Reached) -> tuple[Ints, Ints]:
    """Those of (row, split) where the row's leaf lies below the split."""
    place, first, end = sides.below[splits].T
    leaf = reached[rows, place]
    passes = (leaf >= first) & (leaf < end)
    return rows[passes], SIDES * splits[passes] + side
