"""OneHotEncoder and OrdinalEncoder as look-up tables that the fitted encoder itself fills.

Per column: value -> row number (LabelEncoder), row number -> encoded columns (Gather). The table's rows are the
encoder's own answers for each category, for a missing value and for an unseen one, so that drop, infrequent levels and
every `handle_unknown` need no rules of their own.
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
from export.graph import ML, Graph, Tensor
from lambda_handler.contract import is_missing


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse narrow outputs, mixed and odd categories, and rejecting numbers one by one: no contract lists these."""
    if np.dtype(estimator.dtype) in {np.dtype(np.float32), np.dtype(np.float16)}:
        return (
            f"dtype={np.dtype(estimator.dtype)} makes the next step compute in that precision",
            "Leave dtype at float64.",
        )
    for categories in estimator.categories_:
        kinds = {type(value).__name__ for value in categories.tolist() if not is_missing(value)}
        if len(kinds) > 1 or not kinds <= {"str", "int", "bool", "float"}:
            return (
                f"the categories of a column must be of one type; got {', '.join(sorted(kinds))}",
                "Convert the column.",
            )
        if estimator.handle_unknown == "error" and (
            kinds & {"int", "float"} or (kinds == {"bool"} and len(categories) < 2)
        ):
            return (
                'handle_unknown="error" rejects all but the fitted numbers, and a contract lists text only',
                'Set handle_unknown="ignore" or "use_encoded_value", or convert the column with astype("str"), and fit '
                "again.",
            )
    return None


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write one look-up per column and set the results side by side."""
    columns = graph.split(inputs)
    blocks = [_look_up(graph, column, *_table(estimator, index)) for index, column in enumerate(columns)]
    blocks = [block for block in blocks if block]
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
    if all(values.dtype.kind != "O" for values in estimator.categories_):
        rows = rows.astype(np.float64)
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
    return list(getattr(estimator, "_n_features_outs", [1] * len(estimator.categories_)))


def _look_up(graph: Graph, tensor: Tensor, keys: list[Any], table: npt.NDArray[np.float64]) -> str:
    if not table.shape[1]:
        return ""
    missing_row, unseen_row = len(keys), len(keys) + 1
    if tensor.kind == "string":
        names = np.array([*keys, MISSING_CODE], dtype=object)
        number = _number(graph, tensor.name, names, np.arange(len(names)), unseen_row)
    elif tensor.kind in {"int64", "bool"}:
        whole = tensor.name if tensor.kind == "int64" else graph.add("Cast", tensor.name, to=7)
        number = _number(graph, whole, np.array(keys, dtype=np.int64), np.arange(len(keys)), unseen_row)
    else:
        zero = graph.constant(np.zeros(1), "zero")  # -0.0 + 0.0 is 0.0: both zeros are one category
        plain = graph.add("Add", tensor.name, zero)
        known = _number(graph, plain, np.array(keys, dtype=np.float64), np.arange(len(keys)), unseen_row)
        row = graph.constant(np.array([missing_row], dtype=np.int64), "missing_row")
        number = graph.add("Where", graph.add("IsNaN", tensor.name), row, known)
    looked_up = graph.add("Gather", graph.constant(table, "table"), number, axis=0)
    return graph.add("Squeeze", looked_up, graph.constant(np.array([1]), "axis"))


def _number(graph: Graph, name: str, keys: npt.NDArray[Any], rows: npt.NDArray[np.int64], default: int) -> str:
    return graph.add(
        "LabelEncoder",
        name,
        domain=ML,
        keys_tensor=numpy_helper.from_array(keys),
        values_tensor=numpy_helper.from_array(rows.astype(np.int64)),
        default_tensor=numpy_helper.from_array(np.array([default], dtype=np.int64)),
    )


CONVERTERS: dict[type, Converter] = {
    OneHotEncoder: Converter(transform=convert, check=check, takes_text=True),
    OrdinalEncoder: Converter(transform=convert, check=check, takes_text=True),
}
