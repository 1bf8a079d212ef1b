"""Partial least squares: centred columns times coefficients or rotations, hence *rounding*."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.cross_decomposition import CCA, PLSSVD, PLSCanonical, PLSRegression

from export.converters.converter import Converter
from export.converters.linear import product
from export.graph import Graph, Tensor


def predict(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write (X - mean) @ coef.T + intercept, of shape (n_rows, n_targets)."""
    centred = _each(graph, "Sub", graph.matrix(inputs), estimator._x_mean)
    return {"value": _each(graph, "Add", product(graph, centred, estimator.coef_.T), estimator.intercept_)}


def transform(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write ((X - mean) / std) @ rotations, of shape (n_rows, n_components)."""
    centred = _each(graph, "Sub", graph.matrix(inputs), estimator._x_mean)
    scaled = _each(graph, "Div", centred, estimator._x_std)
    weights = estimator.x_weights_ if type(estimator) is PLSSVD else estimator.x_rotations_
    return [Tensor(product(graph, scaled, weights), "double", weights.shape[1])]


def _each(graph: Graph, operator: str, matrix: str, row: npt.NDArray[np.float64]) -> str:
    return graph.add(operator, matrix, graph.constant(np.reshape(row, (1, -1)), operator.lower()))


CONVERTERS: dict[type, Converter] = {
    **{cls: Converter(predict=predict, transform=transform) for cls in (CCA, PLSCanonical, PLSRegression)},
    PLSSVD: Converter(transform=transform),
}
