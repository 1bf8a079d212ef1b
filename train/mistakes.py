"""What went wrong and what it costs: confusion, residuals, the single worst rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from train.conformal import Offsets, held_in
from train.judged import Judged, cost_of_rows

WORST = 20
PARTS = 10


def confusion_by_cost(judged: Judged, threshold: float | None) -> dict[str, Any] | None:
    """Count the answers by what was true, and price them.

    Returns:
        None for values. Else `classes` and `counts` (truth by answer); where two classes have costs also the mean
        `cost` of a row as answered, with every row answered `always` or `never` positive, and at the `best` threshold
        of these very rows, which is known afterwards only.
    """
    if judged.classes is None:
        return None
    place = {label: number for number, label in enumerate(judged.classes)}
    counts = np.zeros((len(place), len(place)), dtype=np.int64)
    for truth, answer in zip(judged.y.tolist(), judged.answer.tolist(), strict=True):
        counts[place[truth], place[answer]] += 1
    found: dict[str, Any] = {"classes": judged.classes, "counts": counts.tolist(), "threshold": threshold}
    cost = cost_of_rows(judged)
    if cost is None:
        return found
    yes = judged.y == judged.positive
    wrong_yes, wrong_no = judged.costs.false_positive or 0.0, judged.costs.false_negative or 0.0
    found |= {"cost": float(cost.mean()), "always": float(wrong_yes * np.mean(~yes))}
    found |= {"never": float(wrong_no * np.mean(yes)), "best": _best_threshold(judged, yes, wrong_yes, wrong_no)}
    return found


def _best_threshold(judged: Judged, yes: npt.NDArray[np.bool_], wrong_yes: float, wrong_no: float) -> dict[str, float]:
    order = np.argsort(-judged.chance, kind="stable")
    chance, hit = judged.chance[order], yes[order]
    cost = wrong_yes * np.cumsum(~hit) + wrong_no * (hit.sum() - np.cumsum(hit))
    last = np.append(chance[1:] != chance[:-1], True)
    place = np.flatnonzero(last)[np.argmin(cost[last])]
    return {"threshold": float(chance[place]), "cost": float(cost[place] / len(hit))}


def residuals_of(judged: Judged, interval: dict[str, Any] | None) -> dict[str, Any] | None:
    """What is left over, actual - predicted, by the size of the prediction.

    Returns:
        None for classes. Else the `quantiles` of the residuals (5, 25, 50, 75 and 95 %), and for ten groups of rows
        with ever larger predictions their `rows`, `from` and `to`, the `mean` residual, its `std`, and the interval's
        `coverage`, None without one.
    """
    if judged.probability is not None:
        return None
    y, value = np.asarray(judged.y, dtype=np.float64), judged.answer
    left = y - value
    ends = None if interval is None else Offsets(interval["kind"], interval["low"], interval["high"]).around(value)
    groups = []
    for part in np.array_split(np.argsort(value, kind="stable"), min(PARTS, max(1, len(y) // 10))):
        held = None if ends is None else held_in(y[part], ends[0][part], ends[1][part])
        groups.append({
            "rows": len(part), "from": float(value[part[0]]), "to": float(value[part[-1]]),
            "mean": float(left[part].mean()), "std": float(left[part].std()), "coverage": held,
        })  # fmt: skip
    return {"quantiles": np.quantile(left, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist(), "groups": groups}


def worst_mistakes(judged: Judged, count: int = WORST) -> list[dict[str, Any]]:
    """The rows with the largest loss, the worst first; private, like the run.

    Returns:
        Per row its number among the rows with a target, counted from 1, the `truth`, the `answer`, the probability of
        the truth (`likely`, None for values), the `loss`, and the `values` of the row itself.
    """
    loss = judged.loss
    worst = np.argsort(-loss, kind="stable")[: min(count, len(loss))]
    rows = judged.X.iloc[worst].astype(object).where(judged.X.iloc[worst].notna(), None).to_dict("records")
    return [
        {
            "row": int(judged.row[place]) + 1, "truth": judged.y[place], "answer": judged.answer[place],
            "likely": None if judged.probability is None else float(np.exp(-loss[place])),
            "loss": float(loss[place]), "values": {str(name): value for name, value in values.items()},
        }
        for place, values in zip(worst.tolist(), rows, strict=True)
    ]  # fmt: skip
