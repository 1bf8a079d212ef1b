"""Which leaves, categories and table entries of a graph rows reach: what no row reaches, no check has seen."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from export.frame import Columns
from export.part import Part, feeds_of, rows_of

CHUNK = 4096
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
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        marked = onnx.ModelProto()
        marked.CopyFrom(model)
        self.all: list[_Place] = []
        self.leaf_of: dict[int, npt.NDArray[np.int64]] = {}
        constants = {each.name: each for each in model.graph.initializer}
        for position, node in enumerate(model.graph.node):
            if node.op_type == "TreeEnsemble":
                numbered, self.leaf_of[position], counts = _numbered(node, f"reached {position}")
                marked.graph.node.append(numbered)
                self.all += [
                    _Place("leaves", position, numbered.output[0], tree, count) for tree, count in enumerate(counts)
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

    def count(self, reached: dict[str, Reached]) -> dict[str, dict[str, int]]:
        """How many parts there are of each kind, and how many of them the rows of each name reach.

        Args:
            reached: name -> from `reached`.
        """
        counts: dict[str, dict[str, int]] = {}
        for index, place in enumerate(self.all):
            if index in self._several:
                continue
            entry = counts.setdefault(place.kind, {"all": 0, **dict.fromkeys(reached, 0)})
            entry["all"] += place.count
            for name, matrix in reached.items():
                parts = np.unique(matrix[:, index])
                entry[name] += int((parts >= 0).sum())
        return counts


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


def _numbered(node: onnx.NodeProto, output: str) -> tuple[onnx.NodeProto, npt.NDArray[np.int64], list[int]]:
    """The same trees with one output each: the number of the leaf within its tree.

    Returns:
        The node; per leaf reference (left ones in the order of the splits, then right ones) the leaf's position in the
        arrays of the original node, flattened tree by tree; and the number of references per tree.
    """
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    roots = np.asarray(values["tree_roots"])
    children = [np.asarray(values[f"nodes_{side}nodeids"]) for side in ("true", "false")]
    leafs = [np.asarray(values[f"nodes_{side}leafs"]).astype(bool) for side in ("true", "false")]
    tree = _trees(roots, children, leafs)
    owner = np.concatenate([tree[leaf] for leaf in leafs])
    number = np.zeros(len(owner), dtype=np.int64)
    counts = []
    for index in range(len(roots)):
        own = np.flatnonzero(owner == index)
        number[own] = np.arange(len(own))
        counts.append(len(own))
    places = np.concatenate([child[leaf] for child, leaf in zip(children, leafs, strict=True)])
    pointers, start = [], 0
    for child, leaf in zip(children, leafs, strict=True):
        pointer = child.copy()
        pointer[leaf] = np.arange(start, start + int(leaf.sum()))
        start += int(leaf.sum())
        pointers.append(pointer)
    kind = numpy_helper.to_array(values["nodes_splits"]).dtype
    changed: dict[str, Any] = {
        **values,
        "aggregate_function": 1,
        "post_transform": 0,
        "n_targets": len(roots),
        "nodes_truenodeids": pointers[0].tolist(),
        "nodes_falsenodeids": pointers[1].tolist(),
        "leaf_targetids": owner.tolist(),
        "leaf_weights": numpy_helper.from_array(number.astype(kind), "leaf_weights"),
    }
    numbered = helper.make_node("TreeEnsemble", [node.input[0]], [output], domain=node.domain, **changed)
    return numbered, places[np.lexsort((np.arange(len(owner)), owner))], counts


def _trees(roots: Any, children: list[Any], leafs: list[Any]) -> npt.NDArray[np.int64]:
    """The tree of each split."""
    tree = np.full(len(children[0]), -1, dtype=np.int64)
    front = np.asarray(roots)
    tree[front] = np.arange(len(roots))
    while len(front):
        below = []
        for child, leaf in zip(children, leafs, strict=True):
            inner = front[~leaf[front]]
            tree[child[inner]] = tree[inner]
            below.append(child[inner])
        front = np.concatenate(below)
    return tree


def _values(node: onnx.NodeProto) -> npt.NDArray[Any]:
    """What an encoder gives."""
    values = [attribute.t for attribute in node.attribute if attribute.name == "values_tensor"]
    return numpy_helper.to_array(values[0]) if values else np.empty(0)


def _axis(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)


def _of_doubles(tensor: onnx.TensorProto) -> bool:
    return bool(tensor.data_type == onnx.TensorProto.DOUBLE)
