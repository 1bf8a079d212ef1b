"""SplineTransformer: de Boor's recursion in SciPy's order of operations, so that each value is the original's."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import SplineTransformer

from export.converters.converter import Converter
from export.converters.elementary import with_number
from export.converters.intervals import intervals
from export.graph import Graph, Tensor


@dataclass(frozen=True)
class _Ends:
    """What stands beyond the knots of one column where the extrapolation is constant or linear.

    Attributes:
        low, high: the ends of the range.
        below, above: value and slope of each basis there, of shape (2, n_splines); zero for the others.
    """

    low: float
    high: float
    below: npt.NDArray[np.float64]
    above: npt.NDArray[np.float64]


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse the one combination that scikit-learn itself loses the columns of."""
    if estimator.degree == 0 and estimator.extrapolation == "periodic" and estimator.sparse_output:
        return "sparse periodic splines of degree 0 have no columns", "Set sparse_output=False and fit again."
    return None


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the basis of each column side by side."""
    columns = graph.split([Tensor(graph.matrix(inputs), "double", len(estimator.bsplines_))])
    ends = _all_ends(estimator)
    splines = int(estimator.bsplines_[0].c.shape[1])
    kept = splines if estimator.include_bias else splines - 1
    blocks = []
    for column, spline, beyond in zip(columns, estimator.bsplines_, ends, strict=True):
        basis = _column(graph, column.name, spline, estimator, beyond)
        blocks.append(basis if kept == splines else graph.chosen(basis, np.arange(kept)))
    matrix = graph.add("Concat", *blocks, axis=1) if len(blocks) > 1 else blocks[0]
    return [Tensor(matrix, "double", kept * len(blocks), bool(estimator.sparse_output))]


def _column(graph: Graph, x: str, spline: Any, estimator: Any, ends: _Ends | None) -> str:
    """The basis of one column, of shape (n_rows, n_splines); zero where x is missing."""
    inside = _folded(graph, x, spline) if estimator.extrapolation == "periodic" else x
    basis = _basis(graph, inside, spline)
    if ends is not None:
        basis = _extrapolated(graph, x, basis, ends)
    return graph.add("Where", graph.add("IsNaN", x), graph.constant(np.zeros((1, 1)), "missing"), basis)


def _folded(graph: Graph, x: str, spline: Any) -> str:
    """The place of x in the period, as NumPy's remainder gives it: its sign is that of the period."""
    start, stop = (float(spline.t[place]) for place in (spline.k, len(spline.t) - spline.k - 1))
    if stop <= start:
        return with_number(graph, "Mul", x, 0.0)
    period = graph.constant(np.array([stop - start]), "period")
    rest = graph.add("Mod", with_number(graph, "Sub", x, start), period, fmod=1)
    negative = with_number(graph, "Less", rest, 0.0)
    return with_number(
        graph, "Add", graph.add("Where", negative, graph.add("Add", rest, period), rest), start, first=True
    )


def _basis(graph: Graph, x: str, spline: Any) -> str:
    """The values of all splines, of shape (n_rows, n_splines): degree + 1 of them are not zero."""
    knots, degree = np.asarray(spline.t, dtype=np.float64), int(spline.k)
    last = len(knots) - degree - 1
    place = graph.add("Squeeze", intervals(graph, x, [knots[degree + 1 : last]]), graph.constant(np.array([1]), "axis"))
    starts = np.arange(degree, last)  # the knot at or below x
    values = _de_boor(graph, x, knots, degree, place, starts)
    total = ""
    for offset, value in enumerate(values):
        spread = graph.add("Gather", graph.constant(spline.c[starts + offset - degree], "spread"), place, axis=0)
        term = graph.add("Mul", spread, value)
        total = graph.add("Add", total, term) if total else term
    return total


def _de_boor(
    graph: Graph, x: str, knots: npt.NDArray[np.float64], degree: int, place: str, starts: npt.NDArray[np.int64]
) -> list[str]:
    """The degree + 1 splines that are not zero, each of shape (n_rows, 1), first to last.

    Step by step as in SciPy's `_deBoor_D`: of two equal knots comes zero.
    """

    def knot(offset: int) -> str:
        return graph.add("Gather", graph.constant(knots[starts + offset].reshape(-1, 1), "knots"), place, axis=0)

    values = [graph.constant(np.ones((1, 1)), "one")]
    for order in range(1, degree + 1):
        found = [graph.constant(np.zeros((1, 1)), "zero")]
        for n in range(1, order + 1):
            upper, lower = knot(n), knot(n - order)
            share = graph.add("Div", values[n - 1], graph.add("Sub", upper, lower))
            left = graph.add("Add", found[n - 1], graph.add("Mul", share, graph.add("Sub", upper, x)))
            right = graph.add("Mul", share, graph.add("Sub", x, lower))
            same = knots[starts + n] == knots[starts + n - order]
            if same.any():
                equal = graph.add("Equal", upper, lower)
                left = graph.add("Where", equal, found[n - 1], left)
                right = graph.add("Where", equal, graph.constant(np.zeros((1, 1)), "zero"), right)
            found[n - 1] = left
            found.append(right)
        values = found
    return values


def _all_ends(estimator: Any) -> list[_Ends | None]:
    """The ends of every column; None where the splines themselves go on.

    scikit-learn raises a degree of 0 or 1 by one at the first column with a linear extrapolation and keeps it for the
    columns after that, so that their ranges begin one knot further in.
    """
    if estimator.extrapolation not in {"constant", "linear"}:
        return [None] * len(estimator.bsplines_)
    degree, found = int(estimator.degree), []
    linear = estimator.extrapolation == "linear"
    for spline in estimator.bsplines_:
        low, high = float(spline.t[degree]), float(spline.t[-degree - 1])
        sides = []
        raised = degree + 1 if linear and degree <= 1 else degree
        for end, first in ((low, True), (high, False)):
            side = np.stack([spline(end), spline(end, nu=1) if linear else np.zeros(spline.c.shape[1])])
            touched = np.zeros(side.shape[1], dtype=bool)
            touched[:raised] = True
            touched = touched if first else touched[::-1]
            if not linear and degree == 0 and not first and estimator.sparse_output:
                touched[:] = True  # [-0:] is all of them
            sides.append(np.where(touched, side, 0.0))
        degree = raised
        found.append(_Ends(low, high, *sides))
    return list(found)


def _extrapolated(graph: Graph, x: str, basis: str, ends: _Ends) -> str:
    """Write value + (x - end) * slope beyond each end."""
    for end, operator, (value, slope) in ((ends.low, "Less", ends.below), (ends.high, "Greater", ends.above)):
        line = graph.constant(value.reshape(1, -1), "end")
        if slope.any():
            away = with_number(graph, "Sub", x, end)
            line = graph.add("Add", line, graph.add("Mul", away, graph.constant(slope.reshape(1, -1), "slope")))
        basis = graph.add("Where", with_number(graph, operator, x, end), line, basis)
    return basis


CONVERTERS: dict[type, Converter] = {SplineTransformer: Converter(transform=convert, check=check)}
