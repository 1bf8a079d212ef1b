"""KBinsDiscretizer: the bin number of each value, as it is or one-hot."""

from typing import Any

import numpy as np
from sklearn.preprocessing import KBinsDiscretizer

from export.converters.converter import Converter
from export.converters.intervals import intervals
from export.graph import DOUBLE, Graph, Tensor


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse bins in float32."""
    if estimator.dtype is not None and np.dtype(estimator.dtype) != np.float64:
        return (
            f"dtype={np.dtype(estimator.dtype)} makes it and the next step compute in that precision",
            "Leave dtype at None and fit again.",
        )
    return None


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the number of inner edges at or below each value; the outer edges count for nothing."""
    found = intervals(graph, graph.matrix(inputs), [edges[1:-1] for edges in estimator.bin_edges_])
    if estimator.encode == "ordinal":
        return [Tensor(graph.add("Cast", found, to=DOUBLE), "double", len(estimator.bin_edges_))]
    bins = [int(count) for count in estimator.n_bins_]
    repeated = graph.chosen(found, np.repeat(np.arange(len(bins)), bins))
    numbers = graph.constant(np.concatenate([np.arange(count) for count in bins]).reshape(1, -1), "bins")
    matrix = graph.double(Tensor(graph.add("Equal", repeated, numbers), "bool", sum(bins)))
    return [Tensor(matrix, "double", sum(bins), estimator.encode == "onehot")]


CONVERTERS: dict[type, Converter] = {KBinsDiscretizer: Converter(transform=convert, check=check)}
