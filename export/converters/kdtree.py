"""scikit-learn's KD tree in the graph: the same distances, and the same choice among equally near rows.

The distance of a row to every training row is computed as the tree does it, difference by difference in the order of
the columns. Where the k-th and the next distance are equal, the choice is the tree's: it visits its leaves nearest
first and pushes rows onto a heap of k places (`_binary_tree.pxi.tp`, `_heap.pyx`), so those rows of a batch are
pushed here in the same order onto the same heap.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from export.graph import DOUBLE, INT64, Graph
from export.subgraph import Value, add_several, each_row, either, repeat

METRICS = ("euclidean", "manhattan", "chebyshev")


@dataclass(frozen=True)
class Tree:
    """What of a fitted KD tree the graph needs.

    Attributes:
        metric: one of METRICS.
        points: float64 of shape (n_columns, n_rows), the training rows in the order of the tree's leaves.
        rows: int64 of shape (n_rows,), their numbers in the training table.
        bounds: float64 of shape (2, n_columns, n_nodes), the smallest and the largest values in each node.
        starts: int64 of shape (n_leaves + 1,), where the leaves begin; the last nodes are the leaves.
    """

    metric: str
    points: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.float64]
    starts: npt.NDArray[np.int64]

    @property
    def leaves(self) -> int:
        """How many leaves it has, a power of two."""
        return len(self.starts) - 1


def tree_of(estimator: Any) -> Tree:
    """The tree of a neighbours estimator that `check` accepts."""
    data, rows, nodes, bounds = (np.asarray(array) for array in estimator._tree.get_arrays())
    leaves = nodes[nodes["is_leaf"] == 1]
    starts = np.append(leaves["idx_start"], leaves["idx_end"][-1])
    return Tree(
        estimator.effective_metric_,
        np.ascontiguousarray(data[rows].T, dtype=np.float64),
        rows.astype(np.int64),
        np.ascontiguousarray(np.moveaxis(bounds, 2, 1), dtype=np.float64),
        starts.astype(np.int64),
    )


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse searches other than a KD tree's: their sums, or their choice among equals, have no fixed order."""
    metric = estimator.effective_metric_
    if metric not in METRICS:
        return f"metric={metric!r} has no exact form", f"Use one of the metrics {', '.join(METRICS)}."
    if estimator._fit_method != "kd_tree":
        return (
            f"this search is by {estimator._fit_method!r}, whose order among equally near rows no graph can repeat",
            "Fit on a dense table with algorithm='kd_tree'.",
        )
    return None


def nearest(graph: Graph, matrix: str, tree: Tree, count: int) -> tuple[str, str]:
    """Write the search for the nearest training rows.

    Returns:
        Distances, float64, and numbers of training rows, int64, both of shape (n_rows, count), nearest first.
    """

    def row(inner: Graph, name: str) -> list[Value]:
        point = inner.add("Unsqueeze", name, inner.constant(np.array([1]), "axis"))
        apart = apart_from_all(inner, tree, point)
        more = min(count + 1, len(tree.rows))
        found = _smallest(inner, apart, more)
        edges = [_at(inner, found[0], np.array(place)) for place in (count - 1, more - 1)]
        infinite = inner.add("IsInf", edges[0])
        tied = inner.add("Equal", *edges) if more > count else infinite
        chosen = either(inner, inner.add("Or", tied, infinite), *_choices(tree, count, point, apart, found))
        return [Value(name, kind, (count,)) for name, kind in zip(chosen, (DOUBLE, INT64), strict=True)]

    apart, rows = each_row(graph, matrix, row)
    return (graph.add("Sqrt", apart) if tree.metric == "euclidean" else apart), rows


def apart_from_all(graph: Graph, tree: Tree, point: str) -> str:
    """The reduced distance of a point, of shape (n_columns, 1), to every row in the tree's order; shape (n_rows,)."""
    return folded(graph, tree, graph.add("Sub", point, graph.constant(tree.points, "points")))


