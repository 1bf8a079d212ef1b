"""The models that are compared, each one pipeline of steps that the exporter converts exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, SVR

from train.config import CandidateSettings, PrepareSettings, Task
from train.errors import TrainError
from train.prepare import Style, prepared, selection

MOST_LEAVES = 20_000
MOST_ROWS_PER_TREE = 200_000
AS_IT_IS = PrepareSettings()

DESCRIPTIONS = {
    ("baseline", "classification"): "the classes' shares",
    ("baseline", "regression"): "the mean",
    ("linear", "classification"): "logistic regression",
    ("linear", "regression"): "ridge regression",
    ("forest", "classification"): "random forest",
    ("forest", "regression"): "random forest",
    ("boosting", "classification"): "histogram gradient boosting",
    ("boosting", "regression"): "histogram gradient boosting",
    ("svm", "classification"): "support vectors (RBF kernel)",
    ("svm", "regression"): "support vectors (RBF kernel)",
    ("mlp", "classification"): "neural network",
    ("mlp", "regression"): "neural network",
    ("knn", "classification"): "nearest neighbours",
    ("knn", "regression"): "nearest neighbours",
    ("lightgbm", "classification"): "LightGBM",
    ("lightgbm", "regression"): "LightGBM",
    ("xgboost", "classification"): "XGBoost",
    ("xgboost", "regression"): "XGBoost",
}
# From the simplest on: what has the fewest numbers to carry into the file stands first.
SIMPLICITY = (
    "baseline", "linear", "boosting", "lightgbm", "xgboost", "mlp", "forest", "svm", "knn", "stacking",
)  # fmt: skip
STYLES: dict[str, Style] = {
    **dict.fromkeys(("linear", "svm", "mlp", "knn"), "scaled"),
    **dict.fromkeys(("baseline", "forest"), "imputed"),
    **dict.fromkeys(("boosting", "lightgbm", "xgboost"), "codes"),
}


def described(name: str, task: Task, settings: CandidateSettings) -> str:
    """What a candidate is, in words."""
    if name != "stacking":
        return DESCRIPTIONS[name, task]
    *first, last = (DESCRIPTIONS[each, task] for each in settings.stack)
    return f"stack of {', '.join(first)} and {last}"


def build_candidates(
    X: pd.DataFrame, task: Task, settings: CandidateSettings, seed: int, prepare: PrepareSettings = AS_IT_IS
) -> dict[str, Any]:
    """Return the unfitted estimators by name, in the order of `settings.names`; none learns a logarithm.

    Args:
        X: float64 and `str` columns; its dtypes, the number of levels and of rows matter.
        task: Chooses classifiers or regressors.
        settings: Which models, and their sizes.
        seed: For the models that draw at random.
        prepare: Cleaning and features.

    Raises:
        TrainError: The settings name a column that is not there, or a library that is not installed.
    """
    return {name: build(name, X, task, settings, seed, prepare) for name in settings.names}


def build(  # noqa: PLR0913 (what a candidate is made of)
    name: str,
    X: pd.DataFrame,
    task: Task,
    settings: CandidateSettings,
    seed: int,
    prepare: PrepareSettings = AS_IT_IS,
    *,
    log_target: bool = False,
    parameters: Mapping[str, Any] | None = None,
    calibrate: bool = True,
) -> Any:
    """Return one unfitted candidate.

    Args:
        name: Which.
        X: As for `build_candidates`.
        task: As there.
        settings: As there.
        seed: As there.
        prepare: As there.
        log_target: Whether the logarithm of the target is learnt.
        parameters: Of the pipeline, such as `model__C`, in place of the usual ones.
        calibrate: Whether the calibration that the settings ask for is done.
    """
    if name == "stacking":
        model = _stack(X, task, settings, seed, prepare)
    else:
        columns, codes = prepared(X, STYLES[name], prepare, settings.min_frequency)
        step = _model(name, task, settings, seed, len(X))
        if name == "boosting" and any(codes):
            step.set_params(categorical_features=codes)
        chosen = selection(task, prepare) if STYLES[name] != "codes" and name != "baseline" else []
        model = Pipeline([("columns", columns), *chosen, ("model", step)])
    model.set_params(**(parameters or {}))
    if log_target and name != "baseline":
        return TransformedTargetRegressor(model, func=np.log, inverse_func=np.exp, check_inverse=False)
    if calibrate and task == "classification" and settings.calibration != "none" and name != "baseline":
        return CalibratedClassifierCV(model, method=settings.calibration, cv=3, ensemble=False)
    return model


def _stack(X: pd.DataFrame, task: Task, settings: CandidateSettings, seed: int, prepare: PrepareSettings) -> Any:
    members = [(name, build(name, X, task, settings, seed, prepare, calibrate=False)) for name in settings.stack]
    if task == "classification":
        return StackingClassifier(members, LogisticRegression(max_iter=5000), cv=5, stack_method="predict_proba")
    return StackingRegressor(members, Ridge(alpha=1.0), cv=5)


def _model(name: str, task: Task, settings: CandidateSettings, seed: int, rows: int) -> Any:
    classifies = task == "classification"
    if name == "forest":
        return _forest(settings, seed, rows, classifies=classifies)
    if name == "boosting":
        return _boosting(settings, seed, classifies=classifies)
    if name in ("lightgbm", "xgboost"):
        return _library(name, settings, seed, classifies=classifies)
    layers = {"hidden_layer_sizes": (64, 32), "alpha": 1e-3, "max_iter": 200, "random_state": seed}
    tree = {"algorithm": "kd_tree"}
    made = {
        "baseline": lambda: DummyClassifier(strategy="prior") if classifies else DummyRegressor(),
        "linear": lambda: LogisticRegression(max_iter=5000) if classifies else Ridge(alpha=10.0),
        "svm": lambda: CalibratedClassifierCV(SVC(), cv=3, ensemble=False) if classifies else _scaled_target(SVR()),
        "mlp": lambda: MLPClassifier(**layers) if classifies else _scaled_target(MLPRegressor(**layers)),
        "knn": lambda: KNeighborsClassifier(25, **tree) if classifies else KNeighborsRegressor(10, **tree),
    }
    return made[name]()


def _scaled_target(model: Any) -> Any:
    """Learn the target at mean 0 and deviation 1: these models have steps and margins of a fixed size."""
    from sklearn.preprocessing import StandardScaler

    return TransformedTargetRegressor(model, transformer=StandardScaler())


def rows_per_tree(rows: int) -> int | None:
    """Return how many of so many rows a tree of the forest draws; None for as many as there are."""
    return MOST_ROWS_PER_TREE if rows > 4 * MOST_ROWS_PER_TREE else None


def _forest(settings: CandidateSettings, seed: int, rows: int, *, classifies: bool) -> Any:
    """Return the forest; in large tables a tree draws fewer rows and has no more than about 20,000 leaves."""
    drawn = rows_per_tree(rows)
    least = max(5 if classifies else 2, (drawn or rows) // MOST_LEAVES)
    size = {"n_estimators": settings.trees, "min_samples_leaf": least, "max_samples": drawn, "random_state": seed}
    return RandomForestClassifier(**size) if classifies else RandomForestRegressor(max_features=1 / 3, **size)


def _boosting(settings: CandidateSettings, seed: int, *, classifies: bool) -> Any:
    kind = HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor
    return kind(
        max_iter=settings.rounds,
        learning_rate=0.05,
        max_leaf_nodes=6,
        l2_regularization=10.0,
        max_features=settings.max_features or 1.0,
        early_stopping=False,
        random_state=seed,
    )


def _library(name: str, settings: CandidateSettings, seed: int, *, classifies: bool) -> Any:
    size: dict[str, Any] = {"n_estimators": settings.rounds, "learning_rate": 0.05, "random_state": seed, "n_jobs": 1}
    try:
        if name == "lightgbm":
            import lightgbm

            light = lightgbm.LGBMClassifier if classifies else lightgbm.LGBMRegressor
            return light(num_leaves=8, reg_lambda=10.0, deterministic=True, force_row_wise=True, verbose=-1, **size)
        import xgboost

        extreme = xgboost.XGBClassifier if classifies else xgboost.XGBRegressor
        return extreme(max_depth=3, reg_lambda=10.0, tree_method="hist", **size)
    except ImportError:
        remedy = f"Install it: pip install 'selfsame[{name}]', or leave it out of names."
        raise TrainError(f"The candidate {name} needs its library.", "it is not installed", remedy) from None
