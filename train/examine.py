"""Looks at a run's model on the rows that it never saw: `selfsame examine`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from train.backtest import back_test
from train.config import SplitSettings
from train.conformal import coverage
from train.errors import TrainError
from train.examine_ranking import STEPS as RANKING_STEPS
from train.examine_ranking import examined_ranking, render_ranking_examination
from train.examine_report import render
from train.folder import as_json
from train.held_out import held_out
from train.importance import partial_dependence, permutation_importance
from train.judged import Judged
from train.mistakes import confusion_by_cost, residuals_of, worst_mistakes
from train.record import Record, cleaned, judged_run, read_record
from train.run import Run, read_run
from train.split import marks_of

FILES = ("examine.json", "examine.html")
STEPS = 5

Progress = Callable[[str, int, int], None]


def examine(
    path: Path, out: Path | None = None, *, along_rows: bool = False, progress: Progress = lambda *_: None
) -> Path:
    """Examine a run and write examine.html and examine.json.

    Args:
        path: The run.
        out: The folder to write to; None takes `examine` inside the run.
        along_rows: Take the table's order for the time where the run was not split along a column.
        progress: Called with "examine", the steps that are done, and how many there are.

    Returns:
        The folder.

    Raises:
        TrainError: `path` is no run, lacks what the examination needs, or `out` cannot be written.
    """
    out = out or path / "examine"
    _check_place(out)
    run = read_run(path)
    ranking = run.info["task"] == "ranking"
    if ranking and along_rows:
        rule = "--along-rows is for tables without a time."
        raise TrainError(rule, f"a ranking in {path}", "Leave it out: a ranking is always tested along its time.")
    with threadpool_limits(1):
        found = examined_ranking(run, progress) if ranking else examined(run, along_rows=along_rows, progress=progress)
    shown = render_ranking_examination(found, run.info) if ranking else render(found, run.info)
    out.mkdir(parents=True, exist_ok=True)
    (out / "examine.json").write_bytes(as_json(found))
    (out / "examine.html").write_text(shown, encoding="utf-8")
    steps = RANKING_STEPS if ranking else STEPS
    progress("examine", steps, steps)
    return out


def examined(run: Run, *, along_rows: bool = False, progress: Progress = lambda *_: None) -> dict[str, Any]:
    """What examine.json holds; the arguments are as for `examine`."""
    info, seed = run.info, run.info["seed"]
    record = read_record(run)
    progress("examine", 0, STEPS)
    judged = judged_run(run, record)
    interval, threshold = info.get("interval"), info.get("threshold")
    found: dict[str, Any] = {
        "name": info["name"], "chosen": info["chosen"], "data_sha256": info["data_sha256"], "seed": seed,
        "main_score": run.metrics["main_score"], **held_out(judged, info["sensitive"]),
    }  # fmt: skip
    found["confusion"] = confusion_by_cost(judged, threshold["value"] if threshold else None)
    found["residuals"] = residuals_of(judged, interval)
    found["interval"] = None if interval is None else {**interval, **_coverage(interval, judged)}
    found["mistakes"] = worst_mistakes(judged)
    progress("examine", 1, STEPS)
    found["importance"] = permutation_importance(run.estimator, judged, seed)
    progress("examine", 2, STEPS)
    names = [column["column"] for column in found["importance"]["columns"] if column["mean"] > 0]
    found["dependence"] = partial_dependence(run.estimator, judged, names, seed)
    progress("examine", 3, STEPS)
    order, along = _order(run, record, along_rows=along_rows)
    found["back_test"] = (
        None
        if order is None
        else {"along": along, **back_test(run.estimator, record, order, judged, found["main_score"])}
    )
    progress("examine", 4, STEPS)
    cleared: dict[str, Any] = cleaned(found)
    return cleared


def _coverage(interval: dict[str, Any], judged: Judged) -> dict[str, Any]:
    return coverage(interval, np.asarray(judged.y, dtype=np.float64), judged.answer)


def _order(run: Run, record: Record, *, along_rows: bool) -> tuple[npt.NDArray[Any] | None, str | None]:
    """What orders the rows in time, and what it is called."""
    settings = SplitSettings(**run.info["split"])
    if settings.time is not None:
        return marks_of(record.aside, settings).times, settings.time
    return (record.row, "the order of the rows") if along_rows else (None, None)


def _check_place(out: Path) -> None:
    if not out.exists():
        return
    names = {each.name for each in out.iterdir()} if out.is_dir() else {out.name}
    if not out.is_dir() or names - set(FILES):
        what = f"a folder with {sorted(names - set(FILES))[0]!r} in it" if out.is_dir() else "a file"
        rule = "--out must be a new folder, or one with an earlier examination alone."
        raise TrainError(rule, f"{out}, {what}", "Choose another --out.")
