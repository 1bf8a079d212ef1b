"""Where an estimator comes from: a run of `selfsame train`, or a file and the rows that it was fitted on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from export.errors import ExportError
from export.held_out import public
from export.support import core_of

AUTOMATION = {"automation": "degree", "abstain": "abstain"}  # export_bundle's words for those of the project file


@dataclass(frozen=True)
class Source:
    """What `export_bundle` needs.

    Attributes:
        estimator: fitted.
        X: the frame that it was fitted on.
        about: what the contract says beyond the estimator.
        seed: of the run, 0 for a file.
        automation: how far the project file lets the model act, as `export_bundle` takes it: `automation`, `abstain`.
        loggable: the columns whose values may stand in capture records, as the project file says.
    """

    estimator: Any
    X: pd.DataFrame
    about: dict[str, Any]
    seed: int
    automation: dict[str, Any] = field(default_factory=dict)
    loggable: tuple[str, ...] = ()


def read_source(source: Path, *, rows: Path | None = None, trust: bool = False, name: str | None = None) -> Source:
    """Read a run, or an estimator with its rows.

    Args:
        source: a run's folder, or a .skops, .joblib or .pkl file.
        rows: the table that a file's estimator was fitted on, CSV or Parquet.
        trust: read files that run code when they are read.
        name: the model's name; None takes the run's, or the file's.

    Raises:
        ExportError: there is no such file, the rows are missing, or given beside a run.
        TrainError: a file cannot be read.
    """
    if not source.exists():
        raise ExportError(
            f"SOURCE must be a run's folder or an estimator's file; {source} does not exist", "Check the path."
        )
    if source.is_dir():
        if rows is not None:
            raise ExportError("a run brings its own rows; --rows was given too", "Leave --rows out.")
        return _from_run(source, name)
    if rows is None:
        raise ExportError(
            f"the rows that {source.name} was fitted on are needed: they give the contract and try the export",
            "Add --rows TABLE (CSV or Parquet).",
        )
    return _from_file(source, rows, trust, name)


def _from_run(path: Path, name: str | None) -> Source:
    from train.run import read_run

    run = read_run(path)
    features = {
        feature.name: {"unit": feature.unit, "description": feature.description, "type": feature.type}
        for feature in run.features
    }
    about = {
        "name": name or run.info["name"],
        "target": run.info["target"],
        "description": run.info["description"],
        "notice": run.info["notice"],
        "features": features,
        "interval": run.info.get("interval"),
        "items": run.info.get("items"),
        "top": run.info.get("top"),
        "held_out": public(run),
        "scores": _scores(run.metrics),
    }
    told = run.info.get("automation") or {}
    automation = {ours: told[theirs] for ours, theirs in AUTOMATION.items() if told.get(theirs) is not None}
    return Source(run.estimator, run.X, about, run.info["seed"], automation, tuple(run.info.get("loggable", ())))


def _scores(metrics: dict[str, Any]) -> dict[str, float]:
    """The scores on the held-out rows under the names that people know, the best possible one among them."""
    from train.report import SCORE_NAMES

    scores = {SCORE_NAMES.get(key, key): value for key, value in metrics["test"].items() if isinstance(value, float)}
    best = {
        f"best possible {SCORE_NAMES.get(key, key)}": value for key, value in (metrics["best_possible"] or {}).items()
    }
    return scores | best


def _from_file(path: Path, rows: Path, trust: bool, name: str | None) -> Source:
    from train.rows import read_rows
    from train.store import load_estimator

    estimator = load_estimator(path, trust=trust)
    names = getattr(core_of(estimator)[0], "feature_names_in_", None)
    if names is None:
        raise ExportError(
            f"the estimator in {path.name} is not fitted, or was fitted on an array without column names",
            "Fit it on a DataFrame and save it again.",
        )
    return Source(estimator, read_rows(rows, [str(each) for each in names]), {"name": name or path.stem}, 0)
