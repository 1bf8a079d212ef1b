"""Champion and challenger: `selfsame compare RUN RUN` on the rows that both held out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from train.errors import TrainError
from train.paired import corrected_t, mcnemar, paired_bootstrap
from train.record import Record, cleaned, judged_run, read_record
from train.report import SCORE_NAMES, show_score
from train.run import Run, read_run
from train.scores import LOWER_IS_BETTER

FEWEST_FOLDS = 3


def compare_runs(champion: Path, challenger: Path, score: str | None = None) -> dict[str, Any]:
    """Compare two runs on the same held-out rows.

    Args:
        champion: The run that is in use.
        challenger: The run that may take its place.
        score: What decides; None takes the score by which the champion was chosen.

    Returns:
        For JSON: `deciding` as `paired_bootstrap` gives it, the same of the `others`, `labels` as `mcnemar` gives it
        (None for values), `folds` as `corrected_t` gives it (None where the runs were not validated on the same folds),
        and `better`: whether the challenger is better beyond chance.

    Raises:
        TrainError: One is no run; or data, target, held-out rows or classes differ; or the score is none of theirs.
    """
    one, other = read_run(champion), read_run(challenger)
    if "ranking" in {one.info["task"], other.info["task"]}:
        raise TrainError("compare takes classifications and regressions.", "a ranking", "Compare their report.html.")
    records = read_record(one), read_record(other)
    _check_same(one, other, records)
    with threadpool_limits(1):
        first, second = judged_run(one, records[0]), judged_run(other, records[1])
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


def _check_same(one: Run, other: Run, records: tuple[Record, Record]) -> None:
    remedy = "Train both on the same table, target, seed and [split]."
    rule = "Runs are compared on the same held-out rows of the same table."
    pairs = {
        "task": (one.info["task"], other.info["task"]),
        "target": (one.info["target"]["name"], other.info["target"]["name"]),
        "data SHA-256": (one.info["data_sha256"], other.info["data_sha256"]),
        "classes": (one.info["classes"], other.info["classes"]),
        "positive class": (one.info["positive"], other.info["positive"]),
        "costs": (one.info["costs"], other.info["costs"]),
    }
    for what, (first, second) in pairs.items():
        if first != second:
            raise TrainError(rule, f"another {what}: {first} and {second}", remedy)
    rows, others = (record.row[record.test] for record in records)
    if not np.array_equal(rows, others):
        shared = len(np.intersect1d(rows, others))
        seeds = f"seeds {one.info['seed']} and {other.info['seed']}"
        got = f"{len(rows)} and {len(others)} held-out rows, {shared} of them the same ({seeds})"
        raise TrainError(rule, got, remedy)


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
    lines = [
        f"{told['rows']:,} held-out rows, answered by both.",
        f"champion    {told['champion']['model']}: {name} {show_score(deciding['champion'])}",
        f"challenger  {told['challenger']['model']}: {name} {show_score(deciding['challenger'])}",
        f"Better by {_signed(deciding['difference'])} (95 %: {_signed(deciding['low'])} to {_signed(deciding['high'])},"
        " paired bootstrap).",
    ]
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
