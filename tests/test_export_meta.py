"""Votes, bags and transformed targets around exact estimators are exact."""

from typing import Any

import numpy as np
import pytest
from export_tools import ROUNDING, TEXTS, frame, gap, target, value
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from export.errors import ExportError
from export.support import check_exportable

NUMBERS = ["income", "2nd height", "visits"]


def prepared(model: Any) -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    text = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(ColumnTransformer([("numbers", numbers, NUMBERS), ("texts", text, TEXTS)]), model)


TREE, LEAST = DecisionTreeClassifier(max_depth=4, random_state=0), DecisionTreeRegressor(max_depth=4, random_state=0)
VOTERS = [("tree", prepared(TREE)), ("logistic", prepared(LogisticRegression()))]
VALUERS = [("tree", prepared(LEAST)), ("ridge", prepared(Ridge()))]
TREES = [("a", TREE), ("b", RandomForestClassifier(3, max_depth=3, random_state=1)), ("c", TREE)]
MODELS: dict[str, Any] = {
    "vote": VotingClassifier(VOTERS, voting="soft"),
    "weighted vote": VotingClassifier(VOTERS, voting="soft", weights=[2, 0.7]),
    "vote behind columns": prepared(VotingClassifier(TREES, voting="soft")),
    "mean": VotingRegressor(VALUERS),
    "weighted mean": VotingRegressor(VALUERS, weights=[1, 3]),
    "bag": prepared(BaggingClassifier(TREE, 5, max_features=0.6, random_state=0)),
    "bag of values": prepared(BaggingRegressor(LEAST, 5, max_features=0.6, random_state=0)),
    "bag of pipelines": BaggingRegressor(make_pipeline(SimpleImputer(), Ridge()), 3, random_state=0),
    "scaled target": TransformedTargetRegressor(prepared(Ridge()), transformer=StandardScaler()),
    **{
        f"{name} target": TransformedTargetRegressor(
            prepared(HistGradientBoostingRegressor(max_iter=10)), func=there, inverse_func=back, check_inverse=False
        )
        for name, there, back in (
            ("log", np.log, np.exp),
            ("log1p", np.log1p, np.expm1),
            ("exp", np.exp, np.log),
            ("expm1", np.expm1, np.log1p),
            ("square", np.square, np.sqrt),
            ("root", np.sqrt, np.square),
        )
    },
}


def positive(X: Any) -> Any:
    raw = value(X)
    return 0.5 + (raw - raw.min()) / (raw.max() - raw.min())


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", MODELS)
def test_exact_up_to_rounding(name: str, classes: int) -> None:
    model = MODELS[name]
    if classes > 2 and not is_classifier(model):
        return
    X = frame()[NUMBERS] if name == "bag of pipelines" else frame()
    fitted = model.fit(X, target(X, classes) if is_classifier(model) else positive(X))
    found = gap(fitted, X)
    assert found.rows > 100
    assert found.labels == 0, found
    assert found.apart <= ROUNDING, found


@pytest.mark.parametrize("name", ["vote behind columns", "bag"])
def test_means_of_trees_are_identical(name: str) -> None:
    X = frame()
    assert gap(MODELS[name].fit(X, target(X)), X).ulp == 0


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (VotingClassifier(TREES, voting="hard"), "votingclassifier: voting='hard' gives no probabilities"),
        (
            VotingClassifier([("near", KNeighborsClassifier()), *TREES], voting="soft"),
            "votingclassifier > near: KNeigh",
        ),
        (BaggingRegressor(KNeighborsRegressor()), "baggingregressor > 0: KNeighborsRegressor has no exact converter"),
        (TransformedTargetRegressor(Ridge(), transformer=MinMaxScaler()), "the target's inverse 'MinMaxScaler' has no"),
        (TransformedTargetRegressor(Ridge(), func=np.tan, inverse_func=np.arctan), "has no exact form"),
        (TransformedTargetRegressor(KNeighborsRegressor()), "transformedtargetregressor > regressor: KNeighbors"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:The provided functions")
def test_what_is_not_exact_inside_is_refused_by_its_path(model: Any, message: str) -> None:
    X = frame()[["2nd height", "visits"]]
    model.fit(X, target(X) if is_classifier(model) else value(X))
    with pytest.raises(ExportError, match=message):
        check_exportable(model)