def folded(graph: Graph, tree: Tree, differences: str) -> str:
    """Squares, absolute values or the largest of differences of shape (n_columns, n), along the columns; shape (n,)."""
    if tree.metric == "chebyshev":
        axis = graph.constant(np.array([0]), "axis")
        return graph.add("ReduceMax", graph.add("Abs", differences), axis, keepdims=0)
    square = tree.metric == "euclidean"
    parts = graph.add("Mul", differences, differences) if square else graph.add("Abs", differences)
    running = graph.add("CumSum", parts, graph.constant(np.array(0), "axis"))
    return _at(graph, running, np.array(len(tree.points) - 1))


def gaps(graph: Graph, tree: Tree, point: str) -> tuple[str, str]:
    """How far a point is below and above each node, of shape (n_columns, n_nodes); negative inside."""
    low = graph.add("Sub", graph.constant(tree.bounds[0], "low"), point)
    return low, graph.add("Sub", point, graph.constant(tree.bounds[1], "high"))


def nearest_corner(graph: Graph, tree: Tree, point: str) -> str:
    """The smallest reduced distance of a point to each node, of shape (n_nodes,)."""
    doubled = [graph.add("Add", gap, graph.add("Abs", gap)) for gap in gaps(graph, tree, point)]
    half = graph.constant(np.array(0.5), "half")
    return folded(graph, tree, graph.add("Mul", half, graph.add("Add", *doubled)))


def _choices(tree: Tree, count: int, point: str, apart: str, found: list[str]) -> Any:
    """The branches of a search: with the tree's heap, and without."""

    def heaped(inner: Graph) -> list[Value]:
        values, rows = _heap(inner, tree, count, apart, _order(inner, tree, point))
        values, order = _smallest(inner, values, count)
        return [Value(values, DOUBLE), Value(inner.add("Gather", rows, order), INT64)]

    def plain(inner: Graph) -> list[Value]:
        values, order = (inner.add("Slice", name, *_bounds(inner, 0, count)) for name in found)
        return [Value(values, DOUBLE), Value(inner.add("Gather", inner.constant(tree.rows, "rows"), order), INT64)]

    return heaped, plain


def _order(graph: Graph, tree: Tree, point: str) -> str:
    """Positions in the tree's order as a search visits them, with the last position + 1 where a leaf is shorter."""
    sizes = np.diff(tree.starts)
    places = tree.starts[:-1, None] + np.arange(sizes.max())
    places[np.arange(sizes.max()) >= sizes[:, None]] = len(tree.rows)
    leaves = graph.constant(places, "leaves")
    if tree.leaves == 1:
        return graph.add("Reshape", leaves, graph.constant(np.array([-1]), "flat"))
    corner = nearest_corner(graph, tree, point)
    inner_nodes = np.arange(tree.leaves - 1)
    sides = [_at(graph, corner, 2 * inner_nodes + side) for side in (1, 2)]
    left_first = graph.add("LessOrEqual", *sides)
    depth = tree.leaves.bit_length() - 1
    path = np.arange(tree.leaves)[:, None] + tree.leaves >> np.arange(depth, -1, -1)  # numbered from 1
    is_right = (path[:, 1:] & 1).astype(bool)
    second = graph.add("Equal", _at(graph, left_first, path[:, :-1] - 1), graph.constant(is_right, "right"))
    weights = graph.constant(2.0 ** np.arange(depth - 1, -1, -1)[:, None], "weights")
    place = graph.add("MatMul", graph.add("Cast", second, to=DOUBLE), weights)
    flat = graph.constant(np.array([-1]), "flat")
    order = _smallest(graph, graph.add("Reshape", place, flat), tree.leaves)[1]
    return graph.add("Reshape", graph.add("Gather", leaves, order), flat)


