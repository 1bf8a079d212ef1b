"""KNNImputer: the mean of a column over the training rows that are nearest in the columns that both rows hold."""

from typing import Any

import numpy as np
from sklearn.impute import KNNImputer

from export.converters import impute
from export.converters.converter import Converter
from export.converters.kernels import holds_rows, number
from export.graph import DOUBLE, Graph, Tensor
from export.subgraph import Value, add_several, each_row, either


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse distances and weights in Python."""
    if estimator.metric != "nan_euclidean" or estimator.weights not in {"uniform", "distance"}:
        return (
            f"metric={estimator.metric!r} with weights={estimator.weights!r} has no exact form",
            "Use metric='nan_euclidean', and weights 'uniform' or 'distance'.",
        )
    if not estimator._valid_mask.any() and not estimator.keep_empty_features:
        return "it keeps no column: none held a value", "Leave these columns out, or set keep_empty_features=True."
    return impute.check(estimator)


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write each row with its holes filled, without the columns that never held a value, then the indicators."""
    total = estimator._fit_X.shape[1]
    matrix = graph.matrix(inputs)
    absent = impute.missing(graph, matrix, "double", estimator.missing_values)
    given = graph.add("Concat", matrix, graph.double(Tensor(absent, "bool", total)), axis=1)
    filled = each_row(graph, given, lambda inner, row: [Value(_Row(inner, estimator).fill(row), DOUBLE, (total,))])[0]
    valid = np.flatnonzero(estimator._valid_mask)
    if estimator.keep_empty_features:
        empty = graph.constant(~estimator._valid_mask[None, :], "empty")
        filled = graph.add("Where", empty, number(graph, 0.0), filled)
    elif len(valid) < total:
        filled = graph.chosen(filled, valid)
    parts = [Tensor(filled, "double", total if estimator.keep_empty_features else len(valid))]
    if estimator.add_indicator and len(estimator.indicator_.features_):
        features = np.asarray(estimator.indicator_.features_)
        flags = graph.double(Tensor(graph.chosen(absent, features), "bool", len(features)))
        parts.append(Tensor(flags, "double", len(features)))
    return parts


