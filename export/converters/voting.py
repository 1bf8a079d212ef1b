"""Votes: the mean of what the members say, or the class that most of them choose."""

from typing import Any

import numpy as np
from sklearn.ensemble import VotingClassifier, VotingRegressor

from export.converters.converter import Converter
from export.converters.linear import class_of_largest
from export.converters.member import answer, look_up, named_members, predicted, total, with_number
from export.errors import ExportError
from export.graph import Graph, Tensor


def check_classifier(estimator: Any) -> tuple[str, str] | None:
    """Refuse hard votes of members that were fitted elsewhere, on other labels than the vote's own numbers."""
    numbers = set(range(len(estimator.classes_)))
    known = [set(np.asarray(each.classes_).tolist()) for each in estimator.estimators_]
    if estimator.voting == "hard" and any(not classes <= numbers for classes in known):
        return (
            "a hard vote counts class numbers, and a member was fitted on other labels",
            "Fit the members inside the vote, or use voting='soft'.",
        )
    return None


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the weighted mean of the members' probabilities, or the count of their weighted votes."""
    weights = estimator._weights_not_none
    if estimator.voting == "soft":
        found = [answer(graph.predict(each, inputs), "probabilities", each) for each in estimator.estimators_]
        probabilities = mean(graph, found, weights)
        return {"label": class_of_largest(graph, probabilities), "probabilities": probabilities}
    one_each = np.eye(len(estimator.classes_))
    votes = []
    for each, weight in zip(estimator.estimators_, weights or [1] * len(estimator.estimators_), strict=True):
        votes.append(look_up(graph, weight * one_each[each.classes_], graph.predict(each, inputs)["label"]))
    return {"label": class_of_largest(graph, total(graph, votes))}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the weighted mean of the members' values."""
    found = [graph.predict(each, inputs)["value"] for each in estimator.estimators_]
    return {"value": mean(graph, found, estimator._weights_not_none)}


def transform_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the members' probabilities side by side, or the numbers of the classes that they choose."""
    if estimator.voting == "hard":
        return transform_regressor(graph, estimator, inputs)
    if not estimator.flatten_transform:
        raise ExportError(
            "a table has two dimensions; flatten_transform=False gives three",
            "Set flatten_transform=True and fit again.",
            step="votingclassifier",
        )
    found = [answer(graph.predict(each, inputs), "probabilities", each) for each in estimator.estimators_]
    return [Tensor(name, "double", len(estimator.classes_)) for name in found]


def transform_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write what the members predict, side by side."""
    found = [predicted(graph, each, graph.predict(each, inputs)) for each in estimator.estimators_]
    return [Tensor(name, "double", 1) for name in found]


def mean(graph: Graph, names: list[str], weights: list[float] | None) -> str:
    """np.average over the members: products, a running sum in their order, one quotient."""
    if weights is None:
        return with_number(graph, "Div", total(graph, names), len(names))
    weighted = [with_number(graph, "Mul", name, weight) for name, weight in zip(names, weights, strict=True)]
    divisor = np.average(np.zeros((len(names), 1, 1)), axis=0, weights=weights, returned=True)[1]
    return with_number(graph, "Div", total(graph, weighted), divisor)


CONVERTERS: dict[type, Converter] = {
    VotingClassifier: Converter(
        predict=convert_classifier,
        transform=transform_classifier,
        check=check_classifier,
        takes_text=True,
        members=named_members,
    ),
    VotingRegressor: Converter(
        predict=convert_regressor, transform=transform_regressor, takes_text=True, members=named_members
    ),
}
