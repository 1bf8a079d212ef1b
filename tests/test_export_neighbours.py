"""Nearest neighbours, radius neighbours and label propagation choose among training rows as scikit-learn does."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from export_tools import target, value
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    KNeighborsTransformer,
    LocalOutlierFactor,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
    RadiusNeighborsTransformer,
)
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from export.converters import kdtree
from export.measure import Measured, measure


def table(whole: bool) -> pd.DataFrame:
    """Rows with many equal distances between them, or with none."""
    random = np.random.default_rng(0)
    numbers = random.integers(0, 4, (90, 3)) if whole else random.normal(size=(90, 3))
    return pd.DataFrame(numbers.astype(np.float64), columns=["a", "b", "c"])


def measured(estimator: Any, X: pd.DataFrame) -> Measured:
    kind = type(estimator).__name__
    y = value(X) if "Regressor" in kind else target(X, 3)
    if "Label" in kind:
        y = np.where(np.arange(len(y)) % 2 == 0, -1, y)
    return measure(estimator.fit(X, y), X, transformer="Transformer" in kind, rows=20)


EXACT: dict[str, Any] = {
    "default": KNeighborsClassifier(),
    "by distance": KNeighborsClassifier(9, weights="distance"),
    "manhattan": KNeighborsClassifier(4, p=1),
    "chebyshev": KNeighborsClassifier(1, metric="chebyshev"),
    "small leaves": KNeighborsClassifier(12, leaf_size=2, algorithm="kd_tree"),
    "one leaf": KNeighborsClassifier(3, leaf_size=500),
    "columns": KNeighborsTransformer(n_neighbors=4),
    "radius": RadiusNeighborsClassifier(1.0),
    "radius by distance": RadiusNeighborsClassifier(1.0, weights="distance", outlier_label="most_frequent"),
    "radius in small leaves": RadiusNeighborsClassifier(1, metric="chebyshev", leaf_size=2),
    "radius columns": RadiusNeighborsTransformer(radius=1.0, mode="connectivity"),
}
ROUNDED: dict[str, Any] = {
    "values": KNeighborsRegressor(),
    "values by distance": KNeighborsRegressor(9, weights="distance"),
    "outliers": LocalOutlierFactor(novelty=True, n_neighbors=10),
    "radius values": RadiusNeighborsRegressor(1.0, weights="distance"),
    "propagation": LabelPropagation(),
    "spreading": LabelSpreading(kernel="knn"),
}


@pytest.mark.parametrize(("name", "whole"), [*((name, True) for name in EXACT), ("default", False)])
def test_neighbours_are_identical(name: str, whole: bool) -> None:
    found = measured(EXACT[name], table(whole))
    assert found.verdict == "identical", found


@pytest.mark.parametrize("name", ROUNDED)
def test_sums_over_neighbours_are_exact(name: str) -> None:
    found = measured(ROUNDED[name], table(whole=True))
    assert found.verdict in {"identical", "rounding"}, found


def test_several_targets() -> None:
    X = table(whole=True)
    labels = np.column_stack([target(X, 3), target(X, 2, seed=3)])
    assert measure(KNeighborsClassifier().fit(X, labels), X, rows=20).verdict == "identical"
    values = np.column_stack([value(X), value(X, 3)])
    assert measure(KNeighborsRegressor().fit(X, values), X, rows=20).verdict in {"identical", "rounding"}


def test_another_choice_among_equals_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the tree's heap the first of equally near rows would be taken."""
    monkeypatch.setattr(kdtree, "_choices", lambda *given: (_plain(*given), _plain(*given)))
    assert measured(KNeighborsClassifier(), table(whole=True)).verdict == "WRONG"


def _plain(*given: Any) -> Any:
    return CHOICES(*given)[1]


CHOICES = kdtree._choices


@pytest.mark.parametrize(
    ("estimator", "remedy"),
    [
        (KNeighborsClassifier(algorithm="brute"), KNeighborsClassifier(algorithm="kd_tree")),
        (KNeighborsClassifier(p=3), KNeighborsClassifier(metric="manhattan")),
        (KNeighborsClassifier(weights=np.sqrt), KNeighborsClassifier(weights="distance")),
        (RadiusNeighborsClassifier(outlier_label=9), RadiusNeighborsClassifier(outlier_label="most_frequent")),
    ],
)
def test_refusals_have_a_remedy_that_works(estimator: Any, remedy: Any) -> None:
    X = table(whole=True)
    assert measured(estimator, X).verdict == "refused"
    assert measured(remedy, X).verdict == "identical"
