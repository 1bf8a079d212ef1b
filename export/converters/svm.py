"""Support vector machines: libsvm's kernels, its sums over support vectors in its order, and its votes.

The kernel stands turned over, of shape (n_support_vectors, n_rows): there a running sum goes down all rows at once.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from export.converters.converter import Converter
from export.converters.kernels import MOST, SAMPLE, STEP, Rows, check_sum, dense, holds_rows, number, probes
from export.converters.linear import class_of_largest, positive_label, product
from export.graph import DOUBLE, Graph, Tensor

KERNELS = ("linear", "poly", "rbf", "sigmoid")
BLOCK = 1280  # support vectors at a time: what the graph holds of a batch stays flat
FARTHEST = 1e100  # of a coordinate: its square is finite, and the kernel is 0 long before
LEAST_GAMMA = 1e-150  # down to which the kernel is 0 there
SPREAD = 8.0  # how many times its standard deviation a sum of roundings may reach
Part = tuple[int, Rows]  # the first support vector, and the weights of it and of those behind it


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse kernels in Python or given as matrices."""
    if estimator.kernel not in KERNELS:
        return f"kernel={estimator.kernel!r} has no exact form", f"Use one of {', '.join(KERNELS)}."
    rows = dense(estimator.support_vectors_)
    if not len(rows):
        return None
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
    decisions = _sums(graph, estimator, inputs, _pair_parts(estimator, pairs))
    if len(estimator.classes_) == 2:
        second = positive_label(graph, decisions, "LessOrEqual")
        return {"label": second, "scores": graph.add("Neg", decisions)}
    scores = decisions
    if estimator.decision_function_shape == "ovr":
        scores = _against_rest(graph, decisions, pairs, len(estimator.classes_))
    if estimator.break_ties:
        return {"label": class_of_largest(graph, scores), "scores": scores}
    won = graph.add("Greater", decisions, number(graph, 0.0, "zero"))
    return {"label": class_of_largest(graph, _votes(graph, won, pairs, len(estimator.classes_))), "scores": scores}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the sum over the support vectors and the intercept, of shape (n_rows, 1)."""
    return {"value": _sums(graph, estimator, inputs, [[(0, _weights(estimator)[0])]])}


def convert_outlier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the decision function; inside where it is greater than zero."""
    scores = _sums(graph, estimator, inputs, [[(0, _weights(estimator)[0])]])
    return {"label": positive_label(graph, scores, "Greater"), "scores": scores}


def _sums(graph: Graph, estimator: Any, inputs: list[Tensor], sums: Sequence[Sequence[Part]]) -> str:
    """Libsvm's `svm_predict_values`, of shape (n_rows, n_sums): each sum part after part, then its intercept."""
    turned = graph.add("Transpose", graph.matrix(inputs), perm=[1, 0])
    kernel = _kernel(graph, estimator, turned)
    found = [_sum(graph, kernel, parts) or _zeros(graph, turned) for parts in sums]
    joined = graph.add("Concat", *found, axis=0) if len(found) > 1 else found[0]
    intercepts = np.asarray(estimator._intercept_, dtype=np.float64).reshape(-1, 1)
    return graph.add("Transpose", graph.add("Add", joined, graph.constant(intercepts, "intercept")), perm=[1, 0])


def _sum(graph: Graph, kernel: Callable[[int, int], str], parts: Sequence[Part]) -> str:
    """The running sum's last row, of shape (1, n_rows); empty without support vectors."""
    running = ""
    for start, weights in parts:
        for first in range(start, start + len(weights), BLOCK):
            some = weights[first - start : first - start + BLOCK, None]
            terms = graph.add("Mul", kernel(first, first + len(some)), graph.constant(some, "weights"))
            if running:
                terms = graph.add("Concat", running, terms, axis=0)
            sums = graph.add("CumSum", terms, graph.constant(np.array(0), "axis"))
            running = graph.add("Gather", sums, graph.constant(np.array([-1]), "last"), axis=0)
    return running


def _zeros(graph: Graph, turned: str) -> str:
    first = graph.add("Gather", turned, graph.constant(np.array([0]), "first"), axis=0)
    return graph.add("Mul", first, number(graph, 0.0))


def _kernel(graph: Graph, estimator: Any, turned: str) -> Callable[[int, int], str]:
    """What writes libsvm's `k_function` of some support vectors, of shape (n_some, n_rows), once."""
    rows = dense(estimator.support_vectors_)
    exponent = exponents(graph, estimator, turned) if estimator.kernel == "rbf" and len(rows) else None

    @cache
    def write(start: int, end: int) -> str:
        if exponent:
            return graph.add("Exp", exponent(start, end))
        found = graph.add("Gemm", graph.constant(rows[start:end], "stored"), turned)
        if estimator.kernel == "linear":
            return found
        found = graph.add("Mul", number(graph, estimator._gamma, "gamma"), found)
        found = graph.add("Add", found, number(graph, estimator.coef0, "coef0"))
        return graph.add("Tanh", found) if estimator.kernel == "sigmoid" else _power(graph, found, estimator.degree)

    return write


