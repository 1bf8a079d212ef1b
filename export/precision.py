"""Where scikit-learn computes in float32: a step that gets nothing but float32 columns does, and the graph does not."""

import warnings
from collections.abc import Iterator, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder
from sklearn.utils import check_array

from export.converters import REGISTRY, boosting, forest, histogram, select
from export.errors import ExportError
from export.frame import Columns, Schema, take
from lambda_handler.contract import is_missing

ROWS = 20  # training rows that show the dtypes; each step's own answer is the next one's input
FLOATS = (np.float64, np.float32, np.float16)
SAME = {  # these compare and copy numbers, or bring them to a dtype of their own before they compute
    OneHotEncoder, OrdinalEncoder, *forest.CONVERTERS, *boosting.CONVERTERS, *histogram.CONVERTERS, *select.SELECTORS
}  # fmt: skip


def precision_obstacles(core: Any, schema: Schema, table: Columns) -> list[ExportError]:
    """Refuse steps that compute in float32.

    Args:
        core: an exportable estimator without its threshold.
        schema: the columns that it was fitted on.
        table: graph values of the training rows.

    Returns:
        Per step a refusal that names it, the first float32 column that it sees, and the change.
    """
    sample = schema.frame(take(table, np.arange(min(ROWS, len(table[0])))))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        single = [column.name for column in schema.columns if column.dtype == "float32"]
        return list(_walk(core, sample, single, ""))


def _walk(step: Any, data: Any, single: Sequence[str], path: str) -> Iterator[ExportError]:
    """Check a step and those inside it.

    Args:
        step: fitted.
        data: what it gets.
        single: float32 columns that `data` was made of.
        path: where the step stands.
    """
    if isinstance(step, Pipeline):
        for name, inner in step.steps:
            if inner is not None and not isinstance(inner, str):
                yield from _walk(inner, data, single, f"{path} > {name}" if path else name)
                data = inner.transform(data) if inner is not step.steps[-1][1] else data
    elif isinstance(step, ColumnTransformer):
        for name, inner, _ in step.transformers_:
            taken = step._transformer_to_input_indices[name]
            if len(taken) and not isinstance(inner, str):
                part = data.iloc[:, taken] if isinstance(data, pd.DataFrame) else data[:, taken]
                known = [each for each in single if each in part] if isinstance(data, pd.DataFrame) else single
                yield from _walk(inner, part, known, f"{path or 'columntransformer'} > {name}")
    elif isinstance(step, FeatureUnion) or REGISTRY[type(step)].members(step):
        for name, inner in REGISTRY[type(step)].members(step):
            if inner is not None and not isinstance(inner, str) and _takes(inner, data):
                yield from _walk(inner, data, single, f"{path or type(step).__name__.lower()} > {name}")
    else:
        yield from _check(step, data, single, path or type(step).__name__.lower())


def _takes(inner: Any, data: Any) -> bool:
    """Whether the data can be what it gets; a final estimator or a link of a chain gets others' float64 answers."""
    width = data.shape[1] if np.ndim(data) == 2 else 1
    return getattr(inner, "n_features_in_", width) == width


def _check(step: Any, data: Any, single: Sequence[str], path: str) -> Iterator[ExportError]:
    seen = _seen(data)
    if seen not in {np.dtype(np.float32), np.dtype(np.float16)} or _same(step):
        return
    names = ", ".join(f'{name!r}: "float64"' for name in single)
    yield ExportError(
        f"{type(step).__name__} gets nothing but {seen} numbers and computes with {seen}, the export with float64",
        f"Convert before fitting: X = X.astype({{{names}}}), then fit again."
        if single
        else "Leave the dtype of the step in front of it at float64, and fit again.",
        step=path,
        column=single[0] if single else None,
    )


def _seen(data: Any) -> "np.dtype[Any]":
    """The dtype that scikit-learn's own check makes of a step's input."""
    if isinstance(data, pd.DataFrame):
        try:
            data = check_array(data, dtype=FLOATS, ensure_all_finite=False)
        except (ValueError, TypeError):
            return np.dtype(object)  # text
    found: np.dtype[Any] = data.dtype
    return found


def _same(step: Any) -> bool:
    """Whether a step gives the same from float32 columns as from equal float64 ones."""
    if type(step) is SimpleImputer:  # it rounds what it fills in, and the code that it looks for
        code = step.missing_values
        return is_missing(code) or (isinstance(code, Real) and float(np.float32(float(code))) == code)
    return type(step) in SAME or (type(step) is FunctionTransformer and step.func is None)
