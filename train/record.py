"""What a run keeps of its table beside the rows that it was fitted on: the held-out rows, and every row's outcome."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from train.config import CostSettings
from train.errors import TrainError
from train.features import DTYPES
from train.judged import Judged
from train.material import Material
from train.split import Split

if TYPE_CHECKING:
    from train.run import Run

PARTS = ("train", "validation", "test")
PROJECT = "project.toml"
ASIDE = "aside."  # before the name of a column that stands beside the features


@dataclass(frozen=True)
class Record:
    """The rows of a run's table, in the table's order.

    Attributes:
        X: Every row, with the features that the estimator was fitted on.
        y: The outcomes, of shape (n_rows,): int64, bool, object (texts) or float64.
        part: `train`, `validation` or `test`, object of shape (n_rows,).
        row: The row's number among those with a target, int64 of shape (n_rows,).
        aside: Time, group and sensitive columns as read.
    """

    X: pd.DataFrame
    y: npt.NDArray[Any]
    part: npt.NDArray[Any]
    row: npt.NDArray[np.int64]
    aside: pd.DataFrame

    @property
    def test(self) -> npt.NDArray[np.bool_]:
        """Which rows were held out."""
        return np.asarray(self.part == "test")


def record_files(material: Material, split: Split) -> dict[str, bytes]:
    """The files of a run that tell of its table.

    Returns:
        `test.parquet`, the held-out rows; `outcomes.parquet`, per row its number, part, outcome and what stands aside;
        and `project.toml`, the project file as it was given, where there was one.
    """
    numbers = [getattr(split, part) for part in PARTS]
    row = np.concatenate(numbers)
    part = np.repeat(np.array(PARTS, dtype=object), [len(each) for each in numbers])
    order = np.argsort(row, kind="stable")
    row, part = row[order], part[order]
    columns: dict[str, Any] = {"row": pa.array(row), "part": pa.array(part), "y": pa.array(material.target.y[row])}
    for name in material.aside.columns:
        kept = material.aside[name].iloc[row].reset_index(drop=True)
        columns[f"{ASIDE}{name}"] = pa.array(kept.astype("str").where(kept.notna(), None), type=pa.string())
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    test = material.X.iloc[split.test].reset_index(drop=True)
    project = {} if material.project is None else {PROJECT: material.project}
    return {"test.parquet": frame_to_parquet(test), "outcomes.parquet": buffer.getvalue(), **project}


def frame_to_parquet(X: pd.DataFrame) -> bytes:
    """Return `X` as Parquet: float64 and string columns, null for missing."""
    arrays = [
        pa.array(X[name], type=pa.float64() if X[name].dtype == "float64" else pa.string(), from_pandas=True)
        for name in X.columns
    ]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, names=[str(name) for name in X.columns]), buffer)
    return buffer.getvalue()


def read_record(run: Run) -> Record:
    """Read what `record_files` wrote.

    Raises:
        TrainError: A file is missing or damaged.
    """
    try:
        test = pq.read_table(run.path / "test.parquet").to_pandas()
        outcomes = pq.read_table(run.path / "outcomes.parquet")
    except (OSError, pa.ArrowException) as error:
        raise TrainError(
            "A run must hold the rows that were held out.", f"{error} in {run.path}", "Run selfsame train again."
        ) from None
    table = outcomes.to_pandas()
    part = table["part"].to_numpy(dtype=object)
    dtypes = {feature.name: DTYPES[feature.dtype] for feature in run.features}
    known = (~(part == "test")).nonzero()[0], (part == "test").nonzero()[0]
    X = pd.concat([run.X, test.astype(dtypes)], ignore_index=True)
    X = X.iloc[np.argsort(np.concatenate(known), kind="stable")].reset_index(drop=True)
    y = table["y"].to_numpy()
    aside = table[[name for name in table.columns if name.startswith(ASIDE)]]
    aside.columns = pd.Index([name.removeprefix(ASIDE) for name in aside.columns])
    texts = outcomes.schema.field("y").type == pa.string()
    return Record(X, y.astype(object) if texts else y, part, table["row"].to_numpy(dtype=np.int64), aside)


def judged_run(run: Run, record: Record | None = None) -> Judged:
    """Ask a run's estimator about the rows that it held out."""
    record = record or read_record(run)
    rows = np.flatnonzero(record.test)
    costs = CostSettings(**run.info["costs"])
    X, aside = (frame.iloc[rows].reset_index(drop=True) for frame in (record.X, record.aside))
    return judge(run.estimator, X, record.y[rows], run.info["classes"], run.info["positive"], costs,
                 record.row[rows], aside)  # fmt: skip


def judge(
    estimator: Any,
    X: pd.DataFrame,
    y: npt.NDArray[Any],
    classes: list[Any] | None,
    positive: Any,
    costs: CostSettings,
    row: npt.NDArray[np.int64],
    aside: pd.DataFrame,
) -> Judged:
    """Ask a fitted estimator about rows; the other arguments are as `Judged` has them."""
    if classes is None:
        value = np.asarray(estimator.predict(X), dtype=np.float64)
        return Judged(X, y, value, None, None, None, costs, row, aside)
    probability = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    return Judged(X, y, np.asarray(estimator.predict(X)), probability, classes, positive, costs, row, aside)


def write_json(path: Path, value: Any) -> None:
    """Write JSON; NaN becomes null."""
    path.write_text(json.dumps(cleaned(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def cleaned(value: Any) -> Any:
    """The value as JSON has it: numpy's numbers as Python's, what is not finite as None."""
    if isinstance(value, dict):
        return {str(key): cleaned(each) for key, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [cleaned(each) for each in (value.tolist() if isinstance(value, np.ndarray) else value)]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
