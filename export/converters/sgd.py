"""Linear classifiers and outlier detectors fitted by stochastic gradient descent."""

from typing import Any

import numpy as np
from sklearn.linear_model import SGDClassifier, SGDOneClassSVM

from export.converters.converter import Converter
from export.converters.linear import (
    binary_probabilities,
    binary_probabilities_of,
    check,
    decision,
    expit,
    label_of,
    positive_label,
    product,
)
from export.graph import Graph, Tensor


def check_classifier(estimator: Any) -> tuple[str, str] | None:
    """Refuse sparse coefficients, and shares that jump from all alike to one alone within rounding of a score of -1."""
    if estimator.loss == "modified_huber" and len(estimator.classes_) > 2:
        return "the probabilities of loss='modified_huber' jump between 0 and 1", "Fit with loss='log_loss' or 'hinge'."
    return check(estimator)


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the decision function, its label, and the probabilities of the losses that have them."""
    scores = decision(graph, estimator, inputs)
    answers = {"label": label_of(graph, scores, estimator), "scores": scores}
    binary = len(estimator.classes_) == 2
    if estimator.loss == "log_loss":
        probabilities = (
            binary_probabilities(graph, scores) if binary else one_against_rest(graph, expit(graph, scores), estimator)
        )
        return {**answers, "probabilities": probabilities}
    if estimator.loss == "modified_huber":
        return {**answers, "probabilities": binary_probabilities_of(graph, _halved(graph, scores))}
    return answers


def one_against_rest(graph: Graph, shares: str, estimator: Any) -> str:
    """Shares divided by their sum, and equal ones where that is zero; of shape (n_rows, n_classes)."""
    total = graph.add("ReduceSum", shares, graph.constant(np.array([1]), "axis"), keepdims=1)
    empty = graph.add("Equal", total, graph.constant(np.zeros((1, 1)), "zero"))
    count = graph.constant(np.full((1, 1), float(len(estimator.classes_))), "classes")
    one = graph.constant(np.ones((1, 1)), "one")
    return graph.add("Div", graph.add("Where", empty, one, shares), graph.add("Where", empty, count, total))


def convert_outliers(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write X @ coef.T - offset; a row is an outlier (index 0) where that is below zero."""
    products = product(graph, graph.matrix(inputs), np.asarray(estimator.coef_, dtype=np.float64).reshape(-1, 1))
    offset = np.asarray(estimator.offset_, dtype=np.float64).reshape(1, 1)
    scores = graph.add("Sub", products, graph.constant(offset, "offset"))
    return {"label": positive_label(graph, scores, "GreaterOrEqual"), "scores": scores}


def _halved(graph: Graph, scores: str) -> str:
    """(clip(x, -1, 1) + 1) / 2."""
    bounds = (graph.constant(np.array(bound), "bound") for bound in (-1.0, 1.0))
    moved = graph.add("Add", graph.add("Clip", scores, *bounds), graph.constant(np.ones((1, 1)), "one"))
    return graph.add("Div", moved, graph.constant(np.full((1, 1), 2.0), "two"))


CONVERTERS: dict[type, Converter] = {
    SGDClassifier: Converter(predict=convert_classifier, check=check_classifier),
    SGDOneClassSVM: Converter(predict=convert_outliers, check=check),
}
