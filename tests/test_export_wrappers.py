"""Calibration, thresholds, searches, transformed targets and several targets are exact around exact estimators."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from export_tools import diagonal, frame, gap, name_of, predictor_of, target, value
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.model_selection._search_successive_halving import HalvingGridSearchCV, HalvingRandomSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from test_export_members import LEAST, LINEAR, ROWS, imputed, numbers, prepared, tree

from export.measure import measure
from export.support import core_of

Answers = Callable[[pd.DataFrame], npt.NDArray[Any]]


def several_labels(X: pd.DataFrame) -> npt.NDArray[Any]:
    random = np.random.default_rng(7)
    return np.column_stack([value(X) + random.normal(0.0, 1.0, len(X)) > edge for edge in (-1.0, 0.0, 1.0)]).astype(int)


def labels_and_classes(X: pd.DataFrame) -> npt.NDArray[Any]:
    return np.column_stack([target(X, 4), target(X)])


def one_column(X: pd.DataFrame) -> npt.NDArray[Any]:
    return target(X)[:, None]


def several_values(X: pd.DataFrame) -> npt.NDArray[Any]:
    return np.column_stack([value(X), value(X, 3) * 5.0, np.abs(value(X, 7))])


def positive(X: pd.DataFrame) -> npt.NDArray[Any]:
    return np.exp(value(X) / 3.0)


def held(model: Any, answers: Answers, verdict: str) -> None:
    X = numbers()
    found = measure(clone(model).fit(X, answers(X)), X, rows=ROWS)
    assert (found.verdict, found.rows > 150) == (verdict, True), found


CALIBRATED = [(tree(), 2), (tree(), 4), (RidgeClassifier(), 4), (RidgeClassifier(), 2)]


@pytest.mark.parametrize(
    ("method", "inside"), diagonal(["sigmoid", "isotonic", "temperature"], CALIBRATED), ids=name_of
)
def test_calibration(method: str, inside: tuple[Any, int]) -> None:
    inner, classes = inside
    model = imputed(CalibratedClassifierCV(inner, method=method, cv=2))
    X = numbers()
    found = measure(model.fit(X, target(X, classes)), X, rows=ROWS)
    assert found.verdict in {"identical", "rounding"}, found


def test_calibration_of_the_whole_and_of_a_frozen_pipeline() -> None:
    X = numbers()
    y = target(X, 3)
    once = CalibratedClassifierCV(imputed(LINEAR), method="isotonic", ensemble=False, cv=2).fit(X, y)
    frozen = CalibratedClassifierCV(FrozenEstimator(imputed(GaussianNB()).fit(X, y)), method="temperature").fit(X, y)
    for model in (once, frozen, FrozenEstimator(once)):
        assert measure(model, X, rows=ROWS).verdict == ("rounding" if model is frozen else "identical")


THRESHOLDS: dict[str, Any] = {
    "fixed": FixedThresholdClassifier(tree(), threshold=0.3, pos_label=0),
    "fixed scores": FixedThresholdClassifier(LINEAR, threshold=0.4, pos_label=0, response_method="decision_function"),
    "endless": FixedThresholdClassifier(tree(), threshold=np.inf),
    "tuned": TunedThresholdClassifierCV(LINEAR, cv=2),
    "tuned scores": TunedThresholdClassifierCV(RidgeClassifier(), cv=2),
}


@pytest.mark.parametrize("name", THRESHOLDS)
def test_a_threshold_inside(name: str) -> None:
    X = numbers()
    model = imputed(THRESHOLDS[name]).fit(X, target(X))
    assert core_of(model) == (model, None, None)
    assert measure(model, X, rows=ROWS).verdict in {"identical", "rounding"}
    assert len(set(model.predict(X))) == (1 if name == "endless" else 2)


@pytest.mark.parametrize("name", THRESHOLDS)
def test_a_threshold_outside_goes_to_the_contract(name: str) -> None:
    X = numbers()
    model = clone(THRESHOLDS[name]).set_params(estimator=imputed(THRESHOLDS[name].estimator))
    search = GridSearchCV(model, {"response_method": [model.response_method]}, cv=2).fit(X, target(X))
    assert (predictor_of(search, X)[0].contract.threshold is None) == (name == "endless")
    assert gap(search, X).labels == 0


def test_a_search_around_everything() -> None:
    X = frame()
    calibrated = CalibratedClassifierCV(prepared(LINEAR), cv=2, method="isotonic")
    stack = StackingClassifier([("c", calibrated), ("t", prepared(tree()))], LINEAR, cv=2)
    model = GridSearchCV(FixedThresholdClassifier(stack), {"threshold": [0.2, 0.4]}, cv=2).fit(X, target(X))
    assert core_of(model)[1] in {0.2, 0.4}
    assert measure(model, X, rows=ROWS).verdict == "rounding"


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(tree(), {"max_depth": [2, 3]}, cv=2),
        RandomizedSearchCV(tree(), {"max_depth": [2, 3]}, n_iter=2, cv=2),
        HalvingGridSearchCV(tree(), {"max_depth": [2, 3]}, cv=2),
        HalvingRandomSearchCV(tree(), {"max_depth": [2, 3]}, n_candidates=2, cv=2),
    ],
    ids=name_of,
)
def test_a_search_inside(search: Any) -> None:
    held(imputed(search), target, "identical")


@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        MinMaxScaler(),
        MaxAbsScaler(),
        RobustScaler(),
        PowerTransformer(),
        QuantileTransformer(n_quantiles=50),
        make_pipeline(MinMaxScaler(), StandardScaler()),
    ],
    ids=name_of,
)
def test_transformed_targets(transformer: Any) -> None:
    X = numbers()
    model = TransformedTargetRegressor(imputed(LEAST), transformer=transformer).fit(X, several_values(X))
    assert measure(model, X, rows=ROWS).verdict in {"identical", "rounding"}


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (np.log, np.exp),
        (np.log1p, np.expm1),
        (np.exp, np.log),
        (np.sqrt, np.square),
        (np.square, np.sqrt),
        (None, None),
    ],
)
def test_targets_behind_numpy_functions(there: Any, back: Any) -> None:
    X = numbers()
    model = TransformedTargetRegressor(imputed(Ridge()), func=there, inverse_func=back, check_inverse=False)
    assert measure(model.fit(X, positive(X)), X, rows=ROWS).verdict == "rounding"


def test_a_positive_target_behind_a_power() -> None:
    power = PowerTransformer(method="box-cox")
    held(TransformedTargetRegressor(imputed(LEAST), transformer=power), positive, "rounding")


SEVERAL: list[tuple[Any, Answers, str]] = [
    (tree(), several_labels, "identical"),
    (tree(), labels_and_classes, "identical"),
    (RandomForestClassifier(5, max_depth=4, random_state=0), labels_and_classes, "identical"),
    (ExtraTreesClassifier(5, random_state=0), several_labels, "identical"),
    (LEAST, several_values, "identical"),
    (RandomForestRegressor(5, random_state=0), several_values, "identical"),
    (BaggingRegressor(LEAST, 3, random_state=0), several_values, "identical"),
    (MultiOutputClassifier(LINEAR), several_labels, "rounding"),
    (MultiOutputClassifier(tree()), labels_and_classes, "identical"),
    (MultiOutputClassifier(LINEAR), one_column, "rounding"),
    (MultiOutputClassifier(RidgeClassifier()), several_labels, "rounding"),
    (MultiOutputRegressor(LEAST), several_values, "identical"),
    (ClassifierChain(tree(), order=[2, 0, 1]), several_labels, "identical"),
    (ClassifierChain(tree(), order="random", random_state=1, cv=2), several_labels, "identical"),
    (ClassifierChain(tree(), chain_method="predict_proba"), several_labels, "identical"),
    (RegressorChain(LEAST, order=[1, 2, 0]), several_values, "identical"),
    (RegressorChain(LinearRegression(), cv=2), several_values, "rounding"),
    (OneVsRestClassifier(tree()), several_labels, "identical"),
    (OneVsRestClassifier(LINEAR), several_labels, "rounding"),
]


@pytest.mark.parametrize(("model", "answers", "verdict"), SEVERAL, ids=name_of)
def test_several_targets(model: Any, answers: Answers, verdict: str) -> None:
    held(imputed(model), answers, verdict)


@pytest.mark.filterwarnings("ignore:Label .* is present in all")
@pytest.mark.parametrize("first", [True, False])
def test_a_label_that_every_row_has(first: bool) -> None:
    def answers(X: pd.DataFrame) -> npt.NDArray[Any]:
        known, always = several_labels(X), np.ones((len(X), 1), dtype=int)
        return np.hstack([always, known] if first else [known, 1 - always])

    held(imputed(OneVsRestClassifier(tree())), answers, "identical")


@pytest.mark.parametrize(
    ("model", "answers"),
    [
        (GradientBoostingClassifier(n_estimators=4, loss="exponential", random_state=0), target),
        (GradientBoostingClassifier(n_estimators=4, init=tree(), random_state=0), target),
        (GradientBoostingClassifier(n_estimators=4, init=tree(), random_state=0), lambda X: target(X, 3)),
        (GradientBoostingClassifier(n_estimators=4, init=tree(), loss="exponential", random_state=0), target),
        (GradientBoostingRegressor(n_estimators=4, init=HistGradientBoostingRegressor(max_iter=3)), value),
        (GradientBoostingRegressor(n_estimators=4, init=RandomForestRegressor(3, random_state=0)), value),
    ],
    ids=name_of,
)
def test_gradient_boosting_from_another_start(model: Any, answers: Answers) -> None:
    X = numbers()
    assert measure(imputed(model).fit(X, answers(X)), X, rows=ROWS).verdict in {"identical", "rounding"}


def test_what_has_no_exact_form_says_what_to_do() -> None:
    X = frame()[["2nd height", "visits"]]
    normal = QuantileTransformer(n_quantiles=20, output_distribution="normal")
    for model, y, words in (
        (TransformedTargetRegressor(Ridge(), transformer=normal), value(X), "Use output_distribution='uniform'"),
        (TransformedTargetRegressor(Ridge(), func=np.tan, inverse_func=np.arctan), value(X), "arctan"),
        (ClassifierChain(LINEAR, chain_method="predict_log_proba"), several_labels(X), "chain_method='predict_proba'"),
        (VotingClassifier([("t", FrozenEstimator(tree().fit(X, target(X) + 5)))]), target(X), "Fit the members inside"),
    ):
        if "check_inverse" in model.get_params():
            model.set_params(check_inverse=False)
        found = measure(model.fit(X, y), X, rows=ROWS)
        assert (found.verdict, words in found.reason) == ("refused", True), found.reason


def test_a_calibrator_of_another_class_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    X = numbers()
    model = imputed(CalibratedClassifierCV(DecisionTreeClassifier(max_depth=3), cv=2)).fit(X, target(X, 3))
    monkeypatch.setattr("export.converters.calibration.places", lambda outer, inner: [1, 0, 2])
    assert measure(model, X, rows=ROWS).verdict == "WRONG"


def test_targets_of_a_tree_in_another_order_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    X = numbers()
    model = imputed(DecisionTreeRegressor(max_depth=3)).fit(X, several_values(X))
    monkeypatch.setattr("export.converters.forest._values", lambda _, inner, leaves: inner.value[leaves][:, ::-1, 0])
    assert measure(model, X, rows=ROWS).verdict == "WRONG"
