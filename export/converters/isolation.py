"""Trees grown at random: isolation forests and leaves as columns."""

from typing import Any

import numpy as np
from sklearn.ensemble import IsolationForest, RandomTreesEmbedding
from sklearn.ensemble._iforest import _average_path_length

from export.converters.converter import Converter
from export.converters.member import flat, with_number
from export.converters.trees import Tree, add_ensemble, as_float32, from_cart, unless_endless
from export.graph import DOUBLE, INT64, Graph, Tensor


def check_isolation(estimator: Any) -> tuple[str, str] | None:
    """Refuse trees of one row each: they have no path."""
    if estimator._max_samples < 2:
        return "an isolation tree must see two rows; max_samples is 1", "Set max_samples to 2 or more and fit again."
    return None


def convert_isolation(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write -(2 ** -(sum of depths / normal depth)) - offset; below zero is an outlier, index 0 of [-1, 1]."""
    given = graph.single(inputs)
    matrix = as_float32(graph, given)
    chosen = estimator._max_features != estimator.n_features_in_
    trees = []
    for index, (member, features) in enumerate(zip(estimator.estimators_, estimator.estimators_features_, strict=True)):
        depths = estimator._decision_path_lengths[index] + estimator._average_path_length_per_tree[index] - 1.0
        tree = from_cart(member.tree_, depths)
        if chosen:
            tree.feature = np.asarray(features)[np.where(tree.leaves, 0, tree.feature)]
        trees.append(tree)
    depths = unless_endless(graph, add_ensemble(graph, matrix, trees, [0] * len(trees), 1), given)
    normal = len(trees) * _average_path_length([estimator._max_samples])
    power = graph.add("Neg", with_number(graph, "Div", depths, normal))
    share = graph.add("Pow", graph.constant(np.full((1, 1), 2.0), "two"), power)
    scores = with_number(graph, "Sub", graph.add("Neg", share), estimator.offset_)
    inside = graph.add("Cast", graph.add("Not", with_number(graph, "Less", scores, 0.0)), to=INT64)
    return {"label": flat(graph, inside), "scores": scores}


def check_embedding(estimator: Any) -> tuple[str, str] | None:
    """Refuse leaves that no training row reached: scikit-learn rejects rows that reach one."""
    for member, known in zip(estimator.estimators_, estimator.one_hot_encoder_.categories_, strict=True):
        if list(known) != np.flatnonzero(member.tree_.children_left < 0).tolist():
            return "a leaf without training rows has no column", "Fit without sample_weight of zero."
    return None


def transform_embedding(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write one column per leaf, 1.0 where the row is in it."""
    matrix = as_float32(graph, graph.single(inputs))
    trees: list[Tree] = []
    owners: list[int] = []
    for index, member in enumerate(estimator.estimators_):
        leaves = np.flatnonzero(member.tree_.children_left < 0)
        number = np.zeros(member.tree_.node_count)
        number[leaves] = len(owners) + np.arange(len(leaves))
        trees.append(from_cart(member.tree_, number))
        owners += [index] * len(leaves)
    numbers = add_ensemble(graph, matrix, trees, range(len(trees)), len(trees))
    reached = with_number(graph, "Equal", graph.chosen(numbers, owners), np.arange(len(owners)))
    return [Tensor(graph.add("Cast", reached, to=DOUBLE), "double", len(owners), bool(estimator.sparse_output))]


CONVERTERS: dict[type, Converter] = {
    IsolationForest: Converter(predict=convert_isolation, check=check_isolation),
    RandomTreesEmbedding: Converter(transform=transform_embedding, check=check_embedding),
}
