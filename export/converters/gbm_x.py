"""XGBoost: float32 throughout, as the library computes: inputs, thresholds, leaves, sums, and the link.

`exp` of a float32 is that of the C library, whose result is a rounded float64 polynomial (glibc since 2.28, musl); the
graph computes the same polynomial in float64 and rounds it once.
"""

import json
import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from export.converters.converter import Converter
from export.converters.linear import class_of_largest
from export.converters.trees import Tree, add_ensemble
from export.graph import DOUBLE, INT64, Graph, Tensor

FLOAT = TensorProto.FLOAT
IDENTITY = ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror", "reg:squaredlogerror")
EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie")
SIGMOID = ("binary:logistic", "reg:logistic")
SOFTMAX = "multi:softprob"
STEPS = 32  # per power of two in the table of exp


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse linear boosters, trees with several values per leaf, and objectives with another link."""
    learner = _learner(estimator)
    booster = learner["gradient_booster"]["name"]
    if booster != "gbtree":
        return f"booster={booster!r} has no exact form", "Fit with booster='gbtree'."
    if any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in _model(learner)["trees"]):
        return "multi_strategy='multi_output_tree' has no exact form", "Fit with multi_strategy='one_output_per_tree'."
    objective = learner["objective"]["name"]
    wanted = (SIGMOID[0], SOFTMAX) if hasattr(estimator, "classes_") else IDENTITY + EXPONENTIAL + SIGMOID[1:]
    if objective not in wanted:
        return f"objective={objective!r} has no exact form", f"Use one of {', '.join(wanted)}."
    if estimator.missing is not None and not np.isnan(estimator.missing):
        remedy = "Replace that code by NaN in the table and fit with missing=np.nan."
        return f"missing={estimator.missing!r} is a code that also stands for a number", remedy
    if "c" in (estimator.get_booster().feature_types or []):
        remedy = "Encode the column with OneHotEncoder or OrdinalEncoder in a ColumnTransformer and fit again."
        return "XGBoost takes some categories that training did not have for known ones", remedy
    return None


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the sigmoid or softmax of the margins; a binary label is `probability > 0.5`."""
    margin = _margin(graph, estimator, inputs)
    if _learner(estimator)["objective"]["name"] == SOFTMAX:
        probabilities = _double(graph, _softmax(graph, margin))
        return {"label": class_of_largest(graph, probabilities), "probabilities": probabilities}
    positive = _sigmoid(graph, margin)
    above = graph.add("Greater", positive, graph.constant(np.full((1, 1), 0.5, dtype=np.float32), "half"))
    label = graph.add("Squeeze", graph.add("Cast", above, to=INT64), graph.constant(np.array([1]), "axis"))
    others = graph.add("Sub", graph.constant(np.ones((1, 1), dtype=np.float32), "one"), positive)
    return {"label": label, "probabilities": _double(graph, graph.add("Concat", others, positive, axis=1))}


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the margin or what the link makes of it, of shape (n_rows, n_targets)."""
    margin = _margin(graph, estimator, inputs)
    objective = _learner(estimator)["objective"]["name"]
    if objective in EXPONENTIAL:
        margin = _exp(graph, margin)
    elif objective in SIGMOID:
        margin = _sigmoid(graph, margin)
    return {"value": _double(graph, margin)}


def _double(graph: Graph, name: str) -> str:
    return graph.add("Cast", name, to=DOUBLE)


def _learner(estimator: Any) -> dict[str, Any]:
    """The model file's main part."""
    learner: dict[str, Any] = json.loads(estimator.get_booster().save_raw("json"))["learner"]
    return learner


def _model(learner: dict[str, Any]) -> dict[str, Any]:
    model: dict[str, Any] = learner["gradient_booster"]["model"]
    return model


