"""Estimators around other estimators answer as scikit-learn's do."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from export_tools import TEXTS, frame, name_of, target, value
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    IsolationForest,
    RandomTreesEmbedding,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from export.converters import member
from export.errors import ExportError
from export.measure import measure
from export.support import check_exportable

NUMBERS = ["income", "2nd height", "visits"]
ROWS = 24


def prepared(model: Any) -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    text = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(ColumnTransformer([("numbers", numbers, NUMBERS), ("texts", text, TEXTS)]), model)


def imputed(model: Any) -> Any:
    return make_pipeline(SimpleImputer(), StandardScaler(), model)


def numbers() -> pd.DataFrame:
    return frame()[NUMBERS]


def tree(depth: int = 3, seed: int = 0) -> Any:
    return DecisionTreeClassifier(max_depth=depth, random_state=seed)


LEAST, LINEAR = DecisionTreeRegressor(max_depth=3, random_state=0), LogisticRegression(max_iter=1000)
TEXT_BAG = ColumnTransformer(
    [
        ("n", make_pipeline(SimpleImputer(), StandardScaler()), [0, 1, 2]),
        ("t", OneHotEncoder(handle_unknown="ignore"), [4, 5]),
    ]
)
TREES = [("a", tree()), ("b", tree(4, 1)), ("dropped", "drop"), ("c", ExtraTreeClassifier(max_depth=3, random_state=2))]
IDENTICAL: dict[str, Any] = {
    "soft vote of trees": imputed(VotingClassifier(TREES, voting="soft")),
    "hard vote of trees": imputed(VotingClassifier(TREES)),
    "weighted hard vote": imputed(VotingClassifier(TREES, weights=[0.4, 0.3, 9, 0.3])),
    "stack of trees": imputed(StackingClassifier(TREES, tree(), cv=2)),
    "stack of labels": imputed(StackingClassifier(TREES, tree(), cv=2, stack_method="predict")),
    "stack passing columns": imputed(StackingClassifier(TREES[:2], tree(), cv=2, passthrough=True)),
    "bag": imputed(BaggingClassifier(tree(), 4, max_features=0.6, random_state=0)),
    "bag that drew features twice": imputed(BaggingClassifier(tree(), 4, bootstrap_features=True, random_state=0)),
    "bag of tiny samples": imputed(BaggingClassifier(tree(), 6, max_samples=4, random_state=0)),
    "one against the rest": imputed(OneVsRestClassifier(tree())),
    "one against one": imputed(OneVsOneClassifier(tree())),
    "codes": imputed(OutputCodeClassifier(tree(), code_size=3, random_state=0)),
    "mean of trees": imputed(VotingRegressor([("a", LEAST), ("b", LEAST)])),
    "bag of values": imputed(BaggingRegressor(LEAST, 4, max_features=0.6, random_state=0)),
    "boosted median": imputed(AdaBoostRegressor(LEAST, n_estimators=8, random_state=0)),
    "stack of values": imputed(StackingRegressor([("a", LEAST), ("b", "drop")], LEAST, cv=2, passthrough=True)),
}
WIDE = {"soft vote", "stack of pipelines", "bag of pipelines on text"}  # of texts, too
ROUNDED: dict[str, Any] = {
    "soft vote": VotingClassifier([("t", prepared(tree())), ("l", prepared(LINEAR))], voting="soft", weights=[2, 0.7]),
    "mean": VotingRegressor([("t", imputed(LEAST)), ("r", imputed(Ridge()))], weights=[1, 3]),
    "stack of pipelines": StackingClassifier(
        [("t", prepared(tree())), ("r", prepared(RidgeClassifier())), ("l", prepared(LINEAR))], cv=2
    ),
    "stack of values": StackingRegressor([("t", imputed(LEAST)), ("r", imputed(Ridge()))], cv=2),
    "bag of linear": imputed(BaggingClassifier(LINEAR, 3, max_features=0.6, random_state=0)),
    "bag of pipelines on text": BaggingClassifier(make_pipeline(TEXT_BAG, LINEAR), 2, random_state=0),
    "bag of values": imputed(BaggingRegressor(Ridge(), 3, random_state=0)),
    "boosted stumps": imputed(AdaBoostClassifier(n_estimators=6, random_state=0)),
    "boosted trees": imputed(AdaBoostClassifier(tree(), n_estimators=6, learning_rate=0.4, random_state=0)),
    "one against the rest": imputed(OneVsRestClassifier(LINEAR)),
    "regressors against the rest": imputed(OneVsRestClassifier(Ridge())),
    "rest without scores": imputed(OneVsRestClassifier(GaussianNB())),
    "self-trained": imputed(SelfTrainingClassifier(LINEAR)),
}


def fitted(model: Any, X: pd.DataFrame, classes: int) -> Any:
    return clone(model).fit(X, target(X, classes) if is_classifier(model) else value(X))


def table(name: str) -> pd.DataFrame:
    return frame() if name in WIDE else numbers()


def cases(models: dict[str, Any]) -> list[Any]:
    """Each with two classes or four, in turn; the other of both is slow."""
    several = [name for name, model in models.items() if is_classifier(model) and name not in WIDE]
    turns = [
        (name, classes, (place + turn) % 2) for place, name in enumerate(several) for turn, classes in ((0, 2), (1, 4))
    ]
    turns += [(name, 2, 0) for name in models if name not in several]
    return [pytest.param(name, classes, marks=[pytest.mark.slow] * slow) for name, classes, slow in turns]


@pytest.mark.parametrize(("name", "classes"), cases(IDENTICAL))
def test_members_that_compare_give_identical_answers(name: str, classes: int) -> None:
    X, model = numbers(), IDENTICAL[name]
    found = measure(fitted(model, X, classes), X, rows=ROWS)
    assert (found.verdict, found.rows > 150) == ("identical", True), found


@pytest.mark.filterwarnings("ignore:y contains no unlabeled samples")
@pytest.mark.parametrize(("name", "classes"), cases(ROUNDED))
def test_members_that_compute_agree_up_to_rounding(name: str, classes: int) -> None:
    X, model = table(name), ROUNDED[name]
    found = measure(fitted(model, X, classes), X, rows=ROWS)
    assert found.verdict in {"identical", "rounding"}, found
    assert found.rows > 150


@pytest.mark.parametrize("options", [{}, {"max_features": 0.5}, {"bootstrap": True, "contamination": 0.1}], ids=name_of)
def test_isolation_forests(options: dict[str, Any]) -> None:
    X = numbers()
    found = measure(imputed(IsolationForest(n_estimators=12, random_state=0, **options)).fit(X), X, rows=ROWS)
    assert (found.verdict, found.rows > 150) == ("rounding", True), found
    assert found.apart < 1e-15


@pytest.mark.parametrize(
    "step",
    [
        RandomTreesEmbedding(n_estimators=5, max_depth=3, random_state=0),
        RandomTreesEmbedding(n_estimators=5, max_depth=3, random_state=0, sparse_output=False),
        VotingClassifier(TREES, voting="soft"),
        VotingClassifier(TREES),
        VotingRegressor([("a", LEAST), ("b", LEAST)]),
        StackingClassifier(TREES, tree(), cv=2, passthrough=True),
        StackingRegressor([("a", LEAST)], cv=2),
    ],
    ids=name_of,
)
def test_their_columns(step: Any) -> None:
    X = frame()[NUMBERS].fillna(0.0)
    y, last = (value(X), LEAST) if is_regressor(step) else (target(X, 3), tree())
    assert measure(clone(step).fit(X, y), X, transformer=True, rows=ROWS).verdict == "identical"
    assert measure(make_pipeline(clone(step), last).fit(X, y), X, rows=ROWS).verdict == "identical"


def test_labels_of_any_type_inside() -> None:
    X = numbers()
    for labels, name in ((["no", "yes", "ü"], "hard vote of trees"), ([-7, 3, 2**40], "one against one")):
        model = clone(IDENTICAL[name]).fit(X, np.array(labels)[target(X, 3)])
        assert measure(model, X, rows=ROWS).verdict == "identical"


def test_a_wrong_order_of_members_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    X = numbers()
    model = fitted(IDENTICAL["stack of trees"], X, 2)
    monkeypatch.setattr("export.converters.stacking.response", backwards)
    assert measure(model, X, rows=ROWS).verdict == "WRONG"


def backwards(graph: Any, inner: Any, inputs: Any, method: str) -> str:
    name = member.response(graph, inner, inputs, method)
    return graph.add("Sub", graph.constant(np.ones((1, 1)), "one"), name)


def test_text_labels_that_another_estimator_computes_with_are_refused() -> None:
    X = frame()[NUMBERS].fillna(0.0)
    names = np.array(["a", "b"])[target(X)]
    last = make_pipeline(OneHotEncoder(), LINEAR)
    stack = StackingClassifier([("t", tree().fit(X, names))], last, cv="prefit", stack_method="predict").fit(X, names)
    assert "labels that another estimator computes with must be numbers" in measure(stack, X, rows=ROWS).reason


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            VotingClassifier([("near", RadiusNeighborsClassifier(metric=lambda a, b: 0.0)), *TREES], voting="soft"),
            "votingclassifier > near",
        ),
        (StackingClassifier([("near", KNeighborsClassifier(metric=lambda a, b: 0.0))]), "stackingclassifier > near"),
        (IsolationForest(max_samples=1), "two rows"),
    ],
    ids=["vote", "stack", "isolation"],
)
def test_what_is_not_exact_inside_is_refused_by_its_path(model: Any, message: str) -> None:
    X = frame()[["2nd height", "visits"]].iloc[:60]
    model.fit(X, LabelEncoder().fit_transform(target(X)))
    with pytest.raises(ExportError, match=message):
        check_exportable(model)
