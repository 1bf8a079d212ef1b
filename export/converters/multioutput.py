"""Several targets out of members for one: side by side, or each on the answers of those before it."""

from typing import Any

import numpy as np
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain

from export.converters.converter import Converter
from export.converters.linear import binary_probabilities_of
from export.converters.member import METHODS, answer, as_array, column, named_members, predicted, side_by_side
from export.graph import Graph, Tensor


def convert_values(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the members' values side by side."""
    return {"value": side_by_side(graph, [graph.predict(each, inputs)["value"] for each in estimator.estimators_])}


def convert_labels(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the members' labels side by side, and their probabilities where all have some."""
    found = [graph.predict(member, inputs) for member in estimator.estimators_]
    answers = {"label": _labels(graph, [each["label"] for each in found])}
    if hasattr(estimator, "predict_proba"):
        pairs = zip(estimator.estimators_, found, strict=True)
        answers["probabilities"] = side_by_side(
            graph, [answer(each, "probabilities", member) for member, each in pairs]
        )
    return answers


def _labels(graph: Graph, labels: list[str]) -> str:
    return side_by_side(graph, [column(graph, label) for label in labels]) if len(labels) > 1 else labels[0]


def check_chain(estimator: Any) -> tuple[str, str] | None:
    """Refuse chains that hand on logarithms, and targets whose classes scikit-learn lists in another order."""
    if getattr(estimator, "chain_method_", "predict") not in {"predict", *METHODS}:
        return f"chain_method={estimator.chain_method_!r} has no exact form", "Use chain_method='predict_proba'."
    classes = [np.asarray(each.classes_).tolist() for each in estimator.estimators_ if hasattr(each, "classes_")]
    if list(estimator.order_) != sorted(estimator.order_) and any(each != classes[0] for each in classes):
        return (
            "classes_ of a chain stand in the order of the chain, and its targets have different classes",
            "Leave order at its default, or use MultiOutputClassifier.",
        )
    return None


def convert_chain(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write each member on the columns and on what those before it in the chain said."""
    columns, found = as_array(graph, inputs), []
    said: list[Tensor] = []
    method = getattr(estimator, "chain_method_", "predict")
    for member in estimator.estimators_:
        each = graph.predict(member, [*columns, *said])
        found.append(each)
        name = predicted(graph, member, each) if method == "predict" else answer(each, METHODS[method], member)
        if method == "predict_proba":
            name = graph.chosen(name, [1])
        said.append(Tensor(name, "double", 1, columns[0].sparse))
    places = np.argsort(estimator.order_).tolist()
    answers: dict[str, str] = {}
    for kind in ("value", "scores"):
        if all(kind in each for each in found):
            answers[kind] = side_by_side(graph, [found[place][kind] for place in places])
    if all("probabilities" in each for each in found):
        second = [graph.chosen(found[place]["probabilities"], [1]) for place in places]
        answers["probabilities"] = side_by_side(graph, [binary_probabilities_of(graph, each) for each in second])
    if "value" not in answers:
        answers["label"] = _labels(graph, [found[place]["label"] for place in places])
    return answers


CONVERTERS: dict[type, Converter] = {
    MultiOutputRegressor: Converter(predict=convert_values, takes_text=True, members=named_members),
    MultiOutputClassifier: Converter(predict=convert_labels, takes_text=True, members=named_members),
    RegressorChain: Converter(predict=convert_chain, check=check_chain, members=named_members),
    ClassifierChain: Converter(predict=convert_chain, check=check_chain, members=named_members),
}
