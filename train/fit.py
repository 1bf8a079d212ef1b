"""Trains: splits, compares, chooses, takes a threshold, refits, scores once, and writes the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from train.acting import check_automation, unlikely_band
from train.compare import How, Progress, compare, silent
from train.config import Task, read_config
from train.demo import DemoCase, material_from_case
from train.errors import TrainError
from train.estimate import LARGE, estimate, shown, total
from train.final import finals, sizes_of
from train.finish import finish
from train.fitted import Fitted
from train.folder import check_replaceable
from train.job import Shared
from train.leaks import suspects
from train.material import Material, material_from_file
from train.outcome import metrics_of, scored
from train.run import Run, read_run, write_run
from train.scores import costs_of, deciding_metric
from train.split import Split, marks_of, split_rows
from train.target import as_label, learns_logarithm
from train.threshold import threshold_metric
from train.work import Work


def train(  # noqa: PLR0913 (the command's options, given by name)
    data: Path,
    target: str | None,
    out: Path,
    *,
    config: Path | None = None,
    seed: int = 0,
    name: str | None = None,
    task: Task | None = None,
    sample: int | None = None,
    progress: Progress = silent,
    on_material: Callable[[Material], None] | None = None,
    how: How | None = None,
) -> Run:
    """Train on a table and write the run.

    A comparison that is stopped (the process is killed, or its time is over) keeps its finished pieces in a folder
    `.NAME.work` beside the run, and the next call with the same data, config and seed goes on from there.

    Args:
        data: A CSV or Parquet file.
        target: The column to predict; None takes it from the config.
        out: The run folder to write; nothing, an empty folder or an earlier run may be there.
        config: A project file that overrides decisions, or None.
        seed: Of the split, the folds and the models; the same seed and data give the same run.
        name: Of the run; None takes it from the config, else from the name of `out`.
        task: None takes it from the config, else from the target's values.
        sample: Rows that are drawn of a larger table; None takes it from the config, else all.
        progress: Called with a step's name, how much of it is done, and how much there is.
        on_material: Called with the typed table before anything is fitted, to show the decisions.
        how: By what means, and within what time; its own progress has no effect.

    Raises:
        TrainError: The input does not allow it; `out` is then as it was.
    """
    check_replaceable(out)
    for option, number in (("--sample", sample), ("--jobs", how.jobs if how else None)):
        if number is not None and number < 1:
            raise TrainError(f"{option} must be at least 1.", str(number), "Give a whole number from 1 on.")
    told = read_config(config)
    told = replace(told, table=replace(told.table, sample=sample or told.table.sample))
    goal = target or told.run.target
    if goal is None:
        raise TrainError("The target must be told.", "no --target", "Name it, or write target in [run] of --config.")
    progress("read the table", 0, 1)
    material = material_from_file(data, goal, told, name or told.run.name or out.resolve().name, task, seed)
    progress("read the table", 1, 1)
    asked = {"target": target, "task": task, "sample": sample}
    material = replace(material, asked=asked, project=None if config is None else config.read_bytes())
    return _train(material, out, seed, replace(how or How(), progress=progress), on_material)


def train_frame(
    case: DemoCase,
    out: Path,
    *,
    seed: int = 0,
    progress: Progress = silent,
    on_material: Callable[[Material], None] | None = None,
) -> Run:
    """Train on a frame in memory and write the run; the arguments are as for `train`.

    Raises:
        TrainError: The frame does not allow it; `out` is then as it was.
    """
    check_replaceable(out)
    return _train(material_from_case(case), out, seed, How(progress=progress), on_material)


def _train(material: Material, out: Path, seed: int, how: How, on_material: Callable[[Material], None] | None) -> Run:
    if on_material is not None:
        on_material(material)
    work = Work(out, material.digest, material.config, {"seed": seed, "target": material.target.name})
    try:
        fitted = finish(material, fit(material, seed, how, work), seed, how.progress)
        how.progress("write the run", 0, 1)
        write_run(out, material, fitted, seed)
        how.progress("write the run", 1, 1)
    except TrainError:
        if how.budget is None:
            work.drop()
        raise
    if not fitted.metrics["left_out"]:
        work.drop()
    return read_run(out)


def fit(material: Material, seed: int, how: How, work: Work) -> Fitted:
    """Compare the candidates, fit them all for good, and choose one.

    Raises:
        TrainError: The config asks for what the data do not allow.
    """
    target, config = material.target, material.config
    metric = deciding_metric(config, material.setting)
    check_automation(config.automation, target.classes)
    positive = _positive(material)
    if positive is not None and threshold_metric(config) == "cost":
        costs_of(config.costs, "binary")
        if (doubt := unlikely_band(config.automation, config.costs)) is not None:
            how.say(doubt)
    marks = marks_of(material.aside, config.split)
    split = split_rows(target.y, target.task, seed, config.split, marks)
    shared = _shared(material, split, seed)
    _warn_of_suspects(shared, how)
    _tell_time(shared, how)
    compared = compare(shared, work, how)
    final = finals(material, split, shared, compared, positive, how)
    sizes = sizes_of(final, material.X.iloc[split.final], how)
    chosen, reason = scored(material, shared, compared, sizes, metric, positive)
    metrics = metrics_of(material, split, shared, compared, final, chosen, reason, sizes)
    return Fitted(
        split,
        final.estimators,
        chosen,
        positive,
        final.thresholds.get(chosen),
        metrics,
        sizes,
        compared.parameters,
        shared.log_target,
    )


def _shared(material: Material, split: Split, seed: int) -> Shared:
    target = material.target
    return Shared(
        X=material.X.iloc[split.train].reset_index(drop=True),
        y=target.y[split.train],
        marks=marks_of(material.aside, material.config.split).take(split.train),
        task=target.task,
        setting=material.setting,
        classes=target.classes,
        config=material.config,
        seed=seed,
        log_target=learns_logarithm(target, material.config),
    )


def _positive(material: Material) -> Any:
    told, classes = material.config.run.positive, material.target.classes
    if classes is None or len(classes) != 2:
        return None
    if told is None:
        return classes[-1]
    for label in classes:
        if label == told and type(label) is type(told):
            return as_label(label)
    raise TrainError("positive under [run] must be one of the two classes.", repr(told), f"Choose one of {classes}.")


def _warn_of_suspects(shared: Shared, how: How) -> None:
    for name, strength in suspects(shared.X, shared.y, shared.classes).items():
        how.say(
            f"Suspected leak: {name!r} alone orders the target to {strength:.2f}. Is it known when the answer is asked?"
        )


def _tell_time(shared: Shared, how: How) -> None:
    """Say before a large comparison how long it will take."""
    if len(shared.y) < LARGE:
        return
    how.say(f"{len(shared.y):,} train rows: timing each candidate on some of them.")
    found = estimate(shared, how.jobs)
    parts = ", ".join(f"{name} {shown(span.seconds)}" for name, span in found.items())
    how.say(f"{len(shared.y):,} train rows will take about {total(found.values())}: {parts}.")
