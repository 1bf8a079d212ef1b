"""Generalised linear models: the inverse link of a linear predictor."""

from typing import Any

from sklearn._loss.link import IdentityLink, LogLink
from sklearn.linear_model import GammaRegressor, PoissonRegressor, TweedieRegressor

from export.converters.converter import Converter
from export.converters.linear import check, decision
from export.graph import Graph, Tensor

INVERSES: dict[type, str | None] = {IdentityLink: None, LogLink: "Exp"}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write X @ coef + intercept, and exp of it where the link is the logarithm; of shape (n_rows, 1)."""
    value = decision(graph, estimator, inputs)
    inverse = INVERSES[type(estimator._base_loss.link)]
    return {"value": graph.add(inverse, value) if inverse else value}


CONVERTERS: dict[type, Converter] = {
    cls: Converter(predict=convert_regressor, check=check)
    for cls in (GammaRegressor, PoissonRegressor, TweedieRegressor)
}
