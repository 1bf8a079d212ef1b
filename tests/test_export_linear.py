"""Linear models of every kind: classifiers without probabilities, links, several targets, outliers, projections."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from export_tools import frame, target, value
from sklearn.base import is_classifier
from sklearn.cross_decomposition import CCA, PLSSVD, PLSCanonical, PLSRegression
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import (
    GammaRegressor,
    Lars,
    LassoLars,
    LinearRegression,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    OrthogonalMatchingPursuit,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    PoissonRegressor,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDOneClassSVM,
    TweedieRegressor,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from export import export_bundle
from export.converters import linear, sgd
from export.graph import Graph
from export.measure import Measured, measure
from lambda_handler.contract import ContractError
from lambda_handler.predictor import Predictor

LAYERS: dict[str, Any] = {"hidden_layer_sizes": (6,), "max_iter": 20, "random_state": 0}
CLASSIFIERS: dict[str, Any] = {
    "ridge": RidgeClassifier(),
    "ridge-cv": RidgeClassifierCV(),
    "perceptron": Perceptron(),
    "svc": LinearSVC(C=0.1),
    "svc-crammer-singer": LinearSVC(multi_class="crammer_singer", max_iter=20_000),
    **{f"sgd-{loss}": SGDClassifier(loss=loss, random_state=0) for loss in ("hinge", "log_loss", "modified_huber")},
}
SEVERAL: dict[str, Any] = {
    "least-squares": LinearRegression(),
    "positive": LinearRegression(positive=True, fit_intercept=False),
    "ridge": Ridge(),
    "ridge-cv": RidgeCV(),
    "lars": Lars(),
    "lasso-lars": LassoLars(alpha=0.01),
    "pursuit": OrthogonalMatchingPursuit(),
    "tasks-net": MultiTaskElasticNet(alpha=0.01),
    "tasks-net-cv": MultiTaskElasticNetCV(alphas=3, cv=2),
    "tasks-lasso": MultiTaskLasso(alpha=0.01),
    "tasks-lasso-cv": MultiTaskLassoCV(alphas=3, cv=2),
    "inliers": RANSACRegressor(random_state=0),
    "inliers-tree": RANSACRegressor(DecisionTreeRegressor(max_depth=3), min_samples=20, random_state=0),
    "network": MLPRegressor(**LAYERS),
    **{cls.__name__: cls(n_components=2) for cls in (PLSRegression, PLSCanonical, CCA)},
}
POSITIVE: dict[str, Any] = {
    "poisson": PoissonRegressor(),
    "gamma": GammaRegressor(),
    "tweedie": TweedieRegressor(power=1.5),
    "tweedie-identity": TweedieRegressor(power=0),
    "network": MLPRegressor(loss="poisson", **LAYERS),
    **{f"boosted-{loss}": HistGradientBoostingRegressor(loss=loss, max_iter=3) for loss in ("poisson", "gamma")},
}

pytestmark = [
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer"),
    pytest.mark.filterwarnings("ignore:.*PassiveAggressive.*:FutureWarning"),
]


def numbers() -> pd.DataFrame:
    table = frame()[["2nd height", "visits"]]
    return table.assign(area=table["2nd height"] ** 2, income=np.arange(len(table)) % 17 / 3.0)


def exact(found: Measured) -> Measured:
    assert found.verdict in {"identical", "rounding"}, found
    assert found.rows > 100
    return found


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name: str, classes: int) -> None:
    X = numbers()
    model = make_pipeline(StandardScaler(), CLASSIFIERS[name])
    found = measure(model.fit(X, np.array(["b", "a", "d", "c"])[target(X, classes)]), X, rows=40)
    if (name, classes) == ("sgd-modified_huber", 4):
        assert "jump between 0 and 1. Fit with loss='log_loss'" in found.reason
    else:
        exact(found)


@pytest.mark.parametrize("kind", [PassiveAggressiveClassifier, PassiveAggressiveRegressor])
def test_passive_aggressive(kind: Any) -> None:
    X = numbers()
    model = kind()
    exact(measure(model.fit(X, target(X, 3) if is_classifier(model) else value(X)), X, rows=40))


@pytest.mark.parametrize("model", [RidgeClassifier(), RidgeClassifierCV(), MLPClassifier(**LAYERS)], ids=str)
def test_several_labels(model: Any) -> None:
    X = numbers()
    labels = np.stack([target(X, 2, seed) for seed in range(3)], axis=1)
    exact(measure(make_pipeline(StandardScaler(), model).fit(X, labels), X, rows=40))


@pytest.mark.parametrize("name", SEVERAL)
def test_several_targets(name: str) -> None:
    X = numbers()
    exact(measure(SEVERAL[name].fit(X, np.stack([value(X), value(X, 3)], axis=1)), X, rows=40))


@pytest.mark.parametrize("columns", [1, 4])
@pytest.mark.parametrize("name", POSITIVE)
def test_positive_answers(name: str, columns: int) -> None:
    X = numbers().iloc[:, :columns]
    exact(measure(make_pipeline(StandardScaler(), POSITIVE[name]).fit(X, np.exp(value(X) / 3)), X, rows=40))


def test_an_endless_answer_hangs_on_the_whole_row(tmp_path: Path) -> None:
    X = numbers()
    model = make_pipeline(StandardScaler(), PoissonRegressor()).fit(X, np.exp(value(X) / 3))
    predictor = Predictor.load(export_bundle(model, X, tmp_path / "poisson"))
    moves = dict(zip(X, np.sign(model[-1].coef_), strict=True))
    far = {name: float(sign) * 1e6 for name, sign in moves.items()}
    far["visits"] = 10
    with pytest.raises(ContractError, match="no finite answer"):
        predictor.predict([far])
    turned = {**far, "income": -far["income"] * 1e3}  # the same height: another column outweighs it
    assert np.isfinite(model.predict(pd.DataFrame([turned]))).all()
    assert predictor.predict([turned])[0]["value"] >= 0.0


@pytest.mark.parametrize("columns", [1, 4])
def test_outliers(columns: int) -> None:
    X = numbers().iloc[:, :columns]
    exact(measure(make_pipeline(StandardScaler(), SGDOneClassSVM(random_state=0)).fit(X), X, rows=40))


@pytest.mark.parametrize("model", [PLSRegression(), PLSCanonical(), CCA(), PLSSVD()], ids=str)
def test_projections(model: Any) -> None:
    X = numbers()
    y = np.stack([value(X), value(X, 3)], axis=1)
    exact(measure(model.fit(X, y), X, transformer=True, rows=40))


def test_shares_too_small_for_a_sigmoid_still_say_which_is_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime's Sigmoid is zero below -36.8, scikit-learn's is not: equal shares would be answered."""
    X = pd.DataFrame({"a": np.linspace(-3.0, 3.0, 120), "b": np.sin(np.arange(120.0))})
    model = SGDClassifier(loss="log_loss", random_state=0).fit(X, np.arange(120) // 40)
    model.coef_, model.intercept_ = np.array([[-1.0, 0.0], [-1.0, 0.1], [-1.01, 0.0]]), np.zeros(3)
    table = X.assign(a=np.where(np.arange(120) % 4, X["a"], 20.0 + 5.0 * X["b"]))
    exact(measure(model, table))
    monkeypatch.setattr(sgd, "expit", lambda graph, scores: graph.add("Sigmoid", scores))
    assert measure(model, table).verdict == "WRONG"


def test_a_label_of_another_rule_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_least(graph: Graph, scores: str, _model: Any) -> str:
        return linear.positive_label(graph, scores, "GreaterOrEqual")

    X = numbers()
    model = Perceptron().fit(X, target(X))
    model.coef_, model.intercept_ = np.array([[0.0, 1.0, 0.0, 0.0]]), np.array([-7.0])  # a score of exactly zero
    assert exact(measure(model, X)).labels == 0
    monkeypatch.setattr(linear, "label_of", at_least)
    assert measure(model, X).undecidable > 0


@pytest.mark.parametrize("model", [RidgeClassifier(), RidgeClassifierCV()], ids=str)
def test_several_labels_are_judged_by_their_scores(model: Any) -> None:
    X = numbers()
    fitted = model.fit(X, np.stack([target(X, 2, seed) for seed in range(3)], axis=1))
    found = exact(measure(fitted, X))
    assert found.undecidable <= 1, found