def exponents(graph: Graph, estimator: Any, turned: str) -> Callable[[int, int], str]:
    """What writes -gamma (x - y)^2 of some support vectors y, of shape (n_some, n_rows).

    With the support vectors' mean taken off both, as one product: 2 gamma y times x, and -gamma times xx; - gamma yy.
    """
    rows, gamma = dense(estimator.support_vectors_), float(estimator._gamma)
    if not cancels_little(estimator):
        return lambda start, end: graph.add("Mul", number(graph, -gamma), _distances(graph, turned, rows[start:end]))
    mean = rows.mean(axis=0)
    bounds = (number(graph, bound, "bound") for bound in (-FARTHEST, FARTHEST))
    x = graph.add("Clip", graph.add("Sub", turned, graph.constant(mean[:, None], "mean")), *bounds)
    xx = graph.add("ReduceSum", graph.add("Mul", x, x), graph.constant(np.array([0]), "axis"), keepdims=1)
    both = graph.add("Concat", x, xx, axis=0)
    factors = graph.constant(np.append(np.full(len(mean), 2.0 * gamma), -gamma)[None, :], "factors")
    stored, means = np.hstack([rows, np.ones((len(rows), 1))]), np.append(mean, 0.0)
    small = ((stored == np.round(stored)) & (stored >= 0.0) & (stored < 256.0)).all(axis=0)

    def write(start: int, end: int) -> str:
        yy = -gamma * ((rows[start:end] - mean) ** 2).sum(axis=1, keepdims=True)
        y = graph.add("Mul", _moved(graph, stored[start:end], means, small), factors)
        return graph.add("Gemm", y, both, graph.constant(yy, "norms"))

    return write


def _moved(graph: Graph, stored: Rows, means: Rows, small: npt.NDArray[np.bool_]) -> str:
    """Stored rows less their means; small whole numbers take a byte in the file, and the session makes them float64."""
    parts = []
    for columns in (np.flatnonzero(~small), np.flatnonzero(small)):
        if len(columns):
            part = stored[:, columns]
            if small[columns[0]]:
                read = graph.add("Cast", graph.constant(part.astype(np.uint8), "stored"), to=DOUBLE)
            else:
                read = graph.constant(part, "stored")
            parts.append(graph.add("Sub", read, graph.constant(means[None, columns], "means")))
    joined = graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    return graph.chosen(joined, np.argsort(np.argsort(small, kind="stable"), kind="stable"))


def cancels_little(estimator: Any) -> bool:
    """Whether the roundings of 2 gamma xy - gamma xx - gamma yy, added up, stay below what float64 sums may lose."""
    rows, weights, gamma = dense(estimator.support_vectors_), _weights(estimator).T, float(estimator._gamma)
    mean = rows.mean(axis=0)
    sizes = ((rows - mean) ** 2).sum(axis=1)
    some = np.concatenate([probes(rows), rows[np.argsort(sizes)[-SAMPLE:]]])
    kernel = pairwise_kernels(some, rows, metric="rbf", gamma=gamma)
    said = np.abs(kernel @ weights + estimator._intercept_[0])
    lost = STEP * gamma * kernel * (((some - mean) ** 2).sum(axis=1, keepdims=True) + sizes)
    apart = SPREAD * np.sqrt(lost**2 @ weights**2)
    return bool(gamma >= LEAST_GAMMA and (apart <= MOST * np.maximum(said, said[:SAMPLE].max())).all())


def _distances(graph: Graph, turned: str, rows: Rows) -> str:
    """The sum of squared differences, column after column."""
    total = ""
    for column in range(rows.shape[1]):
        x = graph.add("Gather", turned, graph.constant(np.array([column]), "column"), axis=0)
        apart = graph.add("Sub", x, graph.constant(rows[:, [column]], "stored"))
        part = graph.add("Mul", apart, apart)
        total = graph.add("Add", total, part) if total else part
    return total


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


def _pair_parts(estimator: Any, pairs: list[tuple[int, int]]) -> list[list[Part]]:
    """What each pair of classes adds up: the support vectors of the one, then those of the other."""
    dual = _weights(estimator)
    if len(pairs) == 1:
        return [[(0, dual[0])]]
    ends = np.cumsum(estimator._n_support)
    starts = ends - estimator._n_support

    def part(of: int, against: int) -> Part:
        line = against - 1 if against > of else against
        return int(starts[of]), dual[line, starts[of] : ends[of]]

    return [[part(one, other), part(other, one)] for one, other in pairs]


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


CLASSIFIER = Converter(predict=convert_classifier, check=check_classifier, carries_rows=holds_rows)
REGRESSOR = Converter(predict=convert_regressor, check=check, carries_rows=holds_rows)
CONVERTERS: dict[type, Converter] = {
    SVC: CLASSIFIER,
    NuSVC: CLASSIFIER,
    SVR: REGRESSOR,
    NuSVR: REGRESSOR,
    OneClassSVM: Converter(predict=convert_outlier, check=check, carries_rows=holds_rows),
}
