"""OneHotEncoder and OrdinalEncoder as look-up tables that the fitted encoder itself fills.

The table's rows are the encoder's own answers for each category, for a missing value and for an unseen one, so that
drop, infrequent levels and every `handle_unknown` need no rules of their own. Where each row has at most a single one,
its position is looked up (LabelEncoder) and compared with each column's own; a table of one column is looked up itself;
else the row's number is, and the row is picked (Gather).
"""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from onnx import numpy_helper
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from export.converters.converter import Converter
from export.frame import MISSING_CODE
from export.graph import DOUBLE, INT64, ML, Graph, Tensor
from lambda_handler.contract import is_missing


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse narrow outputs, and categories of several types or of an odd one."""
    if np.dtype(estimator.dtype) in {np.dtype(np.float32), np.dtype(np.float16)}:
        return (
            f"dtype={np.dtype(estimator.dtype)} makes the next step compute in that precision",
            "Leave dtype at float64.",
        )
    return check_categories(estimator)


def check_categories(estimator: Any) -> tuple[str, str] | None:
    """Refuse categories of several types or of an odd one."""
    for categories in estimator.categories_:
        kinds = {type(value).__name__ for value in categories.tolist() if not is_missing(value)}
        if len(kinds) > 1 or not kinds <= {"str", "int", "bool", "float"}:
            return (
                f"the categories of a column must be of one type; got {', '.join(sorted(kinds))}",
                "Convert the column.",
            )
    return None


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write one look-up per column and set the results side by side."""
    columns = graph.split(inputs)
    tables = [_table(estimator, index) for index in range(len(columns))]
    found = [(column, *each) for column, each in zip(columns, tables, strict=True) if each[1].shape[1]]
    if all(np.isin(table, (0.0, 1.0)).all() and (table.sum(axis=1) <= 1.0).all() for _, _, table in found):
        matrix = _one_hot(graph, found)
    else:
        blocks = [_look_up(graph, *each) for each in found]
        matrix = graph.add("Concat", *blocks, axis=1) if len(blocks) > 1 else blocks[0]
    width = int(np.sum(_widths(estimator)))
    return [Tensor(matrix, "double", width, bool(getattr(estimator, "sparse_output", False)))]


def _table(estimator: Any, column: int) -> tuple[list[Any], npt.NDArray[np.float64]]:
    """Keys and encoded rows of one column; the last two rows are for missing and for unseen values."""
    categories = [_present(values) for values in estimator.categories_]
    keys = categories[column]
    missing = next((value for value in estimator.categories_[column].tolist() if is_missing(value)), np.nan)
    probes = np.array([*keys, missing, _unseen(keys)], dtype=object)
    filler = [values[0] if values else np.nan for values in categories]
    rows = np.array([filler] * len(probes), dtype=object)
    rows[:, column] = probes
    if all(values.dtype.kind == "f" for values in estimator.categories_):
        rows = rows.astype(np.float64)  # whole numbers stay as they are: float64 rounds them beyond 2**53
    return keys, _encode(estimator, rows, column)


def _present(values: npt.NDArray[Any]) -> list[Any]:
    return [value for value in values.tolist() if not is_missing(value)]


def _unseen(keys: list[Any]) -> Any:
    if keys and isinstance(keys[0], str):
        return max(keys, key=len) + "\ue001"
    return 2.0 * max((abs(float(key)) for key in keys), default=0.0) + 1.5  # a sum alone may round to a category


def _encode(estimator: Any, rows: npt.NDArray[Any], column: int) -> npt.NDArray[np.float64]:
    """The encoder's own answers for one column; zeros for a value that it rejects (the contract rejects it, too)."""
    names = getattr(estimator, "feature_names_in_", None)
    widths = _widths(estimator)
    start, width = int(np.sum(widths[:column])), int(widths[column])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unseen values and bare arrays are meant here
        try:
            # the dtype is named: pandas would read text as `str`, whose missing value is NaN and never None
            frame = None if names is None else pd.DataFrame(rows, columns=names, dtype=rows.dtype)
            encoded = estimator.transform(rows if frame is None else frame)
        except ValueError:
            if len(rows) == 1:
                return np.zeros((1, width))
            return np.concatenate([_encode(estimator, rows[i : i + 1], column) for i in range(len(rows))])
    dense = encoded.toarray() if hasattr(encoded, "toarray") else encoded
    return np.asarray(dense, dtype=np.float64)[:, start : start + width]


