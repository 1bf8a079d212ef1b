"""Transformed targets: the regressor's values, then the inverse of what was done to the target."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from export.converters.compose import stands_for_nothing
from export.converters.converter import Converter
from export.converters.elementary import log1p
from export.converters.intervals import intervals
from export.converters.member import side_by_side, with_number
from export.graph import Graph, Tensor

Inverse = Callable[[Graph, Any, str], str]
STEP = float(np.spacing(1.0))


def members(estimator: Any) -> list[tuple[str, Any]]:
    """The regressor, and the inverse functions as transformers of their own."""
    functions = [step for step in _steps(estimator.transformer_) if type(step) is FunctionTransformer]
    return [("regressor", estimator.regressor_), *(("inverse", _turned(step)) for step in functions)]


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse targets transformed by what has no exact inverse here."""
    for step in _steps(estimator.transformer_):
        kind = type(step)
        if kind is QuantileTransformer and step.output_distribution == "normal":
            return "the inverse of a normal quantile has no exact form", "Use output_distribution='uniform'."
        if kind is not FunctionTransformer and kind not in INVERSES:
            known = ", ".join(sorted(cls.__name__ for cls in (*INVERSES, FunctionTransformer)))
            return f"the inverse of {kind.__name__} has no exact form", f"Transform the target by one of {known}."
    return None


def _steps(transformer: Any) -> list[Any]:
    """The transformers in their order; a pipeline's one by one."""
    if type(transformer) is not Pipeline:
        return [transformer]
    return [inner for _, step in transformer.steps if not stands_for_nothing(step) for inner in _steps(step)]


def _turned(transformer: Any) -> FunctionTransformer:
    """A transformer that does what the inverse of this one does."""
    return FunctionTransformer(transformer.inverse_func, kw_args=transformer.inv_kw_args)


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the regressor, then the inverses, last one first."""
    value = graph.predict(estimator.regressor_, inputs)["value"]
    for step in reversed(_steps(estimator.transformer_)):
        if type(step) is FunctionTransformer:
            width = getattr(step, "n_features_in_", 1)
            value = graph.matrix(graph.transform(_turned(step), [Tensor(value, "double", width)]))
        else:
            value = INVERSES[type(step)](graph, step, value)
    return {"value": value}


def _standard(graph: Graph, scaler: Any, value: str) -> str:
    value = with_number(graph, "Mul", value, scaler.scale_) if scaler.with_std else value
    return with_number(graph, "Add", value, scaler.mean_) if scaler.with_mean else value


def _between(graph: Graph, scaler: Any, value: str) -> str:
    return with_number(graph, "Div", with_number(graph, "Sub", value, scaler.min_), scaler.scale_)


def _largest(graph: Graph, scaler: Any, value: str) -> str:
    return with_number(graph, "Mul", value, scaler.scale_)


def _robust(graph: Graph, scaler: Any, value: str) -> str:
    value = with_number(graph, "Mul", value, scaler.scale_) if scaler.with_scaling else value
    return with_number(graph, "Add", value, scaler.center_) if scaler.with_centering else value


def _power(graph: Graph, transformer: Any, value: str) -> str:
    if transformer.standardize:
        value = _standard(graph, transformer._scaler, value)
    undo = _inverse_box_cox if transformer.method == "box-cox" else _inverse_yeo_johnson
    powers = [float(power) for power in transformer.lambdas_]
    if len(powers) == 1:
        return undo(graph, value, powers[0])
    return side_by_side(graph, [undo(graph, graph.chosen(value, [at]), power) for at, power in enumerate(powers)])


def _inverse_box_cox(graph: Graph, x: str, power: float) -> str:
    """scipy.special.inv_boxcox: exp(log1p(power * x) / power), or exp(x) without a power."""
    if power == 0.0:
        return graph.add("Exp", x)
    return graph.add("Exp", with_number(graph, "Div", log1p(graph, with_number(graph, "Mul", x, power)), power))


def _inverse_yeo_johnson(graph: Graph, x: str, power: float) -> str:
    """scikit-learn's own: (x * power + 1)^(1 / power) - 1 from zero on, its mirror image below."""
    one = graph.constant(np.ones((1, 1)), "one")
    if abs(power) < STEP:
        above = graph.add("Sub", graph.add("Exp", x), one)
    else:
        line = with_number(graph, "Add", with_number(graph, "Mul", x, power), 1.0)
        above = graph.add("Sub", with_number(graph, "Pow", line, 1 / power), one)
    if abs(power - 2) > STEP:
        line = with_number(graph, "Add", with_number(graph, "Mul", x, -(2 - power)), 1.0)
        below = graph.add("Sub", one, with_number(graph, "Pow", line, 1 / (2 - power)))
    else:
        below = graph.add("Sub", one, graph.add("Exp", graph.add("Neg", x)))
    return graph.add("Where", with_number(graph, "GreaterOrEqual", x, 0.0), above, below)


def _quantile(graph: Graph, transformer: Any, value: str) -> str:
    """numpy.interp from the shares to the quantiles, column by column."""
    shares = np.asarray(transformer.references_, dtype=np.float64)
    columns = transformer.quantiles_.shape[1]
    parts = []
    for column in range(columns):
        x = graph.chosen(value, [column]) if columns > 1 else value
        quantiles = np.asarray(transformer.quantiles_[:, column], dtype=np.float64)
        slopes = np.append(np.diff(quantiles) / np.diff(shares), 0.0)
        inner = graph.add("Clip", x, graph.constant(np.array(0.0), "low"), graph.constant(np.array(1.0), "high"))
        index = intervals(graph, inner, [shares[1:]])
        slope, share, start = (
            graph.add("Gather", graph.constant(table, "table"), index, axis=0) for table in (slopes, shares, quantiles)
        )
        parts.append(graph.add("Add", graph.add("Mul", slope, graph.add("Sub", inner, share)), start))
    return side_by_side(graph, parts)


INVERSES: dict[type, Inverse] = {
    StandardScaler: _standard,
    MinMaxScaler: _between,
    MaxAbsScaler: _largest,
    RobustScaler: _robust,
    PowerTransformer: _power,
    QuantileTransformer: _quantile,
}
CONVERTERS: dict[type, Converter] = {
    TransformedTargetRegressor: Converter(predict=convert, check=check, takes_text=True, members=members),
}