class _Row:
    """What is written for one row, with the training rows as constants, column by column."""

    def __init__(self, graph: Graph, estimator: Any) -> None:
        self._graph, self._estimator, self._mask = graph, estimator, np.asarray(estimator._mask_fit_X)
        self._total = self._mask.shape[1]

    def fill(self, row: str) -> str:
        """Write one row, of shape (n_columns,), given its values and then its marks of what is missing, both in one."""
        graph = self._graph
        halves = [np.arange(self._total), self._total + np.arange(self._total)]
        values, marks = (graph.add("Gather", row, graph.constant(half, "half"), axis=0) for half in halves)
        columns = np.flatnonzero(self._estimator._valid_mask)
        some = graph.add(
            "ReduceMax", graph.add("Gather", marks, graph.constant(columns, "columns"), axis=0), keepdims=0
        )

        def filled(inner: Graph) -> list[Value]:
            apart = self._distances(inner, values, marks)
            found = [self._column(inner, column, values, marks, apart) for column in range(self._total)]
            return [Value(inner.add("Concat", *found, axis=0), DOUBLE)]

        marked = graph.add("Greater", some, number(graph, 0.0))
        return either(graph, marked, filled, lambda inner: [Value(inner.add("Identity", values), DOUBLE)])[0]

    def _distances(self, graph: Graph, values: str, marks: str) -> str:
        """nan_euclidean_distances to every stored row, of shape (n_stored,); NaN where no column is held by both."""
        stored = np.where(self._mask, 0.0, np.asarray(self._estimator._fit_X, dtype=np.float64))
        zero, one, table = number(graph, 0.0), number(graph, 1.0), graph.constant(stored.T, "stored")
        first = graph.constant(np.array([0]), "first")
        holes = graph.add("Cast", graph.constant(self._mask.T, "holes"), to=DOUBLE)
        marks = graph.add("Unsqueeze", marks, first)
        known = graph.add("Where", graph.add("Greater", marks, zero), zero, graph.add("Unsqueeze", values, first))
        squares = graph.add("Mul", known, known)
        twice = graph.constant(np.full((1, len(stored)), -2.0), "twice")
        apart = graph.add("Mul", graph.add("MatMul", known, table), twice)
        own = graph.add("ReduceSum", squares, graph.constant(np.array([1]), "axis"), keepdims=1)
        norms = graph.constant(np.einsum("ij,ij->i", stored, stored)[None, :], "norms")
        apart = _not_below(graph, graph.add("Add", graph.add("Add", apart, own), norms), zero)
        apart = graph.add("Sub", apart, graph.add("MatMul", squares, holes))
        theirs = graph.add("MatMul", marks, graph.add("Mul", table, table))
        apart = _not_below(graph, graph.add("Sub", apart, theirs), zero)
        both = graph.add("MatMul", graph.add("Sub", one, marks), graph.add("Sub", one, holes))
        apart = graph.add("Div", apart, graph.add("Max", both, one))
        apart = graph.add("Sqrt", graph.add("Mul", apart, graph.constant(np.full((1, 1), float(self._total)), "all")))
        apart = graph.add("Where", graph.add("Equal", both, zero), number(graph, np.nan), apart)
        return graph.add("Squeeze", apart, first)

    def _column(self, graph: Graph, column: int, values: str, marks: str, apart: str) -> str:
        """One value of the row, of shape (1,): as it is, or what its neighbours hold."""
        place = graph.constant(np.array([column]), "place")
        value = graph.add("Gather", values, place, axis=0)
        if not self._estimator._valid_mask[column]:
            return value
        missing = graph.add("Greater", graph.add("Gather", marks, place, axis=0), number(graph, 0.5))
        condition = graph.add("Squeeze", missing, graph.constant(np.array([0]), "axis"))
        return either(
            graph,
            condition,
            lambda inner: [Value(self._mean(inner, column, apart), DOUBLE)],
            lambda inner: [Value(inner.add("Identity", value), DOUBLE)],
        )[0]

    def _mean(self, graph: Graph, column: int, apart: str) -> str:
        """The mean of the nearest rows that hold the column; of all of them where no distance is known."""
        donors = np.flatnonzero(~self._mask[:, column])
        held = np.asarray(self._estimator._fit_X, dtype=np.float64)[donors, column]
        count = min(self._estimator.n_neighbors, len(donors))
        apart = graph.add("Gather", apart, graph.constant(donors, "donors"), axis=0)
        unknown = graph.add("IsNaN", apart)
        keys = graph.add("Where", unknown, number(graph, np.inf), apart)
        _, order = add_several(graph, "TopK", [keys, graph.constant(np.array([count]), "count")], 2, axis=0, largest=0)
        zero, one = number(graph, 0.0), number(graph, 1.0)
        near, strange = (graph.add("Gather", each, order, axis=0) for each in (apart, unknown))
        weights = graph.add("Where", strange, zero, self._weights(graph, near))
        chosen = graph.add("Gather", graph.constant(held, "values"), order, axis=0)
        total, weight = (_total(graph, each) for each in (graph.add("Mul", chosen, weights), weights))
        alone = graph.add("Equal", _total(graph, graph.add("Where", strange, zero, one)), zero)
        mean = graph.constant(np.array([np.ma.array(held).mean()]), "mean")
        return graph.add("Where", alone, mean, graph.add("Div", total, weight))

    def _weights(self, graph: Graph, near: str) -> str:
        """1 or 1 / distance; where a distance is zero, those alone count, each as one."""
        if self._estimator.weights == "uniform":
            return number(graph, 1.0)
        inverse = graph.add("Div", number(graph, 1.0), near)
        endless = graph.add("Cast", graph.add("IsInf", inverse), to=DOUBLE)
        some = graph.add("Greater", graph.add("ReduceMax", endless, keepdims=0), number(graph, 0.0))
        return graph.add("Where", some, endless, inverse)


def _not_below(graph: Graph, name: str, zero: str) -> str:
    """NumPy's maximum with zero: NaN stays."""
    return graph.add("Where", graph.add("Less", name, zero), zero, name)


def _total(graph: Graph, values: str) -> str:
    return graph.add("ReduceSum", values, graph.constant(np.array([0]), "axis"), keepdims=1)


CONVERTERS: dict[type, Converter] = {KNNImputer: Converter(transform=convert, check=check, carries_rows=holds_rows)}
