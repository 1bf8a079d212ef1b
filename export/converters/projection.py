"""Random projections, and columns pooled into groups."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.cluster import FeatureAgglomeration
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from export.converters.converter import Converter
from export.converters.decomposition import dense
from export.converters.linear import product
from export.graph import Graph, Tensor

POOLS = {np.mean: "mean", np.median: "median", np.max: "ReduceMax", np.amax: "ReduceMax", np.min: "ReduceMin"}
POOLS[np.amin] = "ReduceMin"


def convert_projection(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write x @ components.T."""
    components = estimator.components_
    sparse = scipy.sparse.issparse(components)
    weights = np.asarray(components.toarray() if sparse else components, dtype=np.float64).T
    stays = sparse and not estimator.dense_output and any(tensor.sparse for tensor in inputs)
    return [Tensor(product(graph, graph.matrix(inputs), weights), "double", weights.shape[1], stays)]


def convert_pooled(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the mean, median, largest or smallest value of each group of columns."""
    groups = [np.flatnonzero(estimator.labels_ == label) for label in range(estimator.n_clusters_)]
    matrix, pool = graph.matrix(inputs), POOLS[estimator.pooling_func]
    if pool == "mean":
        pooled = _means(graph, matrix, groups)
    elif pool == "median":
        pooled = graph.add("Concat", *(_median(graph, matrix, group) for group in groups), axis=1)
    else:
        width = max(map(len, groups))
        same = np.array([np.resize(group, width) for group in groups])  # a column twice changes no extreme
        pooled = graph.add(pool, graph.chosen(matrix, same), graph.constant(np.array([2]), "axis"), keepdims=0)
    return dense(pooled, len(groups))


def _means(graph: Graph, matrix: str, groups: list[npt.NDArray[Any]]) -> str:
    """Sums from the first column to the last, as `bincount` makes them, divided by the number of columns."""
    width = max(map(len, groups))
    padded = graph.add("Pad", matrix, graph.constant(np.array([0, 0, 0, 1]), "pads"))  # a column of zeros behind
    behind = sum(map(len, groups))
    index = np.array([np.pad(group, (0, width - len(group)), constant_values=behind) for group in groups])
    running = graph.add("CumSum", graph.chosen(padded, index), graph.constant(np.array(2), "axis"))
    total = graph.add("Gather", running, graph.constant(np.array(width - 1), "last"), axis=2)
    return graph.add("Div", total, graph.constant(np.array([[len(group) for group in groups]], dtype=float), "size"))


def _median(graph: Graph, matrix: str, group: npt.NDArray[Any]) -> str:
    """The middle column of a group, or half the sum of the two in the middle; of shape (n_rows, 1)."""
    half = len(group) // 2
    count = graph.constant(np.array([half + 1]), "count")
    largest, _ = graph.add_several("TopK", graph.chosen(matrix, group), count, outputs=2, axis=1)
    if len(group) % 2:
        return graph.chosen(largest, [half])
    middle = graph.add("Add", graph.chosen(largest, [half]), graph.chosen(largest, [half - 1]))
    return graph.add("Div", middle, graph.constant(np.full((1, 1), 2.0), "two"))


def check_pooled(estimator: Any) -> tuple[str, str] | None:
    """Refuse other Python functions."""
    if estimator.pooling_func in POOLS:
        return None
    return (
        f"pooling_func must be np.mean, np.median, np.max or np.min; got {estimator.pooling_func!r}",
        "Fit with pooling_func=np.mean.",
    )


CONVERTERS: dict[type, Converter] = {
    GaussianRandomProjection: Converter(transform=convert_projection),
    SparseRandomProjection: Converter(transform=convert_projection),
    FeatureAgglomeration: Converter(transform=convert_pooled, check=check_pooled),
}
