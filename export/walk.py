"""The trees of a graph as intervals of leaves: which leaf a row falls into says every split that it passes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

LEQ = 0

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trees:
    """The splits of one TreeEnsemble node; a tree's leaves are numbered from left to right, from 0.

    Attributes:
        node: its position in the graph.
        matrix: the tensor that it reads.
        feature, threshold, plain: per split its column, its threshold (float64), and whether it is `x <= threshold`
            with a finite threshold.
        missing_left: whether NaN goes left.
        tree: of each split, by position in the node.
        first, middle, end: left of a split lie its tree's leaves first … middle - 1, right of it middle … end - 1.
        leaves: per tree the positions of its leaves' weights in the node's arrays.
    """

    node: int
    matrix: str
    feature: Ints
    threshold: npt.NDArray[np.float64]
    plain: npt.NDArray[np.bool_]
    missing_left: npt.NDArray[np.bool_]
    tree: Ints
    first: Ints
    middle: Ints
    end: Ints
    leaves: tuple[Ints, ...]


def trees_of(node: onnx.NodeProto, position: int) -> Trees:
    """Read a TreeEnsemble node."""
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    children = [np.asarray(values[f"nodes_{side}nodeids"], dtype=np.int64) for side in ("true", "false")]
    leafs = [np.asarray(values[f"nodes_{side}leafs"]).astype(bool) for side in ("true", "false")]
    roots = np.asarray(values["tree_roots"], dtype=np.int64)
    levels = _levels(roots, children, leafs)
    first, middle, end, tree = _intervals(roots, children, leafs, levels)
    number = np.concatenate([first[leafs[0]], middle[leafs[1]]])
    owner = np.concatenate([tree[leafs[0]], tree[leafs[1]]])
    weight = np.concatenate([child[leaf] for child, leaf in zip(children, leafs, strict=True)])
    ordered = weight[np.lexsort((number, owner))]
    ends = np.cumsum(np.bincount(owner, minlength=len(roots)))[:-1]
    threshold = numpy_helper.to_array(values["nodes_splits"]).astype(np.float64)
    mode = numpy_helper.to_array(values["nodes_modes"])
    return Trees(
        position,
        node.input[0],
        np.asarray(values["nodes_featureids"], dtype=np.int64),
        threshold,
        (mode == LEQ) & np.isfinite(threshold),
        np.asarray(values["nodes_missing_value_tracks_true"]).astype(bool),
        tree,
        first,
        middle,
        end,
        tuple(np.split(ordered, ends)),
    )


def numbered(node: onnx.NodeProto, trees: Trees, output: str) -> onnx.NodeProto:
    """The same trees with one output each: the number of the leaf within its tree."""
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    pointers: list[Ints] = []
    numbers: list[Ints] = []
    start = 0
    for side, number in (("true", trees.first), ("false", trees.middle)):
        pointer = np.asarray(values[f"nodes_{side}nodeids"], dtype=np.int64).copy()
        leaf = np.asarray(values[f"nodes_{side}leafs"]).astype(bool)
        pointer[leaf] = np.arange(start, start + int(leaf.sum()))
        start += int(leaf.sum())
        pointers.append(pointer)
        numbers += [number[leaf], trees.tree[leaf]]
    kind = numpy_helper.to_array(values["nodes_splits"]).dtype
    changed: dict[str, Any] = {
        **values,
        "aggregate_function": 1,
        "post_transform": 0,
        "n_targets": len(trees.leaves),
        "nodes_truenodeids": pointers[0].tolist(),
        "nodes_falsenodeids": pointers[1].tolist(),
        "leaf_targetids": np.concatenate(numbers[1::2]).tolist(),
        "leaf_weights": numpy_helper.from_array(np.concatenate(numbers[::2]).astype(kind), "leaf_weights"),
    }
    return helper.make_node("TreeEnsemble", [node.input[0]], [output], domain=node.domain, **changed)


def _levels(roots: Ints, children: Sequence[Ints], leafs: Sequence[npt.NDArray[np.bool_]]) -> list[Ints]:
    """The splits, level by level from the roots."""
    levels = [roots]
    while len(levels[-1]):
        front = levels[-1]
        levels.append(np.concatenate([child[front[~leaf[front]]] for child, leaf in zip(children, leafs, strict=True)]))
    return levels[:-1]


def _intervals(
    roots: Ints, children: Sequence[Ints], leafs: Sequence[npt.NDArray[np.bool_]], levels: Sequence[Ints]
) -> tuple[Ints, Ints, Ints, Ints]:
    """First leaf, first leaf on the right, the one behind the last, and the tree of each split."""
    sizes = np.ones((2, len(children[0])), dtype=np.int64)  # leaves on the left and on the right
    for level in reversed(levels):
        for side in (0, 1):
            inner = level[~leafs[side][level]]
            sizes[side, inner] = sizes[:, children[side][inner]].sum(axis=0)
    first, tree = np.zeros(sizes.shape[1], dtype=np.int64), np.zeros(sizes.shape[1], dtype=np.int64)
    tree[roots] = np.arange(len(roots))
    for level in levels:
        for side in (0, 1):
            inner = level[~leafs[side][level]]
            below = children[side][inner]
            first[below] = first[inner] + (sizes[0, inner] if side else 0)
            tree[below] = tree[inner]
    return first, first + sizes[0], first + sizes.sum(axis=0), tree
