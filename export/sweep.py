"""Rows that sweep over the trees: beside every threshold on both sides, as many at once as a row can.

A training row that passes a split is moved beside its threshold, in each of its numbers beside another one. The nearest
such row is taken, so that it changes few of its ways through the other trees; what rows miss, the next round aims at.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from export.aim import MATRICES, whole_of
from export.frame import Columns, take
from export.places import Places, Sample
from export.rows import RowMaker, moved
from export.sides import SIDES, Sides

ROUNDS = 12
DRAWN = 10  # times as many sides as rows are aimed at in a round
NEAREST = 8  # rows that pass a split, of which the nearest to its threshold is moved
WORTH = 50  # a round is the last one where so many rows reach less than one new side

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Swept:
    """Rows beside thresholds.

    Attributes:
        rows: graph values.
        starts, sides: row i stands at `sides[starts[i]:starts[i + 1]]`.
        count: sides that rows can be moved to.
    """

    rows: Columns
    starts: Ints
    sides: Ints
    count: int

    def sides_of(self, rows: Ints) -> Ints:
        """The sides at which some rows stand, one row after the other."""
        counts = np.diff(self.starts)[rows]
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        found: Ints = self.sides[np.repeat(self.starts[rows], counts) + within]
        return found


def sweep(model: onnx.ModelProto, maker: RowMaker, places: Places, sample: Sample, count: int, seed: int) -> Swept:
    """Make up to `count` rows out of those of the sample; none without trees."""
    random = np.random.default_rng([seed, 2])
    names = list(dict.fromkeys(trees.matrix for trees in places.trees.values()))
    drawn = [names[place] for place in random.permutation(len(names))[:MATRICES]]
    rows, owners, hits = [take(maker.table, np.arange(0))], [np.arange(0)], [np.arange(0)]
    made, start, able = 0, 0, 0
    for name in drawn:
        sides = Sides(model, maker, places, name, random)
        aimed = _Rounds(sides, places, sample, random)
        for found, row, side in aimed.run(-(-count // len(drawn))):
            rows.append(found)
            owners.append(row + made)
            hits.append(side + start)
            made += len(found[0])
        able += int(sides.aimable.sum())
        start += SIDES * len(sides.pair)
    owner, hit = np.concatenate(owners), np.concatenate(hits)
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(made + 1))
    return Swept([np.concatenate(pieces) for pieces in zip(*rows, strict=True)], starts, hit[order], able)


class _Rounds:
    """Round after round of rows for one matrix."""

    def __init__(self, sides: Sides, places: Places, sample: Sample, random: np.random.Generator) -> None:
        self._sides, self._places, self._table, self._random = sides, places, sample.rows, random
        self._order = np.asfortranarray(np.argsort(sample.reached, axis=0, kind="stable").astype(np.int32))
        self._leaf = np.asfortranarray(np.take_along_axis(sample.reached, self._order, axis=0))
        matrix = sides.front.matrix(sample.rows)
        self._ranks = np.empty(matrix.shape)
        self._rank = np.empty(len(sides.threshold))  # of each threshold among the rows' numbers
        column = np.full(len(sides.threshold), -1)
        column[sides.pair[sides.pair >= 0]] = sides.column[sides.pair >= 0]
        for each in range(matrix.shape[1]):
            known, own = np.sort(matrix[:, each]), column == each
            self._ranks[:, each] = np.searchsorted(known, matrix[:, each])
            self._rank[own] = np.searchsorted(known, sides.threshold[own], side="right") - 0.5

    def run(self, count: int) -> list[tuple[Columns, Ints, Ints]]:
        """Per round its rows, and the sides at which they stand: (row, side)."""
        sides, able = self._sides, self._sides.aimable
        done: list[tuple[Columns, Ints, Ints]] = []
        for _ in range(ROUNDS):
            most = min(count, max(-(-count // 4), 1000))
            targets = self._random.permutation(np.flatnonzero(able))[: DRAWN * most]
            base = self._bases(targets)
            able[targets[base < 0]] = False
            rows = self._moved(targets[base >= 0], base[base >= 0], most)
            if not len(rows[0]):
                break
            pieces = list(sides.hits(sides.front.matrix(rows), self._places.reached(rows)))
            row, side = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
            new = int(able[np.unique(side)].sum())
            able[side] = False
            done.append((rows, row, side))
            count -= len(rows[0])
            if new * WORTH < len(rows[0]) or count <= 0:
                break
        return done

    def _bases(self, targets: Ints) -> Ints:
        """Per side a row of the table that passes its split, as near to its threshold as a few draws give; or -1."""
        sides, base = self._sides, np.full(len(targets), -1, dtype=np.int64)
        splits = targets // SIDES
        for place in np.unique(sides.place[splits]):
            own = np.flatnonzero(sides.place[splits] == place)
            order, leaf = self._order[:, place], self._leaf[:, place]
            low, high = (np.searchsorted(leaf, ends[splits[own]]) for ends in (sides.first, sides.end))
            own, low, wide = own[high > low], low[high > low], (high - low)[high > low]
            drawn = order[low[:, None] + (self._random.random((len(own), NEAREST)) * wide[:, None]).astype(np.int64)]
            rank = self._rank[sides.pair[splits[own]]]
            away = np.abs(self._ranks[drawn, sides.column[splits[own]][:, None]] - rank[:, None])
            base[own] = drawn[np.arange(len(own)), away.argmin(axis=1)]
        return base

    def _moved(self, targets: Ints, base: Ints, most: int) -> Columns:
        """Up to `most` rows, first those moved in most numbers; a row is moved to one side in each number."""
        sides, inside = self._sides, np.arange(len(targets))
        split, side = np.divmod(targets, SIDES)
        source = np.array([sides.sources[each] for each in sides.column[split].tolist()], dtype=np.int64)
        order = np.lexsort((source, base))
        fresh = (np.diff(base[order], prepend=-1) != 0) | (np.diff(source[order], prepend=-1) != 0)
        turn = np.empty_like(inside)  # the how-many-th target of its base and number
        turn[order] = inside - np.maximum.accumulate(np.where(fresh, inside, 0))
        keys, row, counts = np.unique(np.stack([base, turn]), axis=1, return_inverse=True, return_counts=True)
        picked = np.argsort(-counts, kind="stable")[:most]
        position = np.full(len(counts), -1, dtype=np.int64)
        position[picked] = np.arange(len(picked))
        row = position[row.reshape(-1)]
        rows = take(self._table, keys[0, picked])
        whole = whole_of(sides.front.schema)
        for each in np.unique(source[row >= 0]):
            for way in (0, 1):
                own = np.flatnonzero((row >= 0) & (source == each) & (side == way))
                steps = sides.inputs[sides.pair[split[own]], way]
                rows[each][row[own]] = moved(take(rows, row[own]), source[own], steps, whole)[each]
            holes = row[(row >= 0) & (source == each) & (side == 2)]
            if len(holes):
                rows[each][holes] = np.nan
        return rows


def most_telling(items: Sequence[Ints], count: int) -> Ints:
    """Choose rows that together stand at many items: each time the row that adds most.

    Args:
        items: of each row, numbered from 0.
        count: of rows.

    Returns:
        Positions of at most `count` rows, the most telling one first; none that adds nothing.
    """
    fresh = np.ones(max((int(own.max(initial=-1)) for own in items), default=-1) + 1, dtype=bool)
    waiting = [(-len(own), row) for row, own in enumerate(items)]
    heapq.heapify(waiting)
    chosen: list[int] = []
    while waiting and len(chosen) < count:
        row = heapq.heappop(waiting)[1]
        gain = int(fresh[items[row]].sum())  # at most what it was when the row was last looked at
        if gain and waiting and gain < -waiting[0][0]:
            heapq.heappush(waiting, (-gain, row))
        elif gain:
            fresh[items[row]] = False
            chosen.append(row)
    return np.array(chosen, dtype=np.int64)
