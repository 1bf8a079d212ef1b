"""What a ranker's lists are made of: how many items they ever name, and how much they lean towards the popular ones."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from train.ranking_record import Answered
from train.ranking_scores import K, row_scores, with_interval

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
THIRDS = ("rare", "middling", "popular")


def first_items(scores: Floats, k: int) -> Numbers:
    """The positions of the first `k` items of each row's list, int64 of shape (n_rows, k); -1 where it is shorter."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found: Numbers = np.where(np.take_along_axis(scores, order, axis=1) < 0, -1, order)
    return found


def gini(counts: Numbers) -> float:
    """The Gini index: 0 where all counts are alike, near 1 where one item has them all; 0 where all are 0."""
    ordered = np.sort(counts).astype(np.float64)
    n, total = len(ordered), ordered.sum()
    return 0.0 if total == 0 else float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * total))


def lists_of(
    items: list[str], told: Answered, units: Numbers, visits: Counter[str], main: str, seed: int
) -> dict[str, Any]:
    """Describe the first `K` places of each row's list beside what came.

    Args:
        items: in the order of the scores' columns.
        told: the answers.
        units: what the bootstrap draws whole.
        visits: how often each item stands in the training trajectories.
        main: the score that is told by popularity.
        seed: of the intervals.

    Returns:
        `coverage`: the share of the items that stand in some list, and those that stand in `none`; the `gini` index of
        how often each is listed, beside that of what `came`; `popularity`: the mean share of the training visits of
        the items that are `listed`, that `came`, and of all that could be listed (`open`); `unknown`: how many truths
        no training trajectory has; per third of the training visits (`thirds`) its `items`, the `share` of what
        came, the share `listed`, and the main score with an interval; per item (`items`) the counts.
    """
    truth, ranked = told.truth, told.scores >= 0
    listed = first_items(told.scores, K)
    said = np.bincount(listed[listed >= 0], minlength=len(items))
    came = np.bincount(truth[truth >= 0], minlength=len(items))
    share = np.array([visits[item] for item in items], dtype=np.float64)
    share /= max(share.sum(), 1.0)
    return {
        "k": K,
        "coverage": float((said > 0).mean()),
        "none": [item for item, count in zip(items, said.tolist(), strict=True) if count == 0],
        "gini": {"listed": gini(said), "came": gini(came)},
        "popularity": {
            "listed": _mean_share(share, said),
            "came": _mean_share(share, came),
            "open": _mean_share(share, ranked.sum(axis=0)),
        },
        "unknown": int((truth < 0).sum()),
        "thirds": _thirds(share, said, came, truth, row_scores(told.rank)[main], units, seed),
        "items": [
            {"item": item, "visits": visits[item], "came": int(came[place]), "listed": int(said[place])}
            for place, item in enumerate(items)
        ],
    }


def _mean_share(share: Floats, counts: npt.NDArray[Any]) -> float:
    return float(share @ counts / max(counts.sum(), 1))


def _thirds(
    share: Floats, said: Numbers, came: Numbers, truth: Numbers, score: Floats, units: Numbers, seed: int
) -> list[dict[str, Any]]:
    """The items cut by popularity into three parts with about a third of the training visits each, the rarest first."""
    order = np.argsort(share, kind="stable")
    before = np.cumsum(share[order]) - share[order] / 2
    part = np.empty(len(share), dtype=np.int64)
    part[order] = np.minimum((before * len(THIRDS)).astype(np.int64), len(THIRDS) - 1)
    found = []
    for number, name in enumerate(THIRDS):
        inside = part == number
        rows = (truth >= 0) & inside[truth]
        told: dict[str, Any] = {"name": name, "items": int(inside.sum()), "rows": int(rows.sum())}
        told |= {"share": float(came[inside].sum() / max(came.sum(), 1))}
        told |= {"listed": float(said[inside].sum() / max(said.sum(), 1))}
        found.append({**told, "score": with_interval(score[rows], units[rows], seed) if rows.any() else None})
    return found
