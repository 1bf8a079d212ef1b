"""How a model would have done along time: refitted again and again on the past, and left alone to grow old."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from train.evaluate import fit_pipeline
from train.judged import Judged, scores_with_intervals
from train.record import Record, judge

BLOCKS = 6
FEWEST = 50  # rows of a block


def back_test(
    estimator: Any, record: Record, order: npt.NDArray[Any], about: Judged, main: str, blocks: int = BLOCKS
) -> dict[str, Any]:
    """Cut the rows into blocks of equal size along time, and score each by models of the past.

    Args:
        estimator: Fitted; clones of it are fitted.
        record: Every row of the run's table.
        order: What orders the rows, of shape (n_rows,); rows of the same time stay in the table's order.
        about: Names classes, positive class and costs.
        main: The score that is told.
        blocks: Fewer where the table is small; the first is only fitted on.

    Returns:
        The `score`'s name and per later block its `rows`, and with the ends of 95 % intervals the score of the model
        `fresh`, fitted on all blocks before it, and of the `old` one, fitted on the first block; None where a block
        lacks a class.
    """
    places = np.argsort(order, kind="stable")
    blocks = max(2, min(blocks, len(places) // FEWEST))
    parts = np.array_split(places, blocks)
    first = _fitted(estimator, record, parts[0])
    found = []
    for number in range(1, blocks):
        seen = np.concatenate(parts[:number])
        fresh = first if number == 1 else _fitted(estimator, record, seen)
        told: dict[str, Any] = {"block": number + 1, "rows": len(parts[number]), "fitted_on": len(seen)}
        told |= {"from": order[parts[number][0]], "to": order[parts[number][-1]]}
        for name, model in (("fresh", fresh), ("old", first)):
            told[name] = None if model is None else _scored(model, record, parts[number], about, main)
        found.append(told)
    return {"score": main, "first_rows": len(parts[0]), "blocks": found}


def _fitted(estimator: Any, record: Record, rows: npt.NDArray[np.int64]) -> Any:
    y = record.y[rows]
    classes = getattr(estimator, "classes_", None)
    if classes is not None and len(np.unique(y.astype("str"))) < len(classes):
        return None
    with threadpool_limits(1):
        return fit_pipeline(estimator, record.X.iloc[rows].reset_index(drop=True), y)


def _scored(
    model: Any, record: Record, rows: npt.NDArray[np.int64], about: Judged, main: str
) -> dict[str, float] | None:
    X, nothing = record.X.iloc[rows].reset_index(drop=True), pd.DataFrame()
    judged = judge(model, X, record.y[rows], about.classes, about.positive, about.costs, rows, nothing)
    return scores_with_intervals(judged).get(main)
