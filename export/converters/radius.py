"""Neighbours within a radius: votes and means of the training rows that a KD tree finds there."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import RadiusNeighborsClassifier, RadiusNeighborsRegressor, RadiusNeighborsTransformer

from export.converters.converter import Converter
from export.converters.kdtree import Tree, apart_from_all, check, folded, gaps, nearest_corner, tree_of
from export.converters.kernels import holds_rows, number
from export.converters.linear import class_of_largest
from export.converters.pairwise import add_up
from export.graph import DOUBLE, Graph, Tensor
from export.subgraph import Value, each_row

Table = npt.NDArray[np.float64]


def check_model(estimator: Any) -> tuple[str, str] | None:
    """Refuse weights in Python, searches without an exact form, and labels for lonely rows that are no class."""
    if callable(estimator.weights):
        return f"weights={estimator.weights!r} is Python code", "Use weights='uniform' or weights='distance'."
    for classes, label in zip(_classes(estimator), getattr(estimator, "outlier_label_", None) or [], strict=False):
        if label not in classes:
            return (
                f"outlier_label={label!r} is no class of the target, so such a row has no probabilities",
                "Use outlier_label=None, 'most_frequent' or one of the classes.",
            )
    return check(estimator)


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the share of each class among the neighbours; a row without any is given the outlier label or NaN."""
    classes = _classes(estimator)
    answers = np.asarray(estimator._y).reshape(-1, len(classes))
    votes = [np.eye(len(each))[answers[:, target]] for target, each in enumerate(classes)]
    counts, alone = _sums(graph, estimator, graph.matrix(inputs), np.concatenate(votes, axis=1))
    shares, start = [], 0
    for target, each in enumerate(classes):
        found = graph.chosen(counts, np.arange(start, start + len(each)))
        if estimator.outlier_label_ is not None:
            label = (np.asarray(each) == estimator.outlier_label_[target]).astype(np.float64)
            found = graph.add("Where", alone, graph.constant(label[None, :], "outlier"), found)
        shares.append(graph.add("Div", found, add_up(graph, found, len(each))))
        start += len(each)
    if not estimator.outputs_2d_:
        return {"label": class_of_largest(graph, shares[0]), "probabilities": shares[0]}
    labels = [graph.add("ArgMax", each, axis=1, keepdims=1, select_last_index=0) for each in shares]
    return {"label": graph.add("Concat", *labels, axis=1), "probabilities": graph.add("Concat", *shares, axis=1)}


def _classes(estimator: Any) -> list[Any]:
    if not hasattr(estimator, "classes_"):
        return []
    return list(estimator.classes_) if estimator.outputs_2d_ else [estimator.classes_]


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the mean of the neighbours' targets, weighted or not; what scikit-learn says where there are none."""
    held = np.asarray(estimator._y).reshape(len(estimator._y), -1)
    with np.errstate(invalid="ignore"):  # NaN as a whole number is the smallest one
        empty = np.full_like(held[0], np.nan).astype(np.float64)
    columns = np.concatenate([held.astype(np.float64), np.ones((len(held), 1))], axis=1)
    sums, alone = _sums(graph, estimator, graph.matrix(inputs), columns)
    total = graph.chosen(sums, [held.shape[1]])
    mean = graph.add("Div", graph.chosen(sums, np.arange(held.shape[1])), total)
    return {"value": graph.add("Where", alone, graph.constant(empty[None, :], "empty"), mean)}


