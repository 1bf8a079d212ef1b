"""Several classes out of binary members: one against the rest, one against one, output codes."""

from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.multiclass import (
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
    _ConstantPredictor,
    _threshold_for_binary_predict,
)

from export.converters.converter import Converter
from export.converters.linear import class_of_largest
from export.converters.member import (
    answer,
    as_array,
    flat,
    named_members,
    predicted,
    repeated,
    row_total,
    side_by_side,
    with_number,
)
from export.graph import DOUBLE, INT64, Graph, Tensor

Found = list[tuple[Any, dict[str, str]]]


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse a single class, and members that compute with a kernel between rows."""
    if len(estimator.classes_) < 2:
        return f"{type(estimator).__name__} must know two classes; it was fitted on one", "Fit on rows of two classes."
    if getattr(estimator, "pairwise_indices_", None) is not None:
        return "a precomputed kernel has no columns", "Give the members the kernel by name and fit on the columns."
    return None


def convert_constant(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the one answer of a member that saw one class only."""
    value = float(estimator.y_[0])
    scores = repeated(graph, np.array([value]), inputs[0])
    probabilities = repeated(graph, np.array([1.0 - value, value]), inputs[0])
    return {"value": scores, "scores": scores, "probabilities": probabilities}


def convert_rest(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the class whose member is surest, or, of two classes or of labels, each member's own decision."""
    found = [(member, graph.predict(member, inputs)) for member in estimator.estimators_]
    said = side_by_side(graph, [_confidence(graph, member, each) for member, each in found])
    if estimator.label_binarizer_.y_type_ == "multiclass":
        answers = {"label": class_of_largest(graph, said)}
    else:
        above = with_number(graph, "Greater", said, _threshold_for_binary_predict(estimator.estimators_[0]))
        label = graph.add("Cast", above, to=INT64)
        answers = {"label": flat(graph, label) if len(found) == 1 else label}
    if all(hasattr(member, "decision_function") for member in estimator.estimators_):
        answers["scores"] = side_by_side(graph, [answer(each, "scores", member) for member, each in found])
    if all(hasattr(member, "predict_proba") for member in estimator.estimators_):
        answers["probabilities"] = _rest_probabilities(graph, estimator, found)
    return answers


def _rest_probabilities(graph: Graph, estimator: Any, found: Found) -> str:
    """Each member's probability of its own class; of one label, the other's too; else divided by their sum."""
    names = [graph.chosen(answer(each, "probabilities", member), [1]) for member, each in found]
    one = graph.constant(np.ones((1, 1)), "one")
    if estimator.multilabel_:
        return side_by_side(graph, [part for name in names for part in (graph.add("Sub", one, name), name)])
    if len(names) == 1:
        names = [graph.add("Sub", one, names[0]), names[0]]
    joined = side_by_side(graph, names)
    sums = row_total(graph, joined, len(names))
    nothing = with_number(graph, "Equal", sums, 0.0)
    return graph.add("Where", nothing, joined, graph.add("Div", joined, sums))


def _confidence(graph: Graph, member: Any, found: dict[str, str]) -> str:
    """What a binary member says for its second class, of shape (n_rows, 1)."""
    if is_regressor(member):
        return found["value"]
    if hasattr(member, "decision_function"):
        return answer(found, "scores", member)
    return graph.chosen(answer(found, "probabilities", member), [1])


def convert_one(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the votes of the pairs, and their confidences, squeezed below a third of a vote, that break ties."""
    columns, count = as_array(graph, inputs), len(estimator.classes_)
    found = [(member, graph.predict(member, columns)) for member in estimator.estimators_]
    votes = side_by_side(graph, [predicted(graph, member, each) for member, each in found])
    said = side_by_side(graph, [_confidence(graph, member, each) for member, each in found])
    pairs = [(first, second) for first in range(count) for second in range(first + 1, count)]
    of_class = np.array([[at for at, pair in enumerate(pairs) if each in pair] for each in range(count)])
    is_second = np.array([[pairs[at][1] == each for at in row] for each, row in enumerate(of_class)], dtype=np.float64)
    won = graph.add("Equal", graph.chosen(votes, of_class), graph.constant(is_second, "second"))
    won = _sum_of_pairs(graph, graph.add("Cast", won, to=DOUBLE), count)
    sign = graph.constant(np.where(is_second == 1.0, 1.0, -1.0), "sign")
    sums = _sum_of_pairs(graph, graph.add("Mul", graph.chosen(said, of_class), sign), count)
    size = with_number(graph, "Add", graph.add("Abs", sums), 1.0)
    scores = graph.add("Add", won, graph.add("Div", sums, with_number(graph, "Mul", size, 3.0)))
    if count > 2:
        return {"label": class_of_largest(graph, scores), "scores": scores}
    second = graph.chosen(scores, [1])
    above = with_number(graph, "Greater", second, _threshold_for_binary_predict(estimator.estimators_[0]))
    return {"label": flat(graph, graph.add("Cast", above, to=INT64)), "scores": second}


def _sum_of_pairs(graph: Graph, name: str, count: int) -> str:
    """(n_rows, n_classes, n_pairs_of_each) summed in the order of the pairs."""
    return graph.add("Squeeze", row_total(graph, name, count - 1), graph.constant(np.array([2]), "axis"))


def convert_code(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the class whose code is nearest to what the members say: |x|^2 - 2 x.c + |c|^2, as scikit-learn has it."""
    found = [(member, graph.predict(member, inputs)) for member in estimator.estimators_]
    said = side_by_side(graph, [_confidence(graph, member, each) for member, each in found])
    codes, width = np.asarray(estimator.code_book_, dtype=np.float64), len(found)
    own = row_total(graph, graph.add("Mul", said, said), width)
    every = graph.add("Unsqueeze", said, graph.constant(np.array([1]), "axis"))
    products = row_total(graph, graph.add("Mul", every, graph.constant(codes[None], "codes")), width)
    middle = graph.add("Squeeze", with_number(graph, "Mul", products, -2.0), graph.constant(np.array([2]), "axis"))
    apart = with_number(graph, "Add", graph.add("Add", own, middle), (codes * codes).sum(axis=1))
    apart = with_number(graph, "Max", apart, 0.0)
    return {"label": graph.add("ArgMin", apart, axis=1, keepdims=0, select_last_index=0)}


CONVERTERS: dict[type, Converter] = {
    _ConstantPredictor: Converter(predict=convert_constant, takes_text=True),
    OneVsRestClassifier: Converter(predict=convert_rest, check=check, takes_text=True, members=named_members),
    OneVsOneClassifier: Converter(predict=convert_one, check=check, members=named_members),
    OutputCodeClassifier: Converter(predict=convert_code, check=check, takes_text=True, members=named_members),
}
