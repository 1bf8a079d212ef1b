"""Calibrated probabilities: sigmoid, isotonic and temperature."""

from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV

from export.converters.converter import Converter
from export.converters.linear import binary_probabilities_of, class_of_largest, expit
from export.converters.member import answer, places, row_total, side_by_side, spread, total, with_number
from export.graph import Graph, Tensor

SMALL = 1e-12  # added to probabilities before their logarithm, as scikit-learn has it


def members(estimator: Any) -> list[tuple[str, Any]]:
    """The classifier of each fold, and its isotonic regressions."""
    found = []
    for fold, pair in enumerate(estimator.calibrated_classifiers_):
        found.append((str(fold), pair.estimator))
        if estimator.method == "isotonic":
            found += [(f"{fold} class {index}", each) for index, each in enumerate(pair.calibrators)]
    return found


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the mean of the folds' calibrated probabilities, and the first largest one's index."""
    write = _tempered if estimator.method == "temperature" else _calibrated
    found = [write(graph, each, inputs) for each in estimator.calibrated_classifiers_]
    probabilities = with_number(graph, "Div", total(graph, found), len(found))
    return {"label": class_of_largest(graph, probabilities), "probabilities": probabilities}


def _calibrated(graph: Graph, pair: Any, inputs: list[Tensor]) -> str:
    """One calibrator per class; of two classes, one for the second."""
    said, width = _said(graph, pair.estimator, inputs)[0], len(pair.classes)
    at = places(pair.classes, pair.estimator.classes_)
    columns = list(zip(at, pair.calibrators, strict=False))
    parts = [
        _calibrate(graph, graph.chosen(said, [index]) if len(columns) > 1 else said, calibrator, pair.method)
        for index, (_, calibrator) in enumerate(columns)
    ]
    if width == 2:
        return _at_most_one(graph, binary_probabilities_of(graph, parts[0]))
    joined = spread(graph, side_by_side(graph, parts), [index for index, _ in columns], width)
    sums = row_total(graph, joined, width)
    nothing = with_number(graph, "Equal", sums, 0.0)
    even = graph.constant(np.full((1, 1), 1 / width), "even")
    return _at_most_one(graph, graph.add("Where", nothing, even, graph.add("Div", joined, sums)))


def _said(graph: Graph, member: Any, inputs: list[Tensor]) -> tuple[str, bool]:
    """Its scores, or else its probabilities (of two classes, that of the second), and whether it is the latter."""
    found = graph.predict(member, inputs)
    if hasattr(member, "decision_function"):
        return answer(found, "scores", member), False
    probabilities = answer(found, "probabilities", member)
    return (graph.chosen(probabilities, [1]) if len(member.classes_) == 2 else probabilities), True


def _calibrate(graph: Graph, name: str, calibrator: Any, method: str) -> str:
    if method == "sigmoid":
        line = with_number(graph, "Add", with_number(graph, "Mul", name, calibrator.a_), calibrator.b_)
        return expit(graph, graph.add("Neg", line))
    return graph.predict(calibrator, [Tensor(name, "double", 1)])["value"]


def _tempered(graph: Graph, pair: Any, inputs: list[Tensor]) -> str:
    """Softmax of the logits times the inverse temperature; logits are scores or logarithms of probabilities."""
    said, probable = _said(graph, pair.estimator, inputs)
    if len(pair.estimator.classes_) == 2:
        said = binary_probabilities_of(graph, said) if probable else side_by_side(graph, [graph.add("Neg", said), said])
    if probable:
        said = graph.add("Log", with_number(graph, "Add", said, SMALL))
    scaled = with_number(graph, "Mul", said, pair.calibrators[0].beta_)
    return _at_most_one(graph, graph.add("Softmax", scaled, axis=1))


def _at_most_one(graph: Graph, name: str) -> str:
    return with_number(graph, "Min", name, 1.0)


CONVERTERS: dict[type, Converter] = {
    CalibratedClassifierCV: Converter(predict=convert, takes_text=True, members=members),
}
