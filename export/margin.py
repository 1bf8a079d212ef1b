"""How far an answer stands from a turn: of a label without numbers, or of a choice after which the numbers jump."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import is_clusterer
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from export.converters import REGISTRY

ROUNDING = 1e-12  # of the output's scale: the most that counts as float64 arithmetic in another order
AT_JUMP = 2e-12  # a smaller margin is within the rounding of what is compared


def has_margins(model: Any) -> bool:
    """Whether a fitted model, or a step inside it, chooses by rounded numbers."""
    if type(model) not in REGISTRY:
        return False
    entry = REGISTRY[type(model)]
    return entry.margins is not None or any(has_margins(inner) for _, inner in entry.members(model))


def margins(model: Any, frame: pd.DataFrame, transforms: bool = False) -> npt.NDArray[np.float64]:
    """Ask a model that `has_margins` how decided its answers are.

    Args:
        model: fitted.
        frame: rows that it answers.
        transforms: it is asked for columns, not for predictions.

    Returns:
        float64 of shape (n_rows,): the distance to the next turn of any step as a share of the numbers that are
        compared there; infinite where it is no number.
    """
    found = np.full(len(frame), np.inf)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # the model itself was asked before; names and overflows are known
        for step, data in _choices(model, frame, transforms):
            entry = REGISTRY[type(step)]
            if entry.margins is not None:
                found = np.fmin(found, entry.margins(step, data if entry.members(step) else _numbers(data)))
    return found


def _choices(step: Any, data: Any, transforms: bool) -> Iterator[tuple[Any, Any]]:
    """The steps that choose, each with the rows that it gets."""
    if not has_margins(step):
        return
    if not (transforms and is_clusterer(step)):  # distances to all centres do not jump
        yield step, data
    if type(step) is Pipeline:
        for name, inner in step.steps:
            yield from _choices(inner, data, transforms or name != step.steps[-1][0])
            if name != step.steps[-1][0] and hasattr(inner, "transform"):
                data = _dense(inner.transform(data))
    elif type(step) is ColumnTransformer:
        for name, inner, _ in step.transformers_:
            taken = step._transformer_to_input_indices[name]
            yield from _choices(inner, data.iloc[:, taken] if hasattr(data, "iloc") else data[:, taken], True)
    else:
        for inner, given in _members(step, data):
            yield from _choices(inner, given, type(step) is FeatureUnion)


def _members(step: Any, data: Any) -> Iterator[tuple[Any, Any]]:
    """The estimators inside a step that get its rows, or columns of them; the last of a stack gets what others say."""
    columns = {id(each): taken for each, taken in _subsets(step)}
    for _, inner in REGISTRY[type(step)].members(step):
        if id(inner) in columns:
            yield inner, np.asarray(data)[:, columns[id(inner)]]
        elif inner is getattr(step, "final_estimator_", None):
            yield inner, _dense(step.transform(data))
        elif getattr(inner, "n_features_in_", data.shape[1]) == data.shape[1]:
            yield inner, data


def _subsets(step: Any) -> Iterator[tuple[Any, Any]]:
    """The members of a bag and the columns of each."""
    return (
        zip(step.estimators_, step.estimators_features_, strict=True)
        if hasattr(step, "estimators_features_")
        else iter(())
    )


def _dense(data: Any) -> Any:
    return data.toarray() if hasattr(data, "toarray") else data


def _numbers(data: Any) -> npt.NDArray[np.float64]:
    if isinstance(data, pd.DataFrame):
        return data.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(data, dtype=np.float64)
