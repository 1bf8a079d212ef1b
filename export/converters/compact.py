"""Trees that read float32: half the bytes, and the likelier child beside its parent.

scikit-learn compares float32 inputs with float64 thresholds. `x <= threshold` then means the same with the threshold
rounded down to float32, and `x > threshold` the same as `-x <= -(next float32 above the threshold)`. So the children of
a split can change sides when its matrix also holds each column's negative. onnxruntime stores the child of a false
comparison right behind its parent: the child that more training rows reach is put there, and most steps down a tree
stay in one cache line.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from export.converters.trees import Tree
from export.graph import Graph


def twin_matrix(graph: Graph, matrix: str) -> str:
    """The matrix rounded to float32 as scikit-learn does it, then its negative: float32, twice as many columns."""
    rounded = graph.add("Cast", matrix, to=TensorProto.FLOAT)
    return graph.add("Concat", rounded, graph.add("Neg", rounded), axis=1)


def compact(tree: Tree, rows: npt.NDArray[np.float64], n_features: int) -> Tree:
    """The same tree for a matrix of `twin_matrix`.

    Args:
        tree: float64 thresholds, splits by `<=` only.
        rows: how many training rows reach each node.
        n_features: columns in front of their negatives.
    """
    threshold = rounded_down(tree.threshold)
    above = np.nextafter(threshold, np.float32(np.inf))
    inner = np.flatnonzero(~tree.leaves & (threshold < np.inf))  # nothing is above infinity
    swap = np.zeros(len(tree.left), dtype=bool)
    swap[inner] = rows[tree.left[inner]] > rows[tree.right[inner]]
    return Tree(
        feature=np.where(swap, tree.feature + n_features, tree.feature),
        threshold=np.where(swap, -above, threshold),
        left=np.where(swap, tree.right, tree.left),
        right=np.where(swap, tree.left, tree.right),
        missing_left=tree.missing_left ^ swap,
        leaf=tree.leaf,
    )


def rounded_down(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """The largest float32 that is not above each value."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)
