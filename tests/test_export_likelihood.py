"""Classes by likelihood or distance, constant answers and isotonic lines."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from export_tools import diagonal, frame, target, value
from sklearn.base import is_classifier
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from export.converters import discriminant, isotonic
from export.measure import Measured, measure

CLASSES: dict[str, Any] = {
    **{f"lda-{solver}": LinearDiscriminantAnalysis(solver=solver) for solver in ("svd", "lsqr", "eigen")},
    "lda-shrunk": LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto"),
    "qda": QuadraticDiscriminantAnalysis(reg_param=0.1),
    "qda-eigen": QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.1),
    "bayes": GaussianNB(),
    "bayes-yes-no": BernoulliNB(),
    "centroid": NearestCentroid(),
    "centroid-shrunk": NearestCentroid(shrink_threshold=0.2),
    "centroid-manhattan": NearestCentroid(metric="manhattan"),
}
COUNTS: dict[str, Any] = {
    "multinomial": MultinomialNB(),
    "complement": ComplementNB(),
    "complement-norm": ComplementNB(norm=True),
    "bernoulli": BernoulliNB(binarize=2.0),
    "categorical": CategoricalNB(),
}
REFUSED: dict[str, tuple[Any, str]] = {
    "stratified": (DummyClassifier(strategy="stratified"), "at random. Fit with strategy='prior'"),
    "uniform": (DummyClassifier(strategy="uniform"), "at random. Fit with strategy='prior'"),
    "no smoothing": (MultinomialNB(alpha=0.0, force_alpha=True), "is zero. Fit with alpha=1.0"),
    "counts as yes and no": (BernoulliNB(binarize=None), "not below one. Fit with alpha=1.0"),
    "one class": (MLPClassifier(hidden_layer_sizes=(3,), max_iter=2), "two classes"),
}

pytestmark = [
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer"),
    pytest.mark.filterwarnings("ignore:divide by zero"),
    pytest.mark.filterwarnings("ignore:alpha too small"),
]


def numbers(columns: int = 4) -> pd.DataFrame:
    table = frame()[["2nd height", "\U0001f600"]]
    extra = np.random.default_rng(2).normal(size=(len(table), 10)) * 3.0 + 5.0
    return table.join(pd.DataFrame(extra, columns=[f"c{i}" for i in range(10)])).iloc[:, :columns]


def counts(dtype: str = "float64") -> pd.DataFrame:
    drawn = np.random.default_rng(4).integers(0, 5, size=(200, 5))
    return pd.DataFrame(drawn, columns=list("abcde")).astype(dtype)


def exact(found: Measured) -> Measured:
    assert found.verdict in {"identical", "rounding"}, found
    assert found.rows > 100
    return found


@pytest.mark.parametrize(("name", "columns"), diagonal(list(CLASSES), [12, 1]))
def test_classes(name: str, columns: int) -> None:
    X = numbers(columns)
    model = CLASSES[name]
    exact(measure(model.fit(X, np.array(["b", "a", "d", "c"])[target(X, 4)]), X, rows=30))
    exact(measure(make_pipeline(StandardScaler(), model).fit(X, target(X) == 1), X, rows=30))


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_centroids_with_priors(metric: str) -> None:
    X = numbers()
    exact(measure(NearestCentroid(metric=metric, priors=[0.7, 0.2, 0.1]).fit(X, target(X, 3)), X, rows=30))


def test_the_nearest_centroid_is_not_the_one_of_the_best_score(monkeypatch: pytest.MonkeyPatch) -> None:
    X = numbers()
    model = NearestCentroid().fit(X, target(X, 3))
    monkeypatch.setattr(discriminant, "_alike", lambda _: False)
    assert measure(model, X).verdict == "WRONG"


@pytest.mark.parametrize("solver", ["svd", "eigen"])
@pytest.mark.parametrize("width", [1, 2, None])
def test_discriminant_projection(solver: str, width: int | None) -> None:
    X = numbers()
    model = LinearDiscriminantAnalysis(solver=solver, n_components=width).fit(X, target(X, 4))
    exact(measure(model, X, transformer=True, rows=30))


@pytest.mark.parametrize(("name", "classes"), diagonal(list(COUNTS), [2, 3]))
def test_counts(name: str, classes: int) -> None:
    X = counts()
    exact(measure(COUNTS[name].fit(X, target(X, classes)), X, rows=30))


@pytest.mark.parametrize(("name", "dtype"), diagonal(list(COUNTS), ["int64", "bool"]))
def test_counts_of_other_kinds(name: str, dtype: str) -> None:
    X = counts(dtype)
    exact(measure(COUNTS[name].fit(X, target(X)), X, rows=30))


def test_shares() -> None:
    X = counts()
    for model in (MultinomialNB(), ComplementNB(), CategoricalNB()):
        exact(measure(make_pipeline(MinMaxScaler(clip=True), model).fit(X, target(X, 3)), X, rows=30))


@pytest.mark.parametrize("strategy", ["prior", "most_frequent", "constant"])
def test_constant_classes(strategy: str) -> None:
    X = frame()
    constant = {"constant": "a"} if strategy == "constant" else {}
    model = DummyClassifier(strategy=strategy, **constant).fit(X, np.array(["b", "a", "c"])[target(X, 3)])
    assert exact(measure(model, X, rows=30)).verdict == "identical"
    constant = {"constant": [1, 2]} if strategy == "constant" else {}
    both = np.stack([target(X), target(X, 3)], axis=1)
    model = DummyClassifier(strategy=strategy, **constant).fit(X, both)
    assert exact(measure(model, X, rows=30)).verdict == "identical"


@pytest.mark.parametrize("strategy", ["mean", "median", "quantile", "constant"])
def test_constant_values(strategy: str) -> None:
    X = frame()
    for y, constant in ((value(X), 3), (np.stack([value(X), value(X, 3)], axis=1), [3, 4.5])):
        model = DummyRegressor(strategy=strategy, quantile=0.3, constant=constant).fit(X, y)
        assert exact(measure(model, X, rows=30)).verdict == "identical"


@pytest.mark.parametrize(("bounds", "increasing"), diagonal(["nan", "clip", "raise"], [True, False]))
def test_isotonic_lines(bounds: str, increasing: bool) -> None:
    X = numbers(1)
    model = IsotonicRegression(out_of_bounds=bounds, increasing=increasing).fit(X, value(numbers()))
    assert exact(measure(model, X)).verdict == "identical"
    if bounds != "raise":
        assert exact(measure(model, X, transformer=True)).verdict == "identical"
    scaled = make_pipeline(StandardScaler(), IsotonicRegression(out_of_bounds=bounds)).fit(X, value(X))
    assert exact(measure(scaled, X)).verdict == "identical"


def test_isotonic_of_one_value() -> None:
    X = numbers(1) * 0.0 + 2.0
    assert exact(measure(IsotonicRegression().fit(X, value(numbers())), X)).verdict == "identical"


def test_an_isotonic_line_without_its_end_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    X = numbers(1)
    model = IsotonicRegression(out_of_bounds="clip").fit(X, value(X))
    thresholds = isotonic._thresholds(model)
    monkeypatch.setattr(isotonic, "_thresholds", lambda _: tuple(each[:-1] for each in thresholds))
    assert measure(model, X).verdict == "WRONG"


def test_an_endlessly_steep_isotonic_line_is_refused() -> None:
    X = pd.DataFrame({"x": [0.0, 1e-14, 1.0]})
    found = measure(IsotonicRegression(out_of_bounds="clip").fit(X, [0.0, 1e300, 2e300]), X)
    assert (found.verdict, "too steep" in found.reason) == ("refused", True)
    gentle = IsotonicRegression(out_of_bounds="clip").fit(X, [0.0, 1e290, 2e290])
    assert measure(gentle, X).verdict == "identical"


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    model, reason = REFUSED[name]
    X = counts()
    y = np.zeros(len(X), dtype=int) if name == "one class" else target(X)
    if name == "no smoothing":
        X.loc[y == 1, "a"] = 0.0
    found = measure(model.fit(X, y), X)
    assert found.verdict == "refused"
    assert reason in found.reason
    assert is_classifier(model)
