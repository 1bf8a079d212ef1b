"""Neighbours: votes, means and outlier factors of the nearest training rows."""

from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, KNeighborsTransformer, LocalOutlierFactor

from export.converters.converter import Converter
from export.converters.kdtree import check as check_search
from export.converters.kdtree import nearest, tree_of
from export.converters.kernels import holds_rows, number
from export.converters.linear import class_of_largest
from export.converters.pairwise import add_up
from export.graph import DOUBLE, INT64, Graph, Tensor


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse weights in Python and searches without an exact form."""
    if callable(estimator.weights):
        return f"weights={estimator.weights!r} is Python code", "Use weights='uniform' or weights='distance'."
    return check_search(estimator)


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the share of each class among the neighbours, weighted or not; target after target."""
    apart, rows = nearest(graph, graph.matrix(inputs), tree_of(estimator), estimator.n_neighbors)
    weights = _weights(graph, apart) if estimator.weights == "distance" else None
    several = estimator.outputs_2d_
    classes = estimator.classes_ if several else [estimator.classes_]
    answers = np.asarray(estimator._y).reshape(-1, len(classes))
    found = [
        _shares(graph, graph.add("Gather", graph.constant(answers[:, target], "classes"), rows), weights, len(each))
        for target, each in enumerate(classes)
    ]
    if not several:
        return {"label": class_of_largest(graph, found[0]), "probabilities": found[0]}
    labels = [graph.add("ArgMax", shares, axis=1, keepdims=1, select_last_index=0) for shares in found]
    return {
        "label": graph.add("Concat", *labels, axis=1),
        "probabilities": graph.add("Concat", *found, axis=1),
    }


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the mean of the neighbours' targets, weighted or not, of shape (n_rows, n_targets)."""
    apart, rows = nearest(graph, graph.matrix(inputs), tree_of(estimator), estimator.n_neighbors)
    targets = np.asarray(estimator._y, dtype=np.float64).reshape(len(estimator._y), -1)
    weights = _weights(graph, apart) if estimator.weights == "distance" else None
    total = add_up(graph, weights, estimator.n_neighbors) if weights else number(graph, estimator.n_neighbors, "count")
    found = []
    for column in targets.T:
        values = graph.add("Gather", graph.constant(column, "targets"), rows)
        values = graph.add("Mul", values, weights) if weights else values
        found.append(graph.add("Div", add_up(graph, values, estimator.n_neighbors), total))
    return {"value": graph.add("Concat", *found, axis=1) if len(found) > 1 else found[0]}


def convert_transformer(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the distances to the nearest training rows, one column per training row, or ones; zero elsewhere."""
    tree = tree_of(estimator)
    by_distance = estimator.mode == "distance"
    matrix = graph.matrix(inputs)
    apart, rows = nearest(graph, matrix, tree, estimator.n_neighbors + by_distance)
    if not by_distance:
        apart = graph.add("Cast", graph.add("GreaterOrEqual", rows, graph.constant(np.array(0), "zero")), to=DOUBLE)
    first = graph.chosen(matrix, [0])
    nothing = graph.add("Cast", graph.add("IsNaN", first), to=DOUBLE)  # scikit-learn takes no NaN here
    shape = graph.constant(np.array([1, len(tree.rows)]), "shape")
    zeros = graph.add("Expand", nothing, shape)
    name = graph.add("ScatterElements", zeros, rows, apart, axis=1, reduction="add")
    return [Tensor(name, "double", len(tree.rows), sparse=True)]


def check_outlier(estimator: Any) -> tuple[str, str] | None:
    """Refuse one that cannot answer new rows."""
    if not estimator.novelty:
        return "novelty=False answers the training rows alone", "Fit with novelty=True."
    return check_search(estimator)


def convert_outlier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write minus the mean ratio of the neighbours' local density to the row's own, shifted by the offset."""
    apart, rows = nearest(graph, graph.matrix(inputs), tree_of(estimator), estimator.n_neighbors_)
    count = estimator.n_neighbors_
    reach = graph.constant(estimator._distances_fit_X_[:, count - 1], "reach")
    further = graph.add("Max", apart, graph.add("Gather", reach, rows))
    mean = graph.add("Add", _mean(graph, further, count), number(graph, 1e-10, "small"))
    density = graph.add("Div", number(graph, 1.0, "one"), mean)
    ratios = graph.add("Div", graph.add("Gather", graph.constant(estimator._lrd, "density"), rows), density)
    opposite = graph.add("Neg", _mean(graph, ratios, count))
    scores = graph.add("Sub", opposite, number(graph, estimator.offset_, "offset"))
    inside = graph.add("Not", graph.add("Less", scores, number(graph, 0.0, "zero")))
    label = graph.add("Squeeze", graph.add("Cast", inside, to=INT64), graph.constant(np.array([1]), "axis"))
    return {"label": label, "scores": scores}


def _mean(graph: Graph, values: str, count: int) -> str:
    return graph.add("Div", add_up(graph, values, count), number(graph, count, "count"))


def _weights(graph: Graph, apart: str) -> str:
    """1 / distance; where a row equals training rows these alone count, each as one."""
    inverse = graph.add("Div", number(graph, 1.0, "one"), apart)
    endless = graph.add("Cast", graph.add("IsInf", inverse), to=DOUBLE)
    same = graph.add("ReduceMax", endless, graph.constant(np.array([1]), "axis"), keepdims=1)
    equal = graph.add("Greater", same, number(graph, 0.0, "zero"))
    return graph.add("Where", equal, endless, inverse)


def _shares(graph: Graph, labels: str, weights: str | None, classes: int) -> str:
    """The share of each class, of shape (n_rows, classes), summed neighbour by neighbour, then class by class."""
    deep = graph.constant(np.array([2]), "axis")
    wanted = graph.constant(np.arange(classes).reshape(1, 1, -1), "class")
    votes = graph.add("Cast", graph.add("Equal", graph.add("Unsqueeze", labels, deep), wanted), to=DOUBLE)
    if weights is not None:
        votes = graph.add("Mul", votes, graph.add("Unsqueeze", weights, deep))
    running = graph.add("CumSum", votes, graph.constant(np.array(1), "axis"))
    counts = graph.add("Gather", running, graph.constant(np.array(-1), "last"), axis=1)
    return graph.add("Div", counts, add_up(graph, counts, classes))


CONVERTERS: dict[type, Converter] = {
    KNeighborsClassifier: Converter(predict=convert_classifier, check=check, carries_rows=holds_rows),
    KNeighborsRegressor: Converter(predict=convert_regressor, check=check, carries_rows=holds_rows),
    KNeighborsTransformer: Converter(transform=convert_transformer, check=check_search, carries_rows=holds_rows),
    LocalOutlierFactor: Converter(predict=convert_outlier, check=check_outlier, carries_rows=holds_rows),
}
