"""LightGBM and XGBoost: exact with missing values and categories, or refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from export_tools import frame, target, value

from export import ExportError
from export.converters import REGISTRY
from export.measure import measure
from export.support import check_exportable

lightgbm = pytest.importorskip("lightgbm", reason="the extra selfsame[lightgbm] is not installed")
xgboost = pytest.importorskip("xgboost", reason="the extra selfsame[xgboost] is not installed")
LIGHT: dict[str, Any] = {"n_estimators": 20, "num_leaves": 15, "verbose": -1, "min_child_samples": 5}
X_SMALL: dict[str, Any] = {"n_estimators": 20, "max_depth": 4}
EXACT = {"identical", "rounding"}


def numbers(rows: int = 400) -> pd.DataFrame:
    return frame(rows)[["income", "2nd height", "visits", "flag", "\U0001f600"]]


def categories(rows: int = 400) -> pd.DataFrame:
    X = frame(rows)[["income", "2nd height", "visits", "label", "x0"]]
    X["label"] = X["label"].astype("category").cat.rename_categories({"ü ☃": "snowman"})
    return X


LIGHT_REGRESSORS = {
    "plain": {},
    "zero as missing": {"zero_as_missing": True},
    "no missing": {"use_missing": False},
    "dart": {"boosting_type": "dart"},
    "quantile": {"objective": "quantile"},
    "poisson": {"objective": "poisson"},
}


@pytest.mark.parametrize("name", LIGHT_REGRESSORS)
def test_lightgbm_regressors(name: str) -> None:
    X = numbers()
    found = measure(lightgbm.LGBMRegressor(**LIGHT, **LIGHT_REGRESSORS[name]).fit(X, np.abs(value(X)) + 0.1), X)
    assert found.verdict == ("rounding" if name == "poisson" else "identical"), found


@pytest.mark.parametrize(
    "options",
    [
        {"max_cat_to_onehot": 1},
        {"max_cat_to_onehot": 10},
        {"boosting_type": "rf", "subsample": 0.7, "subsample_freq": 1},
    ],
)
def test_lightgbm_classifiers_of_pandas_categories(options: dict[str, Any]) -> None:
    X = categories()
    found = measure(lightgbm.LGBMClassifier(**LIGHT, **options).fit(X, target(X)), X)
    assert found.verdict in EXACT, found


def test_lightgbm_categories_that_are_numbers() -> None:
    X = numbers()
    model = lightgbm.LGBMRegressor(**LIGHT).fit(X, value(X), categorical_feature=["visits"])
    assert measure(model, X).verdict == "identical"


@pytest.mark.parametrize("objective", ["multiclass", "multiclassova"])
def test_lightgbm_of_several_classes(objective: str) -> None:
    X = numbers()
    found = measure(lightgbm.LGBMClassifier(objective=objective, **LIGHT).fit(X, target(X, 3)), X)
    assert found.verdict in EXACT, found


@pytest.mark.parametrize("objective", ["reg:squarederror", "reg:absoluteerror", "count:poisson", "reg:tweedie"])
def test_xgboost_regressors_bit_for_bit(objective: str) -> None:
    X = numbers()
    found = measure(xgboost.XGBRegressor(objective=objective, **X_SMALL).fit(X, np.abs(value(X)) + 0.1), X)
    assert found.verdict == "identical", found


@pytest.mark.parametrize("classes", [2, 3])
def test_xgboost_classifiers_bit_for_bit(classes: int) -> None:
    X = numbers()
    found = measure(xgboost.XGBClassifier(**X_SMALL).fit(X, target(X, classes)), X)
    assert found.verdict == "identical", found


def test_xgboost_of_several_targets_and_random_forests() -> None:
    X = numbers()
    y = value(X)
    assert (
        measure(xgboost.XGBRegressor(**X_SMALL).fit(X, np.column_stack([y, 1.0 - 2.0 * y])), X).verdict == "identical"
    )
    assert measure(xgboost.XGBRFClassifier(**X_SMALL).fit(X, target(X)), X).verdict == "identical"


def test_a_threshold_one_step_off_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    X = numbers()
    model = xgboost.XGBRegressor(**X_SMALL).fit(X, value(X))
    module = __import__("export.converters.gbm_x", fromlist=["_tree"])
    right = module._tree

    def wrong(told: Any) -> Any:
        tree = right(told)
        tree.threshold = np.nextafter(tree.threshold, np.float32(np.inf))
        return tree

    monkeypatch.setattr(module, "_tree", wrong)
    assert measure(model, X).verdict == "WRONG"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lightgbm.LGBMRegressor(linear_tree=True, **LIGHT), "linear_tree"),
        (lightgbm.LGBMRegressor(reg_sqrt=True, **LIGHT), "objective"),
        (xgboost.XGBRegressor(booster="gblinear", n_estimators=2), "gblinear"),
        (xgboost.XGBRegressor(booster="dart", **X_SMALL), "dart"),
        (xgboost.XGBRegressor(missing=-1.0, **X_SMALL), "missing=-1.0"),
    ],
)
def test_what_is_not_exact_is_refused(model: Any, reason: str) -> None:
    X = numbers().fillna(0.0)
    with pytest.raises(ExportError) as caught:
        check_exportable(model.fit(X, value(X)))
    assert reason in caught.value.reason
    assert type(model) in REGISTRY


def test_categories_that_xgboost_mixes_up_are_refused() -> None:
    X = categories(200)
    with pytest.raises(ExportError, match="OneHotEncoder"):
        check_exportable(xgboost.XGBRegressor(enable_categorical=True, **X_SMALL).fit(X, value(X)))
