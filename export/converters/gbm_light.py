"""LightGBM: float64 thresholds and sums, three meanings of missing, sets of category codes.

The rules are those of LightGBM's own `Tree::NumericalDecision` and `Tree::CategoricalDecision`: a missing number is 0
where training met none; everything up to 1e-35 is zero, or missing with `zero_as_missing`; a category is the whole part
of a number that is not negative. Sums run from the first tree to the last.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from lightgbm import LGBMClassifier, LGBMRegressor
from onnx import numpy_helper

from export.converters.converter import Converter
from export.converters.linear import class_of_largest, expit
from export.converters.trees import Tree, add_ensemble
from export.errors import ExportError
from export.graph import DOUBLE, INT64, ML, Graph, Tensor

ZERO = float(np.float32(1e-35))  # kZeroThreshold: a number no larger is zero
INFINITE = 1e300  # what `Booster.dump_model` writes for an infinite threshold
NO_CATEGORY = -1.0
LARGEST_CATEGORY = 2.0**31
IDENTITY = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
EXPONENTIAL = ("poisson", "gamma", "tweedie")
LABELS = ("binary", "multiclass", "multiclassova")


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse linear leaves and objectives with another link."""
    booster = estimator.booster_
    if booster.params.get("linear_tree"):
        return "linear_tree=True puts a linear model into every leaf", "Fit with linear_tree=False."
    name, *options = _objective(estimator)
    wanted = LABELS if hasattr(estimator, "classes_") else IDENTITY + EXPONENTIAL
    if name not in wanted or "sqrt" in options:
        return f"objective={' '.join([name, *options])!r} has no exact form", f"Use one of {', '.join(wanted)}."
    return None


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write expit or softmax of the raw sums; the label is the first of the largest probabilities."""
    raw = _raw(graph, estimator, inputs)
    name, *options = _objective(estimator)
    if name == "multiclass":
        probabilities = graph.add("Softmax", raw, axis=1)
    else:
        scale = next((float(each.split(":")[1]) for each in options if each.startswith("sigmoid:")), 1.0)
        scaled = raw if scale == 1.0 else graph.add("Mul", raw, graph.constant(np.full((1, 1), scale), "sigmoid"))
        probabilities = expit(graph, scaled)
        if name == "binary":
            others = graph.add("Sub", graph.constant(np.ones((1, 1)), "one"), probabilities)
            probabilities = graph.add("Concat", others, probabilities, axis=1)
    return {"label": class_of_largest(graph, probabilities), "probabilities": probabilities, "scores": raw}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the raw sum or its exponential, of shape (n_rows, 1)."""
    raw = _raw(graph, estimator, inputs)
    return {"value": graph.add("Exp", raw) if _objective(estimator)[0] in EXPONENTIAL else raw}


def _objective(estimator: Any) -> list[str]:
    """The objective's name and its options, as the model file has them."""
    return str(estimator.booster_.dump_model(num_iteration=1)["objective"]).split(" ")


