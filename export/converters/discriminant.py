"""Discriminant analysis and nearest centroids: squared distances from each class, hence *rounding*."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.neighbors import NearestCentroid

from export.converters.converter import Converter
from export.converters.linear import check, class_of_largest, convert_logistic, product
from export.graph import Graph, Tensor


def transform_linear(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the projection on the directions that separate the classes."""
    weights = estimator.scalings_[:, : estimator._max_components]
    matrix = graph.matrix(inputs)
    if estimator.solver == "svd":
        matrix = graph.add("Sub", matrix, graph.constant(estimator.xbar_[None, :], "mean"))
    return [Tensor(product(graph, matrix, weights), "double", weights.shape[1])]


def convert_quadratic(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write -(|whitened x|^2 + sum log variances) / 2 + log prior per class."""
    matrix = graph.matrix(inputs)
    parts = []
    for mean, rotation, scaling in zip(estimator.means_, estimator.rotations_, estimator.scalings_, strict=True):
        apart = graph.add("Sub", matrix, graph.constant(mean[None, :], "mean"))
        parts.append(_squared_length(graph, product(graph, apart, rotation * (scaling ** (-0.5))), len(scaling)))
    spread = np.array([np.sum(np.log(scaling)) for scaling in estimator.scalings_])
    total = graph.add("Add", graph.add("Concat", *parts, axis=1), graph.constant(spread[None, :], "spread"))
    half = graph.add("Mul", graph.constant(np.full((1, 1), -0.5), "half"), total)
    scores = graph.add("Add", half, graph.constant(np.log(estimator.priors_)[None, :], "prior"))
    return {"label": class_of_largest(graph, scores), **_answers(graph, estimator, scores)}


def convert_centroids(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the nearest centroid; with other priors than equal ones, the class of the largest score."""
    matrix = graph.matrix(inputs)
    alike = _alike(estimator)
    distances = _euclidean if estimator.metric == "euclidean" else _manhattan
    answers: dict[str, str] = {}
    if alike:
        found = distances(graph, matrix, estimator.centroids_)
        answers["label"] = graph.add("ArgMin", found, axis=1, keepdims=0, select_last_index=0)
    if not alike or estimator.metric == "euclidean":
        scores = _centroid_scores(graph, estimator, matrix, distances)
        answers |= _answers(graph, estimator, scores) if estimator.metric == "euclidean" else {}
        answers.setdefault("label", class_of_largest(graph, scores))
    return answers


def _alike(estimator: Any) -> bool:
    return bool(np.isclose(estimator.class_prior_, 1 / len(estimator.classes_)).all())


def _centroid_scores(graph: Graph, estimator: Any, matrix: str, distances: Any) -> str:
    """-(distance in within-class deviations)^2 + 2 log prior, of shape (n_rows, n_classes)."""
    deviations = np.where(estimator.within_class_std_dev_ != 0, estimator.within_class_std_dev_, 1.0)
    scaled = graph.add("Div", matrix, graph.constant(deviations[None, :], "deviations"))
    found = distances(graph, scaled, estimator.centroids_ / deviations)
    prior = graph.constant(2.0 * np.log(estimator.class_prior_)[None, :], "prior")
    return graph.add("Add", graph.add("Neg", graph.add("Mul", found, found)), prior)


def _euclidean(graph: Graph, matrix: str, centroids: npt.NDArray[np.float64]) -> str:
    """sqrt(max(0, -2 x.c + |x|^2 + |c|^2)), of shape (n_rows, n_centroids)."""
    products = product(graph, matrix, -2.0 * centroids.T)
    moved = graph.add("Add", products, _squared_length(graph, matrix, centroids.shape[1]))
    lengths = np.einsum("ij,ij->i", centroids, centroids)[None, :]
    squared = graph.add("Add", moved, graph.constant(lengths, "lengths"))
    return graph.add("Sqrt", graph.add("Max", squared, graph.constant(np.zeros((1, 1)), "zero")))


def _manhattan(graph: Graph, matrix: str, centroids: npt.NDArray[np.float64]) -> str:
    """Sums of absolute differences, added from left to right, of shape (n_rows, n_centroids)."""
    row = graph.add("Unsqueeze", matrix, graph.constant(np.array([1]), "axis"))
    apart = graph.add("Abs", graph.add("Sub", row, graph.constant(centroids[None, :, :], "centroids")))
    return _sum(graph, apart, 2, centroids.shape[1])


def _squared_length(graph: Graph, matrix: str, width: int) -> str:
    """|x|^2, added from left to right, of shape (n_rows, 1)."""
    total = _sum(graph, graph.add("Mul", matrix, matrix), 1, width)
    return graph.add("Unsqueeze", total, graph.constant(np.array([1]), "axis"))


def _sum(graph: Graph, name: str, axis: int, width: int) -> str:
    running = graph.add("CumSum", name, graph.constant(np.array(axis), "axis"))
    return graph.add("Gather", running, graph.constant(np.array(width - 1), "last"), axis=axis)


def _answers(graph: Graph, estimator: Any, scores: str) -> dict[str, str]:
    """exp(x - max - log sum exp(x - max)), and the scores; of two classes their difference."""
    axis = graph.constant(np.array([1]), "axis")
    likelihood = graph.add("Sub", scores, graph.add("ReduceMax", scores, axis, keepdims=1))
    total = graph.add("Log", graph.add("ReduceSum", graph.add("Exp", likelihood), axis, keepdims=1))
    probabilities = graph.add("Exp", graph.add("Sub", likelihood, total))
    if len(estimator.classes_) == 2:
        scores = graph.add("Sub", graph.chosen(scores, [1]), graph.chosen(scores, [0]))
    return {"probabilities": probabilities, "scores": scores}


CONVERTERS: dict[type, Converter] = {
    LinearDiscriminantAnalysis: Converter(predict=convert_logistic, transform=transform_linear, check=check),
    QuadraticDiscriminantAnalysis: Converter(predict=convert_quadratic),
    NearestCentroid: Converter(predict=convert_centroids),
}
