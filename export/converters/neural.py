"""Multi-layer perceptrons: products, sums and activations, hence *rounding*."""

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from export.converters.converter import Converter
from export.converters.linear import binary_probabilities_of, class_of_largest, expit, product
from export.graph import INT64, Graph, Tensor

ACTIVATIONS = {"identity": None, "logistic": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "exp": "Exp"}


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse a single class: it has two probabilities."""
    if len(estimator.classes_) < 2:
        return "it must have two classes; it was fitted on one", "Fit with rows of another class."
    return None


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the layers, then softmax, or expit (label 1 where it is above a half), of several labels each by itself."""
    last = _layers(graph, estimator, inputs)
    if estimator.out_activation_ == "softmax":
        probabilities = graph.add("Softmax", last, axis=1)
        return {"label": class_of_largest(graph, probabilities), "probabilities": probabilities}
    positive = expit(graph, last)
    above = graph.add("Greater", positive, graph.constant(np.full((1, 1), 0.5), "half"))
    label = graph.add("Cast", above, to=INT64)
    if estimator.n_outputs_ > 1:
        return {"label": label, "probabilities": _side_by_side(graph, positive, estimator.n_outputs_)}
    label = graph.add("Squeeze", label, graph.constant(np.array([1]), "axis"))
    return {"label": label, "probabilities": binary_probabilities_of(graph, positive)}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the layers, of shape (n_rows, n_targets)."""
    last = _layers(graph, estimator, inputs)
    activation = ACTIVATIONS[estimator.out_activation_]
    return {"value": graph.add(activation, last) if activation else last}


def _side_by_side(graph: Graph, positive: str, labels: int) -> str:
    """[1 - p, p] label after label, of shape (n_rows, 2 * n_labels)."""
    negative = graph.add("Sub", graph.constant(np.ones((1, 1)), "one"), positive)
    axis = graph.constant(np.array([2]), "axis")
    pairs = graph.add("Concat", *(graph.add("Unsqueeze", each, axis) for each in (negative, positive)), axis=2)
    return graph.add("Reshape", pairs, graph.constant(np.array([0, 2 * labels]), "shape"))


def _layers(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """The last layer in front of its own activation."""
    value = graph.matrix(inputs)
    activation = ACTIVATIONS[estimator.activation]
    for number, (weights, bias) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        if number and activation:
            value = graph.add(activation, value)
        moved = product(graph, value, np.asarray(weights, dtype=np.float64))
        value = graph.add("Add", moved, graph.constant(np.asarray(bias, dtype=np.float64).reshape(1, -1), "bias"))
    return value


CONVERTERS: dict[type, Converter] = {
    MLPClassifier: Converter(predict=convert_classifier, check=check),
    MLPRegressor: Converter(predict=convert_regressor),
}
