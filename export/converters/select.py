"""Steps that choose, compare or multiply columns: exact, since they add nothing up."""

from typing import Any

import numpy as np
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.preprocessing import Binarizer, PolynomialFeatures

from export.converters.converter import Converter
from export.graph import Graph, Tensor


def convert_selector(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str | list[Tensor]:
    """Write the chosen columns of a feature selector; columns of their own stay as they are."""
    chosen = np.flatnonzero(estimator.get_support())
    if all(tensor.width == 1 for tensor in inputs):
        return [inputs[index] for index in chosen]
    return graph.chosen(graph.matrix(inputs), chosen)


def check_selector(estimator: Any) -> tuple[str, str] | None:
    """Refuse a selector that keeps no column."""
    if not estimator.get_support().any():
        return "it selects no column", "Loosen the selection and fit again."
    return None


def convert_binarizer(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write 1 where x is greater than the threshold, else 0."""
    threshold = graph.constant(np.array(estimator.threshold, dtype=np.float64), "threshold")
    above = graph.add("Greater", graph.matrix(inputs), threshold)
    return graph.double(Tensor(above, "bool", sum(tensor.width for tensor in inputs)))


def convert_polynomial(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write each product of columns, multiplied from its last factor to its first, as scikit-learn does."""
    powers = np.asarray(estimator.powers_)
    columns = powers.shape[1]
    degree = max(int(powers.sum(axis=1).max()), 1)
    factors = np.full((len(powers), degree), columns, dtype=np.int64)  # the column behind the last one holds ones
    for row, exponents in enumerate(powers):
        found = np.repeat(np.arange(columns), exponents)
        factors[row, : len(found)] = found
    matrix = graph.matrix(inputs)
    first = graph.add("Slice", matrix, *(graph.constant(np.array([n]), "slice") for n in (0, 1, 1)))
    ones = graph.add("Pow", first, graph.constant(np.zeros(1), "zero"))
    padded = graph.add("Concat", matrix, ones, axis=1)
    product = graph.add("Gather", padded, graph.constant(factors[:, -1], "factor"), axis=1)
    for position in range(degree - 2, -1, -1):
        factor = graph.add("Gather", padded, graph.constant(factors[:, position], "factor"), axis=1)
        product = graph.add("Mul", product, factor)
    return product


def predict_chosen(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the model of a recursive elimination on the columns that it chose."""
    return graph.predict(estimator.estimator_, graph.transform(estimator, inputs))


def members(estimator: Any) -> list[tuple[str, Any]]:
    """That model."""
    return [("estimator", estimator.estimator_)]


SELECTORS = (
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
CONVERTERS: dict[type, Converter] = {
    Binarizer: Converter(transform=convert_binarizer),
    PolynomialFeatures: Converter(transform=convert_polynomial),
    **{cls: Converter(transform=convert_selector, check=check_selector) for cls in SELECTORS},
    **{
        cls: Converter(predict=predict_chosen, transform=convert_selector, check=check_selector, members=members)
        for cls in (RFE, RFECV)
    },
}
