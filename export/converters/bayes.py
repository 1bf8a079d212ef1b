"""Naive Bayes: log likelihoods per class in scikit-learn's own order of sums.

Far from the training rows these are so large that another order, or a softmax in place of `exp(x - logsumexp(x))`,
would move probabilities by far more than rounding. `CumSum` adds from left to right, as NumPy does here.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB

from export.converters.converter import Converter
from export.converters.linear import class_of_largest, product
from export.graph import DOUBLE, INT64, Graph, Tensor


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse probabilities whose logarithms make answers that are no numbers."""
    tables = estimator.feature_log_prob_
    logarithms = list(tables) if isinstance(tables, list) else [tables]
    if type(estimator) is BernoulliNB:
        logarithms.append(_absent(estimator))
    if all(np.isfinite(each).all() for each in (*logarithms, estimator.class_log_prior_)):
        return None
    remedy = "Fit with alpha=1.0 and a class_prior above zero"
    if type(estimator) is BernoulliNB:
        return "a probability is zero, or not below one", f"{remedy}, on zeros and ones or with binarize=0.0."
    return "the probability of a feature or a class is zero", f"{remedy}."


def convert_gaussian(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write log prior + (-sum log(2 pi var) / 2 - sum ((x - mean)^2 / var) / 2) per class, and its normalised exp."""
    row = graph.add("Unsqueeze", graph.matrix(inputs), graph.constant(np.array([1]), "axis"))
    apart = graph.add("Sub", row, graph.constant(estimator.theta_[None, :, :], "means"))
    squares = graph.add("Mul", apart, apart)
    shares = graph.add("Div", squares, graph.constant(estimator.var_[None, :, :], "variances"))
    running = graph.add("CumSum", shares, graph.constant(np.array(2), "axis"))
    total = graph.add("Gather", running, graph.constant(np.array(estimator.var_.shape[1] - 1), "last"), axis=2)
    half = graph.add("Mul", total, graph.constant(np.full((1, 1), 0.5), "half"))
    spread = np.array([-0.5 * np.sum(np.log(2.0 * np.pi * variances)) for variances in estimator.var_])
    density = graph.add("Sub", graph.constant(spread[None, :], "spread"), half)
    likelihood = graph.add("Add", density, graph.constant(np.log(estimator.class_prior_)[None, :], "prior"))
    return _answers(graph, likelihood)


def convert_bernoulli(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write x @ (log p - log(1 - p)) + (log prior + sum log(1 - p)), x being 1 above the threshold and 0 below."""
    matrix = graph.matrix(inputs)
    if estimator.binarize is not None:
        threshold = graph.constant(np.full((1, 1), float(estimator.binarize)), "threshold")
        matrix = graph.add("Cast", graph.add("Greater", matrix, threshold), to=DOUBLE)
    absent = _absent(estimator)
    start = estimator.class_log_prior_ + absent.sum(axis=1)
    return _weighed(graph, matrix, estimator.feature_log_prob_ - absent, start)


def _absent(estimator: Any) -> npt.NDArray[np.float64]:
    """log(1 - p), of shape (n_classes, n_features)."""
    with np.errstate(all="ignore"):
        found: npt.NDArray[np.float64] = np.log(1 - np.exp(estimator.feature_log_prob_))
    return found


def convert_multinomial(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write x @ log p + log prior."""
    return _weighed(graph, graph.matrix(inputs), estimator.feature_log_prob_, estimator.class_log_prior_)


def convert_complement(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write x @ weights; the prior counts where there is one class only."""
    prior = estimator.class_log_prior_ if len(estimator.classes_) == 1 else None
    return _weighed(graph, graph.matrix(inputs), estimator.feature_log_prob_, prior)


def convert_categorical(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the sum of each category's log p, feature after feature, + log prior; 1.7 is category 1."""
    starts = np.cumsum([0, *estimator.n_categories_[:-1]]).astype(np.int64)
    table = np.concatenate([each.T for each in estimator.feature_log_prob_])
    number = graph.add("Cast", graph.matrix(inputs), to=INT64)
    number = graph.add("Max", number, graph.constant(np.zeros((1, 1), dtype=np.int64), "first"))
    last = np.asarray(estimator.n_categories_, dtype=np.int64)[None, :] - 1
    place = graph.add("Add", graph.add("Min", number, graph.constant(last, "last")), graph.constant(starts, "starts"))
    shares = graph.add("Gather", graph.constant(table, "shares"), place, axis=0)
    running = graph.add("CumSum", shares, graph.constant(np.array(1), "axis"))
    total = graph.add("Gather", running, graph.constant(np.array(len(starts) - 1), "last"), axis=1)
    prior = graph.constant(estimator.class_log_prior_[None, :], "prior")
    return _answers(graph, graph.add("Add", total, prior))


def _weighed(
    graph: Graph, matrix: str, weights: npt.NDArray[np.float64], start: npt.NDArray[np.float64] | None
) -> dict[str, str]:
    likelihood = product(graph, matrix, weights.T)
    if start is not None:
        likelihood = graph.add("Add", likelihood, graph.constant(start[None, :], "start"))
    return _answers(graph, likelihood)


def _answers(graph: Graph, likelihood: str) -> dict[str, str]:
    return {"label": class_of_largest(graph, likelihood), "probabilities": _normalised(graph, likelihood)}


def _normalised(graph: Graph, likelihood: str) -> str:
    """exp(x - logsumexp(x)), of shape (n_rows, n_classes)."""
    axis = graph.constant(np.array([1]), "axis")
    largest = graph.add("ReduceMax", likelihood, axis, keepdims=1)
    sizes = graph.add("Exp", graph.add("Sub", likelihood, largest))
    logarithm = graph.add("Log", graph.add("ReduceSum", sizes, axis, keepdims=1))
    return graph.add("Exp", graph.add("Sub", likelihood, graph.add("Add", logarithm, largest)))


CONVERTERS: dict[type, Converter] = {
    GaussianNB: Converter(predict=convert_gaussian),
    BernoulliNB: Converter(predict=convert_bernoulli, check=check),
    CategoricalNB: Converter(predict=convert_categorical, check=check),
    ComplementNB: Converter(predict=convert_complement, check=check),
    MultinomialNB: Converter(predict=convert_multinomial, check=check),
}
