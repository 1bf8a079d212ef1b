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
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    QuantileRegressor,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDRegressor,
    TheilSenRegressor,
)
from sklearn.svm import LinearSVC, LinearSVR

from export.converters.converter import Converter
from export.graph import INT64, Graph, Tensor


def decision(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write X @ coef_.T + intercept_, of shape (n_rows, n_scores)."""
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


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the decision function and its label."""
    scores = decision(graph, estimator, inputs)
    return {"label": label_of(graph, scores, estimator), "scores": scores}


def convert_ridge(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the decision function and its label; of several labels each is 1 where its own score is above zero."""
    if not estimator._label_binarizer.y_type_.startswith("multilabel"):
        return convert_classifier(graph, estimator, inputs)
    scores = decision(graph, estimator, inputs)
    above = graph.add("Greater", scores, graph.constant(np.zeros((1, 1)), "zero"))
    return {"label": graph.add("Cast", above, to=INT64), "scores": scores}


def convert_logistic(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write expit or softmax of the decision function; the label comes from the decision function itself."""
    scores = decision(graph, estimator, inputs)
    if len(estimator.classes_) > 2:
        probabilities = graph.add("Softmax", scores, axis=1)
    else:
        probabilities = binary_probabilities(graph, scores)
    return {"label": label_of(graph, scores, estimator), "probabilities": probabilities, "scores": scores}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write X @ coef + intercept, of shape (n_rows, n_targets)."""
    return {"value": decision(graph, estimator, inputs)}


def convert_ransac(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the regressor that was fitted on the inliers."""
    return graph.predict(estimator.estimator_, inputs)


def ransac_members(estimator: Any) -> list[tuple[str, Any]]:
    """The regressor that was fitted on the inliers."""
    return [("estimator", estimator.estimator_)]


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse sparse coefficients."""
    if scipy.sparse.issparse(estimator.coef_):
        return "coefficients must be dense; sparsify() was called", "Call densify()."
    return None


def label_of(graph: Graph, scores: str, estimator: Any) -> str:
    """The label of a linear classifier's decision function, of shape (n_rows,)."""
    several = np.ndim(estimator.coef_) > 1 and len(estimator.coef_) > 1
    return class_of_largest(graph, scores) if several else positive_label(graph, scores, "Greater")


def binary_probabilities(graph: Graph, scores: str) -> str:
    """[1 - expit(score), expit(score)], as scikit-learn computes it; scores of shape (n_rows, 1)."""
    return binary_probabilities_of(graph, expit(graph, scores))


def expit(graph: Graph, scores: str) -> str:
    """1 / (1 + exp(-x)), to its last digits down to the smallest numbers.

    onnxruntime's float64 Sigmoid keeps no digits of its own there: at -9 it is off by 1e-12 of itself, below -36.8 it
    is zero. That shows where probabilities of one class against the rest are divided by their sum.
    """
    one = graph.constant(np.ones((1, 1)), "one")
    return graph.add("Div", one, graph.add("Add", one, graph.add("Exp", graph.add("Neg", scores))))


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


CLASSIFIERS = (LinearSVC, PassiveAggressiveClassifier, Perceptron)
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
    LinearSVR,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    PassiveAggressiveRegressor,
    QuantileRegressor,
    Ridge,
    RidgeCV,
    SGDRegressor,
    TheilSenRegressor,
)
MULTI_TASK = (MultiTaskElasticNet, MultiTaskElasticNetCV, MultiTaskLasso, MultiTaskLassoCV)
CONVERTERS: dict[type, Converter] = {
    LogisticRegression: Converter(predict=convert_logistic, check=check),
    LogisticRegressionCV: Converter(predict=convert_logistic, check=check),
    RidgeClassifier: Converter(predict=convert_ridge, check=check),
    RidgeClassifierCV: Converter(predict=convert_ridge, check=check),
    RANSACRegressor: Converter(predict=convert_ransac, members=ransac_members),
    **{cls: Converter(predict=convert_classifier, check=check) for cls in CLASSIFIERS},
    **{cls: Converter(predict=convert_regressor, check=check) for cls in (*LINEAR_REGRESSORS, *MULTI_TASK)},
}
