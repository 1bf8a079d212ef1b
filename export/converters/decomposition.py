"""Decompositions that answer by products with constants. The order of their sums is BLAS's, hence *rounding*."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
from sklearn.decomposition import (
    PCA,
    FactorAnalysis,
    FastICA,
    IncrementalPCA,
    MiniBatchSparsePCA,
    SparsePCA,
    TruncatedSVD,
)
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.neural_network import BernoulliRBM

from export.converters.converter import Converter
from export.converters.linear import product
from export.graph import Graph, Tensor

Matrix = npt.NDArray[np.float64]
LARGEST_CONDITION = 1e4  # of a solved system: measured, 1e5 changes 1e-12 of the answers


def dense(name: str, width: int) -> list[Tensor]:
    """The answer of a step that gives a dense matrix, whatever it got."""
    return [Tensor(name, "double", width)]


def _row(graph: Graph, values: Any, hint: str) -> str:
    return graph.constant(np.asarray(values, dtype=np.float64).reshape(1, -1), hint)


def convert_pca(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write x @ components.T - mean @ components.T, divided by the clipped standard deviations when it whitens."""
    components = estimator.components_.T
    turned = product(graph, graph.matrix(inputs), components)
    moved = graph.add("Sub", turned, _row(graph, estimator.mean_.reshape(1, -1) @ components, "centre"))
    if estimator.whiten:
        scale = np.sqrt(estimator.explained_variance_)
        moved = graph.add("Div", moved, _row(graph, np.maximum(scale, np.finfo(scale.dtype).eps), "scale"))
    return dense(moved, components.shape[1])


def convert_product(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write x @ components.T."""
    components = estimator.components_.T
    return dense(product(graph, graph.matrix(inputs), components), components.shape[1])


def convert_ica(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write (x - mean) @ components.T; without whitening nothing is subtracted."""
    matrix = graph.matrix(inputs)
    if estimator.whiten:
        matrix = graph.add("Sub", matrix, _row(graph, estimator.mean_, "mean"))
    components = estimator.components_.T
    return dense(product(graph, matrix, components), components.shape[1])


def convert_factors(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write (x - mean) @ weighted components @ posterior covariance (Barber, 21.2.33), product after product."""
    centred = graph.add("Sub", graph.matrix(inputs), _row(graph, estimator.mean_, "mean"))
    weighted = estimator.components_ / estimator.noise_variance_
    covariance = scipy.linalg.inv(np.eye(len(weighted)) + np.dot(weighted, estimator.components_.T))
    turned = product(graph, product(graph, centred, weighted.T), covariance)
    return dense(turned, len(covariance))


def convert_sparse_pca(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the ridge regression of x - mean on the components: two triangular systems, solved one after the other."""
    centred = graph.add("Sub", graph.matrix(inputs), _row(graph, estimator.mean_, "mean"))
    before, system, after = _ridge(estimator)
    value = centred if before is None else product(graph, centred, before)
    lower = scipy.linalg.cholesky(system, lower=True)
    value = _solved(graph, value, lower)
    value = _solved(graph, value, lower.T[::-1, ::-1], backward=True)
    return dense(value if after is None else product(graph, value, after), len(estimator.components_))


def _solved(graph: Graph, right: str, lower: Matrix, backward: bool = False) -> str:
    """The z of lower @ z = right, row by row of the table; of z and right both turned round when `backward`."""
    last = len(lower) - 1
    rest, found = right, []
    for step in range(len(lower)):
        place = last - step if backward else step
        value = graph.add("Div", graph.chosen(rest, [place]), _row(graph, lower[step, step], "diagonal"))
        found.append(value)
        if step < last:
            column = np.where(np.arange(len(lower)) > step, lower[:, step], 0.0)
            share = graph.add("Mul", value, _row(graph, column[::-1] if backward else column, "column"))
            rest = graph.add("Sub", rest, share)
    return graph.add("Concat", *(found[::-1] if backward else found), axis=1)


def _ridge(estimator: Any) -> tuple[Matrix | None, Matrix, Matrix | None]:
    """What is multiplied in front, the symmetric system, what is multiplied behind; the smaller of two systems."""
    components = np.asarray(estimator.components_, dtype=np.float64)
    many = components.shape[0] > components.shape[1]
    system = components.T @ components if many else components @ components.T
    system.flat[:: len(system) + 1] += estimator.ridge_alpha
    return (None, system, components.T) if many else (components.T, system, None)


def check_sparse_pca(estimator: Any) -> tuple[str, str] | None:
    """Refuse a system in whose solution so much cancels that rounding shows."""
    condition = np.linalg.cond(_ridge(estimator)[1])
    if condition <= LARGEST_CONDITION:
        return None
    return (
        f"the ridge regression behind its answer has the condition {condition:.2g}: it cancels more digits than two "
        "ways of solving it share",
        "Fit with a larger ridge_alpha, such as 1, or with fewer n_components.",
    )


def convert_rbm(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write expit(x @ components.T + intercept)."""
    turned = product(graph, graph.matrix(inputs), estimator.components_.T)
    moved = graph.add("Add", turned, _row(graph, estimator.intercept_hidden_, "intercept"))
    return dense(graph.add("Sigmoid", moved), len(estimator.components_))


CONVERTERS: dict[type, Converter] = {
    PCA: Converter(transform=convert_pca),
    IncrementalPCA: Converter(transform=convert_pca),
    TruncatedSVD: Converter(transform=convert_product),
    NeighborhoodComponentsAnalysis: Converter(transform=convert_product),
    FastICA: Converter(transform=convert_ica),
    FactorAnalysis: Converter(transform=convert_factors),
    SparsePCA: Converter(transform=convert_sparse_pca, check=check_sparse_pca),
    MiniBatchSparsePCA: Converter(transform=convert_sparse_pca, check=check_sparse_pca),
    BernoulliRBM: Converter(transform=convert_rbm),
}
