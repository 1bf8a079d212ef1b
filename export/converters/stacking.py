"""Stacks: what the members say becomes the columns of a final estimator."""

from typing import Any

from sklearn.ensemble import StackingClassifier, StackingRegressor

from export.converters.converter import Converter
from export.converters.member import named_members, response
from export.graph import Graph, Tensor


def members(estimator: Any) -> list[tuple[str, Any]]:
    """The stacked estimators, then the final one."""
    return [*named_members(estimator), ("final_estimator", estimator.final_estimator_)]


def check_classifier(estimator: Any) -> tuple[str, str] | None:
    """Refuse several targets: scikit-learn gives the first class's probability there, against its own convention."""
    if isinstance(estimator.classes_, list):
        return (
            "one target is exported of a StackingClassifier; it was fitted on several",
            "Fit MultiOutputClassifier(StackingClassifier(...)).",
        )
    return None


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the members, then the final estimator on their answers."""
    return graph.predict(estimator.final_estimator_, transform(graph, estimator, inputs))


def transform(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the members' answers side by side, then the columns passed through."""
    passed = inputs if estimator.passthrough else []
    sparse = any(tensor.sparse for tensor in passed)
    binary = len(getattr(estimator, "classes_", ())) == 2
    found = []
    for member, method, width in zip(
        estimator.estimators_, estimator.stack_method_, estimator._n_feature_outs, strict=True
    ):
        name = response(graph, member, inputs, method)
        if binary and method == "predict_proba":
            name = graph.chosen(name, [1])
        found.append(Tensor(name, "double", width, sparse))
    return [*found, *(Tensor(tensor.name, tensor.kind, tensor.width, sparse) for tensor in passed)]


CONVERTERS: dict[type, Converter] = {
    StackingClassifier: Converter(
        predict=convert,
        transform=transform,
        check=check_classifier,
        takes_text=True,
        members=members,
    ),
    StackingRegressor: Converter(predict=convert, transform=transform, takes_text=True, members=members),
}
