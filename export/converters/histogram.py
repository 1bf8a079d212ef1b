"""Histogram gradient boosting: float64 thresholds, categorical splits by membership, -1 for a missing category."""

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import numpy_helper
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from export.converters.boosting import start_trees
from export.converters.converter import Converter
from export.converters.linear import binary_probabilities, class_of_largest, positive_label
from export.converters.trees import Tree, add_ensemble
from export.graph import ML, Graph, Tensor
from lambda_handler.contract import is_missing

MISSING_CATEGORY = -1.0  # NaN in a membership split differs between runtimes; this code does not


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write expit or softmax of the raw sums; binary labels are `raw > 0`."""
    raw = _raw(graph, estimator, inputs)
    if len(estimator.classes_) > 2:
        label, probabilities = class_of_largest(graph, raw), graph.add("Softmax", raw, axis=1)
    else:
        label, probabilities = positive_label(graph, raw, "Greater"), binary_probabilities(graph, raw)
    return {"label": label, "probabilities": probabilities, "scores": raw}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the raw sum, of shape (n_rows, 1), and exp of it for the losses of counts and sizes."""
    raw = _raw(graph, estimator, inputs)
    return {"value": graph.add("Exp", raw) if estimator.loss in {"gamma", "poisson"} else raw}


def _raw(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    matrix = _prepared(graph, estimator, inputs)
    width = estimator.n_trees_per_iteration_
    known = _known_categories(estimator)
    trees = [_tree(predictor, known) for stage in estimator._predictors for predictor in stage]
    start_trees(trees, np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(-1))
    return add_ensemble(graph, matrix, trees, [index % width for index in range(len(trees))], width)


def _prepared(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """The matrix in the order that the trees use: encoded categorical columns first, then the numbers."""
    preprocessor = estimator._preprocessor
    if preprocessor is None:
        return graph.matrix(inputs)
    categorical = np.flatnonzero(estimator.is_categorical_)
    encoder = preprocessor.named_transformers_["encoder"]
    parts = [
        _encoded(graph, _column(graph, inputs, int(column)), categories)
        for column, categories in zip(categorical, encoder.categories_, strict=True)
    ]
    numeric = np.flatnonzero(~np.asarray(estimator.is_categorical_))
    if len(numeric):
        parts.append(_numbers(graph, inputs, numeric))
    return graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def _column(graph: Graph, inputs: list[Tensor], column: int) -> Tensor:
    for tensor in inputs:
        if column < tensor.width:
            if tensor.width == 1:
                return tensor
            index = graph.constant(np.array([column]), "column")
            return Tensor(graph.add("Gather", tensor.name, index, axis=1), tensor.kind, 1)
        column -= tensor.width
    raise IndexError(column)


def _numbers(graph: Graph, inputs: list[Tensor], columns: npt.NDArray[np.int64]) -> str:
    if len(inputs) == 1:
        return graph.add("Gather", graph.double(inputs[0]), graph.constant(columns.astype(np.int64), "numbers"), axis=1)
    return graph.matrix([_column(graph, inputs, int(column)) for column in columns])


def _encoded(graph: Graph, tensor: Tensor, categories: npt.NDArray[Any]) -> str:
    """Position of the category; `MISSING_CATEGORY` for a missing or unseen one."""
    text = tensor.kind == "string"
    present = [value for value in categories.tolist() if not is_missing(value)]
    keys = np.array(present, dtype=object) if text else np.array(present, dtype=np.float64)
    name = tensor.name if text else graph.add("Add", graph.double(tensor), graph.constant(np.zeros(1), "zero"))
    return graph.add(
        "LabelEncoder",
        name,
        domain=ML,
        keys_tensor=numpy_helper.from_array(keys),
        values_tensor=numpy_helper.from_array(np.arange(len(keys), dtype=np.float64)),
        default_tensor=numpy_helper.from_array(np.array([MISSING_CATEGORY])),
    )


def _known_categories(estimator: Any) -> dict[int, list[int]]:
    """Feature (in the trees' order) -> the categories that its training column held."""
    mapper = estimator._bin_mapper
    return {feature: np.flatnonzero(_bits(bits)).tolist() for feature, bits in _bitsets(mapper)}


def _bitsets(mapper: Any) -> list[tuple[int, npt.NDArray[np.uint32]]]:
    known, index = mapper.make_known_categories_bitsets()
    return [(feature, known[index[feature]]) for feature in np.flatnonzero(mapper.is_categorical_).tolist()]


def _bits(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """The 256 bits of a category set: bit c of word c // 32 is category c."""
    return np.unpackbits(np.ascontiguousarray(words).astype("<u4").view(np.uint8), bitorder="little").astype(bool)


def _tree(predictor: Any, known: dict[int, list[int]]) -> Tree:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    tree = Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64)),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        leaf=nodes["value"].astype(np.float64),
    )
    for node in np.flatnonzero(nodes["is_categorical"].astype(bool) & ~leaf).tolist():
        bits = _bits(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]])
        left = [float(code) for code in known[int(tree.feature[node])] if bits[code]]
        tree.members[node] = left + ([MISSING_CATEGORY] if tree.missing_left[node] else [])
    return tree


CONVERTERS: dict[type, Converter] = {
    HistGradientBoostingClassifier: Converter(predict=convert_classifier, takes_text=True),
    HistGradientBoostingRegressor: Converter(predict=convert_regressor, takes_text=True),
}
