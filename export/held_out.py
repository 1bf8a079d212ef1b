"""What the model card says of the held-out rows of a run: nothing of a group below the floor, and no row."""

from typing import Any

from export.describe import FLOOR
from train.run import Run


def public(run: Run) -> dict[str, Any] | None:
    """The part of a run's judgement that may be public.

    Returns:
        `rows`, `loss`, `names` of scores, `scores` with intervals, `ece`, `slices` (`where` in words, `rows`, `loss`,
        `rest`) and how many were `tested`, `fairness` by column, the `coverage` of the interval, and from the project
        file `problem` and `costs`; None of a run without a judgement.
    """
    from train.examine_report import NAMES

    told = run.metrics.get("held_out")
    if told is None:
        return None
    interval = run.metrics.get("interval")
    return {
        "rows": told["rows"],
        "loss": told["loss"],
        "names": NAMES,
        "scores": told["scores"],
        "ece": None if told["calibration"] is None else told["calibration"]["ece"],
        "tested": told["slices"]["tested"],
        "slices": [_slice(each) for each in told["slices"]["slices"] if each["rows"] >= FLOOR],
        "fairness": [_column(column) for column in told["fairness"]],
        "coverage": None if interval is None else interval["test"],
        "problem": {name: value for name, value in run.info.get("problem", {}).items() if value is not None},
        "costs": {name: value for name, value in run.info["costs"].items() if value is not None},
    }


def _slice(told: dict[str, Any]) -> dict[str, Any]:
    from train.examine_report import where_words

    return {"where": where_words(told["where"]), **{name: told[name] for name in ("rows", "loss", "rest")}}


def _column(told: dict[str, Any]) -> dict[str, Any]:
    groups = [group for group in told["groups"] if group["rows"] >= FLOOR]
    return {"column": told["column"], "groups": groups, "differences": told["differences"]}
