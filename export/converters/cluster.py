"""Clusters by their nearest centre, and the distances to the centres, by scikit-learn's own formulas.

Squares are expanded there: near a tie the products' rounding decides, in scikit-learn as here.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.cluster import AffinityPropagation, Birch, BisectingKMeans, KMeans, MeanShift, MiniBatchKMeans
from sklearn.utils.extmath import row_norms

from export.converters.converter import Converter
from export.converters.decomposition import dense
from export.converters.einsum import squared_norms
from export.converters.linear import product
from export.errors import ExportError
from export.graph import Graph, Tensor

Matrix = npt.NDArray[np.float64]


def _centres(estimator: Any) -> Matrix:
    found = estimator.subcluster_centers_ if type(estimator) is Birch else estimator.cluster_centers_
    return np.asarray(found, dtype=np.float64)


def convert_means(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the number of the first centre with the smallest |centre|^2 - 2 x.centre."""
    return {"label": _first_smallest(graph, _apart(graph, graph.matrix(inputs), _centres(estimator)))}


def convert_nearest(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the number of the nearest centre; of a Birch tree, the cluster that the centre is in.

    Where squares overflow to no number, scikit-learn has a distance of zero.
    """
    matrix, centres = graph.matrix(inputs), _centres(estimator)
    axis = graph.constant(np.array([1]), "axis")
    norms = graph.add("ReduceSum", graph.add("Mul", matrix, matrix), axis, keepdims=1)  # BLAS's dot there
    squares = _squared(graph, centres, _twice(graph, matrix, centres), norms)
    zero = graph.constant(np.zeros((1, 1)), "zero")
    label = _first_smallest(graph, graph.add("Where", graph.add("Greater", squares, zero), squares, zero))
    if type(estimator) is Birch:
        clusters = np.asarray(estimator.subcluster_labels_, dtype=np.int64)
        label = graph.add("Gather", graph.constant(clusters, "clusters"), label)
    return {"label": label}


def convert_distances(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the distance to each centre.

    Raises:
        ExportError: a centre of a Birch tree is a training row: its own distance is rounding alone.
    """
    if type(estimator) is Birch and any(1 in _sizes(leaf) for leaf in estimator._get_leaves()):
        raise ExportError(
            "the distances to subclusters of one row are rounding alone near that row, in scikit-learn too",
            "Fit with a larger threshold, or use KMeans.",
            step="birch",
        )
    matrix, centres = graph.matrix(inputs), _centres(estimator)
    norms = squared_norms(graph, matrix, centres.shape[1])
    squares = _squared(graph, centres, _twice(graph, matrix, centres), norms)
    positive = graph.add("Max", squares, graph.constant(np.zeros((1, 1)), "zero"))
    return dense(graph.add("Sqrt", positive), len(centres))


def _sizes(leaf: Any) -> list[int]:
    return [part.n_samples_ for part in leaf.subclusters_]


def convert_bisecting(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the way down the tree of halves: left, unless the right half's centre is nearer."""
    matrix = graph.matrix(inputs)
    forks = [node for node in _nodes(estimator._bisecting_tree) if node.left is not None]
    if not forks:
        return {"label": _first_smallest(graph, _apart(graph, matrix, estimator.cluster_centers_))}
    centres = np.array([side.center for node in forks for side in (node.left, node.right)])
    apart = _apart(graph, matrix, centres + getattr(estimator, "_X_mean", 0.0))
    right = graph.add(
        "Less", graph.chosen(apart, range(1, len(centres), 2)), graph.chosen(apart, range(0, len(centres), 2))
    )
    place = {id(node): column for column, node in enumerate(forks)}

    def label(node: Any) -> str:
        if node.left is None:
            return graph.constant(np.array([[node.label]], dtype=np.int64), "cluster")
        return graph.add("Where", graph.chosen(right, [place[id(node)]]), label(node.right), label(node.left))

    return {"label": graph.add("Squeeze", label(estimator._bisecting_tree), graph.constant(np.array([1]), "axis"))}


def _nodes(node: Any) -> list[Any]:
    return [node] if node.left is None else [node, *_nodes(node.left), *_nodes(node.right)]


def _twice(graph: Graph, matrix: str, centres: Matrix) -> str:
    """-2 x.centre, of shape (n_rows, n_centres)."""
    products = product(graph, matrix, centres.T)
    return graph.add("Mul", products, graph.constant(np.full((1, 1), -2.0), "minus two"))


def _apart(graph: Graph, matrix: str, centres: Matrix) -> str:
    """|centre|^2 - 2 x.centre: the squared distance without |x|^2, which decides nothing."""
    norms = graph.constant(row_norms(centres, squared=True)[None, :], "norms")
    return graph.add("Add", norms, _twice(graph, matrix, centres))


def _squared(graph: Graph, centres: Matrix, twice: str, own: str) -> str:
    """-2 x.centre + |x|^2 + |centre|^2; rounding may make it negative."""
    norms = graph.constant(row_norms(centres, squared=True)[None, :], "norms")
    return graph.add("Add", graph.add("Add", twice, own), norms)


def _first_smallest(graph: Graph, numbers: str) -> str:
    return graph.add("ArgMin", numbers, axis=1, keepdims=0, select_last_index=0)


def check_converged(estimator: Any) -> tuple[str, str] | None:
    """Refuse an affinity propagation that found no cluster."""
    if len(getattr(estimator, "cluster_centers_", ())):
        return None
    return "it must have found clusters among the rows; it did not converge", "Fit with more max_iter or damping."


CONVERTERS: dict[type, Converter] = {
    KMeans: Converter(predict=convert_means, transform=convert_distances),
    MiniBatchKMeans: Converter(predict=convert_means, transform=convert_distances),
    BisectingKMeans: Converter(predict=convert_bisecting, transform=convert_distances),
    Birch: Converter(predict=convert_nearest, transform=convert_distances),
    MeanShift: Converter(predict=convert_nearest),
    AffinityPropagation: Converter(predict=convert_nearest, check=check_converged, carries_rows=lambda _: True),
}
