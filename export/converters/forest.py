"""Decision trees and their averages: each tree gives its leaf's number, a table gives the leaf's values.

Summing a forest's probabilities inside TreeEnsemble would need one copy of every tree per class. Here a tree emits the
number of its leaf (exact in float64), `Gather` reads that leaf's row, the rows are summed in float64 in the order of
the trees and then divided, as scikit-learn does it: weights divided beforehand break exact ties. The sum is the last
entry of `CumSum`, whose order is defined; `ReduceSum` adds in another order in wasm.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from export.converters.converter import Converter
from export.converters.linear import class_of_largest
from export.converters.trees import Tree, add_ensemble, as_float32, from_cart
from export.graph import INT64, Graph, Tensor

TREES_PER_NODE = 4  # a batch passes a few trees while they are in cache


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse several outputs."""
    if estimator.n_outputs_ > 1:
        return f"one target is exported; it was fitted on {estimator.n_outputs_}", "Fit one estimator per target."
    return None


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write mean leaf fractions, of shape (n_rows, n_classes), and the first largest one's index."""
    probabilities = _mean_leaves(graph, estimator, inputs)
    return {"label": class_of_largest(graph, probabilities), "probabilities": probabilities}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the mean leaf value, of shape (n_rows, 1)."""
    return {"value": _mean_leaves(graph, estimator, inputs)}


def _mean_leaves(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    matrix = as_float32(graph, graph.matrix(inputs))
    members = [member.tree_ for member in getattr(estimator, "estimators_", [estimator])]
    trees, table = _numbered(members)
    groups = [trees[start : start + TREES_PER_NODE] for start in range(0, len(trees), TREES_PER_NODE)]
    numbers = [add_ensemble(graph, matrix, group, range(len(group)), len(group)) for group in groups]
    number = graph.add("Concat", *numbers, axis=1) if len(numbers) > 1 else numbers[0]
    rows = graph.add("Cast", number, to=INT64)
    values = graph.add("Gather", graph.constant(table, "leaves"), rows, axis=0)
    if len(members) == 1:
        return graph.add("Squeeze", values, graph.constant(np.array([1]), "axis"))
    running = graph.add("CumSum", values, graph.constant(np.array(1), "axis"))
    total = graph.add("Gather", running, graph.constant(np.array(len(members) - 1), "last"), axis=1)
    return graph.add("Div", total, graph.constant(np.array([[float(len(members))]]), "trees"))


def _numbered(members: list[Any]) -> tuple[list[Tree], npt.NDArray[np.float64]]:
    """Trees whose leaves hold consecutive numbers, and the table of leaf values, of shape (n_leaves, n_values)."""
    trees, rows, count = [], [], 0
    for member in members:
        leaves = np.flatnonzero(member.children_left < 0)
        number = np.zeros(member.node_count)
        number[leaves] = count + np.arange(len(leaves))
        trees.append(from_cart(member, number))
        rows.append(member.value[leaves, 0, :])
        count += len(leaves)
    return trees, np.concatenate(rows).astype(np.float64)


CLASSIFIERS = (DecisionTreeClassifier, ExtraTreeClassifier, RandomForestClassifier, ExtraTreesClassifier)
REGRESSORS = (DecisionTreeRegressor, ExtraTreeRegressor, RandomForestRegressor, ExtraTreesRegressor)
CONVERTERS: dict[type, Converter] = {
    **{cls: Converter(predict=convert_classifier, check=check) for cls in CLASSIFIERS},
    **{cls: Converter(predict=convert_regressor, check=check) for cls in REGRESSORS},
}
