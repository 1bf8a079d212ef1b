"""How a model does for the groups of each sensitive column (fairlearn's MetricFrame)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from train.conformal import wilson
from train.judged import Judged
from train.slices import parts_of

FEWEST = 30  # rows of a group: a smaller one says little and may point at single people
RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy")
Metric = Callable[[Any, Any], float]


def fairness_of(judged: Judged, sensitive: list[str]) -> list[dict[str, Any]]:
    """Compare the groups of each sensitive column.

    Of two classes: the share that is answered positive (`selection_rate`), the `true_positive_rate`, the
    `false_positive_rate` and the `accuracy`; of more the accuracy; of numbers the mean of predicted - actual
    (`mean_error`) and of its size (`mae`).

    Args:
        judged: The answers.
        sensitive: Names of columns, of features or of `judged.aside`.

    Returns:
        Per column its `groups` (name, `rows`, the metrics, and `interval`: 95 % of each rate, Wilson 1927) of at least
        30 rows, how many rows stand in smaller ones, and each metric's `difference`, the largest minus the smallest.
    """
    return [found for name in sensitive if (found := _column(judged, name)) is not None]


def typed(column: pd.Series) -> pd.Series:
    """A column as read: of numbers where every known text is one, else of texts; an empty text is missing."""
    texts = column.astype("object").where(column.notna() & (column.astype("str").str.strip() != ""), None)
    numbers = pd.to_numeric(texts, errors="coerce").astype("float64")
    return numbers if numbers.notna().sum() == texts.notna().sum() else texts


def _column(judged: Judged, name: str) -> dict[str, Any] | None:
    column = judged.X[name] if name in judged.X.columns else typed(judged.aside[name])
    parts = parts_of(column)
    if parts is None:
        return None
    rows = np.bincount(parts.code, minlength=len(parts.names))
    large = np.flatnonzero(rows >= FEWEST)
    kept = np.isin(parts.code, large)
    left = int((~kept).sum())
    if len(large) < 2:
        return {"column": name, "groups": [], "left_out": left, "differences": {}}
    by_group, differences = _framed(judged, parts.code, kept)
    groups = [
        {
            "name": parts.names[code],
            "rows": int(rows[code]),
            **by_group[code],
            "interval": _ends(judged, parts.code == code),
        }
        for code in large.tolist()
    ]
    return {"column": name, "groups": groups, "left_out": left, "differences": differences}


def _framed(
    judged: Judged, code: npt.NDArray[np.int64], kept: npt.NDArray[np.bool_]
) -> tuple[dict[int, dict[str, float]], dict[str, float]]:
    from fairlearn.metrics import MetricFrame

    truth, answer = _compared(judged)
    frame = MetricFrame(
        metrics=_metrics(judged), y_true=truth[kept], y_pred=answer[kept], sensitive_features=pd.Series(code[kept])
    )
    by_group = frame.by_group
    groups = {int(group): {str(key): float(value) for key, value in row.items()} for group, row in by_group.iterrows()}
    spread = {str(name): float(by_group[name].max() - by_group[name].min()) for name in by_group.columns}
    return groups, spread


def _compared(judged: Judged) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    if judged.binary:
        return (judged.y == judged.positive).astype(int), (judged.answer == judged.positive).astype(int)
    if judged.probability is None:
        return np.asarray(judged.y, dtype=np.float64), judged.answer
    return (judged.answer == judged.y).astype(int), np.ones(len(judged.y), dtype=int)


def _metrics(judged: Judged) -> dict[str, Metric]:
    if judged.binary:
        return {
            "selection_rate": lambda _, said: float(np.mean(said)),
            "true_positive_rate": lambda yes, said: _share(said, yes == 1),
            "false_positive_rate": lambda yes, said: _share(said, yes == 0),
            "accuracy": lambda yes, said: float(np.mean(yes == said)),
        }
    if judged.probability is None:
        return {
            "mean_error": lambda y, value: float(np.mean(value - y)),
            "mae": lambda y, value: float(np.mean(np.abs(value - y))),
        }
    return {"accuracy": lambda right, _: float(np.mean(right))}


def _share(said: npt.NDArray[Any], among: npt.NDArray[np.bool_]) -> float:
    return float(np.mean(said[among])) if among.any() else float("nan")


def _ends(judged: Judged, here: npt.NDArray[np.bool_]) -> dict[str, list[float]]:
    """The 95 % interval of each rate in a group."""
    if judged.probability is None:
        return {}
    truth, answer = (each[here] for each in _compared(judged))
    among = {
        "selection_rate": (answer, np.ones(len(truth), dtype=bool)),
        "true_positive_rate": (answer, truth == 1),
        "false_positive_rate": (answer, truth == 0),
        "accuracy": (truth == answer, np.ones(len(truth), dtype=bool)),
    }
    rates = RATES if judged.binary else ("accuracy",)
    return {
        name: wilson(float(np.mean(among[name][0][among[name][1]])), int(among[name][1].sum()))
        for name in rates
        if among[name][1].any()
    }
