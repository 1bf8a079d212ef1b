"""The run folder: what `train` writes and `export` reads."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from train.decisions import changed, decisions_toml
from train.errors import TrainError
from train.features import DTYPES, Feature, describe_features
from train.fitted import Fitted
from train.folder import RUN_FORMAT, as_json, is_run, write_folder
from train.material import Material
from train.models import described
from train.record import frame_to_parquet, record_files
from train.report import render_report
from train.store import dump_estimator, load_estimator

LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas", "pyarrow", "skops")


@dataclass(frozen=True)
class Run:
    """A run as read from its folder.

    Attributes:
        path: The folder.
        estimator: The chosen one, fitted.
        X: The frame that it was fitted on, float64 and `str` columns, NaN for missing.
        features: One per column of `X`, in order.
        info: The content of `run.json`.
        metrics: The content of `metrics.json`.
    """

    path: Path
    estimator: Any
    X: pd.DataFrame
    features: tuple[Feature, ...]
    info: dict[str, Any]
    metrics: dict[str, Any]

    @property
    def latencies(self) -> dict[str, float]:
        """Milliseconds of one row per candidate, on the machine that trained; empty where they were not measured."""
        path = self.path / "latency.json"
        found: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return found

    @property
    def candidates(self) -> dict[str, Path]:
        """The file of each fitted candidate, by name; `load_estimator` reads it."""
        return {path.stem: path for path in sorted((self.path / "candidates").glob("*.skops"))}


def write_run(out: Path, material: Material, fitted: Fitted, seed: int) -> None:
    """Write the run folder, whole or not at all.

    Raises:
        TrainError: Something else than a run is at `out`, or it cannot be written.
    """
    X = material.X.iloc[fitted.split.final].reset_index(drop=True)
    features = describe_features(X, material.decisions)
    latencies = {name: size.latency_ms for name, size in fitted.sizes.items() if size.latency_ms is not None}
    info = _info(material, fitted, seed)
    stored = {f"candidates/{name}.skops": dump_estimator(model) for name, model in fitted.estimators.items()}
    files = {
        "pipeline.skops": stored[f"candidates/{fitted.chosen}.skops"],
        **stored,
        "rows.parquet": frame_to_parquet(X),
        **record_files(material, fitted.split),
        "features.json": as_json([feature.to_json() for feature in features]),
        "run.json": as_json(info),
        "metrics.json": as_json(fitted.metrics),
        "decisions.toml": decisions_toml(material, fitted.positive).encode(),
        "report.html": render_report(material, fitted, info).encode(),
        **({"latency.json": as_json(latencies)} if latencies else {}),
    }
    write_folder(out, files)


def _info(material: Material, fitted: Fitted, seed: int) -> dict[str, Any]:
    target, split, told = material.target, fitted.split, material.config.run
    threshold = None if fitted.threshold is None else {"class": fitted.positive, "value": fitted.threshold.value}
    return {
        "selfsame_run": RUN_FORMAT,
        "name": material.name,
        "task": target.task,
        "target": {"name": target.name, "unit": target.unit, "description": target.description},
        "classes": target.classes,
        "positive": fitted.positive,
        "threshold": threshold,
        "interval": (fitted.metrics.get("interval") or {}).get("interval"),
        "problem": asdict(material.config.problem),
        "costs": asdict(material.config.costs),
        "split": asdict(material.config.split),
        "sensitive": [name for name, column in material.config.columns.items() if column.sensitive],
        "description": told.description,
        "notice": told.notice,
        "budgets": changed(material.config.budgets),
        "automation": changed(material.config.automation),
        "loggable": [name for name, column in material.config.columns.items() if column.loggable],
        "chosen": fitted.chosen,
        "model": described(fitted.chosen, target.task, material.config.candidates),
        "data_sha256": material.digest,
        "seed": seed,
        "rows": {
            "train": len(split.train),
            "validation": len(split.validation),
            "test": len(split.test),
            "dropped_without_target": material.dropped_rows,
            **_sampled(material),
        },
        "dropped_columns": material.dropped_columns,
        "asked": dict(material.asked),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that a run depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def _sampled(material: Material) -> dict[str, int]:
    drawn = len(material.target.known)
    whole = material.rows_in_file
    return {"drawn": drawn, "in_file": whole} if whole is not None and whole > drawn else {}


def read_run(path: Path) -> Run:
    """Read a run folder.

    Raises:
        TrainError: It is not a run, is of another format, lacks a file, or holds types that are not trusted.
    """
    if not is_run(path):
        raise TrainError("A run is a folder that selfsame train wrote.", str(path), "Check the path, or train again.")
    info = json.loads((path / "run.json").read_text(encoding="utf-8"))
    if info["selfsame_run"] != RUN_FORMAT:
        raise TrainError(
            f"This build reads run format {RUN_FORMAT}.",
            f"format {info['selfsame_run']} in {path}",
            "Run selfsame train again.",
        )
    try:
        features = tuple(Feature(**entry) for entry in json.loads((path / "features.json").read_text(encoding="utf-8")))
        metrics = json.loads((path / "metrics.json").read_text(encoding="utf-8"))
        frame = pq.read_table(path / "rows.parquet").to_pandas()
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        raise TrainError(
            "A run must be complete and unchanged.", f"{error} in {path}", "Run selfsame train again."
        ) from None
    X = frame.astype({feature.name: DTYPES[feature.dtype] for feature in features})
    return Run(path, load_estimator(path / "pipeline.skops"), X, features, info, metrics)