def _raw(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    document = estimator.booster_.dump_model()
    trees = [_Reader(told["tree_structure"]).tree() for told in document["tree_info"]]
    width = int(document["num_tree_per_iteration"])
    total = add_ensemble(graph, _matrix(graph, estimator, inputs, trees), trees, _turns(trees, width), width)
    if not document["average_output"]:
        return total
    return graph.add("Div", total, graph.constant(np.array([[len(trees) / width]]), "iterations"))


def _turns(trees: list[Tree], width: int) -> list[int]:
    return [index % width for index in range(len(trees))]


KINDS = ("None", "NaN", "Zero", "category")  # what a node takes for missing, or that it looks for categories


class _Reader:
    """One tree of `Booster.dump_model`, its nodes numbered from the root.

    A node that takes zero for missing, or categories, gets a column of its own kind: see `_matrix`.
    """

    def __init__(self, root: dict[str, Any]) -> None:
        self._nodes: list[dict[str, Any]] = []
        self._children: list[tuple[int, int]] = []
        self._walk(root)

    def _walk(self, node: dict[str, Any]) -> int:
        number = len(self._nodes)
        self._nodes.append(node)
        self._children.append((-1, -1))
        if "split_feature" in node:
            self._children[number] = (self._walk(node["left_child"]), self._walk(node["right_child"]))
        return number

    def tree(self) -> Tree:
        """The nodes as arrays; `feature` is the feature times the number of kinds, plus its kind."""
        count = len(self._nodes)
        tree = Tree(
            feature=np.zeros(count, dtype=np.int64),
            threshold=np.zeros(count),
            left=np.array([left for left, _ in self._children], dtype=np.int64),
            right=np.array([right for _, right in self._children], dtype=np.int64),
            missing_left=np.zeros(count, dtype=bool),
            leaf=np.array([float(node.get("leaf_value", 0.0)) for node in self._nodes]),
        )
        for number, node in enumerate(self._nodes):
            if "split_feature" not in node:
                continue
            kind = KINDS.index("category" if node["decision_type"] == "==" else node["missing_type"])
            tree.feature[number] = len(KINDS) * int(node["split_feature"]) + kind
            if node["decision_type"] == "==":
                tree.members[number] = [float(code) for code in str(node["threshold"]).split("||")]
                continue
            told = float(node["threshold"])
            tree.threshold[number] = told if abs(told) < INFINITE else np.copysign(np.inf, told)
            absent_is_zero = node["missing_type"] == "None"
            tree.missing_left[number] = tree.threshold[number] >= 0.0 if absent_is_zero else node["default_left"]
        return tree


def _matrix(graph: Graph, estimator: Any, inputs: list[Tensor], trees: list[Tree]) -> str:
    """The columns that the trees' nodes look at, float64; renumbers the features of the trees to these columns."""
    used = sorted({int(code) for tree in trees for code in tree.feature[~tree.leaves]}) or [0]
    place = {code: index for index, code in enumerate(used)}
    for tree in trees:
        tree.feature = np.array([place.get(int(code), 0) for code in tree.feature], dtype=np.int64)
    columns = graph.split(inputs)
    categories = _categories(estimator, columns)
    parts = []
    for code in used:
        feature, kind = divmod(code, len(KINDS))
        parts.append(_column(graph, columns[feature], KINDS[kind], categories.get(feature)))
    return graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def _categories(estimator: Any, columns: list[Tensor]) -> dict[int, list[Any]]:
    """Feature -> the categories of its pandas column, in the order of their codes.

    Raises:
        ExportError: there are category columns of numbers; the booster does not say which columns these are.
    """
    known = estimator.booster_.pandas_categorical or []
    features = [index for index, each in enumerate(columns) if each.kind == "string"]
    if len(features) != len(known):
        raise ExportError(
            f"category columns must hold text; {len(known) - len(features)} of {len(known)} hold numbers",
            'Convert them with astype("str").astype("category") and fit again.',
            step=type(estimator).__name__.lower(),
        )
    return dict(zip(features, known, strict=True))


def _column(graph: Graph, tensor: Tensor, kind: str, categories: list[Any] | None) -> str:
    number = graph.double(tensor) if categories is None else _coded(graph, tensor, categories)
    small = graph.add("LessOrEqual", graph.add("Abs", number), graph.constant(np.array(ZERO), "zero"))
    number = graph.add("Where", small, graph.constant(np.array(np.nan if kind == "Zero" else 0.0), "nothing"), number)
    if kind == "category":
        limit = graph.constant(np.array(LARGEST_CATEGORY), "limit")
        fits = graph.add("Less", graph.add("Abs", number), limit)  # false for NaN, too
        kept = graph.add("Where", fits, number, graph.constant(np.array(NO_CATEGORY), "none"))
        return graph.add("Cast", graph.add("Cast", kept, to=INT64), to=DOUBLE)
    return number


def _coded(graph: Graph, tensor: Tensor, categories: list[Any]) -> str:
    """The position of a category; NaN for a missing or unseen one."""
    text = tensor.kind == "string"
    keys: npt.NDArray[Any] = np.array(categories, dtype=object if text else np.float64)
    name = tensor.name if text else graph.add("Add", graph.double(tensor), graph.constant(np.zeros(1), "zero"))
    return graph.add(
        "LabelEncoder",
        name,
        domain=ML,
        keys_tensor=numpy_helper.from_array(keys),
        values_tensor=numpy_helper.from_array(np.arange(len(keys), dtype=np.float64)),
        default_tensor=numpy_helper.from_array(np.array([np.nan])),
    )


CONVERTERS: dict[type, Converter] = {
    LGBMClassifier: Converter(predict=convert_classifier, check=check, takes_text=True),
    LGBMRegressor: Converter(predict=convert_regressor, check=check, takes_text=True),
}
