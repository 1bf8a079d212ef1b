"""Estimators that hand every row to one inside: frozen, searched, self-trained, with a threshold of their own."""

from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.model_selection._search_successive_halving import HalvingGridSearchCV, HalvingRandomSearchCV
from sklearn.semi_supervised import SelfTrainingClassifier

from export.converters.converter import Converter
from export.converters.member import METHODS, answer, as_array, flat, with_number
from export.graph import INT64, Graph, Tensor

SEARCHES = (GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV)
THRESHOLDS = (FixedThresholdClassifier, TunedThresholdClassifierCV)


def inside(estimator: Any) -> Any:
    """The fitted estimator that answers for this one."""
    if type(estimator) in SEARCHES:
        return estimator.best_estimator_
    return estimator.estimator if type(estimator) is FrozenEstimator else estimator.estimator_


def unwrapped(estimator: Any) -> Any:
    """What is left without searches and frozen shells; each answers as the estimator inside it."""
    while type(estimator) is FrozenEstimator or (type(estimator) in SEARCHES and check_search(estimator) is None):
        estimator = inside(estimator)
    return estimator


def members(estimator: Any) -> list[tuple[str, Any]]:
    """That estimator, under the name of its attribute; none where a search kept none."""
    if type(estimator) not in SEARCHES:
        return [("estimator", inside(estimator))]
    return [] if check_search(estimator) else [("best_estimator", inside(estimator))]


def check_search(estimator: Any) -> tuple[str, str] | None:
    """Refuse searches that kept no estimator."""
    if hasattr(estimator, "best_estimator_"):
        return None
    return "a search must keep its best estimator; refit=False keeps none", "Set refit=True and fit again."


def predict(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the estimator inside."""
    return graph.predict(inside(estimator), inputs)


def predict_array(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the estimator inside, which gets the table as an array."""
    return graph.predict(inside(estimator), as_array(graph, inputs))


def transform(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the estimator inside as a transformer."""
    return graph.transform(inside(estimator), inputs)


def rule(estimator: Any) -> tuple[str, float, int]:
    """How an estimator with a threshold decides.

    Returns:
        The method that is asked, the smallest number for the class in question, and that class's index.
    """
    asked = estimator.response_method
    method = "decision_function" if asked == "decision_function" else "predict_proba"
    if asked == "auto" and not hasattr(inside(estimator), "predict_proba"):
        method = "decision_function"
    fixed = type(estimator) is FixedThresholdClassifier
    positive = estimator.pos_label if fixed else estimator._curve_scorer._get_pos_label()
    threshold = estimator.threshold if fixed else estimator.best_threshold_
    if isinstance(threshold, str):
        threshold = 0.5 if method == "predict_proba" else 0.0
    return method, float(threshold), 1 if positive is None else np.asarray(estimator.classes_).tolist().index(positive)


def predict_by_threshold(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the answers of the estimator inside, and the label by the threshold."""
    method, threshold, index = rule(estimator)
    found = graph.predict(inside(estimator), inputs)
    said = answer(found, METHODS[method], inside(estimator))
    if method == "predict_proba":
        said = graph.chosen(said, [index])
    elif index == 0:
        said = graph.add("Neg", said)
    reached = with_number(graph, "GreaterOrEqual", said, threshold)
    label = reached if index == 1 else graph.add("Not", reached)
    return {**found, "label": flat(graph, graph.add("Cast", label, to=INT64))}


CONVERTERS: dict[type, Converter] = {
    FrozenEstimator: Converter(predict=predict, transform=transform, takes_text=True, members=members),
    **{
        cls: Converter(predict=predict, transform=transform, check=check_search, takes_text=True, members=members)
        for cls in SEARCHES
    },
    **{cls: Converter(predict=predict_by_threshold, takes_text=True, members=members) for cls in THRESHOLDS},
    SelfTrainingClassifier: Converter(predict=predict_array, members=members),
}
