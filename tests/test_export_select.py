"""Steps that choose, compare or multiply columns move no row across a threshold."""

from typing import Any

import pytest
from export_tools import frame, gap, target, value
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from export.errors import ExportError
from export.support import check_exportable

FLOATS = ["income", "2nd height", "visits", "\U0001f600"]
TREE = DecisionTreeClassifier(max_depth=5, random_state=0)
STEPS: list[Any] = [
    RFE(TREE, n_features_to_select=2), RFECV(TREE, cv=2), GenericUnivariateSelect(mode="k_best", param=2),
    SelectFdr(alpha=0.9), SelectFpr(alpha=0.9), SelectFromModel(TREE, threshold=-1.0), SelectFwe(alpha=0.9),
    SelectKBest(k=2), SelectPercentile(percentile=60), SequentialFeatureSelector(LogisticRegression(), cv=2),
    VarianceThreshold(), Binarizer(), Binarizer(threshold=0.37), PolynomialFeatures(), PolynomialFeatures(3),
    PolynomialFeatures((2, 3), interaction_only=True, include_bias=False), PolynomialFeatures(1),
]  # fmt: skip


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_identical_in_front_of_a_tree(step: Any) -> None:
    X = frame()[FLOATS]
    fitted = make_pipeline(SimpleImputer(), StandardScaler(), step, TREE).fit(X, target(X))
    found = gap(fitted, X)
    assert found.rows > 100
    assert (found.labels, found.ulp) == (0, 0), found


@pytest.mark.filterwarnings("ignore:No features were selected")
def test_a_selector_that_keeps_nothing_is_refused() -> None:
    X = frame()[["2nd height", "visits"]]
    selector = SelectFromModel(TREE, threshold=2.0).fit(X, value(X) > 0)
    with pytest.raises(ExportError, match="selectfrommodel: it selects no column"):
        check_exportable(selector)
