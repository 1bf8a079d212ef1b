"""What a run says of its model on the held-out rows: scores, calibration, worst slices, fairness."""

from __future__ import annotations

from typing import Any

from train.fairness import fairness_of
from train.judged import Judged, calibration_of, scores_with_intervals
from train.slices import worst_slices


def held_out(judged: Judged, sensitive: list[str]) -> dict[str, Any]:
    """Return `rows`, `scores` with intervals, `loss` (its name), `calibration`, `slices` and `fairness`, for JSON."""
    return {
        "rows": len(judged.y),
        "loss": judged.loss_name,
        "scores": scores_with_intervals(judged),
        "calibration": calibration_of(judged),
        "slices": worst_slices(judged.X, judged.loss),
        "fairness": fairness_of(judged, sensitive),
    }