def convert_transformer(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the distances to the neighbours, one column per training row, or ones; zero elsewhere."""
    tree = tree_of(estimator)
    places = np.argsort(tree.rows)

    def row(inner: Graph, name: str) -> list[Value]:
        inside, apart = _inside(inner, tree, estimator.radius, name)
        value = apart if estimator.mode == "distance" else number(inner, 1.0, "one")
        found = inner.add("Where", inside, value, number(inner, 0.0, "zero"))
        ordered = inner.add("Gather", found, inner.constant(places, "places"))
        return [Value(ordered, DOUBLE, (len(places),))]

    found = each_row(graph, graph.matrix(inputs), row)[0]
    return [Tensor(found, "double", len(places), sparse=True)]


def _sums(graph: Graph, estimator: Any, matrix: str, columns: Table) -> tuple[str, str]:
    """Weighted sums of columns over the neighbours, in the tree's order, and whether there are none."""
    tree = tree_of(estimator)

    def row(inner: Graph, name: str) -> list[Value]:
        inside, apart = _inside(inner, tree, estimator.radius, name)
        weights = inner.add("Cast", inside, to=DOUBLE)
        axis = inner.constant(np.array([0]), "axis")
        some = inner.add("ReduceMax", weights, axis, keepdims=1)
        if estimator.weights == "distance":
            weights = inner.add("Where", inside, _inverse(inner, inside, apart), number(inner, 0.0, "zero"))
        deep = inner.add("Unsqueeze", weights, inner.constant(np.array([1]), "axis"))
        parts = inner.add("Mul", deep, inner.constant(columns[tree.rows], "columns"))
        running = inner.add("CumSum", parts, inner.constant(np.array(0), "axis"))
        total = inner.add("Gather", running, inner.constant(np.array(len(columns) - 1), "last"), axis=0)
        return [Value(total, DOUBLE, (columns.shape[1],)), Value(some, DOUBLE, (1,))]

    total, some = each_row(graph, matrix, row)
    return total, graph.add("Equal", some, number(graph, 0.0, "zero"))


def _inverse(graph: Graph, inside: str, apart: str) -> str:
    """1 / distance; where a neighbour is no distance away, such neighbours alone count, each as one."""
    same = graph.add("Equal", apart, number(graph, 0.0, "zero"))
    ones = graph.add("Cast", graph.add("And", inside, same), to=DOUBLE)
    axis = graph.constant(np.array([0]), "axis")
    any_same = graph.add("Greater", graph.add("ReduceMax", ones, axis, keepdims=1), number(graph, 0.0, "zero"))
    return graph.add("Where", any_same, ones, graph.add("Div", number(graph, 1.0, "one"), apart))


def _inside(graph: Graph, tree: Tree, radius: float, row: str) -> tuple[str, str]:
    """Which training rows the tree finds within the radius, and all distances, both of shape (n_stored,).

    It takes a leaf whole whose furthest corner is inside, none whose nearest corner is outside, and else compares
    reduced distances.
    """
    point = graph.add("Unsqueeze", row, graph.constant(np.array([1]), "axis"))
    low, high = (graph.add("Abs", gap) for gap in gaps(graph, tree, point))
    corners = [nearest_corner(graph, tree, point), folded(graph, tree, graph.add("Max", low, high))]
    reduced = apart_from_all(graph, tree, point)
    square = tree.metric == "euclidean"
    apart = graph.add("Sqrt", reduced) if square else reduced
    limit = number(graph, radius, "radius")
    leaf = np.repeat(np.arange(tree.leaves) + tree.leaves - 1, np.diff(tree.starts))
    sides = []
    for corner in corners:
        distance = graph.add("Sqrt", corner) if square else corner
        known = graph.add("LessOrEqual", distance, limit)
        sides.append(graph.add("Gather", known, graph.constant(leaf, "leaf")))
    near = graph.add("LessOrEqual", reduced, number(graph, radius * radius if square else radius, "radius"))
    return graph.add("Or", sides[1], graph.add("And", sides[0], near)), apart


MODEL: dict[str, Any] = {"check": check_model, "carries_rows": holds_rows}
CONVERTERS: dict[type, Converter] = {
    RadiusNeighborsClassifier: Converter(predict=convert_classifier, **MODEL),
    RadiusNeighborsRegressor: Converter(predict=convert_regressor, **MODEL),
    RadiusNeighborsTransformer: Converter(transform=convert_transformer, check=check, carries_rows=holds_rows),
}
