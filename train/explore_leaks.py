"""Looks for columns that know the answer, and tells what an honest model reaches about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from train.finding import Finding
from train.survey import MOST_ROWS, Survey, part, spaced

FOLDS = 5
ALONE = {"auc": 0.78, "r2": 0.9}  # one column that reaches as much is a suspect
DECIDES = {"auc": 0.95, "r2": 0.98}
MARGIN = 0.05  # above an honest model's score: what the report calls suspicious
LEAVES = 8
AFTERWARDS = re.compile(
    r"(?i)(^|_|\b)(\w*duration|\w*outcome|result|resolved|closed|settled|recover\w*|charged_?off|paid|collected|refund\w*|"
    r"cancel\w*|churned|approved|decision|final|actual)(_|\b|$)"
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """How well the target is ordered (`auc`, two classes) or explained (`r2`, numbers), with a 95 % interval."""

    name: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        label = {"auc": "ROC AUC", "r2": "R²"}[self.name]
        return f"{label} {self.value:.3f} (95 %: {self.low:.3f} to {self.high:.3f})"


def judged_rows(found: Survey) -> int:
    """Return how many rows `leak_findings` looks at."""
    return min(int(found.target.known.sum()), MOST_ROWS)


def leak_findings(found: Survey, seed: int) -> Iterator[Finding]:
    """Yield suspects by their cross-validated score alone, by name, and the score of a quick model on all columns.

    Of a table with more than 20,000 rows that have a target, evenly spaced ones are looked at. Of more than two
    classes the last one is told from the others.
    """
    rows = np.flatnonzero(found.target.known)
    looked = part(found, rows[spaced(len(rows), MOST_ROWS)])
    looked_at = f" ({looked.rows:,} evenly spaced rows of {len(rows):,})" if looked.rows < len(rows) else ""
    truth = looked.truth()
    if np.ptp(truth) == 0:
        return
    suspects: dict[str, Score] = {}
    with threadpool_limits(1):
        for name in looked.X.columns:
            yield from _alone(looked, str(name), truth, seed, suspects, looked_at)
        yield _honest(looked, truth, seed, suspects, looked_at)
    for each in found.decisions:
        if AFTERWARDS.search(each.name) and each.name not in suspects:
            says = f"{each.name} sounds as if it were known only afterwards."
            todo = "Ask: is its value known when the answer is needed? If not, drop it."
            yield Finding("afterwards", "note", says, todo, each.name)


def _alone(
    found: Survey, name: str, truth: Floats, seed: int, suspects: dict[str, Score], looked_at: str
) -> Iterator[Finding]:
    column, missing = found.X[name], found.X[name].isna().to_numpy()
    for what, values in ((name, _as_number(column)), (f"whether {name} is missing", missing.astype(np.float64))):
        if np.ptp(values[~np.isnan(values)]) == 0 or name in suspects:
            continue
        score = _cross_validated(values[:, None], truth, found.target.classes is not None, seed, small=True)
        if score.value < ALONE[score.name]:
            continue
        suspects[name] = score
        decides = score.value >= DECIDES[score.name]
        does = "almost decides" if decides else "goes far to tell"
        says = f"{what} alone {does} {found.target.name}: {score}{looked_at}."
        todo = f'Is it known when the answer is needed? If not: kind = "drop" in [columns.{name}].'
        numbers = {"score": score.name, "value": score.value, "low": score.low, "high": score.high, "rows": found.rows}
        yield Finding("leak", "stop" if decides else "warn", says, todo, name, numbers)


def _as_number(column: pd.Series) -> Floats:
    """Return the column as numbers; levels as their codes in the order of their frequency."""
    if column.dtype == np.float64:
        return column.to_numpy(dtype=np.float64)
    order = {level: number for number, level in enumerate(column.value_counts().index)}
    return column.map(order).to_numpy(dtype=np.float64)


def _honest(found: Survey, truth: Floats, seed: int, suspects: dict[str, Score], looked_at: str) -> Finding:
    """A quick boosted model on every column but the suspects."""
    kept = [name for name in found.X.columns if str(name) not in suspects]
    X = np.column_stack([_as_number(found.X[name]) for name in kept]) if kept else np.zeros((len(truth), 1))
    score = _cross_validated(X, truth, found.target.classes is not None, seed, small=False)
    limit = min(score.value + MARGIN, 1.0)
    without = f" without {', '.join(suspects)}" if suspects else ""
    says = f"A quick model on {len(kept)} columns{without} reaches {score}{looked_at}."
    todo = f"Take much more, above {limit:.2f} say, as a sign of a leak before you take it for success."
    numbers = {"score": score.name, "value": score.value, "low": score.low, "high": score.high, "rows": found.rows}
    numbers["plausible"] = limit
    return Finding("honest", "note", says, todo, evidence=numbers)


def _cross_validated(X: Floats, truth: Floats, classes: bool, seed: int, *, small: bool) -> Score:
    folds: Any = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=seed)
    if classes:
        model = (
            DecisionTreeClassifier(max_leaf_nodes=LEAVES, min_samples_leaf=20, random_state=seed)
            if small
            else HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, random_state=seed, early_stopping=False)
        )
        answers = cross_val_predict(model, X, truth, cv=folds, method="predict_proba")[:, 1]
        area = float(roc_auc_score(truth, answers))
        reach = 1.96 * _auc_error(area, float(truth.sum()), float((1 - truth).sum()))
        return Score("auc", area, max(area - reach, 0.0), min(area + reach, 1.0))
    model = (
        DecisionTreeRegressor(max_leaf_nodes=4 * LEAVES, min_samples_leaf=10, random_state=seed)
        if small
        else HistGradientBoostingRegressor(max_iter=100, max_leaf_nodes=8, random_state=seed, early_stopping=False)
    )
    answers = cross_val_predict(model, X, truth, cv=folds)
    parts = [float(r2_score(truth[rows], answers[rows])) for _, rows in folds.split(X, truth)]
    error = float(np.std(parts, ddof=1) / np.sqrt(FOLDS))
    value = float(r2_score(truth, answers))
    return Score("r2", value, value - 2.776 * error, min(value + 2.776 * error, 1.0))  # t with 4 degrees of freedom


def _auc_error(area: float, yes: float, no: float) -> float:
    """Return the standard error of an area under the ROC curve by Hanley and McNeil (1982)."""
    one, two = area / (2 - area), 2 * area * area / (1 + area)
    variance = area * (1 - area) + (yes - 1) * (one - area * area) + (no - 1) * (two - area * area)
    return float(np.sqrt(max(variance, 0.0) / (yes * no)))
