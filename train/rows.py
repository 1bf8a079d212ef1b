"""Reads the rows that an estimator from elsewhere was fitted on, typed as pandas types them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from train.errors import TrainError, did_you_mean
from train.table import read_table


def read_rows(path: Path, columns: Sequence[str] | None) -> pd.DataFrame:
    """Read some columns of a CSV or Parquet file.

    The dtypes are those of `pandas.read_csv` or `pandas.read_parquet` with their defaults, because these are most
    likely the dtypes that the estimator was fitted on.

    Args:
        path: The file.
        columns: The names that the estimator was fitted with, in its order; None takes all of the file.

    Raises:
        TrainError: The file cannot be read as a table, or lacks a column.
    """
    table = read_table(path)
    known = [str(name) for name in table.frame.columns]
    columns = known if columns is None else columns
    for column in columns:
        if column not in known:
            rule = "The rows must have every column that the estimator was fitted with."
            raise TrainError(rule, f"no {column!r} in {path}", did_you_mean(column, known))
    if table.typed:
        return pd.read_parquet(path, columns=list(columns))
    content = io.BytesIO(path.read_bytes())
    frame = pd.read_csv(content, sep=table.delimiter, encoding=table.encoding, low_memory=False)
    frame.columns = pd.Index(known)
    return frame[list(columns)]