def _margin(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """The start and the leaves added up in float32, tree after tree, of shape (n_rows, n_targets)."""
    learner = _learner(estimator)
    model = _model(learner)
    start = _start(learner)
    rounds = estimator._get_iteration_range(None)[1]
    count = model["iteration_indptr"][rounds] if rounds else len(model["trees"])
    trees = [_tree(told) for told in model["trees"][:count]]
    targets = [int(target) for target in model["tree_info"][:count]]
    for target, value in enumerate(start):
        if target in targets:
            first = trees[targets.index(target)]
            first.leaf = (value + first.leaf.astype(np.float32)).astype(np.float64)
    return add_ensemble(graph, _matrix(graph, inputs), trees, targets, len(start))


def _start(learner: dict[str, Any]) -> npt.NDArray[np.float32]:
    """The margin before any tree: the base score through the inverse of the link, per target."""
    told = learner["learner_model_param"]["base_score"]
    base = np.array(json.loads(told) if told.startswith("[") else [float(told)], dtype=np.float32)
    objective = learner["objective"]["name"]
    if objective in SIGMOID:
        odds = np.float32(1.0) / base - np.float32(1.0)
        base = np.array([-math.log(float(each)) for each in odds], dtype=np.float32)
    elif objective in EXPONENTIAL:
        base = np.array([math.log(float(each)) for each in base], dtype=np.float32)
    parameters = learner["learner_model_param"]
    width = max(int(parameters["num_class"]), int(parameters["num_target"]), 1)
    return base if len(base) == width else np.repeat(base[:1], width)


def _tree(told: dict[str, Any]) -> Tree:
    """One tree: `x < threshold` as `x <= the float32 below it`."""
    left = np.array(told["left_children"], dtype=np.int64)
    conditions = np.array(told["split_conditions"], dtype=np.float32)
    return Tree(
        feature=np.array(told["split_indices"], dtype=np.int64),
        threshold=np.nextafter(conditions, np.float32(-np.inf)),
        left=left,
        right=np.array(told["right_children"], dtype=np.int64),
        missing_left=np.array(told["default_left"], dtype=bool),
        leaf=conditions.astype(np.float64),
    )


def _matrix(graph: Graph, inputs: list[Tensor]) -> str:
    """All columns as float32, each rounded once."""
    parts = [graph.add("Cast", tensor.name, to=FLOAT) for tensor in inputs]
    return graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def _sigmoid(graph: Graph, margin: str) -> str:
    """1 / (exp(-x) + 1), where -x is at most 88.7, in float32."""
    one = graph.constant(np.ones((1, 1), dtype=np.float32), "one")
    limit = graph.constant(np.full((1, 1), 88.7, dtype=np.float32), "limit")
    power = _exp(graph, graph.add("Min", graph.add("Neg", margin), limit))
    return graph.add("Div", one, graph.add("Add", power, one))


def _softmax(graph: Graph, margins: str) -> str:
    """exp(x - the largest) in float32, divided by the float32 of their float64 sum from first to last."""
    axis = graph.constant(np.array([1]), "axis")
    powers = _exp(graph, graph.add("Sub", margins, graph.add("ReduceMax", margins, axis, keepdims=1)))
    running = graph.add("CumSum", _double(graph, powers), graph.constant(np.array(1), "axis"))
    total = graph.add("Slice", running, *(graph.constant(np.array([n]), "end") for n in (-1, 2**62, 1)))
    return graph.add("Div", powers, graph.add("Cast", total, to=FLOAT))


def _exp(graph: Graph, margin: str) -> str:
    """The C library's exp of float32: 2^(k / 32) from a table times a cubic polynomial in float64, rounded once."""
    scaled = graph.add("Mul", _double(graph, margin), _number(graph, STEPS / math.log(2.0)))
    nearest = graph.add("Round", scaled)
    rest = graph.add("Sub", scaled, nearest)
    whole = graph.add("Cast", nearest, to=INT64)
    steps = graph.constant(np.array(STEPS), "steps")
    place = graph.add("Mod", whole, steps)
    power = graph.add("Div", graph.add("Sub", whole, place), steps)
    table = graph.constant(_table(), "powers")
    scale = graph.add(
        "Mul", graph.add("Gather", table, place), graph.add("Pow", _number(graph, 2.0), _double(graph, power))
    )
    cubic, square, linear = (_number(graph, value) for value in POLYNOMIAL)
    upper = graph.add("Add", graph.add("Mul", cubic, rest), square)
    lower = graph.add("Add", graph.add("Mul", linear, rest), _number(graph, 1.0))
    value = graph.add("Add", graph.add("Mul", upper, graph.add("Mul", rest, rest)), lower)
    return graph.add("Cast", graph.add("Mul", value, scale), to=FLOAT)


POLYNOMIAL = (  # of 2^(r / 32) for r from -1/2 to 1/2, as the C library has it
    float.fromhex("0x1.c6af84b912394p-5") / STEPS**3,
    float.fromhex("0x1.ebfce50fac4f3p-3") / STEPS**2,
    float.fromhex("0x1.62e42ff0c52d6p-1") / STEPS,
)


def _table() -> npt.NDArray[np.float64]:
    """2^(k / 32) for k from 0 to 31, each rounded once."""
    with localcontext() as context:
        context.prec = 60
        return np.array([float(Decimal(2) ** (Decimal(k) / STEPS)) for k in range(STEPS)])


def _number(graph: Graph, value: float) -> str:
    return graph.constant(np.full((1, 1), value), "number")


CONVERTERS: dict[type, Converter] = {
    **{cls: Converter(predict=convert_classifier, check=check) for cls in (XGBClassifier, XGBRFClassifier)},
    **{cls: Converter(predict=convert_regressor, check=check) for cls in (XGBRegressor, XGBRFRegressor)},
}
