"""Gaussian mixtures: log densities by scikit-learn's own formulas, and their normalised exp."""

from typing import Any

import numpy as np
from scipy.special import digamma
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.mixture._gaussian_mixture import _compute_log_det_cholesky

from export.converters.converter import Converter
from export.converters.einsum import squared_norms
from export.converters.elementary import log1p
from export.converters.linear import class_of_largest, product
from export.converters.pairwise import add_up
from export.graph import Graph, Tensor


def convert_mixture(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the component with the largest weighted log density, and each component's share of the density."""
    features = estimator.means_.shape[1]
    squares = _QUADRATIC[estimator.covariance_type](graph, estimator, graph.matrix(inputs))
    moved = graph.add("Add", _number(graph, features * np.log(2 * np.pi), "pi"), squares)
    density = graph.add("Mul", _number(graph, -0.5, "half"), moved)
    for term in _terms(estimator, features):
        density = graph.add("Add", density, _row(graph, np.broadcast_to(term, len(estimator.means_)), "term"))
    return {"label": class_of_largest(graph, density), "probabilities": _shares(graph, density, len(estimator.means_))}


def _terms(estimator: Any, features: int) -> list[Any]:
    """What is added to the quadratic form, in scikit-learn's order; no term depends on the row."""
    terms = [_compute_log_det_cholesky(estimator.precisions_cholesky_, estimator.covariance_type, features)]
    if type(estimator) is BayesianGaussianMixture:
        freedom = estimator.degrees_of_freedom_
        logarithms = digamma(0.5 * (freedom - np.arange(0, features)[:, np.newaxis]))
        spread = features * np.log(2.0) + np.sum(logarithms, 0)
        terms += [-(0.5 * features * np.log(freedom)), 0.5 * (spread - features / estimator.mean_precision_)]
    return [*terms, estimator._estimate_log_weights()]


def _full(graph: Graph, estimator: Any, matrix: str) -> str:
    """|x P - mean P|^2 with each component's own P, of shape (n_rows, n_components)."""
    factors = estimator.precisions_cholesky_
    means = [mean @ factor for mean, factor in zip(estimator.means_, factors, strict=True)]
    turned = product(graph, matrix, np.concatenate(list(factors), axis=1))
    moved = graph.add("Sub", turned, _row(graph, np.concatenate(means), "means"))
    return _lengths(graph, moved, estimator.means_.shape)


def _tied(graph: Graph, estimator: Any, matrix: str) -> str:
    """|x P - mean P|^2 with one P."""
    factor = estimator.precisions_cholesky_
    means = np.array([mean @ factor for mean in estimator.means_])
    turned = graph.add("Unsqueeze", product(graph, matrix, factor), graph.constant(np.array([1]), "axis"))
    return _lengths(graph, graph.add("Sub", turned, graph.constant(means[None], "means")), means.shape)


def _diagonal(graph: Graph, estimator: Any, matrix: str) -> str:
    """Sum of mean^2 / variance - 2 x mean / variance + x^2 / variance, the three sums one after the other."""
    precisions, means = estimator.precisions_cholesky_**2, estimator.means_
    twice = graph.add("Mul", _number(graph, 2.0, "two"), product(graph, matrix, (means * precisions).T))
    norms = product(graph, graph.add("Mul", matrix, matrix), precisions.T)
    return graph.add("Add", graph.add("Sub", _row(graph, np.sum(means**2 * precisions, axis=1), "means"), twice), norms)


def _spherical(graph: Graph, estimator: Any, matrix: str) -> str:
    """(|mean|^2 - 2 x.mean + |x|^2) / variance, each part divided by itself."""
    precisions, means = estimator.precisions_cholesky_**2, estimator.means_
    scaled = graph.add("Mul", product(graph, matrix, means.T), _row(graph, precisions, "precisions"))
    twice = graph.add("Mul", _number(graph, 2.0, "two"), scaled)
    norms = graph.add("Mul", squared_norms(graph, matrix, means.shape[1]), _row(graph, precisions, "precisions"))
    centre = _row(graph, np.sum(means**2, axis=1) * precisions, "means")
    return graph.add("Add", graph.add("Sub", centre, twice), norms)


def _lengths(graph: Graph, vectors: str, shape: tuple[int, ...]) -> str:
    """|v|^2 of vectors of shape (n_rows, n_components, n_features), of shape (n_rows, n_components)."""
    components, features = shape
    flat = graph.add("Reshape", vectors, graph.constant(np.array([-1, features]), "shape"))
    total = add_up(graph, graph.add("Mul", flat, flat), features)
    return graph.add("Reshape", total, graph.constant(np.array([-1, components]), "shape"))


def _shares(graph: Graph, density: str, components: int) -> str:
    """exp(x - logsumexp(x)), where the largest ones stand outside the sum, as scikit-learn has them."""
    axis = graph.constant(np.array([1]), "axis")
    largest = graph.add("ReduceMax", density, axis, keepdims=1)
    tops = graph.add("Equal", density, largest)
    count = graph.add("ReduceSum", graph.add("Cast", tops, to=11), axis, keepdims=1)
    sizes = graph.add("Exp", graph.add("Sub", density, largest))
    others = graph.add("Where", tops, _number(graph, 0.0, "zero"), sizes)
    rest = graph.add("Div", add_up(graph, others, components), count)
    ratio = log1p(graph, rest)
    total = graph.add("Add", graph.add("Add", ratio, graph.add("Log", count)), largest)
    return graph.add("Exp", graph.add("Sub", density, total))


def _number(graph: Graph, value: float, hint: str) -> str:
    return graph.constant(np.full((1, 1), value), hint)


def _row(graph: Graph, values: Any, hint: str) -> str:
    return graph.constant(np.asarray(values, dtype=np.float64).reshape(1, -1), hint)


_QUADRATIC = {"full": _full, "tied": _tied, "diag": _diagonal, "spherical": _spherical}
CONVERTERS: dict[type, Converter] = {
    GaussianMixture: Converter(predict=convert_mixture),
    BayesianGaussianMixture: Converter(predict=convert_mixture),
}
