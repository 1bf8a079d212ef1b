"""What fitting gives, before it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from train.split import Split
from train.target import Label
from train.threshold import Threshold


@dataclass(frozen=True)
class Fitted:
    """What training gives.

    Attributes:
        split: Which rows were used for what.
        estimators: The final estimator of each candidate, fitted on the train and validation rows.
        chosen: The candidate with the best cross-validated score.
        positive: The class that the threshold is for; None unless there are two classes.
        threshold: Of the chosen candidate; None unless there are two classes.
        metrics: The content of `metrics.json`.
    """

    split: Split
    estimators: dict[str, Any]
    chosen: str
    positive: Label | None
    threshold: Threshold | None
    metrics: dict[str, Any]
