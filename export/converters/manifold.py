"""Isomap: the shortest ways to the training rows through the nearest of them, and their projection."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.manifold import Isomap, LocallyLinearEmbedding

from export.converters.converter import Converter
from export.converters.decomposition import dense
from export.converters.kdtree import check as check_search
from export.converters.kdtree import nearest, tree_of
from export.converters.kernels import check_sum, holds_rows, number, probes, projected, scaled
from export.graph import Graph, Tensor

Matrix = npt.NDArray[np.float64]


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse neighbours within a radius, searches other than a KD tree's, and projections that cancel out."""
    if estimator.n_neighbors is None:
        return "the neighbours of a row within a radius have no fixed number", "Set n_neighbors and radius=None."
    found = check_search(estimator.nbrs_)
    if found:
        return found
    pca = estimator.kernel_pca_
    kernel = pca._centerer.transform(-0.5 * np.array(list(_ways(estimator, probes(estimator.nbrs_._fit_X)))) ** 2)
    return check_sum(kernel, scaled(pca), kernel @ scaled(pca))


def _ways(estimator: Any, matrix: Matrix) -> Iterator[Matrix]:
    """Row by row, the shortest ways to the training rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of columns without names
        found = estimator.nbrs_.kneighbors(matrix)
    for apart, rows in zip(*found, strict=True):
        yield np.min(estimator.dist_matrix_[rows] + apart[:, None], axis=0)


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the least of distance and way over the neighbours, squared, times -0.5, and its projection."""
    count = estimator.nbrs_.n_neighbors
    apart, rows = nearest(graph, graph.matrix(inputs), tree_of(estimator.nbrs_), count)
    known = graph.constant(np.asarray(estimator.dist_matrix_, dtype=np.float64), "ways")
    ways = ""
    for place in range(count):  # one after the other: all at once need n_neighbors times the memory
        number_of = graph.add("Gather", rows, graph.constant(np.array(place), "place"), axis=1)
        way = graph.add("Add", graph.add("Gather", known, number_of, axis=0), graph.chosen(apart, [place]))
        ways = graph.add("Where", graph.add("Less", ways, way), ways, way) if ways else way
    kernel = graph.add("Mul", graph.add("Mul", ways, ways), number(graph, -0.5, "half"))
    return dense(projected(graph, estimator.kernel_pca_, kernel), estimator.embedding_.shape[1])


def check_never(_estimator: Any) -> tuple[str, str]:
    """Refuse embeddings that solve a problem of their own for each row."""
    return (
        "it solves a problem of its own for each row among the nearest training rows, which has no exact form",
        "Use PCA, KernelPCA or Isomap in its place.",
    )


CONVERTERS: dict[type, Converter] = {
    Isomap: Converter(transform=convert, check=check, carries_rows=holds_rows),
    LocallyLinearEmbedding: Converter(check=check_never),
}
