"""Gradient boosting: the first tree's leaves carry the start value, so that the sums run in scikit-learn's order."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from export.converters.converter import Converter
from export.converters.linear import binary_probabilities, class_of_largest, positive_label
from export.converters.trees import Tree, add_ensemble, as_float32, from_cart, unless_endless
from export.graph import Graph, Tensor

CONSTANT = (DummyClassifier, DummyRegressor)
STARTS = (  # they compare float32 inputs, and what they answer is float64
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
EPS = float(np.finfo(np.float64).eps)


def members(estimator: Any) -> list[tuple[str, Any]]:
    """The start estimator, where its answer depends on the row."""
    return [("init", estimator.init_)] if _starts_by_row(estimator) else []


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse a start estimator that computes in float32, as most do on the float32 table that it gets here."""
    if _starts_by_row(estimator) and type(estimator.init_) not in STARTS:
        names = ", ".join(cls.__name__ for cls in STARTS if cls.__name__.endswith(type(estimator).__name__[-9:]))
        reason = (
            f"init={type(estimator.init_).__name__} computes in float32: gradient boosting hands it a float32 table"
        )
        return reason, f"Leave init at its default or 'zero', or use one of {names}."
    return None


def _starts_by_row(estimator: Any) -> bool:
    return not isinstance(estimator.init_, str) and type(estimator.init_) not in CONSTANT


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write expit or softmax of the raw sums; binary labels are `raw >= 0`, as GradientBoosting has it."""
    raw = _raw(graph, estimator, inputs)
    if len(estimator.classes_) > 2:
        label, probabilities = class_of_largest(graph, raw), graph.add("Softmax", raw, axis=1)
    else:
        logits = graph.add("Add", raw, raw) if estimator.loss == "exponential" else raw
        label, probabilities = positive_label(graph, raw, "GreaterOrEqual"), binary_probabilities(graph, logits)
    return {"label": label, "probabilities": probabilities, "scores": raw}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the raw sum, of shape (n_rows, 1)."""
    return {"value": _raw(graph, estimator, inputs)}


def _raw(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    given = graph.single(inputs)
    matrix = as_float32(graph, given)
    stages = estimator.estimators_
    trees = [
        from_cart(member.tree_, estimator.learning_rate * member.tree_.value[:, 0, 0])
        for stage in stages
        for member in stage
    ]
    width = stages.shape[1]
    if _starts_by_row(estimator):
        each = add_ensemble(graph, matrix, trees, range(len(trees)), len(trees))
        total = _running(graph, _start_by_row(graph, estimator, matrix), each, stages.shape)
    else:
        start_trees(trees, _start(estimator))
        total = add_ensemble(graph, matrix, trees, [index % width for index in range(len(trees))], width)
    return unless_endless(graph, total, given)


def _start_by_row(graph: Graph, estimator: Any, matrix: str) -> str:
    """What the start estimator says as raw numbers, of shape (n_rows, n_targets): values, or probabilities linked."""
    found = graph.predict(estimator.init_, [Tensor(matrix, "double", estimator.n_features_in_)])
    if "value" in found:
        return found["value"]
    several = len(estimator.classes_) > 2
    said = found["probabilities"] if several else graph.chosen(found["probabilities"], [1])
    said = graph.add("Clip", said, *(graph.constant(np.array(end), "end") for end in (EPS, 1 - EPS)))
    if several:
        logarithm = graph.add("Log", said)
        mean = graph.add("ReduceMean", logarithm, graph.constant(np.array([1]), "axis"))
        return graph.add("Sub", logarithm, mean)
    others = graph.add("Sub", graph.constant(np.ones((1, 1)), "one"), said)
    logit = graph.add("Log", graph.add("Div", said, others))
    if estimator.loss != "exponential":
        return logit
    return graph.add("Mul", logit, graph.constant(np.full((1, 1), 0.5), "half"))


def _running(graph: Graph, start: str, each: str, shape: tuple[int, int]) -> str:
    """The start and the trees of each target summed in the order of the stages, of shape (n_rows, n_targets)."""
    stages, targets = shape
    if targets == 1:
        summed = graph.add("Concat", start, each, axis=1)
        running = graph.add("CumSum", summed, graph.constant(np.array(1), "axis"))
        return graph.chosen(running, [stages])
    apart = graph.add("Reshape", each, graph.constant(np.array([-1, stages, targets]), "shape"))
    first = graph.add("Unsqueeze", start, graph.constant(np.array([1]), "axis"))
    running = graph.add("CumSum", graph.add("Concat", first, apart, axis=1), graph.constant(np.array(1), "axis"))
    return graph.add("Gather", running, graph.constant(np.array(stages), "last"), axis=1)


def start_trees(trees: list[Tree], start: npt.NDArray[np.float64]) -> None:
    """Add the start values to the leaves of the first tree of each target, in place."""
    for tree, value in zip(trees, start, strict=False):
        tree.leaf = value + tree.leaf


def _start(estimator: Any) -> npt.NDArray[np.float64]:
    """The raw prediction before any tree, of shape (n_targets,)."""
    start: npt.NDArray[np.float64] = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), np.float32))[0]
    return start


CONVERTERS: dict[type, Converter] = {
    GradientBoostingClassifier: Converter(predict=convert_classifier, check=check, members=members),
    GradientBoostingRegressor: Converter(predict=convert_regressor, check=check, members=members),
}
