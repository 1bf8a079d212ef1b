"""Trains a run again from its own record and compares every file: `selfsame reproduce RUN`."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from train.compare import How
from train.demo import demo_cases, material_from_case
from train.demo_tourist import tourist_config, tourist_visits
from train.errors import TrainError
from train.fit import train, train_frame
from train.rank import train_ranking, train_visits
from train.ranking_record import given_places
from train.record import PROJECT
from train.run import Run, read_run, versions
from train.store import load_estimator

OWN = "examine"  # a folder in a run that `selfsame examine` wrote: no part of the training
MEASURED = "latency.json"  # measured anew each time


def reproduce(path: Path, data: Path | None = None, *, how: How | None = None) -> dict[str, Any]:
    """Train again and compare.

    Args:
        path: The run.
        data: The table that it was trained on; None for a run of the embedded data.
        how: By what means; it measures the candidates as files only where the run did, and has no budget.

    Returns:
        For JSON: `same`, the `files` (name -> how it differs, None where every byte is the same), and `versions` of
        libraries that differ (name -> the run's, this one's).

    Raises:
        TrainError: `path` is no run, `data` is missing or another table, or training does not succeed.
    """
    run = read_run(path)
    with tempfile.TemporaryDirectory(prefix="selfsame-") as folder:
        again = _again(run, data, Path(folder) / "run", how or How())
        files = dict(_compared(run, again))
    now = versions()
    changed = {name: [was, now.get(name)] for name, was in run.info["versions"].items() if was != now.get(name)}
    return {"same": not any(files.values()), "files": files, "versions": changed}


def _again(run: Run, data: Path | None, out: Path, how: How) -> Run:
    info, project = run.info, run.path / PROJECT
    if data is None:
        return _again_embedded(run, out, how)
    _check_table(run, data)
    if info["task"] == "ranking":
        return train_ranking(data, out, config=project, seed=info["seed"], name=info["name"],
                             places=given_places(run.path), progress=how.progress)  # fmt: skip
    how = replace(how, budget=None, measure=how.measure if run.metrics["file_bytes"] else None)
    asked, config = info["asked"], project if project.is_file() else None
    return train(data, asked["target"], out, config=config, seed=info["seed"], name=info["name"], task=asked["task"],
                 sample=asked["sample"], progress=how.progress, how=how)  # fmt: skip


def _again_embedded(run: Run, out: Path, how: How) -> Run:
    """Train on the embedded data that bears the run's name, if it is what the run was trained on."""
    name, digest, seed = (run.info[key] for key in ("name", "data_sha256", "seed"))
    if name == tourist_config().run.name:
        visits, best = tourist_visits()
        if visits.digest == digest:
            return train_visits(visits, tourist_config(), out, seed=seed, best_possible=best, progress=how.progress)
    for case in demo_cases():
        if case.name == name and material_from_case(case).digest == digest:
            return train_frame(case, out, seed=seed, progress=how.progress)
    raise TrainError(
        "A run does not hold its table; --data must name it.",
        f"no --data for {run.path}",
        f"Give the file that {name} was trained on (SHA-256 {digest[:12]}…).",
    )


def _check_table(run: Run, data: Path) -> None:
    if not data.is_file():
        raise TrainError("--data must be a CSV or Parquet file.", f"{data} (no such file)", "Check the path.")
    digest, wanted = hashlib.sha256(data.read_bytes()).hexdigest(), run.info["data_sha256"].split()[0]
    if digest != wanted:
        raise TrainError(
            "--data must be the very table that the run was trained on.",
            f"SHA-256 {digest[:12]}… of {data}, {wanted[:12]}… in the run",
            "Find that version of the table; a table that has grown gives another run.",
        )


def _compared(run: Run, again: Run) -> Iterator[tuple[str, str | None]]:
    """Each file's name, and how it differs from the one of the new run."""
    names = sorted(
        {
            str(file.relative_to(each.path))
            for each in (run, again)
            for file in each.path.rglob("*")
            if file.is_file() and file.relative_to(each.path).parts[0] not in (OWN, MEASURED)
        }
    )
    for name in names:
        one, other = run.path / name, again.path / name
        if not one.is_file() or not other.is_file():
            yield name, "only in the run" if one.is_file() else "not in the run"
        else:
            yield name, None if one.read_bytes() == other.read_bytes() else file_difference(one, other, run.X)


def file_difference(one: Path, other: Path, X: pd.DataFrame) -> str:
    """How two files of a run with different bytes differ, in words; models by their answers to the rows `X`."""
    if one.suffix == ".json":
        return _json_difference(json.loads(one.read_text("utf-8")), json.loads(other.read_text("utf-8")))
    if one.suffix == ".skops":
        first, second = (answers(load_estimator(each), X) for each in (one, other))
        if first.shape != second.shape:
            return "another form of answer"
        apart = float(np.abs(first - second).max())
        return f"answers to the fitted rows differ by at most {apart:.3g}"
    if one.suffix == ".parquet":
        first, second = (pq.read_table(each).to_pandas() for each in (one, other))
        if first.shape != second.shape or list(first.columns) != list(second.columns):
            return f"{first.shape[0]} x {first.shape[1]} instead of {second.shape[0]} x {second.shape[1]}"
        unlike = (first != second) & ~(first.isna() & second.isna())
        return f"{int(unlike.any(axis=1).sum())} of {len(first)} rows differ"
    lines = [each.read_text("utf-8").splitlines() for each in (one, other)]
    unlike_lines = sum(a != b for a, b in zip(*lines, strict=False)) + abs(len(lines[0]) - len(lines[1]))
    return f"{unlike_lines} lines differ"


def answers(estimator: Any, X: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The probabilities of a classifier, the scores of a ranker, the values of a regressor; float64."""
    ways = (getattr(estimator, name, None) for name in ("predict_proba", "decision_function", "predict"))
    answer: Any = next(way for way in ways if way is not None)
    return np.asarray(answer(X), dtype=np.float64)


def _json_difference(one: Any, other: Any) -> str:
    unlike = list(_leaves(one, other, ""))
    numbers = [abs(a - b) for _, a, b in unlike if _is_number(a) and _is_number(b)]
    most = f", numbers by at most {max(numbers):.3g}" if numbers else ""
    return (
        f"{len(unlike)} values differ, first {unlike[0][0]}{most}" if unlike else "the same values, written otherwise"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _leaves(one: Any, other: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """The places at which two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _leaves(one.get(key), other.get(key), f"{where}.{key}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from _leaves(first, second, f"{where}[{index}]")
    elif type(one) is not type(other) or one != other:
        yield where, one, other


def reproduction_text(told: dict[str, Any]) -> str:
    """The comparison in words."""
    lines = [f"{name}: {how or 'same bytes'}" for name, how in told["files"].items()]
    lines += [f"{name} {was} made the run, {now} is installed here." for name, (was, now) in told["versions"].items()]
    verdict = "Reproduced: every file is the same, byte for byte." if told["same"] else "Not reproduced."
    return "\n".join([*lines, verdict])
