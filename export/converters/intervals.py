"""Which interval between sorted edges a number lies in: a balanced tree of comparisons per column."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from export.converters.trees import Tree, add_ensemble
from export.graph import INT64, Graph

Edges = Sequence[npt.NDArray[np.float64]]


def intervals(graph: Graph, matrix: str, edges: Edges, *, right: bool = True) -> str:
    """Write `numpy.searchsorted(edges[column], x, side)` for each column.

    Args:
        graph: where to.
        matrix: float64 of shape (n_rows, n_columns).
        edges: sorted, per column; there may be none.
        right: count the edges that are at most x, else those that are less than x.

    Returns:
        Name of an int64 tensor of shape (n_rows, n_columns). NaN lies behind the last edge.
    """
    trees = [_tree(column, each, right) for column, each in enumerate(edges)]
    counts = add_ensemble(graph, matrix, trees, range(len(trees)), len(trees))
    return graph.add("Cast", counts, to=INT64)


def _tree(column: int, edges: npt.NDArray[np.float64], right: bool) -> Tree:
    """A balanced tree whose leaf is the number of edges below."""
    different, numbers = np.unique(edges, return_counts=True)
    below = np.concatenate([[0], np.cumsum(numbers)])
    nodes = 2 * len(different) + 1
    first, second = np.full(nodes, -1), np.full(nodes, -1)
    leaf, threshold = np.zeros(nodes), np.zeros(nodes)
    waiting, free = [(0, 0, len(different))], 1  # a node, and the range of edges that may be the next above x
    while waiting:
        node, low, high = waiting.pop()
        if low == high:
            leaf[node] = below[low]
            continue
        middle = (low + high) // 2
        edge = different[middle]
        threshold[node] = np.nextafter(edge, -np.inf) if right else edge  # x < edge is x <= its lower neighbour
        first[node], second[node] = free, free + 1
        waiting += [(free, low, middle), (free + 1, middle + 1, high)]
        free += 2
    return Tree(np.full(nodes, column), threshold, first, second, np.zeros(nodes, dtype=bool), leaf)
