"""The usual export beside which ours is measured: skl2onnx with float32 inputs, under the same onnxruntime session."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

Feeds = Mapping[str, npt.NDArray[Any]]


def float32_export(pipeline: Any, X: pd.DataFrame) -> bytes:
    """Convert as skl2onnx's documentation does: one input per column, numbers as float32, text as strings.

    Args:
        pipeline: fitted on X.
        X: float64 and text columns.

    Raises:
        Exception: whatever skl2onnx raises where it does not convert a step.
    """
    kinds = [
        (str(name), FloatTensorType([None, 1]) if _is_number(X[name]) else StringTensorType([None, 1])) for name in X
    ]
    options = {id(pipeline): {"zipmap": False}} if hasattr(pipeline, "classes_") else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of versions that it was not tested with
        model: bytes = convert_sklearn(pipeline, "float32", kinds, options=options).SerializeToString()
    return model


def float32_feeds(session: Any, X: pd.DataFrame, missing_text: str) -> Feeds:
    """Rows for that graph: float32 and object arrays of shape (n_rows, 1); `missing_text` stands for missing text."""
    names = [each.name for each in session.get_inputs()]  # skl2onnx renames what is no identifier
    columns = [
        (
            X[name].to_numpy(dtype=np.float32)
            if _is_number(X[name])
            else X[name].astype(object).where(X[name].notna(), missing_text).to_numpy()
        ).reshape(-1, 1)
        for name in X
    ]
    return dict(zip(names, columns, strict=True))


def _is_number(column: "pd.Series[Any]") -> bool:
    return column.dtype == np.float64
