"""What the exporter is told about each feature of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from train.columns import Decision
from train.config import Kind

DTYPES: dict[str, str] = {"float64": "float64", "string": "str"}


@dataclass(frozen=True)
class Feature:
    """One column of the frame that the estimator was fitted on.

    Attributes:
        name: The column.
        kind: As decided.
        dtype: Of the column in the frame; `string` is pandas' `str` with NaN for missing.
        type: What a request holds: a JSON number, true or false, or a text.
        unit: Of a number, if told.
        description: What it means, if told.
        whole: Whether all known training values are whole numbers.
    """

    name: str
    kind: Kind
    dtype: Literal["float64", "string"]
    type: Literal["number", "boolean", "category"]
    unit: str | None
    description: str | None
    whole: bool

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `features.json`."""
        return asdict(self)


def describe_features(X: pd.DataFrame, decisions: Iterable[Decision]) -> tuple[Feature, ...]:
    """Return the features in the order of the columns of `X` (float64 and `str` columns)."""
    by_name = {decision.name: decision for decision in decisions}
    return tuple(_describe(X[name], by_name[str(name)]) for name in X.columns)


def _describe(column: pd.Series, decision: Decision) -> Feature:
    if decision.kind == "category":
        return Feature(
            decision.name, "category", "string", "category", decision.unit, decision.description, whole=False
        )
    known = column.dropna().to_numpy(dtype=np.float64)
    whole = decision.kind != "boolean" and bool(np.all(known == np.floor(known)))
    kind: Literal["number", "boolean"] = "boolean" if decision.kind == "boolean" else "number"
    return Feature(decision.name, decision.kind, "float64", kind, decision.unit, decision.description, whole)
