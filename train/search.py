"""Searches a candidate's parameters on the rows that it is given: by successive halving, or with Optuna."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from train.errors import TrainError

Space = Mapping[str, tuple[Any, ...]]
Scorer = Callable[[Any, pd.DataFrame, npt.NDArray[Any]], float]
INNER_FOLDS = 3
FEWEST_ROWS = 300


def _spread(low: float, high: float, count: int) -> tuple[float, ...]:
    """Numbers at equal ratios, with three digits each."""
    return tuple(float(f"{value:.3g}") for value in np.geomspace(low, high, count))


BOOSTED: Space = {
    "model__learning_rate": (0.02, 0.03, 0.05, 0.08, 0.12),
    "model__reg_lambda": _spread(0.1, 100, 7),
    "model__n_estimators": (100, 200, 400, 600),
}
SPACES: dict[tuple[str, str], Space] = {
    ("linear", "classification"): {"model__C": _spread(1e-3, 100, 21)},
    ("linear", "regression"): {"model__alpha": _spread(0.1, 1000, 21)},
    **{
        ("forest", task): {
            "model__min_samples_leaf": (1, 2, 3, 5, 8, 12, 20, 40),
            "model__max_features": (0.1, 0.2, 1 / 3, 0.5, "sqrt"),
        }
        for task in ("classification", "regression")
    },
    **{
        ("boosting", task): {
            "model__learning_rate": (0.02, 0.03, 0.05, 0.08, 0.12),
            "model__max_leaf_nodes": (4, 6, 8, 12, 20, 31),
            "model__min_samples_leaf": (5, 10, 20, 40, 80),
            "model__l2_regularization": _spread(0.1, 100, 7),
            "model__max_iter": (100, 200, 400, 600),
            "model__max_features": (0.2, 0.4, 0.7, 1.0),
        }
        for task in ("classification", "regression")
    },
    ("svm", "classification"): {"model__estimator__C": _spread(0.1, 100, 7)},
    ("svm", "regression"): {
        "model__regressor__C": _spread(0.1, 100, 7),
        "model__regressor__epsilon": (0.03, 0.1, 0.3),
    },
    ("mlp", "classification"): {
        "model__alpha": _spread(1e-4, 1, 5),
        "model__learning_rate_init": _spread(3e-4, 3e-2, 5),
    },
    ("mlp", "regression"): {
        "model__regressor__alpha": _spread(1e-4, 1, 5),
        "model__regressor__learning_rate_init": _spread(3e-4, 3e-2, 5),
    },
    **{
        ("knn", task): {
            "model__n_neighbors": (3, 5, 10, 15, 25, 50, 100),
            "model__weights": ("uniform", "distance"),
        }
        for task in ("classification", "regression")
    },
    **{
        ("lightgbm", task): {**BOOSTED, "model__num_leaves": (4, 8, 16, 31)}
        for task in ("classification", "regression")
    },
    **{("xgboost", task): {**BOOSTED, "model__max_depth": (2, 3, 4, 6)} for task in ("classification", "regression")},
}


class OutOfTimeError(Exception):
    """The time that was given is over."""


@dataclass(frozen=True)
class Hunt:
    """What a way of searching gets; all is as `search` takes it."""

    estimator: Any
    space: Space
    X: pd.DataFrame
    y: npt.NDArray[Any]
    folds: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]
    score: Scorer
    trials: int
    seed: int


def search(  # noqa: PLR0913 (what is searched, on what, and how)
    estimator: Any,
    space: Space,
    X: pd.DataFrame,
    y: npt.NDArray[Any],
    folds: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]],
    score: Scorer,
    *,
    how: str,
    trials: int,
    seed: int,
    prefix: str = "",
    deadline: float | None = None,
) -> dict[str, Any]:
    """Return the best parameters found, without the prefix.

    Args:
        estimator: Unfitted; stays so.
        space: The values of each parameter that may be tried.
        X: The rows.
        y: Their target.
        folds: Rows to fit on and rows to score on; of these rows only, so that a search inside a fold is nested.
        score: Higher is better.
        how: `halving` or `optuna`.
        trials: Settings that are tried.
        seed: Of the draws.
        prefix: Where the pipeline stands in the estimator, such as `regressor__`.
        deadline: As `time.time()` counts; None without one.

    Raises:
        OutOfTimeError: The deadline passed.
        TrainError: Optuna is not installed.
    """

    def timed(fitted: Any, rows: pd.DataFrame, truth: npt.NDArray[Any]) -> float:
        if deadline is not None and time.time() > deadline:
            raise OutOfTimeError
        return score(fitted, rows, truth)

    full = {prefix + name: values for name, values in space.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        find = _optuna if how == "optuna" else _halving
        found = find(Hunt(estimator, full, X, y, folds, timed, trials, seed))
    return {name.removeprefix(prefix): value for name, value in sorted(found.items())}


def _halving(hunt: Hunt) -> dict[str, Any]:
    """Try all settings on few rows, a third of them on three times as many, and so on (Jamieson and Talwalkar 2016)."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401 (its import allows the next one)
    from sklearn.model_selection import HalvingRandomSearchCV, ParameterGrid

    choices, rows = {name: list(values) for name, values in hunt.space.items()}, len(hunt.X)
    halving = HalvingRandomSearchCV(
        hunt.estimator,
        choices,
        n_candidates=min(hunt.trials, len(ParameterGrid(choices))),
        min_resources=min(rows, max(FEWEST_ROWS, rows // 9)),
        cv=hunt.folds,
        scoring=hunt.score,
        random_state=hunt.seed,
        refit=False,
        error_score="raise",
    )
    halving.fit(hunt.X, hunt.y)
    return dict(halving.best_params_)


def _optuna(hunt: Hunt) -> dict[str, Any]:
    """Try one setting after the other, each where the earlier ones did well (TPE, Bergstra et al. 2011)."""
    try:
        import optuna
    except ImportError:
        remedy = "Install it: pip install 'selfsame[optuna]', or take search = \"halving\"."
        raise TrainError("A search with Optuna needs Optuna.", "it is not installed", remedy) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: Any) -> float:
        places = {name: trial.suggest_int(name, 0, len(values) - 1) for name, values in hunt.space.items()}
        told = {name: hunt.space[name][place] for name, place in places.items()}
        found = []
        for train, held in hunt.folds:
            fitted = clone(hunt.estimator).set_params(**told).fit(hunt.X.iloc[train], hunt.y[train])
            found.append(hunt.score(fitted, hunt.X.iloc[held], hunt.y[held]))
        return float(np.mean(found))

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=hunt.seed))
    study.optimize(objective, n_trials=hunt.trials)
    return {name: hunt.space[name][place] for name, place in study.best_params.items()}
