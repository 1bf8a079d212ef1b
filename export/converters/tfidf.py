"""Term frequencies weighted by rarity, on counts: sums from the first term to the last, as over a sparse row."""

from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer

from export.converters.converter import Converter
from export.graph import Graph, Tensor


def convert_tfidf(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the counts, or 1 + log(count), times the terms' weights, divided by the row's norm."""
    width = sum(tensor.width for tensor in inputs)
    matrix = graph.matrix(inputs)
    if estimator.sublinear_tf:
        zero, one = (graph.constant(np.full((1, 1), value), "number") for value in (0.0, 1.0))
        logarithm = graph.add("Add", graph.add("Log", matrix), one)
        matrix = graph.add("Where", graph.add("Equal", matrix, zero), zero, logarithm)
    if estimator.use_idf:
        matrix = graph.add("Mul", matrix, graph.constant(np.asarray(estimator.idf_)[None, :], "weights"))
    return [Tensor(_normalised(graph, matrix, estimator.norm, width), "double", width, sparse=True)]


def _normalised(graph: Graph, matrix: str, norm: str | None, width: int) -> str:
    """The rows divided by their sum of sizes (l1) or its root of squares (l2); a row of zeros stays as it is."""
    if norm is None:
        return matrix
    sizes = graph.add("Abs", matrix) if norm == "l1" else graph.add("Mul", matrix, matrix)
    running = graph.add("CumSum", sizes, graph.constant(np.array(1), "axis"))
    total = graph.chosen(running, [width - 1])
    length = graph.add("Sqrt", total) if norm == "l2" else total
    zero, one = (graph.constant(np.full((1, 1), value), "number") for value in (0.0, 1.0))
    return graph.add("Div", matrix, graph.add("Where", graph.add("Equal", total, zero), one, length))


CONVERTERS: dict[type, Converter] = {TfidfTransformer: Converter(transform=convert_tfidf)}
