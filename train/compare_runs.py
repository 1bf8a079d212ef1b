"""Champion and challenger: `selfsame compare RUN RUN` on the rows that both held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from train.compare_rankings import compare_rankings
from train.errors import TrainError
from train.judged import Judged
from train.paired import corrected_t, mcnemar, paired_bootstrap
from train.record import Record, cleaned, judged_run, read_record
from train.report import SCORE_NAMES, show_score
from train.run import Run, read_run
from train.scores import LOWER_IS_BETTER

FEWEST_FOLDS = 3
RULE = "Runs are compared on the same held-out rows of the same table."
REMEDY = "Train both on the same table, target, seed and [split]."
TOLD = {"data_sha256": "data SHA-256", "positive": "positive class"}  # of run.json, as a message names it


def compare_runs(champion: Path, challenger: Path, score: str | None = None) -> dict[str, Any]:
    """Compare two runs on the same held-out rows.

    Args:
        champion: The run that is in use.
        challenger: The run that may take its place.
        score: What decides; None takes the score by which the champion was chosen.

    Returns:
        For JSON: `deciding` as `paired_bootstrap` gives it, the same of the `others`, `labels` as `mcnemar` gives it
        (None for values), `folds` as `corrected_t` gives it (None where the runs were not validated on the same folds),
        and `better`: whether the challenger is better beyond chance. For rankings as `compare_rankings` gives it.

    Raises:
        TrainError: One is no run; or data, target, held-out rows or classes differ; or the score is none of theirs.
    """
    one, other = read_run(champion), read_run(challenger)
    _check_told(one, other, ("task",))
    with threadpool_limits(1):
        if one.info["task"] == "ranking":
            return compare_rankings(one, other, score)
        records = read_record(one), read_record(other)
        _check_same(one, other, records)
        first, second = judged_run(one, records[0]), judged_run(other, records[1])
    return _judged(one, other, (first, second), score)


def _judged(one: Run, other: Run, judged: tuple[Judged, Judged], score: str | None) -> dict[str, Any]:
    first, second = judged
    score = score or one.metrics["main_score"]
    known = [name for name in one.metrics["held_out"]["scores"] if name in other.metrics["held_out"]["scores"]]
    if score not in known:
        raise TrainError("--score must be one that both runs have.", repr(score), f"Choose one of {', '.join(known)}.")
    found = {name: paired_bootstrap(first, second, name) for name in known}
    labels = None if first.classes is None else mcnemar(first.answer == first.y, second.answer == second.y)
    told = {
        "champion": {"name": one.info["name"], "model": one.info["model"]},
        "challenger": {"name": other.info["name"], "model": other.info["model"]},
        "rows": len(first.y), "better": found[score]["better"], "deciding": found.pop(score), "others": found,
        "labels": labels, "folds": _folds(one, other, score),
    }  # fmt: skip
    cleared: dict[str, Any] = cleaned(told)
    return cleared


def _check_told(one: Run, other: Run, keys: Sequence[str]) -> None:
    for key in keys:
        first, second = (run.info[key]["name"] if key == "target" else run.info[key] for run in (one, other))
        if first != second:
            raise TrainError(RULE, f"another {TOLD.get(key, key)}: {first} and {second}", REMEDY)


def _check_same(one: Run, other: Run, records: tuple[Record, Record]) -> None:
    _check_told(one, other, ("target", "data_sha256", "classes", "positive", "costs"))
    rows, others = (record.row[record.test] for record in records)
    if not np.array_equal(rows, others):
        shared = len(np.intersect1d(rows, others))
        seeds = f"seeds {one.info['seed']} and {other.info['seed']}"
        got = f"{len(rows)} and {len(others)} held-out rows, {shared} of them the same ({seeds})"
        raise TrainError(RULE, got, REMEDY)


def _folds(one: Run, other: Run, score: str) -> dict[str, Any] | None:
    """The test over the folds of the cross-validation, where both used the same ones; above 0 is better."""
    told = [run.metrics["cross_validation"].get(run.info["chosen"], {}).get(score) for run in (one, other)]
    same = one.info["seed"] == other.info["seed"] and one.info["split"] == other.info["split"]
    if (
        not same
        or None in told
        or len(told[0]["folds"]) != len(told[1]["folds"])
        or len(told[0]["folds"]) < FEWEST_FOLDS
    ):
        return None
    folds = one.info["split"]["folds"]
    sign = -1.0 if score in LOWER_IS_BETTER else 1.0
    differences = sign * (np.array(told[1]["folds"], dtype=np.float64) - np.array(told[0]["folds"], dtype=np.float64))
    return {"count": len(differences), **corrected_t(differences, 1 / folds)}


def comparison_text(told: dict[str, Any]) -> str:
    """The comparison in words."""
    deciding = told["deciding"]
    name = SCORE_NAMES.get(deciding["score"], deciding["score"])
    rows = f"{told['rows']:,} held-out rows"
    if "sessions" in told:
        rows = f"{told['rows']:,} next stops of {told['sessions']:,} held-out trajectories"
    lines = [
        f"{rows}, answered by both.",
        f"champion    {told['champion']['model']}: {name} {show_score(deciding['champion'])}",
        f"challenger  {told['challenger']['model']}: {name} {show_score(deciding['challenger'])}",
        f"Better by {_signed(deciding['difference'])} (95 %: {_signed(deciding['low'])} to {_signed(deciding['high'])},"
        " paired bootstrap).",
    ]
    if "units" in told:
        units = told["units"]
        lines.append(
            f"Of {units['count']:,} {units['drawn']} {units['challenger']:,} fare better with the challenger, "
            f"{units['champion']:,} with the champion (sign test, p = {units['p']:.2g})."
        )
    if told["labels"] is not None:
        labels = told["labels"]
        lines.append(
            f"Labels: {labels['challenger_only']:,} rows only the challenger has right, {labels['champion_only']:,} "
            f"only the champion (McNemar, p = {labels['p']:.2g})."
        )
    if told["folds"] is not None:
        folds = told["folds"]
        lines.append(
            f"Folds: {_signed(folds['mean'])} on average of {folds['count']} (Nadeau and Bengio, p = {folds['p']:.2g})."
        )
    verdict = "The challenger is better." if told["better"] else "The challenger is not better beyond chance."
    return "\n".join([*lines, verdict])


def _signed(value: float) -> str:
    return f"{value + 0.0:+.4g}"  # no -0