def _widths(estimator: Any) -> list[int]:
    """How many columns each column becomes."""
    targets = len(estimator.classes_) if getattr(estimator, "target_type_", None) == "multiclass" else 1
    return list(getattr(estimator, "_n_features_outs", [targets] * len(estimator.categories_)))


def _one_hot(graph: Graph, columns: list[tuple[Tensor, list[Any], npt.NDArray[np.float64]]]) -> str:
    """Compare the position of each column's one, -1 for none, with that of each encoded column."""
    positions = [
        _number(graph, tensor, keys, np.where(table.any(axis=1), table.argmax(axis=1), -1))
        for tensor, keys, table in columns
    ]
    widths = [table.shape[1] for _, _, table in columns]
    position = positions[0]
    if len(positions) > 1:
        joined = graph.add("Concat", *positions, axis=1)
        position = graph.chosen(joined, np.repeat(np.arange(len(widths)), widths))
    own = graph.constant(np.concatenate([np.arange(width) for width in widths]).reshape(1, -1), "positions")
    return graph.add("Cast", graph.add("Equal", position, own), to=DOUBLE)


def _look_up(graph: Graph, tensor: Tensor, keys: list[Any], table: npt.NDArray[np.float64]) -> str:
    if table.shape[1] == 1:
        return _number(graph, tensor, keys, table[:, 0])
    number = _number(graph, tensor, keys, np.arange(len(table)))
    looked_up = graph.add("Gather", graph.constant(table, "table"), number, axis=0)
    return graph.add("Squeeze", looked_up, graph.constant(np.array([1]), "axis"))


def _number(graph: Graph, tensor: Tensor, keys: list[Any], values: npt.NDArray[Any]) -> str:
    """The number of each value, of shape (n_rows, 1).

    Args:
        graph: where to.
        tensor: one column.
        keys: its categories.
        values: their numbers, then that of a missing value and that of an unseen one.
    """
    present, missing, unseen = values[:-2], values[-2:-1], values[-1:]
    if tensor.kind == "string":
        return encoder(graph, tensor.name, np.array([*keys, MISSING_CODE], dtype=object), values[:-1], unseen)
    if tensor.kind in {"int64", "bool"}:
        whole = tensor.name if tensor.kind == "int64" else graph.add("Cast", tensor.name, to=INT64)
        return encoder(graph, whole, np.array(keys, dtype=np.int64), present, unseen)
    zero = graph.constant(np.zeros(1), "zero")  # -0.0 + 0.0 is 0.0: both zeros are one category
    double = graph.double(tensor)
    known = encoder(graph, graph.add("Add", double, zero), np.array(keys, dtype=np.float64), present, unseen)
    return graph.add("Where", graph.add("IsNaN", double), graph.constant(missing, "missing"), known)


def encoder(
    graph: Graph, name: str, keys: npt.NDArray[Any], values: npt.NDArray[Any], default: npt.NDArray[Any]
) -> str:
    """Look up the value of each key, `default` for any other; in the shape of `name`."""
    return graph.add(
        "LabelEncoder",
        name,
        domain=ML,
        keys_tensor=numpy_helper.from_array(keys),
        values_tensor=numpy_helper.from_array(values),
        default_tensor=numpy_helper.from_array(default),
    )


CONVERTERS: dict[type, Converter] = {
    OneHotEncoder: Converter(transform=convert, check=check, takes_text=True),
    OrdinalEncoder: Converter(transform=convert, check=check, takes_text=True),
}
