"""Isotonic regression: the interval by binary search, then NumPy's own straight line between its ends."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression

from export.converters.converter import Converter
from export.converters.intervals import intervals
from export.converters.trees import as_float32
from export.graph import Graph, Tensor


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse thresholds so close together that a line between them is endlessly steep."""
    if not np.isfinite(_slopes(*_thresholds(estimator))).all():
        return "a step between its thresholds is too steep for a float64", "Divide the target by its largest value."
    return None


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write slope * (x - left) + value, as `numpy.interp` has it, of shape (n_rows, 1)."""
    single = estimator.X_thresholds_.dtype == np.float32
    edges, values = _thresholds(estimator)
    slopes = _slopes(edges, values)
    given = graph.matrix(inputs)
    column = as_float32(graph, given) if single else given
    if estimator.out_of_bounds == "clip":
        bounds = (graph.constant(np.array(bound, dtype=np.float64), "bound") for bound in (edges[0], edges[-1]))
        column = graph.add("Clip", column, *bounds)
    index = intervals(graph, column, [edges[1:]])
    left, slope, value = (
        graph.add("Gather", graph.constant(table, hint), index, axis=0)
        for table, hint in ((edges, "thresholds"), (slopes, "slopes"), (values, "values"))
    )
    found = graph.add("Add", graph.add("Mul", slope, graph.add("Sub", column, left)), value)
    if estimator.out_of_bounds != "clip" and len(edges) > 1:
        found = _inside(graph, column, edges, found)
    return {"value": as_float32(graph, found) if single else found}


def transform(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """The same as a column."""
    return [Tensor(convert(graph, estimator, inputs)["value"], "double", 1)]


def _inside(graph: Graph, column: str, edges: npt.NDArray[np.float64], found: str) -> str:
    """NaN below the first edge and above the last."""
    low, high = (graph.constant(np.full((1, 1), edge), "bound") for edge in (edges[0], edges[-1]))
    outside = graph.add("Or", graph.add("Less", column, low), graph.add("Greater", column, high))
    return graph.add("Where", outside, graph.constant(np.full((1, 1), np.nan), "nothing"), found)


def _thresholds(estimator: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return estimator.X_thresholds_.astype(np.float64), estimator.y_thresholds_.astype(np.float64)


def _slopes(edges: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The slope behind each edge; 0 behind the last."""
    with np.errstate(over="ignore"):
        return np.append(np.diff(values) / np.diff(edges), 0.0)


CONVERTERS: dict[type, Converter] = {
    IsotonicRegression: Converter(predict=convert, transform=transform, check=check),
}
