"""Gradient boosting: the first tree's leaves carry the start value, so that the sums run in scikit-learn's order."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

from export.converters.converter import Converter
from export.converters.linear import binary_probabilities, class_of_largest, positive_label
from export.converters.trees import Tree, add_ensemble, as_float32, from_cart
from export.graph import Graph, Tensor


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse a start estimator of the user's own and losses with another link."""
    if type(estimator.init_) not in {DummyClassifier, DummyRegressor} and not isinstance(estimator.init_, str):
        return f"init={type(estimator.init_).__name__} is another estimator", "Leave init at its default or 'zero'."
    if getattr(estimator, "loss", "") == "exponential":
        return "loss='exponential' is not exported exactly", "Fit with loss='log_loss'."
    return None


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write expit or softmax of the raw sums; binary labels are `raw >= 0`, as GradientBoosting has it."""
    raw = _raw(graph, estimator, inputs)
    if len(estimator.classes_) > 2:
        label, probabilities = class_of_largest(graph, raw), graph.add("Softmax", raw, axis=1)
    else:
        label, probabilities = positive_label(graph, raw, "GreaterOrEqual"), binary_probabilities(graph, raw)
    return {"label": label, "probabilities": probabilities, "scores": raw}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the raw sum, of shape (n_rows, 1)."""
    return {"value": _raw(graph, estimator, inputs)}


def _raw(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    matrix = as_float32(graph, graph.matrix(inputs))
    stages = estimator.estimators_
    trees = [
        from_cart(member.tree_, estimator.learning_rate * member.tree_.value[:, 0, 0])
        for stage in stages
        for member in stage
    ]
    width = stages.shape[1]
    start_trees(trees, _start(estimator))
    return add_ensemble(graph, matrix, trees, [index % width for index in range(len(trees))], width)


def start_trees(trees: list[Tree], start: npt.NDArray[np.float64]) -> None:
    """Add the start values to the leaves of the first tree of each target, in place."""
    for tree, value in zip(trees, start, strict=False):
        tree.leaf = value + tree.leaf


def _start(estimator: Any) -> npt.NDArray[np.float64]:
    """The raw prediction before any tree, of shape (n_targets,)."""
    start: npt.NDArray[np.float64] = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), np.float32))[0]
    return start


CONVERTERS: dict[type, Converter] = {
    GradientBoostingClassifier: Converter(predict=convert_classifier, check=check),
    GradientBoostingRegressor: Converter(predict=convert_regressor, check=check),
}
