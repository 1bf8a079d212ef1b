"""Label propagation: the classes of stored rows, weighted by a kernel or taken from the nearest."""

from typing import Any

import numpy as np
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from export.converters import kdtree
from export.converters.converter import Converter
from export.converters.kernels import check_kernel, holds_rows, number, pairwise_rbf
from export.converters.linear import class_of_largest, product
from export.converters.pairwise import add_up
from export.graph import Graph, Tensor

FADES = -700.0  # below, exp gives numbers that not every runtime's exp holds


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse kernels in Python, distances that cancel out, and searches without an exact form."""
    if estimator.kernel == "knn":
        return kdtree.check(estimator.nn_fit)
    if estimator.kernel != "rbf":
        return f"kernel={estimator.kernel!r} is Python code", "Use kernel='rbf' or kernel='knn'."
    return check_kernel("rbf", estimator.X_, estimator.gamma)


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the weighted sum of the stored rows' classes, divided by its own sum."""
    matrix = graph.matrix(inputs)
    shares = np.asarray(estimator.label_distributions_, dtype=np.float64)
    if estimator.kernel == "knn":
        count = estimator.nn_fit.n_neighbors
        rows = kdtree.nearest(graph, matrix, kdtree.tree_of(estimator.nn_fit), count)[1]
        found = graph.add("Gather", graph.constant(shares, "shares"), rows, axis=0)
        running = graph.add("CumSum", found, graph.constant(np.array(1), "axis"))
        total = graph.add("Gather", running, graph.constant(np.array(count - 1), "last"), axis=1)
    else:
        exponent = pairwise_rbf(graph, matrix, np.asarray(estimator.X_, dtype=np.float64), estimator.gamma)
        total = product(graph, _fading(graph, exponent), shares)
    probabilities = graph.add("Div", total, add_up(graph, total, shares.shape[1]))
    return {"label": class_of_largest(graph, probabilities), "probabilities": probabilities}


def _fading(graph: Graph, exponent: str) -> str:
    """Write exp(x), also where it is smaller than a normal float64: as the square of exp(x / 2)."""
    half = graph.add("Exp", graph.add("Mul", exponent, number(graph, 0.5)))
    tiny = graph.add("Less", exponent, number(graph, FADES))
    return graph.add("Where", tiny, graph.add("Mul", half, half), graph.add("Exp", exponent))


CONVERTERS: dict[type, Converter] = {
    cls: Converter(predict=convert, check=check, carries_rows=holds_rows) for cls in (LabelPropagation, LabelSpreading)
}
