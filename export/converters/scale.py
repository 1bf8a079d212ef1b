"""Scalers, with scikit-learn's own operations in its own order: a product with a reciprocal is not a quotient."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import KernelCenterer, MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler

from export.converters.converter import Converter
from export.graph import Graph, Tensor


def _apply(graph: Graph, matrix: str, operator: str, values: npt.NDArray[Any] | None) -> str:
    if values is None:
        return matrix
    row = np.asarray(values, dtype=np.float64).reshape(1, -1)
    return graph.add(operator, matrix, graph.constant(row, operator.lower()))


def _divided(graph: Graph, matrix: str, scale: npt.NDArray[Any] | None, inputs: list[Tensor]) -> str:
    """Write x / scale; of a sparse matrix scikit-learn takes x * (1 / scale)."""
    if scale is not None and any(tensor.sparse for tensor in inputs):
        return _apply(graph, matrix, "Mul", 1.0 / np.asarray(scale))
    return _apply(graph, matrix, "Div", scale)


def convert_standard(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write (x - mean) / scale."""
    centred = _apply(graph, graph.matrix(inputs), "Sub", estimator.mean_ if estimator.with_mean else None)
    return _divided(graph, centred, estimator.scale_ if estimator.with_std else None, inputs)


def convert_robust(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write (x - centre) / scale."""
    centred = _apply(graph, graph.matrix(inputs), "Sub", estimator.center_ if estimator.with_centering else None)
    return _divided(graph, centred, estimator.scale_ if estimator.with_scaling else None, inputs)


def convert_min_max(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write x * scale + min, clipped when the estimator clips."""
    scaled = _apply(graph, graph.matrix(inputs), "Mul", estimator.scale_)
    moved = _apply(graph, scaled, "Add", estimator.min_)
    return _clip(graph, moved, estimator.feature_range) if estimator.clip else moved


def convert_max_abs(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write x / scale, clipped to -1 and 1 when the estimator clips."""
    scaled = _divided(graph, graph.matrix(inputs), estimator.scale_, inputs)
    return _clip(graph, scaled, (-1.0, 1.0)) if estimator.clip else scaled


def _clip(graph: Graph, matrix: str, bounds: tuple[float, float]) -> str:
    """Clip numbers and leave NaN as it is (`Clip` makes a bound of it)."""
    low, high = (graph.constant(np.array(bound, dtype=np.float64), "bound") for bound in bounds)
    return graph.add("Where", graph.add("IsNaN", matrix), matrix, graph.add("Clip", matrix, low, high))


def convert_normalizer(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write x / norm of its row; a norm near zero counts as 1, of a sparse matrix only zero itself."""
    matrix = graph.matrix(inputs)
    axis = graph.constant(np.array([1]), "axis")
    if estimator.norm == "max":
        norm = graph.add("ReduceMax", graph.add("Abs", matrix), axis)
    elif estimator.norm == "l1":
        norm = graph.add("ReduceSum", graph.add("Abs", matrix), axis)
    else:
        norm = graph.add("Sqrt", graph.add("ReduceSum", graph.add("Mul", matrix, matrix), axis))
    smallest = np.nextafter(0.0, 1.0) if any(tensor.sparse for tensor in inputs) else 10 * np.finfo(np.float64).eps
    small = graph.add("Less", norm, graph.constant(np.array([smallest]), "smallest"))
    return graph.add("Div", matrix, graph.add("Where", small, graph.constant(np.ones(1), "one"), norm))


def convert_kernel_centerer(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write K - the column means of training - the mean of its row + the mean of all."""
    matrix = graph.matrix(inputs)
    total = graph.add("ReduceSum", matrix, graph.constant(np.array([1]), "axis"))
    mean = _apply(graph, total, "Div", np.array([len(estimator.K_fit_rows_)]))
    centred = graph.add("Sub", _apply(graph, matrix, "Sub", estimator.K_fit_rows_), mean)
    return _apply(graph, centred, "Add", np.array([estimator.K_fit_all_]))


CONVERTERS: dict[type, Converter] = {
    StandardScaler: Converter(transform=convert_standard),
    MinMaxScaler: Converter(transform=convert_min_max),
    MaxAbsScaler: Converter(transform=convert_max_abs),
    RobustScaler: Converter(transform=convert_robust),
    Normalizer: Converter(transform=convert_normalizer),
    KernelCenterer: Converter(transform=convert_kernel_centerer),
}
