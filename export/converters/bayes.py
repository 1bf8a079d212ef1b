"""Gaussian naive Bayes: log likelihoods per class, normalised as scikit-learn does it."""

from typing import Any

import numpy as np

from export.converters.linear import class_of_largest
from export.graph import Graph, Tensor


def convert_gaussian(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[str]:
    """Write log prior - (sum log(2 pi var) + sum (x - mean)^2 / var) / 2 per class, then its softmax."""
    row = graph.add("Unsqueeze", graph.matrix(inputs), graph.constant(np.array([1]), "axis"))
    apart = graph.add("Sub", row, graph.constant(estimator.theta_[None, :, :], "means"))
    squares = graph.add("Mul", apart, apart)
    shares = graph.add("Div", squares, graph.constant(estimator.var_[None, :, :], "variances"))
    total = graph.add("ReduceSum", shares, graph.constant(np.array([2]), "axis"), keepdims=0)
    half = graph.add("Mul", total, graph.constant(np.full((1, 1), -0.5), "half"))
    known = np.log(estimator.class_prior_) - 0.5 * np.sum(np.log(2.0 * np.pi * estimator.var_), axis=1)
    likelihood = graph.add("Add", half, graph.constant(known[None, :], "known"))
    return [class_of_largest(graph, likelihood), graph.add("Softmax", likelihood, axis=1)]
