"""The models that are compared, each one pipeline of plain scikit-learn steps that the exporter converts exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from train.config import CandidateSettings, Task

MOST_BOOSTED_LEVELS = 250

DESCRIPTIONS = {
    ("linear", "classification"): "logistic regression",
    ("linear", "regression"): "ridge regression",
    ("forest", "classification"): "random forest",
    ("forest", "regression"): "random forest",
    ("boosting", "classification"): "histogram gradient boosting",
    ("boosting", "regression"): "histogram gradient boosting",
}


def build_candidates(X: pd.DataFrame, task: Task, settings: CandidateSettings, seed: int) -> dict[str, Pipeline]:
    """Return the unfitted pipelines by name, in the order of `settings.names`.

    Args:
        X: float64 and `str` columns; only its dtypes and the number of levels matter.
        task: Chooses classifiers or regressors.
        settings: Which models, and their sizes.
        seed: For the models that draw at random.
    """
    numbers = [str(name) for name in X.columns if X[name].dtype == np.float64]
    categories = [str(name) for name in X.columns if X[name].dtype != np.float64]
    builders = {"linear": _linear, "forest": _forest, "boosting": _boosting}
    pipelines: dict[str, Pipeline] = {}
    for name in settings.names:
        if name == "boosting":
            columns = _ordinal_columns(X, numbers, categories)
        else:
            columns = _one_hot_columns(numbers, categories, settings.min_frequency, scale=name == "linear")
        model = builders[name](task, settings, seed)
        if name == "boosting" and categories:
            mask = [False] * len(numbers) + [True] * len(categories)
            model.set_params(categorical_features=mask)
        pipelines[name] = Pipeline([("columns", columns), ("model", model)])
    return pipelines


def _one_hot_columns(
    numbers: list[str], categories: list[str], min_frequency: int, *, scale: bool
) -> ColumnTransformer:
    impute = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    number_step = Pipeline([("impute", impute), ("scale", StandardScaler())]) if scale else impute
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=min_frequency, sparse_output=False)
    return _columns(numbers, number_step, categories, one_hot)


def _ordinal_columns(X: pd.DataFrame, numbers: list[str], categories: list[str]) -> ColumnTransformer:
    many = any(X[name].nunique() > MOST_BOOSTED_LEVELS for name in categories)
    ordinal = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=MOST_BOOSTED_LEVELS if many else None,
    )
    return _columns(numbers, "passthrough", categories, ordinal)


def _columns(numbers: list[str], number_step: Any, categories: list[str], category_step: Any) -> ColumnTransformer:
    steps = [("numbers", number_step, numbers)] if numbers else []
    if categories:
        steps.append(("categories", category_step, categories))
    return ColumnTransformer(steps)


def _linear(task: Task, settings: CandidateSettings, seed: int) -> Any:  # noqa: ARG001 (all builders are called alike)
    return LogisticRegression(max_iter=5000) if task == "classification" else Ridge(alpha=10.0)


def _forest(task: Task, settings: CandidateSettings, seed: int) -> Any:
    if task == "classification":
        return RandomForestClassifier(n_estimators=settings.trees, min_samples_leaf=5, random_state=seed)
    return RandomForestRegressor(n_estimators=settings.trees, min_samples_leaf=2, max_features=1 / 3, random_state=seed)


def _boosting(task: Task, settings: CandidateSettings, seed: int) -> Any:
    kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    return kind(
        max_iter=settings.rounds,
        learning_rate=0.05,
        max_leaf_nodes=6,
        l2_regularization=10.0,
        early_stopping=False,
        random_state=seed,
    )
