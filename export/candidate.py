"""What `selfsame check` looks at: an estimator that need not be fitted, and a sample of its table."""

import importlib
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier, is_regressor

from export.errors import ExportError
from export.support import core_of, is_fitted

FILES = {".skops", ".joblib", ".pkl", ".pickle"}
USUAL = ("pipeline", "model", "estimator")  # the variable that is meant where none is named
WANTED = "SOURCE must be a run's folder, a .skops or .joblib file, FILE.py, FILE.py:VARIABLE or MODULE:VARIABLE"


@dataclass(frozen=True)
class Candidate:
    """What `check_pipeline` needs.

    Attributes:
        estimator: unfitted or fitted.
        X: rows as it is or would be fitted on; None where none were given.
        y: their target, of shape (n_rows,); None for a fitted estimator and where none is needed.
    """

    estimator: Any
    X: pd.DataFrame | None
    y: Any


def read_candidate(
    source: str, *, rows: Path | None = None, target: str | None = None, trust: bool = False
) -> Candidate:
    """Read an estimator and, where they are given, its rows.

    Args:
        source: as `WANTED` says. Python code that is named runs.
        rows: a CSV or Parquet table with the columns of the estimator.
        target: the column of `rows` that is predicted.
        trust: read files that run code when they are read.

    Raises:
        ExportError: there is no such thing, or the target is missing.
        TrainError: a file cannot be read.
    """
    if Path(source).is_dir():
        return _from_run(Path(source), rows)
    estimator = _estimator(source, trust)
    if rows is None:
        return Candidate(estimator, None, None)
    return _with_rows(estimator, rows, target)


def _from_run(path: Path, rows: Path | None) -> Candidate:
    from train.run import read_run

    if rows is not None:
        raise ExportError("a run brings its own rows; --rows was given too", "Leave --rows out.")
    run = read_run(path)
    return Candidate(run.estimator, run.X, None)


def _estimator(source: str, trust: bool) -> Any:
    if Path(source).suffix in FILES:
        from train.store import load_estimator

        return load_estimator(Path(source), trust=trust)
    place, _, variable = source.rpartition(":") if ":" in source else (source, "", "")
    is_file = place.endswith(".py")
    if (is_file and not Path(place).is_file()) or not (is_file or variable):
        raise ExportError(f"{WANTED}; got {source}", "Check the path.")
    found = _chosen(_names(place, is_file), variable, source)
    if not hasattr(found, "fit"):
        raise ExportError(f"{source} must be an estimator; it is {type(found).__name__}", "Name the pipeline.")
    return found


def _names(place: str, is_file: bool) -> dict[str, Any]:
    """The variables of a file that is run, or of a module that is imported."""
    folder = str(Path(place).resolve().parent if is_file else Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as Python itself does for a script
    try:
        return runpy.run_path(place, run_name=Path(place).stem) if is_file else vars(importlib.import_module(place))
    except Exception as error:
        raise ExportError(
            f"{place} must define the pipeline; running it ends with {type(error).__name__}: {error}",
            f"See where: python {'' if is_file else '-m '}{place}",
        ) from error


def _chosen(names: dict[str, Any], variable: str, source: str) -> Any:
    estimators = {name: value for name, value in names.items() if hasattr(value, "fit") and not isinstance(value, type)}
    usual = [name for name in (variable,) if name] or [name for name in USUAL if name in estimators]
    wanted = (usual or list(estimators))[:1] if usual or len(estimators) == 1 else []
    if not wanted or wanted[0] not in names:
        known = ", ".join(estimators) or "none"
        what = f"has no {variable!r}" if variable else "must define `pipeline`, or be followed by :VARIABLE"
        raise ExportError(f"{source} {what}; its estimators: {known}", "Name one of them.")
    return names[wanted[0]]


def _with_rows(estimator: Any, rows: Path, target: str | None) -> Candidate:
    from train.rows import read_rows

    if is_fitted(estimator):
        names = getattr(core_of(estimator)[0], "feature_names_in_", None)
        return Candidate(estimator, read_rows(rows, None if names is None else [str(name) for name in names]), None)
    if target is None and (is_classifier(estimator) or is_regressor(estimator)):
        raise ExportError("an unfitted model is tried on its target", "Add --target COLUMN.")
    frame = read_rows(rows, None)
    if target is None:
        return Candidate(estimator, frame, None)
    if target not in frame.columns:
        raise ExportError(f"--target must be a column of {rows.name}; got {target!r}", f"Choose of {list(frame)}.")
    frame = frame[frame[target].notna()].reset_index(drop=True)
    y: Any = frame[target]
    if y.dtype.kind not in "biuf":
        y = np.asarray(y, dtype=object)  # classes are Python's own texts, as in a list
    return Candidate(estimator, frame.drop(columns=target), y)
