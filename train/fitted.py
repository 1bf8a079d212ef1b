"""What fitting gives, before it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from train.choose import Size
from train.split import Split
from train.target import Label
from train.threshold import Threshold


@dataclass(frozen=True)
class Fitted:
    """What training gives.

    Attributes:
        split: Which rows were used for what.
        estimators: The final estimator of each candidate, fitted on the train and validation rows.
        chosen: The candidate that was chosen.
        positive: The class that the threshold is for; None unless there are two classes.
        threshold: Of the chosen candidate; None unless there are two classes.
        metrics: The content of `metrics.json`.
        sizes: Of each candidate as a file; empty where nothing was measured.
        parameters: That a search found, per candidate.
        log_target: Whether the logarithm of the target was learnt.
    """

    split: Split
    estimators: dict[str, Any]
    chosen: str
    positive: Label | None
    threshold: Threshold | None
    metrics: dict[str, Any]
    sizes: dict[str, Size] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    log_target: bool = False
