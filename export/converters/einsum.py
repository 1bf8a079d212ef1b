"""`np.einsum`'s order of sums, of which scikit-learn makes the squared length of each row."""

import numpy as np

from export.graph import Graph

PAIR, UNROLLED = 2, 4  # it holds two float64 in a register (SSE) and adds four registers per turn, the last one first


def squared_norms(graph: Graph, matrix: str, width: int) -> str:
    """Write `np.einsum("ij,ij->i", x, x)[:, None]` of a contiguous float64 matrix of shape (n_rows, width)."""
    count = -(-width // PAIR)
    whole = width // (PAIR * UNROLLED) * UNROLLED
    order = np.arange(count)
    order[:whole] = order[:whole].reshape(-1, UNROLLED)[:, ::-1].reshape(-1)
    columns = np.minimum(PAIR * order[:, None] + np.arange(PAIR), width)  # the column behind the last one holds zeros
    squares = graph.add("Mul", matrix, matrix)
    padded = graph.add("Pad", squares, graph.constant(np.array([0, 0, 0, 1]), "pads"))
    running = graph.add("CumSum", graph.chosen(padded, columns), graph.constant(np.array(1), "axis"))
    pair = graph.add("Gather", running, graph.constant(np.array(count - 1), "last"), axis=1)
    return graph.add("Add", *(graph.chosen(pair, [side]) for side in range(PAIR)))
