"""From the answers of all folds to the choice and to the figures of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from train.acting import outside_band
from train.choose import Size, choose, over_budget
from train.compare import Compared
from train.config import ProblemSettings
from train.evaluate import area_under_curve, test_scores
from train.final import Final, rows_of
from train.job import Shared
from train.leaks import MOST_ROWS, suspects
from train.material import Material
from train.models import rows_per_tree
from train.plots import MOST_POINTS
from train.scores import LOWER_IS_BETTER, MAIN_SCORE, SECOND_SCORE, deciding_metric, fold_scores, summarise
from train.split import Split
from train.target import Label
from train.threshold import Threshold


def scored(
    material: Material,
    shared: Shared,
    compared: Compared,
    sizes: Mapping[str, Size],
    metric: str,
    positive: Label | None,
) -> tuple[str, str]:
    """Return the chosen candidate and why.

    Raises:
        TrainError: None keeps the budgets.
    """
    budgets, settings = material.config.budgets, material.config.candidates
    figures = figures_of(shared, compared, metric, positive)
    barred = {name: why for name, size in sizes.items() if (why := over_budget(size, budgets)) is not None}
    return choose(figures, metric, barred, settings.prefer)


def figures_of(
    shared: Shared, compared: Compared, metric: str, positive: Label | None
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return, per candidate, what `summarise` gives of the deciding metric, the usual one and a second one."""
    names = dict.fromkeys((metric, MAIN_SCORE[shared.setting], SECOND_SCORE[shared.setting]))
    return {
        candidate: {
            name: summarise(
                fold_scores(shared.y, answers, compared.folds, shared.classes, name, shared.config.costs, positive),
                compared.held_share,
            )
            for name in names
        }
        for candidate, answers in compared.answers.items()
    }


def metrics_of(
    material: Material,
    split: Split,
    shared: Shared,
    compared: Compared,
    final: Final,
    chosen: str,
    reason: str,
    sizes: Mapping[str, Size],
) -> dict[str, Any]:
    """Return the content of `metrics.json`; the same data, seed and config give the same."""
    threshold = final.thresholds.get(chosen)
    positive = None if threshold is None else final.estimators[chosen].pos_label
    metric = deciding_metric(material.config, material.setting)
    costs = material.config.costs
    X, y = rows_of(material, split.test)
    test = test_scores(final.estimators[chosen], X, y, material.setting, positive, metric, costs)
    outside = outside_band(material.config.automation, None if threshold is None else threshold.value)
    return {
        "setting": material.setting,
        "main_score": metric,
        "cross_validation": figures_of(shared, compared, metric, positive),
        "folds": {"count": len(compared.folds), **_split_kind(material)},
        "chosen_because": reason,
        "left_out": {**compared.left_out, **_barred(sizes, material)},
        "file_bytes": {name: size.file_bytes for name, size in sizes.items()},
        "parameters": {name: found for name, found in compared.parameters.items() if found},
        "log_target": shared.log_target,
        "threshold": _threshold(threshold),
        "test": test,
        "verdict": verdict(test[metric], metric, material.config.problem, outside),
        "suspects": suspects(shared.X, shared.y, shared.classes),
        "looked_at": looked_at(len(shared.y), len(y), list(compared.answers), material.target.task),
        "best_possible": _best_possible(material, split, positive),
    }


def looked_at(train: int, test: int, names: Sequence[str], task: str) -> dict[str, dict[str, int]]:
    """Return per part of a training that leaves rows out how many `rows` it takes and of how many; usually none."""
    trees = rows_per_tree(train) if {"forest", "stacking"} & set(names) else None
    parts = {
        "suspected leaks, evenly spaced rows": (min(train, MOST_ROWS), train),
        "each tree of the forest, drawn": (trees or train, train),
        "points of the plots, evenly spaced rows": (min(test, MOST_POINTS) if task == "regression" else test, test),
    }
    return {part: {"rows": rows, "of": whole} for part, (rows, whole) in parts.items() if rows < whole}


def _split_kind(material: Material) -> dict[str, str | None]:
    return {"time": material.config.split.time, "group": material.config.split.group}


def _barred(sizes: Mapping[str, Size], material: Material) -> dict[str, str]:
    """Only what the files' bytes say: a latency differs from run to run."""
    found = {name: Size(size.file_bytes, None, size.refusal) for name, size in sizes.items()}
    return {name: why for name, size in found.items() if (why := over_budget(size, material.config.budgets))}


def _threshold(threshold: Threshold | None) -> dict[str, Any] | None:
    if threshold is None:
        return None
    return {
        "value": threshold.value,
        "metric": threshold.metric,
        "validation_score": threshold.score,
        "validation_score_at_half": threshold.default_score,
    }


def verdict(score: float, metric: str, problem: ProblemSettings, outside: str | None = None) -> dict[str, Any]:
    """Hold the test score to the project file.

    Args:
        score: On the test rows.
        metric: The one that decides.
        problem: What the project file needs.
        outside: Why the threshold does not fit the abstain band, None where it does.

    Returns:
        `stop`: it is below what the project needs; `leak`: beyond what is plausible; `baseline`: whether the number to
        beat is beaten; each None where the file does not say. `outside`: whether the threshold lies outside the abstain
        band. `lines` are the sentences.
    """
    lower = metric in LOWER_IS_BETTER

    def beyond(limit: float | None) -> bool | None:
        return None if limit is None else (score < limit if lower else score > limit)

    reached = beyond(problem.stop_below)
    found = {
        "stop": None if reached is None else not (reached or score == problem.stop_below),
        "leak": beyond(problem.plausible),
        "baseline": beyond(problem.baseline),
    }
    said = f"{metric} {score:.4g} on the test rows"
    lines = []
    if found["stop"]:
        lines.append(f"The project stops: {said}, and {problem.stop_below:g} is needed.")
    if found["leak"]:
        lines.append(f"Suspected leakage: {said} is beyond the plausible {problem.plausible:g}.")
    elif found["leak"] is False:
        lines.append(f"Plausible: {said}, not beyond {problem.plausible:g}.")
    if found["baseline"] is not None:
        word = "beats" if found["baseline"] else "does not beat"
        lines.append(f"It {word} the baseline of {problem.baseline:g}.")
    if outside is not None:
        lines.append(outside)
    return {**found, "outside": outside is not None, "lines": lines}


def _best_possible(material: Material, split: Split, positive: Label | None) -> dict[str, float] | None:
    if material.probability is None or positive is None:
        return None
    truth = np.asarray(material.target.y[split.test] == positive)
    return {"roc_auc": area_under_curve(truth, material.probability[split.test])}
