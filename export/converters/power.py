"""PowerTransformer: Yeo-Johnson and Box-Cox as SciPy computes them, then the standard scaler inside."""

import math
from typing import Any

import numpy as np
from sklearn.preprocessing import PowerTransformer

from export.converters.converter import Converter
from export.converters.elementary import expm1, log1p, with_number
from export.graph import Graph, Tensor

EPS = float(np.finfo(np.float64).eps)
NO_POWER = 1e-19  # SciPy's: a smaller Box-Cox power is the logarithm
LARGEST_EXPONENT = 709.78  # SciPy's: from here on the quotient by the power is taken inside exp


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write each column's power, side by side, and the scaler."""
    power = _box_cox if estimator.method == "box-cox" else _yeo_johnson
    columns = graph.split([Tensor(graph.matrix(inputs), "double", len(estimator.lambdas_))])
    found = [power(graph, column.name, float(each)) for column, each in zip(columns, estimator.lambdas_, strict=True)]
    tensors = [Tensor(name, "double", 1) for name in found]
    if estimator.standardize:
        tensors = graph.transform(estimator._scaler, [Tensor(graph.matrix(tensors), "double", len(tensors))])
    return tensors


def members(estimator: Any) -> list[tuple[str, Any]]:
    """The scaler inside."""
    return [("scaler", estimator._scaler)] if estimator.standardize else []


def _yeo_johnson(graph: Graph, x: str, power: float) -> str:
    """scipy.stats.yeojohnson: ((x + 1)^power - 1) / power from zero on, its mirror image below."""
    above = _raised(graph, log1p(graph, x), power, abs(power) < EPS)
    mirrored = _raised(graph, log1p(graph, graph.add("Neg", x)), 2 - power, abs(power - 2) <= EPS)
    return graph.add("Where", with_number(graph, "GreaterOrEqual", x, 0.0), above, graph.add("Neg", mirrored))


def _raised(graph: Graph, logarithm: str, power: float, none: bool) -> str:
    """expm1(power * logarithm) / power; the logarithm itself without a power."""
    if none:
        return logarithm
    return with_number(graph, "Div", expm1(graph, with_number(graph, "Mul", logarithm, power, first=True)), power)


def _box_cox(graph: Graph, x: str, power: float) -> str:
    """scipy.special.boxcox: (x^power - 1) / power."""
    logarithm = graph.add("Log", x)
    if abs(power) < NO_POWER:
        return logarithm
    exponent = with_number(graph, "Mul", logarithm, power, first=True)
    usual = with_number(graph, "Div", expm1(graph, exponent), power)
    size = graph.add("Exp", with_number(graph, "Sub", exponent, math.log(abs(power))))
    huge = with_number(graph, "Sub", with_number(graph, "Mul", size, math.copysign(1.0, power)), 1 / power)
    return graph.add("Where", with_number(graph, "Less", exponent, LARGEST_EXPONENT), usual, huge)


CONVERTERS: dict[type, Converter] = {PowerTransformer: Converter(transform=convert, members=members)}
