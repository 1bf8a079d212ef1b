"""Bags and AdaBoost: many members of one kind, summed in their order."""

from typing import Any

import numpy as np
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor, BaggingClassifier, BaggingRegressor

from export.converters.converter import Converter
from export.converters.linear import class_of_largest, positive_label
from export.converters.member import (
    answer,
    as_array,
    look_up,
    named_members,
    places,
    predicted,
    row_total,
    side_by_side,
    spread,
    total,
    with_number,
)
from export.converters.voting import mean
from export.graph import DOUBLE, Graph, Tensor


def convert_bagging_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the mean of the members' probabilities, or of their votes, each on its own columns."""
    width, parts, scores = len(estimator.classes_), [], []
    for member, found in _bagged(graph, estimator, inputs):
        if hasattr(member, "predict_proba"):
            parts.append(spread(graph, answer(found, "probabilities", member), member.classes_, width))
        else:
            parts.append(look_up(graph, np.eye(width)[member.classes_], found["label"]))
        if hasattr(member, "decision_function") and len(member.classes_) == width:
            scores.append(answer(found, "scores", member))
    probabilities = mean(graph, parts, None)
    answers = {"label": class_of_largest(graph, probabilities), "probabilities": probabilities}
    return {**answers, "scores": mean(graph, scores, None)} if len(scores) == len(parts) else answers


def convert_bagging_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the mean of the members' values, each on its own columns."""
    return {"value": mean(graph, [found["value"] for _, found in _bagged(graph, estimator, inputs)], None)}


def _bagged(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[tuple[Any, dict[str, str]]]:
    pairs = zip(estimator.estimators_, estimator.estimators_features_, strict=True)
    return [(member, graph.predict(member, as_array(graph, inputs, features))) for member, features in pairs]


def check_boosted(estimator: Any) -> tuple[str, str] | None:
    """Refuse a classifier that knows one class only."""
    if len(estimator.classes_) < 2:
        return "AdaBoostClassifier must know two classes; it was fitted on one", "Fit on rows of two classes or more."
    return None


def convert_boosted_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the sum of what each member adds for the class it chooses and takes from the others."""
    classes, columns = estimator.classes_, as_array(graph, inputs)
    others, parts = len(classes) - 1, []
    for member, weight in zip(estimator.estimators_, estimator.estimator_weights_, strict=False):
        chosen = np.eye(len(classes), dtype=bool)[places(classes, member.classes_)]
        table = np.where(chosen, weight, -1 / others * weight)
        parts.append(look_up(graph, table, graph.predict(member, columns)["label"]))
    scores = with_number(graph, "Div", total(graph, parts), estimator.estimator_weights_.sum())
    if others > 1:
        shares = graph.add("Softmax", with_number(graph, "Div", scores, others), axis=1)
        return {"label": class_of_largest(graph, scores), "probabilities": shares, "scores": scores}
    second, first = graph.chosen(scores, [1]), graph.add("Neg", graph.chosen(scores, [0]))
    scores = graph.add("Add", first, second)
    both = graph.add("Concat", graph.add("Neg", scores), scores, axis=1)
    shares = graph.add("Softmax", with_number(graph, "Div", both, 2.0), axis=1)
    return {"label": positive_label(graph, scores, "Greater"), "probabilities": shares, "scores": scores}


def convert_boosted_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the weighted median: the first value, in order, whose weights so far reach half of all."""
    columns, weights = as_array(graph, inputs), np.asarray(estimator.estimator_weights_, dtype=np.float64)
    found = [predicted(graph, member, graph.predict(member, columns)) for member in estimator.estimators_]
    count = graph.constant(np.array([len(found)]), "members")
    ordered, order = graph.add_several("TopK", side_by_side(graph, found), count, outputs=2, axis=1, largest=0)
    sums = look_up(graph, weights, order)
    half = with_number(graph, "Mul", row_total(graph, sums, len(found)), 0.5)
    running = graph.add("CumSum", sums, graph.constant(np.array(1), "axis"))
    reached = graph.add("Cast", graph.add("GreaterOrEqual", running, half), to=DOUBLE)
    median = graph.add("ArgMax", reached, axis=1, keepdims=1, select_last_index=0)
    return {"value": graph.add("GatherElements", ordered, median, axis=1)}


CONVERTERS: dict[type, Converter] = {
    BaggingClassifier: Converter(predict=convert_bagging_classifier, takes_text=True, members=named_members),
    BaggingRegressor: Converter(predict=convert_bagging_regressor, takes_text=True, members=named_members),
    AdaBoostClassifier: Converter(
        predict=convert_boosted_classifier,
        check=check_boosted,
        takes_text=True,
        members=named_members,
    ),
    AdaBoostRegressor: Converter(predict=convert_boosted_regressor, takes_text=True, members=named_members),
}
