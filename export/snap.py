"""Rows with many numbers at once beside thresholds, chosen so that together they stand at as many splits as possible.

A row walks down every tree; at each split on its way whose threshold it stands beside (the next input is on the other
side), a fault of that threshold shows in it. The best rows are changed in a few numbers and chosen again.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from export.aim import ROWS, Front, sources_of
from export.frame import Columns, Schema, take
from export.rows import RowMaker, middle, moved, to_steps

WALKS = 270_000  # rows times trees of one generation
CANDIDATES = (600, 6000)  # fewest and most rows of one generation
THRESHOLDS = 3000  # that inputs are searched for
SNAPPED = (1.0, *[0.2] * 11)  # of the numbers are set anew, generation by generation
ABOVE, MISSING = 0.7, 0.06  # of the numbers that are set: on the right of a threshold; missing
DEEPEST = 64
MEMBER = 6

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Sides:
    """The inputs beside thresholds, and what the trees see of them.

    Attributes:
        column, threshold: of the matrix.
        inputs: positions of the last input on the left and the first on the right, of shape (n, 2).
        seen: the same as the trees see them.
    """

    column: Ints
    threshold: Floats
    inputs: Ints
    seen: Floats


class _Walk:
    """The arrays of one TreeEnsemble node."""

    def __init__(self, node: onnx.NodeProto) -> None:
        values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        self.roots = np.asarray(values["tree_roots"])
        self.feature = np.asarray(values["nodes_featureids"])
        self.threshold = numpy_helper.to_array(values["nodes_splits"]).astype(np.float64)
        self._mode = numpy_helper.to_array(values["nodes_modes"])
        self._missing = np.asarray(values["nodes_missing_value_tracks_true"]).astype(bool)
        self._next = [np.asarray(values[f"nodes_{side}nodeids"]) for side in ("false", "true")]
        self._leaf = [np.asarray(values[f"nodes_{side}leafs"]).astype(bool) for side in ("false", "true")]
        sets = numpy_helper.to_array(values["membership_values"]) if "membership_values" in values else np.empty(0)
        ends = np.flatnonzero(np.isnan(sets))
        members = np.split(sets, ends + 1)[: len(ends)]
        self._members = dict(zip(np.flatnonzero(self._mode == MEMBER).tolist(), members, strict=False))

    @property
    def plain(self) -> npt.NDArray[np.bool_]:
        """Splits by `x <= threshold` with a finite threshold."""
        plain: npt.NDArray[np.bool_] = (self._mode == 0) & np.isfinite(self.threshold)
        return plain

    def passed(self, matrix: Floats, sides: Floats) -> tuple[Ints, Ints]:
        """Which splits rows pass while they stand beside their threshold.

        Args:
            matrix: what the trees see, of shape (n_rows, n_columns).
            sides: per split what is seen of the inputs beside it, of shape (n_splits, 2); NaN where not known.

        Returns:
            Rows, and 3 times the split plus 0 on its left, 1 on its right, 2 with the number missing.
        """
        rows = np.repeat(np.arange(len(matrix)), len(self.roots))
        node = np.tile(self.roots, len(matrix))
        found: list[tuple[Ints, Ints]] = []
        for _ in range(DEEPEST):
            seen = matrix[rows, self.feature[node]]
            left = np.where(np.isnan(seen), self._missing[node], seen <= self.threshold[node])
            for split in np.unique(node[self._mode[node] == MEMBER]):
                here = node == split
                left[here] = np.where(
                    np.isnan(seen[here]), self._missing[split], np.isin(seen[here], self._members[split])
                )
            for side, hit in enumerate((seen == sides[node, 0], seen == sides[node, 1], np.isnan(seen))):
                found.append((rows[hit], 3 * node[hit] + side))
            leaf = np.where(left, self._leaf[1][node], self._leaf[0][node])
            rows, node = rows[~leaf], np.where(left, self._next[1][node], self._next[0][node])[~leaf]
            if not len(rows):
                break
        return np.concatenate([each[0] for each in found]), np.concatenate([each[1] for each in found])


def snap(model: onnx.ModelProto, schema: Schema, maker: RowMaker, aimed: Columns, count: int, seed: int) -> Columns:
    """Build candidates, add rows that are aimed at single splits, and choose up to `count`; none without trees.

    Only trees that read the matrix that most of them read are looked at.
    """
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        if node.op_type == "TreeEnsemble":
            readers.setdefault(node.input[0], []).append(node)
    nothing = take(maker.table, np.arange(0))
    if not readers:
        return nothing
    name = max(readers, key=lambda each: len(readers[each]))
    front, walks = Front(model, schema, name), [_Walk(node) for node in readers[name]]
    random = np.random.default_rng([seed, 2])
    sources = sources_of(front, take(maker.table, random.permutation(len(maker.table[0]))[:ROWS]))
    if not sources:
        return nothing
    sides = _search(front, walks, sources, maker, random)
    if not len(sides.column):
        return nothing
    trees = sum(len(walk.roots) for walk in walks)
    candidates = min(max(WALKS // trees, CANDIDATES[0]), CANDIDATES[1])
    kept = nothing
    for share in SNAPPED:
        many = len(kept[0])
        children = take(kept, np.arange(candidates) % many) if many else maker.recombined(candidates)
        _snap(children, share, sides, sources, random)
        rows = [np.concatenate(pieces) for pieces in zip(kept, aimed, children, strict=True)]
        kept = take(rows, _spread(*_hits(front.matrix(rows), walks, sides), len(rows[0]), count))
    return kept


def _search(
    front: Front, walks: list[_Walk], sources: dict[int, int], maker: RowMaker, random: np.random.Generator
) -> _Sides:
    """Bisect for the inputs beside thresholds, drawn among all splits: frequent thresholds come first."""
    pairs = np.concatenate([np.stack([w.feature, w.threshold], axis=1)[w.plain] for w in walks])
    pairs = pairs[np.isin(pairs[:, 0], list(sources))]
    pairs = np.unique(random.permutation(pairs)[: 3 * THRESHOLDS], axis=0)
    pairs = random.permutation(pairs)[:THRESHOLDS]
    column, threshold = pairs[:, 0].astype(np.int64), pairs[:, 1]
    source = np.array([sources[each] for each in column.tolist()], dtype=np.int64)
    base = maker.recombined(len(pairs))
    every = np.arange(len(pairs))

    def seen(steps: Ints) -> Floats:
        numbers: Floats = front.matrix(moved(base, source, steps))[every, column].astype(np.float64)
        return numbers

    low, high = to_steps(np.full(len(pairs), -1e30)), to_steps(np.full(len(pairs), 1e30))
    rising = (seen(low) <= threshold) & (seen(high) > threshold)
    while len(pairs):
        between = middle(low, high)
        if np.all((between == low) | (between == high)):
            break
        left = seen(between) <= threshold
        low, high = np.where(left, between, low), np.where(left, high, between)
    kept = np.flatnonzero(rising)
    inputs = np.stack([low, high], axis=1)[kept]
    looks = np.stack([seen(low), seen(high)], axis=1)[kept]
    return _Sides(column[kept], threshold[kept], inputs, looks)


def _snap(rows: Columns, share: float, sides: _Sides, sources: dict[int, int], random: np.random.Generator) -> None:
    """Set a share of the numbers beside thresholds, in place."""
    count = len(rows[0])
    for column in np.unique(sides.column):
        source = sources[int(column)]
        own = sides.inputs[sides.column == column]
        side = (random.random(count) < ABOVE).astype(np.int64)
        steps = own[random.integers(len(own), size=count), side]
        snapped = moved(rows, np.full(count, source), steps)[source]
        draw = random.random(count)
        changed = np.where(random.random(count) < MISSING, np.nan, snapped)
        rows[source] = np.where(draw < share, changed, rows[source])


def _hits(matrix: Floats, walks: list[_Walk], sides: _Sides) -> tuple[Ints, Ints]:
    """(row, split and side) of each time a row passes a split beside its threshold; every side has its number."""
    known = {(int(c), float(t)): look for c, t, look in zip(sides.column, sides.threshold, sides.seen, strict=True)}
    unknown = np.array([np.nan, np.nan])
    rows, places, start = [], [], 0
    for walk in walks:
        pairs = zip(walk.feature.tolist(), walk.threshold.tolist(), strict=True)
        beside = np.array([known.get(pair, unknown) for pair in pairs])
        row, place = walk.passed(matrix, beside)
        rows.append(row)
        places.append(place + start)
        start += 3 * len(walk.feature)
    return np.concatenate(rows), np.concatenate(places)


def _spread(rows: Ints, places: Ints, candidates: int, count: int) -> Ints:
    """Positions of up to `count` candidates, each the one that passes most of what none did before."""
    order = np.argsort(rows, kind="stable")
    rows, places = rows[order], np.unique(places[order], return_inverse=True)[1]
    starts = np.searchsorted(rows, np.arange(candidates + 1))
    fresh = np.ones(int(places.max(initial=-1)) + 1, dtype=np.int64)
    chosen: list[int] = []
    for _ in range(count):
        gained = np.concatenate([[0], np.cumsum(fresh[places])])
        gain = gained[starts[1:]] - gained[starts[:-1]]
        best = int(gain.argmax())
        if not gain[best]:
            break
        chosen.append(best)
        fresh[places[starts[best] : starts[best + 1]]] = 0
    return np.sort(np.array(chosen, dtype=np.int64))
