"""What plain skl2onnx makes of a fitted estimator: its usual float32 export, on rows of the table."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

from lambda_handler.binding import make_session

CLOSE = 1e-3  # of the output's scale: what a float32 graph may be off
OPSETS = {"": 18, "ai.onnx.ml": 3}


def plain(estimator: Any, X: pd.DataFrame, transformer: bool) -> str:
    """`agrees`, `differs: …`, `refused`, or `does not run`.

    Args:
        estimator: fitted on X.
        X: the table; numbers are given as float32, as the usual export has it.
        transformer: compare `transform`.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            model = _converted(estimator, X)
        except Exception:
            return "refused"
        try:
            found = _run(model, X)
        except Exception:
            return "does not run"
        expected = [estimator.transform(X)] if transformer else _expected(estimator, X)
        return _compared(found, expected)


def _converted(estimator: Any, X: pd.DataFrame) -> bytes:
    texts = [not pd.api.types.is_numeric_dtype(X[name]) for name in X]
    if any(texts) or hasattr(estimator, "transformers_") or _starts_with_columns(estimator):
        kinds = [StringTensorType([None, 1]) if text else FloatTensorType([None, 1]) for text in texts]
        inputs = list(zip(X.columns, kinds, strict=True))
    else:
        inputs = [("X", FloatTensorType([None, X.shape[1]]))]
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "predict_proba") else None
    try:
        model = convert_sklearn(estimator, initial_types=inputs, target_opset=OPSETS, options=options)
    except (NameError, ValueError):
        model = convert_sklearn(estimator, initial_types=inputs, target_opset=OPSETS)
    content: bytes = model.SerializeToString()
    return content


def _starts_with_columns(estimator: Any) -> bool:
    steps = getattr(estimator, "steps", None)
    return bool(steps) and hasattr(steps[0][1], "transformers_")


def _run(model: bytes, X: pd.DataFrame) -> list[Any]:
    session = make_session(model)
    names = [value.name for value in session.get_inputs()]
    if names == ["X"]:
        feeds = {"X": X.to_numpy(dtype=np.float32)}
    else:
        columns = [X[name] for name in X]
        feeds = {
            name: column.to_numpy(dtype=object if not pd.api.types.is_numeric_dtype(column) else np.float32)[:, None]
            for name, column in zip(names, columns, strict=True)
        }
    return list(session.run(None, feeds))


def _expected(estimator: Any, X: pd.DataFrame) -> list[Any]:
    found = [estimator.predict(X)]
    if hasattr(estimator, "predict_proba"):
        found.append(estimator.predict_proba(X))
    return found


def _compared(found: list[Any], expected: list[Any]) -> str:
    rows = 0
    if len(expected) == 1:  # KMeans and its like also give what the other method gives
        found = [got for got in found if _table(got).shape == _table(expected[0]).shape] or found
    for got, wanted in zip(found, expected, strict=False):
        first, second = _table(got), _table(wanted)
        if first.shape != second.shape:
            return f"differs: shape {first.shape} for {second.shape}"
        if first.dtype.kind in "OUS" or second.dtype.kind in "OUS":
            rows += int((first.astype(str) != second.astype(str)).any(axis=1).sum())
            continue
        difference = np.abs(first.astype(float) - second.astype(float))
        both = np.isnan(first.astype(float)) & np.isnan(second.astype(float))
        difference = np.nan_to_num(np.where(both, 0.0, difference), nan=np.inf)
        scale = float(np.nanmax(np.abs(second.astype(float)), initial=0.0)) or 1.0
        rows += int((difference > CLOSE * scale).any(axis=1).sum())
    return f"differs: {rows} rows" if rows else "agrees"


def _table(array: Any) -> npt.NDArray[Any]:
    if isinstance(array, list) and isinstance(array[0], dict):
        return np.array([list(row.values()) for row in array])
    if isinstance(array, list):
        return np.hstack([_table(each) for each in array])
    dense = array.toarray() if hasattr(array, "toarray") else np.asarray(array)
    return dense.reshape(len(dense), -1)
