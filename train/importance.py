"""Which columns a model leans on, and how its answer moves along each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from train.judged import FloatArray, Judged
from train.slices import parts_of

REPEATS = 5
MOST_ROWS = 2000  # more are drawn from, and that is said
DEPENDENCE_ROWS = 300
POINTS = 20
MOST_CURVES = 8


def mean_loss(estimator: Any, X: pd.DataFrame, y: npt.NDArray[Any], classes: list[Any] | None) -> float:
    """The mean log loss of a classifier, the mean squared error of a regressor."""
    if classes is None:
        return float(np.mean((np.asarray(y, dtype=np.float64) - estimator.predict(X)) ** 2))
    probability = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    place = np.array([classes.index(value) for value in y.tolist()])
    return float(-np.log(np.clip(probability[np.arange(len(place)), place], 1e-15, 1)).mean())


def permutation_importance(estimator: Any, judged: Judged, seed: int) -> dict[str, Any]:
    """How much the mean loss grows when a column's values are dealt out anew (Breiman, Machine Learning 45, 2001).

    Args:
        estimator: Fitted; stays as it is.
        judged: The held-out rows; of more than 2,000 as many are drawn.
        seed: Of the draws.

    Returns:
        The `loss` in words, its `base`, the `rows`, and per column the `mean` growth over five deals, their `std` and
        the `deals`, the largest mean first. Columns that say the same share
        what they are worth: each alone looks small.
    """
    generator = np.random.default_rng(seed)
    rows = _drawn(len(judged.y), MOST_ROWS, generator)
    X, y = judged.X.iloc[rows].reset_index(drop=True), judged.y[rows]
    base = mean_loss(estimator, X, y, judged.classes)
    columns: list[dict[str, Any]] = []
    for name in X.columns:
        deals = []
        for _ in range(REPEATS):
            dealt = X.assign(**{str(name): X[name].iloc[generator.permutation(len(X))].reset_index(drop=True)})
            deals.append(mean_loss(estimator, dealt, y, judged.classes) - base)
        columns.append(
            {"column": str(name), "mean": float(np.mean(deals)), "std": float(np.std(deals)), "deals": deals}
        )
    columns.sort(key=lambda each: -each["mean"])
    loss = "mean squared error" if judged.classes is None else "log loss"
    return {"loss": loss, "base": base, "rows": len(rows), "columns": columns}


def partial_dependence(estimator: Any, judged: Judged, names: list[str], seed: int) -> list[dict[str, Any]]:
    """The mean answer when every row is given one value of a column (Friedman, Annals of Statistics 29, 2001).

    Args:
        estimator: Fitted; stays as it is.
        judged: The held-out rows; of more than 300 as many are drawn.
        names: Columns; the first eight are looked at.
        seed: Of the draw.

    Returns:
        Per column its `values` (numbers at up to 20 quantiles, or texts, the commonest first), the mean `answer` at
        each (the positive class's probability, the value), and the `share` of rows in each part where the values are
        texts. Empty where there are more than two classes.
    """
    if judged.classes is not None and not judged.binary:
        return []
    rows = _drawn(len(judged.y), DEPENDENCE_ROWS, np.random.default_rng(seed))
    X = judged.X.iloc[rows].reset_index(drop=True)
    return [_curve(estimator, judged, X, name) for name in names[:MOST_CURVES] if parts_of(judged.X[name]) is not None]


def _curve(estimator: Any, judged: Judged, X: pd.DataFrame, name: str) -> dict[str, Any]:
    known = judged.X[name].dropna()
    number = pd.api.types.is_numeric_dtype(known)
    if number:
        values = np.unique(np.quantile(known.to_numpy(dtype=np.float64), np.linspace(0, 1, POINTS))).tolist()
    else:
        values = [str(value) for value in known.value_counts().index[:POINTS]]
    answers = [float(answer_of(estimator, judged, X.assign(**{name: _constant(X[name], value)})).mean())
               for value in values]  # fmt: skip
    return {"column": name, "number": bool(number), "values": values, "answers": answers, "rows": len(X)}


def _constant(column: pd.Series, value: Any) -> pd.Series:
    return pd.Series([value] * len(column), dtype=column.dtype)


def answer_of(estimator: Any, judged: Judged, X: pd.DataFrame) -> FloatArray:
    """The positive class's probability, or the value, float64 of shape (n_rows,)."""
    if judged.classes is None:
        return np.asarray(estimator.predict(X), dtype=np.float64)
    return np.asarray(estimator.predict_proba(X)[:, judged.classes.index(judged.positive)], dtype=np.float64)


def _drawn(rows: int, most: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    if rows <= most:
        return np.arange(rows)
    return np.sort(generator.choice(rows, most, replace=False))
