"""Support vector machines: libsvm's kernels, its sums over support vectors and its votes."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from export.converters.converter import Converter
from export.converters.kernels import check_sum, dense, dot, holds_rows, number, probes, squared_distances
from export.converters.linear import class_of_largest, positive_label, product
from export.graph import DOUBLE, Graph, Tensor

KERNELS = ("linear", "poly", "rbf", "sigmoid")


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse kernels in Python or given as matrices."""
    if estimator.kernel not in KERNELS:
        return f"kernel={estimator.kernel!r} has no exact form", f"Use one of {', '.join(KERNELS)}."
    rows = dense(estimator.support_vectors_)
    parameters = {"gamma": estimator._gamma, "degree": estimator.degree, "coef0": estimator.coef0}
    kernel = pairwise_kernels(probes(rows), rows, metric=estimator.kernel, filter_params=True, **parameters)
    return check_sum(kernel, _weights(estimator).T, kernel @ _weights(estimator).T + estimator._intercept_[0])


def check_classifier(estimator: Any) -> tuple[str, str] | None:
    """Refuse probabilities: libsvm finds them by steps, and stops by a comparison that the last bit can turn."""
    if estimator.probability != "deprecated" and estimator.probability:
        return (
            "probability=True answers with a number of steps that the last bit of the decision function can change",
            "Fit CalibratedClassifierCV(SVC(), ensemble=False) for probabilities (probability=True is deprecated).",
        )
    if estimator.break_ties and estimator.decision_function_shape == "ovo":
        return "break_ties=True with decision_function_shape='ovo' has no answer", "Use decision_function_shape='ovr'."
    return check(estimator)


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the decision of each pair of classes, and the class with the most votes."""
    pairs = _pairs(len(estimator.classes_))
    decisions = _sums(graph, estimator, inputs, _pair_weights(estimator, pairs), np.asarray(estimator._intercept_))
    if len(estimator.classes_) == 2:
        first = positive_label(graph, decisions, "Greater")
        label = graph.add("Sub", graph.constant(np.array(1), "one"), first)
        return {"label": label, "scores": graph.add("Neg", decisions)}
    scores = decisions
    if estimator.decision_function_shape == "ovr":
        scores = _against_rest(graph, decisions, pairs, len(estimator.classes_))
    if estimator.break_ties:
        return {"label": class_of_largest(graph, scores), "scores": scores}
    won = graph.add("Greater", decisions, number(graph, 0.0, "zero"))
    return {"label": class_of_largest(graph, _votes(graph, won, pairs, len(estimator.classes_))), "scores": scores}


def margins(estimator: Any, matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far each row is from a turn in the vote between two classes, beside its largest decision.

    Infinite for two classes, whose score does not jump there and says itself how near they are.
    """
    if len(estimator.classes_) == 2:
        return np.full(len(matrix), np.inf)
    sizes = np.abs(estimator._decision_function(matrix)).reshape(len(matrix), -1)
    return np.asarray(sizes.min(axis=1) / np.maximum(1.0, sizes.max(axis=1)))


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write kernel @ dual_coef + intercept, of shape (n_rows, 1)."""
    return {"value": _sums(graph, estimator, inputs, _weights(estimator).T, estimator._intercept_)}


def convert_outlier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the decision function; inside where it is greater than zero."""
    scores = _sums(graph, estimator, inputs, _weights(estimator).T, estimator._intercept_)
    return {"label": positive_label(graph, scores, "Greater"), "scores": scores}


def _sums(graph: Graph, estimator: Any, inputs: list[Tensor], weights: Any, intercept: Any) -> str:
    kernel = _kernel(graph, estimator, graph.matrix(inputs), dense(estimator.support_vectors_))
    row = np.asarray(intercept, dtype=np.float64).reshape(1, -1)
    return graph.add("Add", product(graph, kernel, weights), graph.constant(row, "intercept"))


