"""Chooses among compared candidates: within the budgets, the simplest that is as good as the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from train.config import BudgetSettings
from train.errors import TrainError
from train.models import SIMPLICITY
from train.scores import LOWER_IS_BETTER


@dataclass(frozen=True)
class Size:
    """What a candidate takes as one ONNX file; None where it cannot be exported, or was not measured.

    Attributes:
        file_bytes: Of the file.
        latency_ms: The median of one row, on the machine that trained.
        refusal: Why it cannot be exported.
    """

    file_bytes: int | None = None
    latency_ms: float | None = None
    refusal: str | None = None


def over_budget(size: Size, budgets: BudgetSettings) -> str | None:
    """Return why a candidate may not be chosen, None if it may."""
    if size.refusal is not None:
        return f"not exportable: {size.refusal}"
    if budgets.file_mb is not None and size.file_bytes is not None and size.file_bytes > budgets.file_mb * 1e6:
        return f"{size.file_bytes / 1e6:.3g} MB of file, the budget is {budgets.file_mb:g} MB"
    if budgets.latency_ms is not None and size.latency_ms is not None and size.latency_ms > budgets.latency_ms:
        return f"{size.latency_ms:.3g} ms a row, the budget is {budgets.latency_ms:g} ms"
    return None


def choose(
    compared: Mapping[str, Mapping[str, Any]], metric: str, barred: Mapping[str, str], prefer: str
) -> tuple[str, str]:
    """Return the chosen candidate and why.

    The best is the one with the best mean. With `simplest`, the simplest one is taken (`train.models.SIMPLICITY`) whose
    mean is within one standard error of the best one's: the one standard error rule (Breiman et al. 1984,
    Classification and Regression Trees) with the corrected error of `train.scores`.

    Args:
        compared: Per candidate and metric, what `train.scores.summarise` gives.
        metric: The one that decides.
        barred: Why a candidate may not be chosen.
        prefer: `simplest` or `best`.

    Raises:
        TrainError: None may be chosen.
    """
    open_to = [name for name in compared if name not in barred]
    if not open_to:
        said = "; ".join(f"{name}: {why}" for name, why in barred.items())
        rule = "One candidate at least must export exactly and keep the budgets."
        raise TrainError(rule, said, "Widen [budgets], or take others.")
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    best = max(open_to, key=lambda name: sign * compared[name][metric]["mean"])
    if prefer == "best":
        return best, "the best mean"
    error = compared[best][metric]["error"]
    for name in sorted(open_to, key=SIMPLICITY.index):
        if name == best:
            break
        lost = sign * (compared[best][metric]["mean"] - compared[name][metric]["mean"])
        if lost <= error:
            return (
                name,
                f"the simplest within one standard error of the best ({best}: {lost:.2g} better, ± {error:.2g})",
            )
    return best, "the best mean, beyond one standard error of every simpler one"
