"""The preparing part of every candidate: cleaning and features as one ColumnTransformer that exports exactly."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_classif, f_regression
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from train.config import PrepareSettings, Task
from train.config_check import ratio_of
from train.errors import TrainError, did_you_mean
from train.steps import QuantileClip, Ratio, SignedLog

Style = Literal["scaled", "imputed", "codes"]
MOST_CODES = 250
MOST_CELLS = 2**27  # of one-hot columns (1 GiB): more are held as a sparse matrix


def prepared(
    X: pd.DataFrame, style: Style, settings: PrepareSettings, min_frequency: int
) -> tuple[ColumnTransformer, list[bool]]:
    """Return the unfitted columns' step, and which of the columns that it gives are codes of categories.

    Args:
        X: float64 and `str` columns; only its dtypes and the number of levels and of rows matter.
        style: `scaled` (numbers imputed and scaled, categories one-hot), `imputed` (not scaled) or `codes` (numbers as
            they are, missing ones too, and one code per level). The mask has a meaning for `codes` only.
        settings: Of the project file.
        min_frequency: Rows below which one-hot encoding pools a level, unless the settings tell another number.

    Raises:
        TrainError: The settings name a column that is no number or not there.
    """
    numbers = [str(name) for name in X.columns if X[name].dtype == np.float64]
    categories = [str(name) for name in X.columns if X[name].dtype != np.float64]
    blocks: list[tuple[str, Any, list[str]]] = []
    if numbers:
        blocks.append(("numbers", _number_step(style, settings), numbers))
    for name, step, columns in _features(style, settings, numbers, [str(name) for name in X.columns]):
        blocks.append((name, step, columns))
    wide = len(numbers) + len(settings.ratios)
    if categories:
        blocks.append(("categories", _category_step(X[categories], style, settings, min_frequency), categories))
    return ColumnTransformer(blocks), [False] * wide + [True] * len(categories)


def _number_step(style: Style, settings: PrepareSettings) -> Any:
    return _chain([*_clip(settings), *_filled(style, indicator=True)])


def _clip(settings: PrepareSettings) -> list[tuple[str, Any]]:
    return [("clip", QuantileClip(settings.clip))] if settings.clip else []


def _filled(style: Style, *, indicator: bool) -> list[tuple[str, Any]]:
    if style == "codes":
        return []
    impute = SimpleImputer(strategy="median", add_indicator=indicator, keep_empty_features=True)
    return [("impute", impute), *([("scale", StandardScaler())] if style == "scaled" else [])]


def _chain(steps: list[tuple[str, Any]]) -> Any:
    if not steps:
        return "passthrough"
    return steps[0][1] if len(steps) == 1 else Pipeline(steps)


def _features(
    style: Style, settings: PrepareSettings, numbers: list[str], columns: list[str]
) -> list[tuple[str, Any, list[str]]]:
    """Return the blocks of logarithms and ratios; trees split a column and its logarithm alike and get none."""
    found: list[tuple[str, Any, list[str]]] = []
    logs = [_number(name, "logs", numbers, columns) for name in settings.logs]
    if logs and style == "scaled":
        steps = [*_clip(settings), ("log", SignedLog()), *_filled(style, indicator=False)]
        found.append(("logs", _chain(steps), logs))
    for place, text in enumerate(settings.ratios):
        pair = [_number(name, "ratios", numbers, columns) for name in ratio_of(text)]
        steps = [("ratio", Ratio()), *_clip(settings), *_filled(style, indicator=False)]
        found.append((f"ratio {place + 1}", _chain(steps), pair))
    return found


def _number(name: str, key: str, numbers: list[str], columns: list[str]) -> str:
    if name in numbers:
        return name
    what = f"{name!r}, a category" if name in columns else repr(name)
    raise TrainError(f"{key} in [prepare] must name columns of numbers.", what, did_you_mean(name, numbers))


def _category_step(X: pd.DataFrame, style: Style, settings: PrepareSettings, min_frequency: int) -> Any:
    if style != "codes":
        least = settings.rare or min_frequency
        sparse = len(X) * sum(X[name].nunique() for name in X.columns) > MOST_CELLS
        return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=least, sparse_output=sparse)
    many = any(X[name].nunique() > MOST_CODES for name in X.columns)
    return OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        min_frequency=settings.rare,
        max_categories=MOST_CODES if many else None,
    )


def selection(task: Task, settings: PrepareSettings) -> list[tuple[str, Any]]:
    """Return the steps that choose columns after the encoding, by their F statistic; none unless told.

    Columns that are the same in every row go first: they have no such statistic.
    """
    if settings.select is None:
        return []
    score = f_classif if task == "classification" else f_regression
    return [("vary", VarianceThreshold()), ("select", SelectKBest(score, k=settings.select))]
