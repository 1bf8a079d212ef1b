"""Linear models: one product, one sum. The order of the sum is the runtime's, hence *rounding*."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    HuberRegressor,
    Lars,
    LarsCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    QuantileRegressor,
    Ridge,
    RidgeCV,
    SGDRegressor,
    TheilSenRegressor,
)
from sklearn.svm import LinearSVR

from export.converters.converter import Converter
from export.graph import INT64, Graph, Tensor


def _decision(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    weights = np.asarray(estimator.coef_, dtype=np.float64)
    weights = weights.reshape(-1, weights.shape[-1]).T
    scores = product(graph, graph.matrix(inputs), weights)
    intercept = np.asarray(estimator.intercept_, dtype=np.float64).reshape(1, -1)
    return graph.add("Add", scores, graph.constant(intercept, "intercept"))


def product(graph: Graph, matrix: str, weights: npt.NDArray[np.float64]) -> str:
    """Write matrix @ weights.

    One row of weights is multiplied instead, which says the same: onnxruntime would fuse a MatMul with a scaler of one
    column in front of it, and keep that scaler's number as float32.
    """
    return graph.add("MatMul" if len(weights) > 1 else "Mul", matrix, graph.constant(weights, "coefficients"))


def convert_logistic(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write expit or softmax of the decision function; the label comes from the decision function itself."""
    scores = _decision(graph, estimator, inputs)
    if len(estimator.classes_) > 2:
        label, probabilities = class_of_largest(graph, scores), graph.add("Softmax", scores, axis=1)
    else:
        label, probabilities = positive_label(graph, scores, "Greater"), binary_probabilities(graph, scores)
    return {"label": label, "probabilities": probabilities, "scores": scores}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write X @ coef + intercept, of shape (n_rows, 1)."""
    return {"value": _decision(graph, estimator, inputs)}


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse several targets and sparse coefficients."""
    if scipy.sparse.issparse(estimator.coef_):
        return "coefficients must be dense; sparsify() was called", "Call densify()."
    several = not hasattr(estimator, "classes_") and np.ndim(estimator.coef_) > 1
    if several and np.shape(estimator.coef_)[0] > 1:
        return "one target is exported; it was fitted on several", "Fit one estimator per target."
    return None


def binary_probabilities(graph: Graph, scores: str) -> str:
    """[1 - expit(score), expit(score)], as scikit-learn computes it; scores of shape (n_rows, 1)."""
    return binary_probabilities_of(graph, graph.add("Sigmoid", scores))


def binary_probabilities_of(graph: Graph, positive: str) -> str:
    """[1 - p, p] of probabilities p, of shape (n_rows, 1)."""
    negative = graph.add("Sub", graph.constant(np.ones((1, 1)), "one"), positive)
    return graph.add("Concat", negative, positive, axis=1)


def positive_label(graph: Graph, scores: str, operator: str) -> str:
    """Index 1 where the score is greater than zero (or `GreaterOrEqual`), else 0; of shape (n_rows,)."""
    above = graph.add(operator, scores, graph.constant(np.zeros((1, 1)), "zero"))
    return graph.add("Squeeze", graph.add("Cast", above, to=INT64), graph.constant(np.array([1]), "axis"))


def class_of_largest(graph: Graph, scores: str) -> str:
    """Index of the first largest score per row, of shape (n_rows,), as NumPy's argmax."""
    return graph.add("ArgMax", scores, axis=1, keepdims=0, select_last_index=0)


LINEAR_REGRESSORS = (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    HuberRegressor,
    Lars,
    LarsCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LinearRegression,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    QuantileRegressor,
    Ridge,
    RidgeCV,
    SGDRegressor,
    TheilSenRegressor,
    LinearSVR,
)
CONVERTERS: dict[type, Converter] = {
    LogisticRegression: Converter(predict=convert_logistic, check=check),
    LogisticRegressionCV: Converter(predict=convert_logistic, check=check),
    **{cls: Converter(predict=convert_regressor, check=check) for cls in LINEAR_REGRESSORS},
}