def _kernel(graph: Graph, estimator: Any, matrix: str, rows: npt.NDArray[np.float64]) -> str:
    """Libsvm's `k_function`, of shape (n_rows, n_support_vectors)."""
    if estimator.kernel == "rbf":
        return graph.add(
            "Exp", graph.add("Mul", number(graph, -estimator._gamma), squared_distances(graph, matrix, rows))
        )
    if estimator.kernel == "linear":
        return dot(graph, matrix, rows)
    found = dot(graph, matrix, rows, estimator._gamma)
    found = graph.add("Add", found, number(graph, estimator.coef0, "coef0"))
    return graph.add("Tanh", found) if estimator.kernel == "sigmoid" else _power(graph, found, estimator.degree)


def _power(graph: Graph, base: str, times: int) -> str:
    """Libsvm's `powi`: by repeated squaring."""
    result = ""
    while times > 0:
        if times % 2:
            result = graph.add("Mul", result, base) if result else base
        times //= 2
        if times:
            base = graph.add("Mul", base, base)
    return result or graph.add("Pow", base, number(graph, 0.0))


def _weights(estimator: Any) -> npt.NDArray[np.float64]:
    return dense(estimator._dual_coef_)


def _pairs(classes: int) -> list[tuple[int, int]]:
    return [(one, other) for one in range(classes) for other in range(one + 1, classes)]


def _pair_weights(estimator: Any, pairs: list[tuple[int, int]]) -> npt.NDArray[np.float64]:
    """The weight of every support vector in every pair of classes, of shape (n_support_vectors, n_pairs)."""
    dual = _weights(estimator)
    ends = np.cumsum(estimator._n_support)
    starts = ends - estimator._n_support
    weights = np.zeros((dual.shape[1], len(pairs)))
    for place, (one, other) in enumerate(pairs):
        weights[starts[one] : ends[one], place] = dual[other - 1, starts[one] : ends[one]]
        weights[starts[other] : ends[other], place] = dual[one, starts[other] : ends[other]]
    return weights


def _votes(graph: Graph, first_won: str, pairs: list[tuple[int, int]], classes: int) -> str:
    """How many pairs each class won, of shape (n_rows, n_classes); whole numbers, exact in any order."""
    signs, lost = np.zeros((len(pairs), classes)), np.zeros((1, classes))
    for place, (one, other) in enumerate(pairs):
        signs[place, one], signs[place, other] = 1.0, -1.0
        lost[0, other] += 1.0
    won = product(graph, graph.add("Cast", first_won, to=DOUBLE), signs)
    return graph.add("Add", won, graph.constant(lost, "lost"))


def _against_rest(graph: Graph, decisions: str, pairs: list[tuple[int, int]], classes: int) -> str:
    """scikit-learn's `_ovr_decision_function`: votes, and the sum of decisions squeezed to less than a third."""
    not_lost = graph.add("GreaterOrEqual", decisions, number(graph, 0.0, "zero"))
    signs = np.zeros((len(pairs), classes))
    for place, (one, other) in enumerate(pairs):
        signs[place, one], signs[place, other] = 1.0, -1.0
    total = product(graph, decisions, signs)
    size = graph.add("Mul", number(graph, 3.0), graph.add("Add", graph.add("Abs", total), number(graph, 1.0)))
    return graph.add("Add", _votes(graph, not_lost, pairs, classes), graph.add("Div", total, size))


CLASSIFIER = Converter(predict=convert_classifier, check=check_classifier, carries_rows=holds_rows, margins=margins)
REGRESSOR = Converter(predict=convert_regressor, check=check, carries_rows=holds_rows)
CONVERTERS: dict[type, Converter] = {
    SVC: CLASSIFIER,
    NuSVC: CLASSIFIER,
    SVR: REGRESSOR,
    NuSVR: REGRESSOR,
    OneClassSVM: Converter(predict=convert_outlier, check=check, carries_rows=holds_rows),
}
