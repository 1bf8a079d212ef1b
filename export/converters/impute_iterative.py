"""IterativeImputer: the rounds of its regressors, one after the other, each on what the ones before have filled."""

from typing import Any

import numpy as np
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 (scikit-learn hides the class without it)
from sklearn.impute import IterativeImputer

from export.converters import impute
from export.converters.converter import Converter
from export.converters.elementary import clipped
from export.graph import Graph, Tensor


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse draws at random."""
    if estimator.sample_posterior:
        return "sample_posterior=True fills with random numbers", "Set sample_posterior=False and fit again."
    return impute.check(estimator.initial_imputer_)


def members(estimator: Any) -> list[tuple[str, Any]]:
    """The initial imputer, then the regressor of each step."""
    steps = [(f"step {number}", step.estimator) for number, step in enumerate(estimator.imputation_sequence_)]
    return [("initial", estimator.initial_imputer_), *steps]


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the initial values, the steps where a value is missing, and the columns that mark what was missing.

    A row that misses everything keeps the initial values, as it does when scikit-learn is asked for it alone.
    """
    total = len(estimator.initial_imputer_.statistics_)
    matrix = graph.matrix(inputs)
    absent = impute.missing(graph, matrix, "double", estimator.missing_values)
    kept = impute.kept_columns(estimator.initial_imputer_)
    columns = graph.split(graph.transform(estimator.initial_imputer_, [Tensor(matrix, "double", total)]))
    start = list(columns)
    marks = [each.name for each in graph.split([Tensor(graph.chosen(absent, kept), "bool", len(kept))])]
    empty = [bool(estimator._is_empty_feature[column]) for column in kept]
    for step in estimator.imputation_sequence_:
        if not empty[step.feat_idx]:
            columns[step.feat_idx] = _imputed(graph, estimator, step, columns, marks[step.feat_idx])
    if estimator.imputation_sequence_ and not any(empty):
        everything = marks[0] if len(marks) == 1 else graph.add("And", *marks[:2])
        for mark in marks[2:]:
            everything = graph.add("And", everything, mark)
        names = [graph.add("Where", everything, *each) for each in zip(_names(start), _names(columns), strict=True)]
        columns = [Tensor(name, "double", 1) for name in names]
    if estimator.add_indicator and len(estimator.indicator_.features_):
        features = np.asarray(estimator.indicator_.features_)
        flags = graph.double(Tensor(graph.chosen(absent, features), "bool", len(features)))
        columns = [*columns, Tensor(flags, "double", len(features))]
    return columns


def _imputed(graph: Graph, estimator: Any, step: Any, columns: list[Tensor], mark: str) -> Tensor:
    """One column with the regressor's answer, clipped, where it misses a value."""
    inputs = Tensor(graph.matrix([columns[index] for index in step.neighbor_feat_idx]), "double", len(step[1]))
    bounds = (float(limits[step.feat_idx]) for limits in (estimator._min_value, estimator._max_value))
    value = clipped(graph, graph.predict(step.estimator, [inputs])["value"], *bounds)
    return Tensor(graph.add("Where", mark, value, columns[step.feat_idx].name), "double", 1)


def _names(columns: list[Tensor]) -> list[str]:
    return [column.name for column in columns]


CONVERTERS: dict[type, Converter] = {IterativeImputer: Converter(transform=convert, check=check, members=members)}
