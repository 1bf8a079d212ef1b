"""Estimators around other estimators: votes, bags, transformed targets."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingClassifier, VotingRegressor
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from export.converters.converter import Converter
from export.converters.linear import class_of_largest
from export.graph import Graph, Tensor

INVERSES: dict[Any, tuple[str, ...]] = {
    None: (),
    np.exp: ("Exp",),
    np.expm1: ("Exp", "minus one"),
    np.log: ("Log",),
    np.log1p: ("plus one", "Log"),
    np.sqrt: ("Sqrt",),
    np.square: ("square",),
}


def members(estimator: Any) -> list[tuple[str, Any]]:
    """The fitted estimators inside, with the names that a step path shows."""
    if hasattr(estimator, "regressor_"):
        return [("regressor", estimator.regressor_)]
    named = getattr(estimator, "named_estimators_", None)
    return list(named.items()) if named else [(str(i), each) for i, each in enumerate(estimator.estimators_)]


def check_voting(estimator: Any) -> tuple[str, str] | None:
    """Refuse hard votes: they give no probabilities."""
    if estimator.voting == "hard":
        return "voting='hard' gives no probabilities", "Fit with voting='soft'."
    return None


def check_bagging(estimator: Any) -> tuple[str, str] | None:
    """Refuse bags whose members saw different classes, or give no probabilities."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return None
    if any(not hasattr(member, "predict_proba") for member in estimator.estimators_):
        return "the estimator in the bag gives no probabilities", "Bag one that has predict_proba."
    if any(len(member.classes_) != len(classes) for member in estimator.estimators_):
        return "a member of the bag did not see every class", "Fit with more rows in each bag (max_samples)."
    return None


def check_target(estimator: Any) -> tuple[str, str] | None:
    """Refuse targets transformed by anything but a NumPy function with an exact inverse here, or StandardScaler."""
    transformer = estimator.transformer_
    if type(transformer) is StandardScaler:
        return None
    if type(transformer) is FunctionTransformer and transformer.inverse_func in INVERSES:
        return None
    shown = getattr(transformer, "inverse_func", None) or type(transformer).__name__
    known = ", ".join(f"np.{function.__name__}" for function in INVERSES if function)
    return f"the target's inverse {shown!r} has no exact form", f"Use one of {known}, or StandardScaler()."


def convert_voting_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the weighted mean of the members' probabilities."""
    found = [graph.predict(member, inputs)["probabilities"] for member in estimator.estimators_]
    probabilities = _average(graph, found, estimator._weights_not_none)
    return {"label": class_of_largest(graph, probabilities), "probabilities": probabilities}


def convert_voting_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the weighted mean of the members' values."""
    found = [graph.predict(member, inputs)["value"] for member in estimator.estimators_]
    return {"value": _average(graph, found, estimator._weights_not_none)}


def convert_bagging_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the mean of the members' probabilities, each on its own columns."""
    probabilities = _average(graph, _bagged(graph, estimator, inputs, "probabilities"), None)
    return {"label": class_of_largest(graph, probabilities), "probabilities": probabilities}


def convert_bagging_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the mean of the members' values, each on its own columns."""
    return {"value": _average(graph, _bagged(graph, estimator, inputs, "value"), None)}


def convert_target(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the regressor, then the inverse of the target's transformation."""
    value = graph.predict(estimator.regressor_, inputs)["value"]
    transformer = estimator.transformer_
    if type(transformer) is StandardScaler:
        scaled = _with(graph, "Mul", value, transformer.scale_) if transformer.with_std else value
        return {"value": _with(graph, "Add", scaled, transformer.mean_) if transformer.with_mean else scaled}
    for step in INVERSES[transformer.inverse_func]:
        if step in {"minus one", "plus one"}:
            value = _with(graph, "Sub" if step == "minus one" else "Add", value, np.ones(1))
        elif step == "square":
            value = graph.add("Mul", value, value)
        else:
            value = graph.add(step, value)
    return {"value": value}


def _bagged(graph: Graph, estimator: Any, inputs: list[Tensor], answer: str) -> list[str]:
    matrix, found = graph.matrix(inputs), []
    for member, features in zip(estimator.estimators_, estimator.estimators_features_, strict=True):
        columns = [Tensor(graph.chosen(matrix, features), "double", len(features))]
        found.append(graph.predict(member, columns)[answer])
    return found


def _average(graph: Graph, names: list[str], weights: list[float] | None) -> str:
    """The mean in the order of the members: products, a running sum, one quotient."""
    if weights is not None:
        names = [_with(graph, "Mul", name, np.array([weight])) for name, weight in zip(names, weights, strict=True)]
    total = graph.add("Sum", *names) if len(names) > 1 else names[0]
    return _with(graph, "Div", total, np.array([len(names) if weights is None else np.sum(weights)]))


def _with(graph: Graph, operator: str, name: str, number: npt.NDArray[Any]) -> str:
    constant = np.asarray(number, dtype=np.float64).reshape(1, -1)
    return graph.add(operator, name, graph.constant(constant, operator.lower()))


CONVERTERS: dict[type, Converter] = {
    VotingClassifier: Converter(
        predict=convert_voting_classifier, check=check_voting, takes_text=True, members=members
    ),
    VotingRegressor: Converter(predict=convert_voting_regressor, takes_text=True, members=members),
    BaggingClassifier: Converter(predict=convert_bagging_classifier, check=check_bagging, members=members),
    BaggingRegressor: Converter(predict=convert_bagging_regressor, members=members),
    TransformedTargetRegressor: Converter(predict=convert_target, check=check_target, takes_text=True, members=members),
}
