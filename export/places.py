"""Which leaves, categories and table entries of a graph rows reach: what no row reaches, no check has seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from export.frame import Columns, take
from export.part import Part, feeds_of, rows_of
from export.walk import Trees, numbered, trees_of

CHUNK = 4096
MOST = 20_000_000  # rows times places of a sample
ENTRIES = 100_000  # a table longer than this is no table of categories or bins

Reached = npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Place:
    """One tree, one encoder or one table.

    Attributes:
        kind: `leaves`, `categories` or `entries`.
        node: position of its node in the graph.
        tensor: what says for each row which of its parts it reaches.
        column: of that tensor; -1 where it has one number per row.
        count: of its parts.
        known: the numbers that stand for the parts, in order; None where they are 0, 1, 2 and so on.
    """

    kind: str
    node: int
    tensor: str
    column: int
    count: int
    known: npt.NDArray[Any] | None = None


class Places:
    """The countable places of a graph.

    Args:
        model: the whole graph; stays unchanged.

    Attributes:
        all: the places.
        trees: by position of their node.
        start: the place of each node's first tree.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        marked = onnx.ModelProto()
        marked.CopyFrom(model)
        self.all: list[_Place] = []
        self.trees: dict[int, Trees] = {}
        self.start: dict[int, int] = {}
        constants = {each.name: each for each in model.graph.initializer}
        for position, node in enumerate(model.graph.node):
            if node.op_type == "TreeEnsemble":
                self.trees[position] = trees = trees_of(node, position)
                tensor = f"reached {position}"
                marked.graph.node.append(numbered(node, trees, tensor))
                self.start[position] = len(self.all)
                self.all += [
                    _Place("leaves", position, tensor, tree, len(own)) for tree, own in enumerate(trees.leaves)
                ]
            elif node.op_type == "LabelEncoder":
                known = np.unique(_values(node))
                if known.dtype.kind in "if" and len(known) > 1:
                    self.all.append(_Place("categories", position, node.output[0], -1, len(known), known))
            elif node.op_type == "Gather" and node.input[0] in constants and node.input[1] not in constants:
                count = next(iter(constants[node.input[0]].dims), 0)
                if _axis(node) == 0 and 1 < count < ENTRIES and _of_doubles(constants[node.input[0]]):
                    self.all.append(_Place("entries", position, node.input[1], -1, count))
        wanted = list(dict.fromkeys(place.tensor for place in self.all))
        self._part = Part(marked, wanted)
        self._several: set[int] = set()  # places of which a row reaches several parts: not counted

    def reached(self, columns: Columns) -> Reached:
        """The part of each place that each row reaches, of shape (n_rows, n_places); -1 where that is not one part."""
        found = np.full((len(columns[0]), len(self.all)), -1, dtype=np.int32)
        if not self.all:
            return found
        for piece, values in rows_of(columns, CHUNK):
            tensors = self._part.run(feeds_of(values))
            for index, place in enumerate(self.all):
                seen = tensors[place.tensor]
                if place.column >= 0:
                    found[piece, index] = seen[:, place.column]
                elif seen.size != len(values[0]):
                    self._several.add(index)
                elif place.known is not None:
                    found[piece, index] = np.searchsorted(place.known, seen.reshape(-1))
                else:
                    found[piece, index] = np.mod(seen.reshape(-1), place.count)
        return found

    def leaves(self, columns: Columns) -> npt.NDArray[np.int64]:
        """The leaf that each row reaches in each tree, counted over all trees, of shape (n_rows, n_trees)."""
        own = [index for index, place in enumerate(self.all) if place.kind == "leaves"]
        starts = np.cumsum([0, *(self.all[index].count for index in own)])[:-1]
        numbered: npt.NDArray[np.int64] = self.reached(columns)[:, own] + starts
        return numbered

    def count(self, rows: Mapping[str, Sequence[Columns]]) -> dict[str, dict[str, int]]:
        """How many parts there are of each kind, and how many of them the rows of each name reach.

        Args:
            rows: name -> graph values, in one or several pieces.
        """
        seen = {name: [np.zeros(place.count, dtype=bool) for place in self.all] for name in rows}
        for name, pieces in rows.items():
            for columns in pieces:
                for _, values in rows_of(columns, CHUNK):
                    if all(own.all() for own in seen[name]):
                        break
                    for own, parts in zip(seen[name], self.reached(values).T, strict=True):
                        own[parts[parts >= 0]] = True
        counts: dict[str, dict[str, int]] = {}
        for index, place in enumerate(self.all):
            if index not in self._several:
                entry = counts.setdefault(place.kind, {"all": 0, **dict.fromkeys(rows, 0)})
                entry["all"] += place.count
                for name, found in seen.items():
                    entry[name] += int(found[index].sum())
        return counts


@dataclass(frozen=True)
class Sample:
    """Training rows, as many as are worth it, and what they reach."""

    rows: Columns
    reached: Reached


def sample_of(places: Places, table: Columns, seed: int) -> Sample:
    """Draw rows of the table: their number times that of the places is bounded."""
    most = max(MOST // max(len(places.all), 1), 1)
    rows = take(table, np.random.default_rng([seed, 4]).permutation(len(table[0]))[:most])
    return Sample(rows, places.reached(rows))


def spread(reached: Reached, count: int) -> npt.NDArray[np.int64]:
    """Choose rows that together reach many parts: each time the row that reaches most of what none did before.

    Args:
        reached: of the candidates, from `Places.reached`.
        count: of rows.

    Returns:
        Positions of the chosen rows, at most `count`, in order; rows that reach nothing new are taken as they come.
    """
    rows, places = reached.shape
    if not places or rows <= count:
        return np.arange(min(rows, count))
    widths = reached.max(axis=0).astype(np.int64) + 2
    flat = reached + 1 + np.concatenate([[0], np.cumsum(widths)[:-1]])
    fresh = np.ones(int(widths.sum()), dtype=np.uint8)
    chosen: list[int] = []
    left = np.ones(rows, dtype=bool)
    for _ in range(count):
        gain = np.where(left, fresh[flat].sum(axis=1, dtype=np.int64), -1)
        best = int(gain.argmax())
        chosen.append(best)
        left[best] = False
        fresh[flat[best]] = 0
    return np.sort(np.array(chosen, dtype=np.int64))


def _values(node: onnx.NodeProto) -> npt.NDArray[Any]:
    """What an encoder gives."""
    values = [attribute.t for attribute in node.attribute if attribute.name == "values_tensor"]
    return numpy_helper.to_array(values[0]) if values else np.empty(0)


def _axis(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)


def _of_doubles(tensor: onnx.TensorProto) -> bool:
    return bool(tensor.data_type == onnx.TensorProto.DOUBLE)
