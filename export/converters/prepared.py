"""The preparing steps of `train.steps`: clipped to quantiles, signed logarithms, ratios."""

from typing import Any

import numpy as np

from export.converters.converter import Converter
from export.converters.elementary import log1p
from export.graph import Graph, Tensor
from train.steps import QuantileClip, Ratio, SignedLog


def convert_clip(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write the same two comparisons; what is missing is neither below nor above."""
    matrix = graph.matrix(inputs)
    for operator, bounds in (("Less", estimator.lower_), ("Greater", estimator.upper_)):
        bound = graph.constant(np.asarray(bounds, dtype=np.float64).reshape(1, -1), "bound")
        matrix = graph.add("Where", graph.add(operator, matrix, bound), bound, matrix)
    return matrix


def convert_log(graph: Graph, _estimator: Any, inputs: list[Tensor]) -> str:
    """Write sign(x) * log(1 + |x|)."""
    matrix = graph.matrix(inputs)
    return graph.add("Mul", graph.add("Sign", matrix), log1p(graph, graph.add("Abs", matrix)))


def convert_ratio(graph: Graph, _estimator: Any, inputs: list[Tensor]) -> str:
    """Write the quotient, and a missing value in the place of an endless one."""
    matrix = graph.matrix(inputs)
    quotient = graph.add("Div", graph.chosen(matrix, [0]), graph.chosen(matrix, [1]))
    missing = graph.constant(np.array([[np.nan]]), "missing")
    return graph.add("Where", graph.add("IsInf", quotient), missing, quotient)


CONVERTERS: dict[type, Converter] = {
    QuantileClip: Converter(transform=convert_clip),
    SignedLog: Converter(transform=convert_log),
    Ratio: Converter(transform=convert_ratio),
}
