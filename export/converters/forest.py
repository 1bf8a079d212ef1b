"""Decision trees and their averages: each tree gives its leaf's number, a table gives the leaf's values.

Summing a forest's probabilities inside TreeEnsemble would need one copy of every tree per class. Here a tree emits the
number of its leaf's values (exact in float32), `Gather` reads them, the rows are summed in float64 in the order of the
trees and then divided, as scikit-learn does it: weights divided beforehand break exact ties. The sum is the last entry
of `CumSum`, whose order is defined; `ReduceSum` adds in another order in wasm.

Where every leaf holds one of two classes alone (trees grown to the end), the sums are counts of trees, exact in any
order, and TreeEnsemble counts.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from export.converters.compact import compact, twin_matrix
from export.converters.converter import Converter
from export.converters.linear import class_of_largest
from export.converters.trees import Tree, add_ensemble, from_cart, unless_endless
from export.graph import DOUBLE, INT64, Graph, Tensor

TREES_TOGETHER = 20
NODES_TOGETHER = 65_536  # of 24 bytes each
MOST_LEAVES = 2**24  # the whole numbers that float32 holds

Rows = npt.NDArray[np.int64]


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse more leaves than float32 can number."""
    if sum(member.get_n_leaves() for member in getattr(estimator, "estimators_", [estimator])) > MOST_LEAVES:
        return f"at most {MOST_LEAVES:,} leaves are exported; it has more", "Set min_samples_leaf or max_depth."
    return None


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write mean leaf fractions, of shape (n_rows, n_classes), and the first largest one's index, target by target."""
    probabilities = _mean_leaves(graph, estimator, inputs)
    if estimator.n_outputs_ == 1:
        return {"label": class_of_largest(graph, probabilities), "probabilities": probabilities}
    ends = np.cumsum(estimator.n_classes_).tolist()
    labels = [
        graph.add("ArgMax", graph.chosen(probabilities, np.arange(end - count, end)), axis=1, select_last_index=0)
        for count, end in zip(estimator.n_classes_, ends, strict=True)
    ]
    return {"label": graph.add("Concat", *labels, axis=1), "probabilities": probabilities}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the mean leaf value, of shape (n_rows, n_targets)."""
    return {"value": _mean_leaves(graph, estimator, inputs)}


def _mean_leaves(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    given = graph.single(inputs)
    matrix = twin_matrix(graph, given)
    members = [member.tree_ for member in getattr(estimator, "estimators_", [estimator])]
    leaves = [np.flatnonzero(member.children_left < 0) for member in members]
    values = np.concatenate([_values(estimator, member, ends) for member, ends in zip(members, leaves, strict=True)])
    table, row = np.unique(values.astype(np.float64), axis=0, return_inverse=True)
    rows = np.split(row.reshape(-1), np.cumsum([len(ends) for ends in leaves])[:-1])
    binary = hasattr(estimator, "classes_") and estimator.n_outputs_ == 1 and table.shape[1] == 2
    if binary and np.isin(table, (0.0, 1.0)).all():
        total = _counts(graph, matrix, members, leaves, [table[each, 1] for each in rows])
    else:
        total = _sums(graph, matrix, members, leaves, rows, table)
    if len(members) > 1:
        total = graph.add("Div", total, graph.constant(np.array([[float(len(members))]]), "trees"))
    return unless_endless(graph, total, given)


def _values(estimator: Any, member: Any, leaves: Rows) -> npt.NDArray[np.float64]:
    """What some leaves hold, of shape (n_leaves, n_values), target after target."""
    held: npt.NDArray[np.float64] = member.value[leaves]
    if estimator.n_outputs_ == 1:
        return held[:, 0, :]
    if not hasattr(estimator, "classes_"):
        return held[:, :, 0]
    return np.concatenate([held[:, target, :count] for target, count in enumerate(estimator.n_classes_)], axis=1)


def _counts(
    graph: Graph, matrix: str, members: list[Any], leaves: list[Rows], votes: list[npt.NDArray[np.float64]]
) -> str:
    """How many trees say each of two classes, float64 of shape (n_rows, 2)."""
    trees = [_tree(*each) for each in zip(members, leaves, votes, strict=True)]
    counts = [add_ensemble(graph, matrix, trees[group], [0] * len(trees[group]), 1) for group in _groups(trees)]
    second = graph.add("Cast", graph.add("Sum", *counts) if len(counts) > 1 else counts[0], to=DOUBLE)
    first = graph.add("Sub", graph.constant(np.array([[float(len(members))]]), "trees"), second)
    return graph.add("Concat", first, second, axis=1)


def _sums(
    graph: Graph, matrix: str, members: list[Any], leaves: list[Rows], rows: list[Rows], table: npt.NDArray[np.float64]
) -> str:
    """The sum of the leaves' values in the order of the trees, float64 of shape (n_rows, n_values)."""
    trees = [_tree(*each) for each in zip(members, leaves, rows, strict=True)]
    numbers = []
    for group in _groups(trees):
        count = len(trees[group])
        numbers.append(add_ensemble(graph, matrix, trees[group], range(count), count))
    number = graph.add("Concat", *numbers, axis=1) if len(numbers) > 1 else numbers[0]
    values = graph.add("Gather", graph.constant(table, "leaves"), graph.add("Cast", number, to=INT64), axis=0)
    if len(members) == 1:
        return graph.add("Squeeze", values, graph.constant(np.array([1]), "axis"))
    running = graph.add("CumSum", values, graph.constant(np.array(1), "axis"))
    return graph.add("Gather", running, graph.constant(np.array(len(members) - 1), "last"), axis=1)


def _tree(member: Any, leaves: Rows, weights: npt.NDArray[Any]) -> Tree:
    leaf = np.zeros(member.node_count)
    leaf[leaves] = weights
    return compact(from_cart(member, leaf), member.weighted_n_node_samples, member.n_features)


def _groups(trees: list[Tree]) -> list[slice]:
    """Which trees share a node of the graph: a batch of rows passes a group while it is in cache."""
    groups, start, nodes = [], 0, 0
    for index, tree in enumerate(trees):
        nodes += len(tree.left)
        if index > start and (nodes > NODES_TOGETHER or index - start == TREES_TOGETHER):
            groups.append(slice(start, index))
            start, nodes = index, len(tree.left)
    return [*groups, slice(start, len(trees))]


CLASSIFIERS = (DecisionTreeClassifier, ExtraTreeClassifier, RandomForestClassifier, ExtraTreesClassifier)
REGRESSORS = (DecisionTreeRegressor, ExtraTreeRegressor, RandomForestRegressor, ExtraTreesRegressor)
CONVERTERS: dict[type, Converter] = {
    **{cls: Converter(predict=convert_classifier, check=check) for cls in CLASSIFIERS},
    **{cls: Converter(predict=convert_regressor, check=check) for cls in REGRESSORS},
}
