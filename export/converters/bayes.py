"""Gaussian naive Bayes: log likelihoods per class in scikit-learn's own order of sums.

Far from the training rows these are so large that another order, or a softmax in place of `exp(x - logsumexp(x))`,
would move probabilities by far more than rounding. `CumSum` adds from left to right, as NumPy does here.
"""

from typing import Any

import numpy as np
from sklearn.naive_bayes import GaussianNB

from export.converters.converter import Converter
from export.converters.linear import class_of_largest
from export.graph import Graph, Tensor


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
    return {"label": class_of_largest(graph, likelihood), "probabilities": _normalised(graph, likelihood)}


def _normalised(graph: Graph, likelihood: str) -> str:
    """exp(x - logsumexp(x)), of shape (n_rows, n_classes)."""
    axis = graph.constant(np.array([1]), "axis")
    largest = graph.add("ReduceMax", likelihood, axis, keepdims=1)
    sizes = graph.add("Exp", graph.add("Sub", likelihood, largest))
    logarithm = graph.add("Log", graph.add("ReduceSum", sizes, axis, keepdims=1))
    return graph.add("Exp", graph.add("Sub", likelihood, graph.add("Add", logarithm, largest)))


CONVERTERS: dict[type, Converter] = {GaussianNB: Converter(predict=convert_gaussian)}
