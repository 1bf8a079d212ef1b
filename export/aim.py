"""Rows aimed at single splits of the exported trees: both sides of the threshold, one input step apart.

The graph's own first part (everything in front of the trees) says which matrix a row becomes; bisection in input space
finds the two adjacent inputs between which the aimed column crosses the threshold, on a row that reaches the split.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from export.frame import Columns, Schema, take
from export.part import Part, feeds_of
from export.rows import middle, moved, to_steps

SPLITS = 240  # splits that rows are aimed at
MATRICES = 8  # input matrices of trees that rows are aimed at
ROWS = 4000  # training rows among which one that reaches the split is looked for
LEQ = 0


@dataclass(frozen=True)
class Aimed:
    """Rows built for some splits.

    Attributes:
        rows: graph values; two rows per split (left, right), then one with the input missing where that reaches it.
        splits: per aimed split its TreeEnsemble node, its position there, and the smallest threshold that sends the
            right row left.
        missing: the splits (same form) that a row with a missing input reaches.
    """

    rows: Columns
    splits: list[tuple[int, int, float]]
    missing: list[tuple[int, int, float]]


class Front:
    """The graph up to an input matrix of trees."""

    def __init__(self, model: onnx.ModelProto, schema: Schema, name: str) -> None:
        self.schema, self.name = schema, name
        self._part = Part(model, [name])

    def matrix(self, values: Columns) -> npt.NDArray[np.float64]:
        """What the trees see, float64 of shape (n_rows, n_columns)."""
        result: npt.NDArray[np.float64] = self._part.run(feeds_of(values))[self.name]
        return result


@dataclass(frozen=True)
class _Trees:
    """The split arrays of one TreeEnsemble node, and each split's parent (-1 at a root) and side (True = left)."""

    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64]
    mode: npt.NDArray[np.uint8]
    missing_left: npt.NDArray[np.int64]
    parent: npt.NDArray[np.int64]
    side: npt.NDArray[np.bool_]

    def reaches(self, matrix: npt.NDArray[np.float64], split: int) -> npt.NDArray[np.bool_]:
        """Rows that reach a split once its own column is set to its threshold; only splits by `<=` on the way."""
        reached = np.ones(len(matrix), dtype=bool)
        column = self.feature[split]
        node = split
        while self.parent[node] >= 0:
            side, node = self.side[node], int(self.parent[node])
            if self.mode[node] != LEQ:
                return np.zeros(len(matrix), dtype=bool)
            if self.feature[node] == column:
                continue
            seen = matrix[:, self.feature[node]]
            left = np.where(np.isnan(seen), bool(self.missing_left[node]), seen <= self.threshold[node])
            reached &= left == side
        return reached


