"""Non-negative factors of a row, found step by step; each row stops by its own change, as when it is asked alone."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import NMF

from export.converters.converter import Converter
from export.converters.decomposition import dense
from export.converters.kernels import number
from export.converters.linear import product
from export.converters.member import repeated
from export.graph import DOUBLE, INT64, Graph, Tensor
from export.subgraph import BOOL, Value, repeat

Matrix = npt.NDArray[np.float64]


def check_descent(estimator: Any) -> tuple[str, str] | None:
    """Refuse multiplied updates, which stop by the error of every tenth step, and coordinates in random order."""
    if estimator.solver == "cd" and not estimator.shuffle:
        return None
    return (
        f"solver={estimator.solver!r} with shuffle={estimator.shuffle} has no exact form",
        'Fit with solver="cd" and shuffle=False.',
    )


def convert_descent(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write coordinate descent from zero (`_cdnmf_fast.pyx`), until the projected gradient is a share of the first."""
    gram, less = _system(estimator)
    products = product(graph, graph.matrix(inputs), np.ascontiguousarray(estimator.components_.T))
    if less:
        products = graph.add("Sub", products, graph.constant(np.full((1, 1), less), "less"))
    width = len(gram)
    start = repeated(graph, np.zeros(width), Tensor(products, "double", width))

    def turn(inner: Graph, names: list[str]) -> tuple[str, list[Value]]:
        weights, products, first, active, done = names
        changed, violation = _descended(inner, weights, products, gram)
        first = inner.add("Where", inner.add("Equal", done, _whole(inner, 0)), violation, first)
        still = inner.add("Equal", first, number(inner, 0.0))
        small = inner.add("LessOrEqual", inner.add("Div", violation, first), number(inner, estimator.tol))
        state = [inner.add("Where", active, changed, weights), inner.add("Identity", products), first]
        stops = inner.add("Or", still, small)
        return _next(inner, _numbers(state, width, width, 1), active, stops, done, estimator.max_iter)

    zeros = repeated(graph, np.zeros(1), Tensor(products, "double", width))
    return dense(_repeated(graph, _numbers([start, products, zeros], width, width, 1), turn), width)


def _descended(graph: Graph, weights: str, products: str, gram: Matrix) -> tuple[str, str]:
    """One pass over the coordinates: the weights, (n_rows, n_components), and the gradient's size, (n_rows, 1)."""
    zero, last = number(graph, 0.0), len(gram)
    columns = [graph.chosen(weights, [place]) for place in range(last)]
    sizes = []
    for place, row in enumerate(gram):
        others = graph.add("Concat", *columns, axis=1) if last > 1 else columns[0]
        terms = graph.add("Mul", others, graph.constant(row[None, :], "gram"))
        opposite = graph.add("Neg", graph.chosen(products, [place]))
        slope = _in_turn(graph, graph.add("Concat", opposite, terms, axis=1), last)
        below = graph.add("Where", graph.add("Less", slope, zero), slope, zero)
        sizes.append(graph.add("Abs", graph.add("Where", graph.add("Equal", columns[place], zero), below, slope)))
        if row[place] != 0.0:
            step = graph.add("Div", slope, graph.constant(np.full((1, 1), row[place]), "curvature"))
            moved = graph.add("Sub", columns[place], step)
            columns[place] = graph.add("Where", graph.add("Less", moved, zero), zero, moved)
    beside = [graph.add("Concat", *names, axis=1) if last > 1 else names[0] for names in (columns, sizes)]
    return beside[0], _in_turn(graph, beside[1], last - 1)


def _system(estimator: Any) -> tuple[Matrix, float]:
    """The products of the components with each other, regularised, and what is taken off those with a row."""
    components = np.ascontiguousarray(estimator.components_.T)
    gram = np.dot(components.T, components)
    less, _, more, _ = estimator._compute_regularization(np.empty((1, len(components))))
    if more != 0.0:
        gram.flat[:: len(gram) + 1] += more
    return gram, float(less)


def _repeated(graph: Graph, state: list[Value], turn: Any) -> str:
    """Repeat a turn for all rows until each has stopped; the first of the state at the end."""
    rows = Tensor(state[0].name, "double", 1)
    active = graph.add("Cast", repeated(graph, np.ones(1), rows), to=BOOL)
    more = [Value(active, BOOL, (None, 1)), Value(graph.constant(np.array(0), "done"), INT64, ())]
    return repeat(graph, graph.constant(np.array(True), "going"), [*state, *more], turn)[0]


def _next(graph: Graph, state: list[Value], active: str, stops: str, done: str, most: int) -> tuple[str, list[Value]]:
    """Whether another turn comes, and what is handed to it."""
    active = graph.add("And", active, graph.add("Not", stops))
    done = graph.add("Add", done, _whole(graph, 1))
    some = graph.add("ReduceMax", graph.add("Cast", active, to=INT64), keepdims=0)
    going = graph.add("Greater", some, _whole(graph, 0))
    going = graph.add("And", going, graph.add("Less", done, _whole(graph, most)))
    return going, [*state, Value(active, BOOL, (None, 1)), Value(done, INT64, ())]


def _numbers(names: list[str], *widths: int) -> list[Value]:
    return [Value(name, DOUBLE, (None, width)) for name, width in zip(names, widths, strict=True)]


def _in_turn(graph: Graph, values: str, last: int) -> str:
    """The sum of each row, number after number, of shape (n_rows, 1)."""
    return graph.chosen(graph.add("CumSum", values, graph.constant(np.array(1), "axis")), [last])


def _whole(graph: Graph, value: int) -> str:
    return graph.constant(np.array(value, dtype=np.int64), "count")


CONVERTERS: dict[type, Converter] = {
    NMF: Converter(transform=convert_descent, check=check_descent),
}
