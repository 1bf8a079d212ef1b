"""What an estimator asks of the estimators inside it, in the form that scikit-learn hands it over."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import is_outlier_detector

from export.errors import ExportError
from export.graph import DOUBLE, Graph, Tensor

METHODS = {"predict_proba": "probabilities", "decision_function": "scores"}


def named_members(estimator: Any) -> list[tuple[str, Any]]:
    """The fitted estimators inside, with the names that a step path shows."""
    named = getattr(estimator, "named_estimators_", None)
    return list(named.items()) if named else [(str(i), each) for i, each in enumerate(estimator.estimators_)]


def answer(found: dict[str, str], kind: str, member: Any) -> str:
    """One of a model's answers.

    Raises:
        ExportError: the model has it, but no graph gives it.
    """
    if kind not in found:
        name = type(member).__name__
        raise ExportError(
            f"{name} is asked for its {kind}, which have no exact form",
            "Use another estimator there and fit again.",
            step=name.lower(),
        )
    return found[kind]


def response(graph: Graph, member: Any, inputs: list[Tensor], method: str) -> str:
    """What `predict`, `predict_proba` or `decision_function` of a member says, float64 of shape (n_rows, n_columns)."""
    found = graph.predict(member, inputs)
    return predicted(graph, member, found) if method == "predict" else answer(found, METHODS[method], member)


def predicted(graph: Graph, member: Any, found: dict[str, str]) -> str:
    """What `predict` of a member says: values or, as numbers, classes; float64 of shape (n_rows, n_targets)."""
    if "value" in found:
        return found["value"]
    if is_outlier_detector(member):
        return column(graph, look_up(graph, np.array([-1.0, 1.0]), found["label"]))
    classes = getattr(member, "classes_", None)
    if classes is None:
        return column(graph, graph.add("Cast", found["label"], to=DOUBLE))
    if not isinstance(classes, list):
        return column(graph, look_up(graph, _numbers(classes, member), found["label"]))
    if len(classes) == 1:
        return column(graph, look_up(graph, _numbers(classes[0], member), found["label"]))
    parts = [
        look_up(graph, _numbers(each, member), graph.chosen(found["label"], [target]))
        for target, each in enumerate(classes)
    ]
    return graph.add("Concat", *parts, axis=1)


def _numbers(classes: Any, member: Any) -> npt.NDArray[np.float64]:
    array = np.asarray(classes)
    if array.dtype.kind not in "biuf":
        name = type(member).__name__
        raise ExportError(
            f"labels that another estimator computes with must be numbers; {name} answers {array.dtype}",
            "Let it be asked for probabilities, or convert the target with LabelEncoder and fit again.",
            step=name.lower(),
        )
    return array.astype(np.float64)


def look_up(graph: Graph, table: npt.NDArray[np.float64], index: str) -> str:
    """Rows of a table by their number, of the shape of `index` followed by that of a row."""
    return graph.add("Gather", graph.constant(table, "table"), index, axis=0)


def column(graph: Graph, name: str) -> str:
    """Shape (n_rows,) made (n_rows, 1)."""
    return graph.add("Unsqueeze", name, graph.constant(np.array([1]), "axis"))


def flat(graph: Graph, name: str) -> str:
    """Shape (n_rows, 1) made (n_rows,)."""
    return graph.add("Squeeze", name, graph.constant(np.array([1]), "axis"))


def with_number(graph: Graph, operator: str, name: str, number: npt.ArrayLike) -> str:
    """`name` operator number; the number is one row, or one value for all columns."""
    constant = np.asarray(number, dtype=np.float64).reshape(1, -1)
    return graph.add(operator, name, graph.constant(constant, operator.lower()))


def total(graph: Graph, names: Sequence[str]) -> str:
    """The running sum in the order of the names."""
    return graph.add("Sum", *names) if len(names) > 1 else names[0]


def row_total(graph: Graph, name: str, width: int) -> str:
    """The running sum of each row's columns, of shape (n_rows, 1); along the last axis where there are more."""
    running = graph.add("CumSum", name, graph.constant(np.array(-1), "axis"))
    return graph.add("Gather", running, graph.constant(np.array([width - 1]), "last"), axis=-1)


def side_by_side(graph: Graph, names: Sequence[str]) -> str:
    """Columns beside each other."""
    return graph.add("Concat", *names, axis=1) if len(names) > 1 else names[0]


def repeated(graph: Graph, row: npt.NDArray[Any], like: Tensor) -> str:
    """One constant row, of shape (n_columns,), as often as a tensor has rows."""
    rows = graph.add("Shape", like.name, start=0, end=1)
    shape = graph.add("Concat", rows, graph.constant(np.array([len(row)]), "width"), axis=0)
    return graph.add("Expand", graph.constant(row.reshape(1, -1), "row"), shape)


def spread(graph: Graph, name: str, columns: Sequence[int], width: int) -> str:
    """Columns moved to their places among `width` columns; zero at the others."""
    if list(columns) == list(range(width)):
        return name
    source = np.full(width, len(columns))
    source[np.asarray(columns, dtype=np.int64)] = np.arange(len(columns))
    padded = graph.add("Pad", name, graph.constant(np.array([0, 0, 0, 1]), "pads"))
    return graph.chosen(padded, source)


def places(classes: Any, known: Any) -> list[int]:
    """Where each of `known` stands among `classes`, which are sorted."""
    return [int(index) for index in np.searchsorted(np.asarray(classes), np.asarray(known))]


def as_array(graph: Graph, inputs: list[Tensor], features: npt.NDArray[np.int64] | None = None) -> list[Tensor]:
    """The columns of the array that scikit-learn makes of a table, or those at some positions of it."""
    if any(tensor.kind == "string" for tensor in inputs):
        columns = graph.split(inputs)
        return columns if features is None else [columns[index] for index in features]
    width = sum(tensor.width for tensor in inputs)
    sparse = any(tensor.sparse for tensor in inputs)
    matrix = graph.matrix(inputs)
    if features is None or list(features) == list(range(width)):
        return [Tensor(matrix, "double", width, sparse)]
    return [Tensor(graph.chosen(matrix, features), "double", len(features), sparse)]
