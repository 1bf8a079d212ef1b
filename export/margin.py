"""How far a label stands from the next one, for models that give labels and no numbers to judge it by."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.pipeline import Pipeline

from export.converters import REGISTRY


def has_margins(model: Any) -> bool:
    """Whether the labels of a fitted model, or of the last step of a pipeline, are decided by rounded numbers."""
    last = _split(model)[1]
    return type(last) in REGISTRY and REGISTRY[type(last)].margins is not None


def margins(model: Any, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Ask a model that `has_margins` how decided its labels are.

    Args:
        model: fitted.
        frame: rows that it answers.

    Returns:
        float64 of shape (n_rows,): the distance to the next label as a share of the numbers that are compared;
        infinite where it is no number.
    """
    steps, last = _split(model)
    matrix: Any = frame
    for step in steps:
        matrix = step.transform(matrix)
    dense = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    entry = REGISTRY[type(last)]
    given = dense if entry.members(last) else np.asarray(dense, dtype=np.float64)
    found = np.full(len(frame), np.inf) if entry.margins is None else entry.margins(last, given)
    return np.where(np.isnan(found), np.inf, found)


def _split(model: Any) -> tuple[list[Any], Any]:
    """The transformers in front, and the model behind them."""
    steps: list[Any] = []
    while type(model) is Pipeline:
        steps += [step for _, step in model.steps[:-1] if step is not None and not isinstance(step, str)]
        model = model.steps[-1][1]
    return steps, model