def aim(model: bytes, schema: Schema, table: Columns, seed: int, splits: int = SPLITS) -> Aimed:
    """Build rows for up to `splits` splits, drawn at random from all trees; none where the model has no trees.

    Trees that read the same matrix are aimed at together; of more than `MATRICES` matrices some are drawn.
    """
    parsed = onnx.load_from_string(model)
    readers: dict[str, list[int]] = {}
    for position, node in enumerate(parsed.graph.node):
        if node.op_type == "TreeEnsemble":
            readers.setdefault(node.input[0], []).append(position)
    random = np.random.default_rng(seed)
    sample = take(table, random.permutation(len(table[0]))[:ROWS])
    drawn = [list(readers)[place] for place in random.permutation(len(readers))[:MATRICES]]
    parts = [Aimed(take(table, np.arange(0)), [], [])]
    for name in drawn:
        front = Front(parsed, schema, name)
        sources = sources_of(front, sample)
        trees = {position: _read(parsed.graph.node[position]) for position in readers[name]}
        chosen = list(_choose(trees, sources, front.matrix(sample), random, -(-splits // len(drawn))))
        if chosen:
            parts.append(_bisect(front, sample, chosen, trees, sources))
    return Aimed(
        [np.concatenate(pieces) for pieces in zip(*(part.rows for part in parts), strict=True)],
        [split for part in parts for split in part.splits],
        [split for part in parts for split in part.missing],
    )


def _read(node: onnx.NodeProto) -> _Trees:
    values = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    count = len(values["nodes_featureids"])
    parent, side = np.full(count, -1), np.zeros(count, dtype=bool)
    for left, children, leaves in (
        (True, values["nodes_truenodeids"], values["nodes_trueleafs"]),
        (False, values["nodes_falsenodeids"], values["nodes_falseleafs"]),
    ):
        inner = np.flatnonzero(np.asarray(leaves) == 0)
        parent[np.asarray(children)[inner]], side[np.asarray(children)[inner]] = inner, left
    return _Trees(
        np.asarray(values["nodes_featureids"]),
        numpy_helper.to_array(values["nodes_splits"]),
        numpy_helper.to_array(values["nodes_modes"]),
        np.asarray(values["nodes_missing_value_tracks_true"]),
        parent,
        side,
    )


def sources_of(front: Front, sample: Columns) -> dict[int, int]:
    """Matrix column -> the input column of numbers that it depends on."""
    found = {}
    for index, column in enumerate(front.schema.columns):
        if column.dtype != "float64" or column.type != "number":
            continue
        known = sample[index][~np.isnan(sample[index])]
        if not len(known):
            continue
        probes = [array[:2].copy() if len(array) > 1 else np.repeat(array, 2) for array in sample]
        probes[index][:] = known.max() if len(known) else 0.0
        for other, array in enumerate(probes):
            if other != index:
                array[1] = array[0]
        probes[index][1] = known.min() - 1.0
        matrix = front.matrix(probes)
        for changed in np.flatnonzero(matrix[0] != matrix[1]):
            found[int(changed)] = index
    return found


def _choose(
    trees: dict[int, _Trees],
    sources: dict[int, int],
    seen: npt.NDArray[np.float64],
    random: np.random.Generator,
    count: int,
) -> Iterator[tuple[int, int, int]]:
    """Up to `count` times (TreeEnsemble node, split, row of the sample that reaches it)."""
    places = [
        (position, int(split))
        for position, tree in trees.items()
        for split in np.flatnonzero((tree.mode == LEQ) & np.isin(tree.feature, list(sources)))
    ]
    found = 0
    for place in random.permutation(len(places))[: 3 * count]:
        position, split = places[place]
        if not np.isfinite(trees[position].threshold[split]):
            continue
        reaching = np.flatnonzero(trees[position].reaches(seen, split))
        if len(reaching):
            yield position, split, int(random.choice(reaching))
            found += 1
            if found == count:
                return


def _bisect(
    front: Front,
    sample: Columns,
    chosen: list[tuple[int, int, int]],
    trees: dict[int, _Trees],
    sources: dict[int, int],
) -> Aimed:
    base = take(sample, np.array([row for _, _, row in chosen]))
    column = np.array([trees[position].feature[split] for position, split, _ in chosen])
    threshold = np.array([trees[position].threshold[split] for position, split, _ in chosen])
    source = np.array([sources[int(each)] for each in column])
    every = np.arange(len(chosen))

    def seen(steps: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        numbers: npt.NDArray[np.float64] = front.matrix(moved(base, source, steps))[every, column]
        return numbers

    low = to_steps(np.full(len(chosen), -1e30))
    high = to_steps(np.full(len(chosen), 1e30))
    low_is_left = seen(low) <= threshold
    crossing = low_is_left != (seen(high) <= threshold)
    while True:
        between = middle(low, high)
        if np.all((between == low) | (between == high)):
            break
        as_low = (seen(between) <= threshold) == low_is_left
        low, high = np.where(as_low, between, low), np.where(as_low, high, between)
    kept = np.flatnonzero(crossing)
    above = np.where(low_is_left, seen(high), seen(low))
    splits = [(chosen[i][0], chosen[i][1], float(above[i])) for i in kept]
    sides = [take(moved(base, source, steps), kept) for steps in (low, high)]
    holes = _with_missing(base, source)
    reached = np.flatnonzero(crossing & np.isnan(front.matrix(holes)[every, column]))
    parts = [*sides, take(holes, reached)]
    rows = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
    return Aimed(rows, splits, [(chosen[i][0], chosen[i][1], float(above[i])) for i in reached])


def _with_missing(base: Columns, source: npt.NDArray[np.int64]) -> Columns:
    holes = [array.copy() for array in base]
    for index in np.unique(source):
        holes[index][source == index] = np.nan
    return holes
