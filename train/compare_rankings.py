"""Champion and challenger among rankers: on the same held-out trajectories, with a paired test."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from train.errors import TrainError
from train.judged import SEED
from train.paired import mcnemar
from train.ranking_record import Sessions, answered, read_sessions
from train.ranking_scores import paired_interval, row_scores
from train.run import Run

ALIASES = {"map": "map@5", "ndcg": "ndcg@5", "hit": "hit@5"}  # as the project file calls them
REMEDY = "Train both on the same visits with the same [ranking] columns and [split]."

Floats = npt.NDArray[np.float64]


def compare_rankings(one: Run, other: Run, score: str | None) -> dict[str, Any]:
    """Compare two rankings' runs; the champion's score decides unless `score` names one.

    Returns:
        As `train.compare_runs.compare_runs` does, with no `labels` and no `folds`; `sessions` says how many held-out
        trajectories there are, `units` what is drawn whole (`drawn`), how many there are (`count`), and, by a sign
        test (exact, two-sided), of how many the mean score is higher with the `challenger` and with the `champion`.

    Raises:
        TrainError: the runs were not trained on the same visits and trajectories, or the score is none of theirs.
    """
    first, second = read_sessions(one), read_sessions(other)
    _check_same(one, other, first, second)
    found, others = (row_scores(answered(run.estimator, sessions.test).rank) for run, sessions in
                     ((one, first), (other, second)))  # fmt: skip
    score = one.metrics["main_score"] if score is None else ALIASES.get(score, score)
    if score not in found:
        raise TrainError("--score must be one that both runs have.", repr(score), f"Choose one of {', '.join(found)}.")
    sessions = first if first.drawn == "users" else second
    told = {name: _paired(name, found[name], others[name], sessions.units) for name in found}
    return {
        "champion": {"name": one.info["name"], "model": one.info["model"]},
        "challenger": {"name": other.info["name"], "model": other.info["model"]},
        "rows": len(first.test.y), "better": told[score]["better"], "deciding": told.pop(score), "others": told,
        "labels": None, "folds": None, "sessions": int(first.test.groups[-1]) + 1,
        "units": {"drawn": sessions.drawn, **_signs(others[score] - found[score], sessions.units)},
    }  # fmt: skip


def _check_same(one: Run, other: Run, first: Sessions, second: Sessions) -> None:
    rule = "Rankings are compared on the same held-out trajectories of the same visits."
    digests = [run.info["data_sha256"].split()[0] for run in (one, other)]
    if digests[0] != digests[1]:
        raise TrainError(rule, f"another data SHA-256: {digests[0]} and {digests[1]}", REMEDY)
    held, others = ([tuple(each) for each in part.trajectories[part.first :]] for part in (first, second))
    if held != others or not np.array_equal(first.starts[first.first :], second.starts[second.first :]):
        shared = len(set(held) & set(others))
        raise TrainError(rule, f"{len(held)} and {len(others)} held-out trajectories, {shared} alike", REMEDY)


def _paired(name: str, one: Floats, other: Floats, units: npt.NDArray[np.int64]) -> dict[str, Any]:
    """As `train.paired.paired_bootstrap` gives it; whole units are drawn."""
    low, high = paired_interval(other - one, units, SEED)
    return {
        "score": name, "champion": float(one.mean()), "challenger": float(other.mean()),
        "difference": float((other - one).mean()), "low": low, "high": high, "better": low > 0,
    }  # fmt: skip


def _signs(difference: Floats, units: npt.NDArray[np.int64]) -> dict[str, Any]:
    """The sign test of the units' sums: as McNemar's test does, it looks at those alone on which the two differ."""
    sums = np.bincount(units, weights=difference)
    told = mcnemar(sums < 0, sums > 0)
    better = {"champion": told["champion_only"], "challenger": told["challenger_only"]}
    return {"count": len(sums), **better, "p": told["p"]}
