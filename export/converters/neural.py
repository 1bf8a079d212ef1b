"""Multi-layer perceptrons: products, sums and activations, hence *rounding*."""

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from export.converters.converter import Converter
from export.converters.linear import binary_probabilities_of, class_of_largest, product
from export.graph import INT64, Graph, Tensor

ACTIVATIONS = {"identity": None, "logistic": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse several targets."""
    if isinstance(getattr(estimator, "classes_", None), list) or getattr(estimator, "_y_type", "").startswith("multil"):
        return "one target is exported; it was fitted on several labels", "Fit one estimator per label."
    if not hasattr(estimator, "classes_") and estimator.n_outputs_ > 1:
        return f"one target is exported; it was fitted on {estimator.n_outputs_}", "Fit one estimator per target."
    if not hasattr(estimator, "classes_") and estimator.out_activation_ != "identity":
        return f"loss={estimator.loss!r} answers through exp, which no runtime shares", "Fit with loss='squared_error'."
    return None


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the layers, then expit (label 1 where it is above a half) or softmax."""
    last = _layers(graph, estimator, inputs)
    if len(estimator.classes_) > 2:
        probabilities = graph.add("Softmax", last, axis=1)
        return {"label": class_of_largest(graph, probabilities), "probabilities": probabilities}
    positive = graph.add("Sigmoid", last)
    above = graph.add("Greater", positive, graph.constant(np.full((1, 1), 0.5), "half"))
    label = graph.add("Squeeze", graph.add("Cast", above, to=INT64), graph.constant(np.array([1]), "axis"))
    return {"label": label, "probabilities": binary_probabilities_of(graph, positive)}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the layers, of shape (n_rows, 1)."""
    return {"value": _layers(graph, estimator, inputs)}


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
    MLPRegressor: Converter(predict=convert_regressor, check=check),
}
