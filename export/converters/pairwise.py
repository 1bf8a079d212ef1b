"""NumPy's own sums: pairwise along a contiguous axis, with eight running sums in a block (`loops_utils.h.src`)."""

import numpy as np

from export.graph import Graph

BLOCK, LANES = 128, 8


def add_up(graph: Graph, values: str, width: int) -> str:
    """Write `np.sum(values, axis=1, keepdims=True)` of a contiguous float64 matrix, in NumPy's order.

    Args:
        graph: where to.
        values: float64 of shape (n_rows, width).
        width: known beforehand.
    """
    return _pairwise(graph, values, 0, width)


def _pairwise(graph: Graph, values: str, start: int, count: int) -> str:
    if count > BLOCK:
        half = count // 2
        half -= half % LANES
        parts = [_pairwise(graph, values, *part) for part in ((start, half), (start + half, count - half))]
        return graph.add("Add", *parts)
    if count < LANES:
        return _in_turn(graph, _columns(graph, values, start, count), count)
    even = count - count % LANES
    shape = graph.constant(np.array([-1, even // LANES, LANES]), "lanes")
    sums = _in_turn(graph, graph.add("Reshape", _columns(graph, values, start, even), shape), even // LANES)
    sums = graph.add("Squeeze", sums, graph.constant(np.array([1]), "axis"))
    for width in (LANES, LANES // 2, LANES // 4):
        pairs = [graph.chosen(sums, np.arange(side, width, 2)) for side in (0, 1)]
        sums = graph.add("Add", *pairs)
    for column in range(start + even, start + count):
        sums = graph.add("Add", sums, _columns(graph, values, column, 1))
    return sums


def _in_turn(graph: Graph, values: str, count: int) -> str:
    """The sum along axis 1, which has `count` places, one after the other; that axis stays."""
    running = graph.add("CumSum", values, graph.constant(np.array(1), "axis"))
    return graph.chosen(running, [count - 1])


def _columns(graph: Graph, values: str, start: int, count: int) -> str:
    bounds = (graph.constant(np.array([bound]), "bound") for bound in (start, start + count, 1))
    return graph.add("Slice", values, *bounds)
