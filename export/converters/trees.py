"""Decision trees as nodes of `TreeEnsemble` (ai.onnx.ml 5), float64 throughout."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, numpy_helper

from export.graph import DOUBLE, ML, Graph

LEQ, MEMBER = 0, 6  # node modes: x <= split, x in set
SUM, NO_TRANSFORM = 1, 0


@dataclass
class Tree:
    """One tree as arrays over its nodes; node 0 is the root.

    Attributes:
        feature, threshold: the split of each inner node (`x <= threshold` goes left); thresholds are float64, or
            float32 for a matrix of that type.
        left, right: children; -1 at a leaf.
        missing_left: whether NaN goes left.
        leaf: the leaf's value (any value at inner nodes).
        members: node -> the values that go left, for splits by membership.
    """

    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64] | npt.NDArray[np.float32]
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    missing_left: npt.NDArray[np.bool_]
    leaf: npt.NDArray[np.float64]
    members: dict[int, list[float]] = field(default_factory=dict)

    @property
    def leaves(self) -> npt.NDArray[np.bool_]:
        """Which nodes are leaves."""
        return self.left < 0


def from_cart(tree: Any, leaf: npt.NDArray[np.float64]) -> Tree:
    """A tree of DecisionTree, RandomForest, ExtraTrees or GradientBoosting (scikit-learn's `tree_`)."""
    return Tree(
        feature=tree.feature.astype(np.int64),
        threshold=tree.threshold.astype(np.float64),
        left=tree.children_left.astype(np.int64),
        right=tree.children_right.astype(np.int64),
        missing_left=tree.missing_go_to_left.astype(bool),
        leaf=leaf,
    )


def as_float32(graph: Graph, matrix: str) -> str:
    """Round to float32 and back, as scikit-learn does in front of these trees."""
    return graph.add("Cast", graph.add("Cast", matrix, to=TensorProto.FLOAT), to=DOUBLE)


def add_ensemble(graph: Graph, matrix: str, trees: Sequence[Tree], targets: Sequence[int], n_targets: int) -> str:
    """Write one node that sums, per target, the leaves that a row falls into.

    Args:
        graph: where to.
        matrix: of the thresholds' type and of shape (n_rows, n_features).
        trees: in the order of summation.
        targets: the target of each tree.
        n_targets: how many there are.

    Returns:
        Name of an output of that type and of shape (n_rows, n_targets).
    """
    parts = _Parts()
    for tree, target in zip(trees, targets, strict=True):
        parts.append(tree, target)
    return graph.add("TreeEnsemble", matrix, domain=ML, **parts.attributes(n_targets))


def unless_endless(graph: Graph, numbers: str, matrix: str) -> str:
    """NaN in place of a row's numbers where float32 of its matrix is infinite: scikit-learn rejects it, so we do.

    Bounds of the columns keep such rows out in front of scalers; behind a logarithm single numbers are infinite.
    """
    if not graph.may_be_endless(matrix):
        return numbers
    rounded = graph.add("Cast", matrix, to=TensorProto.FLOAT)
    endless = graph.add("Cast", graph.add("IsInf", rounded), to=DOUBLE)
    some = graph.add("ReduceMax", endless, graph.constant(np.array([1]), "axis"), keepdims=1)
    one = graph.add("Greater", some, graph.constant(np.zeros((1, 1)), "zero"))
    return graph.add("Where", one, graph.constant(np.full((1, 1), np.nan), "no answer"), numbers)


class _Parts:
    """The attribute arrays of a TreeEnsemble, tree after tree."""

    def __init__(self) -> None:
        self.nodes = 0
        self.leaves = 0
        self.roots: list[int] = []
        self.arrays: dict[str, list[npt.NDArray[Any]]] = {}
        self.members: list[float] = []

    def append(self, tree: Tree, target: int) -> None:
        self.roots.append(self.nodes)
        if tree.leaves[0]:
            self._append_stump(tree, target)
            return
        inner = np.flatnonzero(~tree.leaves)
        ends = np.flatnonzero(tree.leaves)
        number = np.empty(len(tree.left), dtype=np.int64)
        number[inner] = self.nodes + np.arange(len(inner))
        weights, shared = np.unique(tree.leaf[ends], return_inverse=True)
        number[ends] = self.leaves + shared
        modes = np.full(len(inner), LEQ, dtype=np.uint8)
        splits = tree.threshold[inner].copy()
        for position, node in enumerate(inner):
            if int(node) in tree.members:
                modes[position] = MEMBER
                splits[position] = 0.0
                self.members += [*tree.members[int(node)], np.nan]
        self._extend(
            nodes_featureids=tree.feature[inner],
            nodes_splits=splits,
            nodes_modes=modes,
            nodes_truenodeids=number[tree.left[inner]],
            nodes_falsenodeids=number[tree.right[inner]],
            nodes_trueleafs=tree.leaves[tree.left[inner]].astype(np.int64),
            nodes_falseleafs=tree.leaves[tree.right[inner]].astype(np.int64),
            nodes_missing_value_tracks_true=tree.missing_left[inner].astype(np.int64),
            leaf_targetids=np.full(len(weights), target, dtype=np.int64),
            leaf_weights=weights.astype(splits.dtype),
        )
        self.nodes += len(inner)
        self.leaves += len(weights)

    def _append_stump(self, tree: Tree, target: int) -> None:
        """A tree of one leaf: both branches of one node lead there."""
        leaf = np.array([self.leaves])
        one = np.ones(1, dtype=np.int64)
        self._extend(
            nodes_featureids=one - 1,
            nodes_splits=np.zeros(1, dtype=tree.threshold.dtype),
            nodes_modes=np.array([LEQ], dtype=np.uint8),
            nodes_truenodeids=leaf,
            nodes_falsenodeids=leaf,
            nodes_trueleafs=one,
            nodes_falseleafs=one,
            nodes_missing_value_tracks_true=one,
            leaf_targetids=np.array([target]),
            leaf_weights=tree.leaf[:1].astype(tree.threshold.dtype),
        )
        self.nodes += 1
        self.leaves += 1

    def _extend(self, **arrays: npt.NDArray[Any]) -> None:
        for name, array in arrays.items():
            self.arrays.setdefault(name, []).append(array)

    def attributes(self, n_targets: int) -> dict[str, Any]:
        joined = {name: np.concatenate(pieces) for name, pieces in self.arrays.items()}
        tensors = {"nodes_splits", "nodes_modes", "leaf_weights"}
        attributes: dict[str, Any] = {
            name: numpy_helper.from_array(array) if name in tensors else array.tolist()
            for name, array in joined.items()
        }
        if self.members:
            attributes["membership_values"] = numpy_helper.from_array(
                np.array(self.members, dtype=joined["nodes_splits"].dtype)
            )
        return {
            **attributes,
            "tree_roots": self.roots,
            "n_targets": n_targets,
            "aggregate_function": SUM,
            "post_transform": NO_TRANSFORM,
        }