def _heap(graph: Graph, tree: Tree, count: int, apart: str, order: str) -> tuple[str, str]:
    """Push rows in the given order onto the tree's heap; the heap's distances and rows, of shape (count,)."""
    size = 2 * count + 1  # places behind the heap hold -inf: no child
    far = graph.add("Concat", apart, graph.constant(np.array([np.inf]), "none"), axis=0)
    visited = graph.add("Gather", far, order)
    rows = graph.add("Gather", graph.constant(np.append(tree.rows, 0), "rows"), order)
    places = graph.constant(np.arange(tree.leaves * np.diff(tree.starts).max()), "places")

    def following(inner: Graph, heap: str, last: str) -> tuple[str, str]:
        nearer = inner.add("Less", visited, _at(inner, heap, np.array([0])))
        able = inner.add("And", nearer, inner.add("Greater", places, last))
        place = inner.add("ArgMax", inner.add("Cast", able, to=INT64), axis=0, keepdims=1)
        return place, inner.add("Squeeze", inner.add("Gather", able, place))

    def push(inner: Graph, names: list[str]) -> tuple[str, list[Value]]:
        place, heap, held = names
        new = [inner.add("Gather", array, place) for array in (visited, rows)]
        heap, held = _sink(inner, count, [heap, held], new)
        place, going = following(inner, heap, place)
        return going, [Value(place, INT64), Value(heap, DOUBLE), Value(held, INT64)]

    empty = graph.constant(np.where(np.arange(size) < count, np.inf, -np.inf), "heap")
    place, going = following(graph, empty, graph.constant(np.array([-1]), "last"))
    none = graph.constant(np.zeros(size, dtype=np.int64), "held")
    state = [Value(place, INT64), Value(empty, DOUBLE), Value(none, INT64)]
    _, heap, held = repeat(graph, going, state, push)
    inside = np.arange(count)
    return _at(graph, heap, inside), _at(graph, held, inside)


def _sink(graph: Graph, count: int, arrays: list[str], new: list[str]) -> list[str]:
    """Put a new distance and row in the place of the root, and let them sink below larger children, left of equals."""
    left = 2 * np.arange(count) + 1
    values = [_at(graph, arrays[0], left + side) for side in (0, 1)]
    sides = [graph.constant(left + side, "child") for side in (0, 1)]
    larger = graph.add("Where", graph.add("GreaterOrEqual", *values), *sides)
    larger = graph.add("Concat", larger, graph.constant(np.full(count + 1, 2 * count), "end"), axis=0)
    path, node = [graph.constant(np.array([0]), "root")], 0
    while 2 * node + 1 < count:
        path.append(graph.add("Gather", larger, path[-1]))
        node = 2 * node + 1
    upper = graph.add("Concat", *path, axis=0) if len(path) > 1 else path[0]
    lower = graph.add("Concat", *path[1:], graph.constant(np.array([2 * count]), "end"), axis=0)
    below = [graph.add("Gather", array, lower) for array in arrays]
    passes = graph.add("Less", new[0], below[0])
    first = graph.constant(np.array([True]), "first")
    reached = graph.add("Concat", first, graph.add("Slice", passes, *_bounds(graph, 0, len(path) - 1)), axis=0)
    changed = []
    for array, value, child in zip(arrays, new, below, strict=True):
        stays = graph.add("Where", reached, value, graph.add("Gather", array, upper))
        written = graph.add("Where", passes, child, stays)
        changed.append(graph.add("ScatterElements", array, upper, written, axis=0))
    return changed


def _smallest(graph: Graph, values: str, count: int) -> list[str]:
    """The smallest of values of shape (n,) in order, and their places."""
    return add_several(graph, "TopK", [values, graph.constant(np.array([count]), "count")], 2, axis=0, largest=0)


def _at(graph: Graph, values: str, places: npt.NDArray[Any]) -> str:
    """The values in fixed places of the first axis."""
    return graph.add("Gather", values, graph.constant(places, "place"), axis=0)


def _bounds(graph: Graph, *bounds: int) -> list[str]:
    return [graph.constant(np.array([bound]), "bound") for bound in bounds]
