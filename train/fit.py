"""Trains: splits, compares, chooses a threshold, refits, scores once, and writes the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from train.config import Config, Task, read_config
from train.demo import DemoCase, material_from_case
from train.errors import TrainError
from train.evaluate import (
    FOLDS,
    MAIN_SCORE,
    area_under_curve,
    best_candidate,
    fit_pipeline,
    fold_scores,
    summarise,
    test_scores,
)
from train.finish import finish
from train.fitted import Fitted
from train.folder import check_replaceable
from train.material import Material, material_from_file
from train.models import build_candidates
from train.run import Run, read_run, write_run
from train.split import RowNumbers, Split, split_rows
from train.target import Label
from train.threshold import Threshold, choose_threshold, threshold_metric

Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Show no progress."""


def train(  # noqa: PLR0913 (the command's options, given by name)
    data: Path,
    target: str,
    out: Path,
    *,
    config: Path | None = None,
    seed: int = 0,
    name: str | None = None,
    task: Task | None = None,
    progress: Progress = silent,
    on_material: Callable[[Material], None] | None = None,
) -> Run:
    """Train on a table and write the run.

    Args:
        data: A CSV or Parquet file.
        target: The column to predict.
        out: The run folder to write; nothing, an empty folder or an earlier run may be there.
        config: A TOML file that overrides decisions, or None.
        seed: Of the split, the folds and the models; the same seed and data give the same run.
        name: Of the run; None takes it from the config, else from the name of `out`.
        task: None takes it from the config, else from the target's values.
        progress: Called with a step's name, how much of it is done, and how much there is.
        on_material: Called with the typed table before anything is fitted, to show the decisions.

    Raises:
        TrainError: The input does not allow it; `out` is then as it was.
    """
    check_replaceable(out)
    told = read_config(config)
    material = material_from_file(data, target, told, name or told.run.name or out.resolve().name, task)
    return _train(material, out, seed, progress, on_material)


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
    return _train(material_from_case(case), out, seed, progress, on_material)


def _train(
    material: Material, out: Path, seed: int, progress: Progress, on_material: Callable[[Material], None] | None
) -> Run:
    if on_material is not None:
        on_material(material)
    fitted = finish(material, fit(material, seed, progress), seed, progress)
    write_run(out, material, fitted, seed)
    return read_run(out)


def fit(material: Material, seed: int = 0, progress: Progress = silent) -> Fitted:
    """Compare the candidates, choose one, and fit them all for good.

    One thread does the sums, so that their order and with it the last bits never vary.

    Raises:
        TrainError: The positive class that the config names does not exist.
    """
    positive = _positive(material.target.classes, material.config)
    split = split_rows(material.target.y, material.target.task, seed)
    final_X, final_y = _rows(material, split.final)
    candidates = build_candidates(final_X, material.target.task, material.config.candidates, seed)
    with threadpool_limits(1):
        compared = _compare(candidates, material, split, seed, progress)
        chosen = best_candidate(compared, material.setting)
        estimators: dict[str, Any] = {}
        thresholds: dict[str, Threshold] = {}
        for number, (name, pipeline) in enumerate(candidates.items()):
            progress("refit on train and validation", number, len(candidates))
            final: Any = pipeline
            if positive is not None:
                thresholds[name] = _threshold(pipeline, material, split, positive)
                final = FixedThresholdClassifier(
                    pipeline, threshold=thresholds[name].value, pos_label=positive, response_method="predict_proba"
                )
            prefix = "" if positive is None else "estimator__"
            estimators[name] = fit_pipeline(final, final_X, final_y, prefix)
        progress("refit on train and validation", len(candidates), len(candidates))
        test = test_scores(estimators[chosen], *_rows(material, split.test), material.setting, positive)
    metrics = _metrics(
        material.setting, compared, test, thresholds.get(chosen), _best_possible(material, split, positive)
    )
    return Fitted(split, estimators, chosen, positive, thresholds.get(chosen), metrics)


def _rows(material: Material, rows: RowNumbers) -> tuple[pd.DataFrame, npt.NDArray[Any]]:
    return material.X.iloc[rows].reset_index(drop=True), material.target.y[rows]


def _positive(classes: list[Label] | None, config: Config) -> Label | None:
    told = config.run.positive
    if classes is None or len(classes) != 2:
        return None
    if told is None:
        return classes[-1]
    for label in classes:
        if label == told and type(label) is type(told):
            return label
    raise TrainError("positive under [run] must be one of the two classes.", repr(told), f"Choose one of {classes}.")


def _compare(
    candidates: dict[str, Pipeline], material: Material, split: Split, seed: int, progress: Progress
) -> dict[str, dict[str, dict[str, Any]]]:
    X, y = _rows(material, split.train)
    total = FOLDS * len(candidates)
    compared: dict[str, dict[str, dict[str, Any]]] = {}
    for name, pipeline in candidates.items():
        folds: list[dict[str, float]] = []
        for scores in fold_scores(pipeline, X, y, material.setting, seed):
            folds.append(scores)
            progress("cross-validate", len(compared) * FOLDS + len(folds), total)
        compared[name] = summarise(folds)
    return compared


def _threshold(pipeline: Pipeline, material: Material, split: Split, positive: Label) -> Threshold:
    fitted = fit_pipeline(pipeline, *_rows(material, split.train))
    X, y = _rows(material, split.validation)
    column = int(np.flatnonzero(fitted.classes_ == positive)[0])
    return choose_threshold(y == positive, fitted.predict_proba(X)[:, column], threshold_metric(material.config))


def _best_possible(material: Material, split: Split, positive: Label | None) -> dict[str, float] | None:
    if material.probability is None or positive is None:
        return None
    truth = material.target.y[split.test] == positive
    return {"roc_auc": area_under_curve(truth, material.probability[split.test])}


def _metrics(
    setting: str,
    compared: dict[str, dict[str, dict[str, Any]]],
    test: dict[str, Any],
    threshold: Threshold | None,
    best_possible: dict[str, float] | None,
) -> dict[str, Any]:
    chosen = None
    if threshold is not None:
        chosen = {
            "value": threshold.value,
            "metric": threshold.metric,
            "validation_score": threshold.score,
            "validation_score_at_half": threshold.default_score,
        }
    return {
        "setting": setting,
        "main_score": MAIN_SCORE[setting],
        "cross_validation": compared,
        "threshold": chosen,
        "test": test,
        "best_possible": best_possible,
    }
