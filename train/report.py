"""The run's report: one page without outside requests."""

from __future__ import annotations

from typing import Any

import numpy as np

from train.fitted import Fitted
from train.material import Material
from train.models import described
from train.page import page
from train.plots import calibration_plot, residual_plot, roc_plot, value_plot
from train.scores import LOWER_IS_BETTER

SCORE_NAMES = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "cost": "cost per row",
    "log_loss": "log loss",
    "brier": "Brier score",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "mrr": "MRR",
    "map@5": "mAP@5",
    "ndcg@5": "NDCG@5",
    "hit@5": "hit rate@5",
}


def render_report(material: Material, fitted: Fitted, info: dict[str, Any]) -> str:
    """Return the report as HTML.

    Args:
        material: What was trained on.
        fitted: What came out.
        info: The content of `run.json`.
    """
    metrics = fitted.metrics
    return page(
        "report.html.jinja",
        {"score": show_score, "spread": show_spread, "bytes": show_bytes},
        info=info,
        metrics=metrics,
        names=SCORE_NAMES,
        lower_is_better=LOWER_IS_BETTER,
        models={
            name: described(name, material.target.task, material.config.candidates)
            for name in metrics["cross_validation"]
        },
        scores=_listed_scores(metrics),
        decisions=[decision for decision in material.decisions if decision.kind != "target"],
        target_reason=material.target.reason,
        missing=_missing_rows(material),
        plots=_plots(material, fitted),
    )


def show_score(value: float) -> str:
    """Return a score with four significant digits, or as a whole number where it is large."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def show_spread(value: float) -> str:
    """Return a standard deviation with two significant digits, or as a whole number where it is large."""
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"


def show_bytes(count: int) -> str:
    """Return the size of a file in the unit that needs no leading zeros."""
    return f"{count / 1e6:.3g} MB" if count >= 999_500 else f"{count / 1e3:.3g} kB"


def _listed_scores(metrics: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in metrics["test"].items() if name in SCORE_NAMES}


def _missing_rows(material: Material) -> list[dict[str, Any]]:
    """Return name, count and percentage for each column with missing values, the most first."""
    counts = material.X.isna().sum()
    rows = [
        {"name": str(name), "count": int(count), "percent": 100 * int(count) / len(material.X)}
        for name, count in counts.items()
        if count
    ]
    return sorted(rows, key=lambda row: (-row["count"], row["name"]))


def _plots(material: Material, fitted: Fitted) -> list[dict[str, str]]:
    """Return title and SVG of each plot; all show test rows only."""
    X = material.X.iloc[fitted.split.test].reset_index(drop=True)
    y = material.target.y[fitted.split.test]
    estimator = fitted.estimators[fitted.chosen]
    if material.target.task == "regression":
        value = estimator.predict(X)
        return [
            {"title": "Actual against predicted", "svg": value_plot(y, value)},
            {"title": "Residuals", "svg": residual_plot(y, value)},
        ]
    if fitted.threshold is None:
        return []
    column = int(np.flatnonzero(estimator.classes_ == fitted.positive)[0])
    probability = estimator.predict_proba(X)[:, column]
    positive = y == fitted.positive
    return [
        {"title": "ROC curve", "svg": roc_plot(positive, probability, fitted.threshold.value)},
        {"title": "Calibration", "svg": calibration_plot(positive, probability)},
    ]
