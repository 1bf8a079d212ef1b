"""QuantileTransformer: two linear interpolations and their mean, then, for a normal output, the normal quantile."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.preprocessing import QuantileTransformer

from export.converters.converter import Converter
from export.converters.elementary import normal_quantile
from export.converters.intervals import intervals
from export.errors import ExportError
from export.graph import Graph, Tensor

BOUNDS_THRESHOLD = 1e-7  # scikit-learn's: this near to the training range a value counts as its end


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write the transformation of each column.

    Raises:
        ExportError: a sparse matrix comes in, of which scikit-learn leaves the zeros as they are.
    """
    if any(tensor.sparse for tensor in inputs):
        raise ExportError(
            "QuantileTransformer leaves the zeros of a sparse matrix as they are, which no graph tells from others",
            "Set sparse_output=False in the encoder before it and fit again.",
            step="quantiletransformer",
        )
    matrix = graph.matrix(inputs)
    quantiles = np.asarray(estimator.quantiles_, dtype=np.float64)
    columns = list(quantiles.T)
    references = np.asarray(estimator.references_, dtype=np.float64)
    forward = [_pieces(column, references) for column in columns]
    backward = [_pieces(-column[::-1], -references[::-1]) for column in columns]
    rising = _interpolated(graph, matrix, intervals(graph, matrix, columns), forward)
    below = intervals(graph, matrix, columns, right=False)  # of the negated edges, the others are at most -x
    turned = graph.add("Sub", graph.constant(np.array([len(references)]), "edges"), below)
    falling = _interpolated(graph, graph.add("Neg", matrix), turned, backward)
    half = graph.constant(np.array([0.5]), "half")
    mean = graph.add("Mul", half, graph.add("Sub", rising, falling))
    return _ends(graph, estimator, matrix, mean, quantiles)


def _pieces(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The lines of numpy.interp, of shape (3, n_points + 1): start, slope and value at the start; flat at both ends."""
    with np.errstate(all="ignore"):  # equal points have no slope, and no value lies between them
        slopes = (y[1:] - y[:-1]) / (x[1:] - x[:-1])
    starts = np.concatenate([[0.0], x[:-1], [0.0]])
    return np.stack([starts, np.concatenate([[0.0], slopes, [0.0]]), np.concatenate([y[:1], y])])


def _interpolated(graph: Graph, matrix: str, places: str, pieces: list[npt.NDArray[np.float64]]) -> str:
    """Write slope * (x - start) + value, with the numbers of the piece that each value lies in."""
    width = pieces[0].shape[1]
    offsets = graph.constant((width * np.arange(len(pieces))).reshape(1, -1), "offsets")
    rows = graph.add("Add", places, offsets)
    tables = np.concatenate(pieces, axis=1)
    start, slope, value = (graph.add("Gather", graph.constant(row, "pieces"), rows, axis=0) for row in tables)
    moved = graph.add("Mul", slope, graph.add("Sub", matrix, start))
    line = graph.add("Add", moved, value)
    return graph.add("Where", graph.add("Equal", matrix, start), value, line)


def _ends(graph: Graph, estimator: Any, matrix: str, mean: str, quantiles: npt.NDArray[np.float64]) -> str:
    """Write 0 and 1 at the ends of the training range and, for a normal output, the quantile of each share."""
    low, high = (graph.constant(row.reshape(1, -1), "end") for row in (quantiles[0], quantiles[-1]))
    normal = estimator.output_distribution == "normal"
    if normal:
        near = graph.constant(np.array([BOUNDS_THRESHOLD]), "near")
        below = graph.add("Less", graph.add("Sub", matrix, near), low)
        above = graph.add("Greater", graph.add("Add", matrix, near), high)
    else:
        below, above = graph.add("Equal", matrix, low), graph.add("Equal", matrix, high)
    one, zero = (graph.constant(np.array([number]), "share") for number in (1.0, 0.0))
    share = graph.add("Where", below, zero, graph.add("Where", above, one, mean))
    if not normal:
        return share
    smallest = BOUNDS_THRESHOLD - np.spacing(1)
    return normal_quantile(graph, share, (smallest, 1 - smallest), stats.norm.ppf([smallest, 1 - smallest]))


CONVERTERS: dict[type, Converter] = {QuantileTransformer: Converter(transform=convert)}
