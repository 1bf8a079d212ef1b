"""Imputers and missing indicators: every strategy and code, numbers and text, and the rounds of IterativeImputer."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from export_tools import frame, name_of, target
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 (scikit-learn hides the class without it)
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from export.converters import impute, impute_nearest
from export.measure import Measured, measure

NUMBERS = ["income", "2nd height", "visits", "\U0001f600"]


def holes() -> pd.DataFrame:
    """Numbers with missing values, and a column without any value."""
    X = frame()[NUMBERS]
    X.loc[np.random.default_rng(1).random(len(X)) < 0.1, "2nd height"] = np.nan
    return X.assign(empty=np.nan)


def measured(estimator: Any, X: pd.DataFrame, y: npt.NDArray[Any] | None = None) -> Measured:
    """Fit and measure; a model where there is a target."""
    return measure(estimator.fit(X, y), X, transformer=y is None, rows=30)


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
@pytest.mark.parametrize("options", [{}, {"add_indicator": True}, {"keep_empty_features": True, "add_indicator": True}])
@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant", np.max])
def test_numbers(strategy: Any, options: dict[str, Any]) -> None:
    if strategy is np.max:
        options = {**options, "keep_empty_features": True}
    X = holes() if strategy is not np.max else holes().drop(columns="empty")
    found = measured(SimpleImputer(strategy=strategy, **options), X)
    assert (found.verdict, found.rows > 100) == ("identical", True), found


@pytest.mark.parametrize("fill", [-1, 0.5, np.nan])
def test_filled_with_a_constant(fill: float) -> None:
    imputer = SimpleImputer(strategy="constant", fill_value=fill, add_indicator=True, keep_empty_features=True)
    assert measured(imputer, holes()).verdict == "identical"


@pytest.mark.parametrize(
    "imputer",
    [
        SimpleImputer(missing_values=-999, add_indicator=True),
        SimpleImputer(missing_values=-999.0, strategy="most_frequent"),
        MissingIndicator(missing_values=-999),
        IterativeImputer(missing_values=-999, random_state=0, max_iter=2, tol=1e9),
    ],
    ids=repr,
)
def test_a_number_that_means_missing(imputer: Any) -> None:
    X = holes().drop(columns="empty").fillna(-999.0)
    assert measured(imputer, X).verdict in {"identical", "rounding"}


@pytest.mark.parametrize("strategy", ["mean", "most_frequent", "constant"])
@pytest.mark.parametrize("code", [np.nan, -1])
def test_whole_numbers(strategy: str, code: float) -> None:
    X = frame()[["visits"]].assign(more=np.random.default_rng(1).integers(-1, 3, 260))
    assert measured(SimpleImputer(strategy=strategy, missing_values=code, add_indicator=True), X).verdict == "identical"


@pytest.mark.parametrize("code", [np.nan, "", "no", "?"])
@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
def test_text(strategy: str, code: Any) -> None:
    X = frame()[["label", "x0"]]
    X = X if pd.isna(code) else X.astype(str).fillna("no")
    imputer = SimpleImputer(strategy=strategy, missing_values=code, add_indicator=True)
    encoder = OneHotEncoder(handle_unknown="ignore")
    assert measured(make_pipeline(imputer, encoder), X).verdict == "identical"
    assert measured(imputer.set_params(add_indicator=False), X).verdict == "identical"


def test_none_is_no_nan() -> None:
    X = frame()[["probabilities"]]
    encoder = OneHotEncoder(handle_unknown="ignore")
    for code in (None, "no"):
        imputer = SimpleImputer(strategy="constant", missing_values=code, fill_value="?", add_indicator=True)
        assert measured(make_pipeline(imputer, encoder), X).verdict == "identical"


def test_numbers_beside_text() -> None:
    X = frame()[["label", "income", "visits", "flag"]]
    imputer = SimpleImputer(strategy="most_frequent", add_indicator=True)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    assert measured(make_pipeline(imputer, encoder), X).verdict == "identical"
    imputer = SimpleImputer(strategy="constant", fill_value="none")
    found = measured(make_pipeline(imputer, encoder), X[["label", "visits"]])
    assert found.verdict == "refused"
    assert "would fill numbers with text, 'none'" in found.reason


@pytest.mark.parametrize("features", ["all", "missing-only"])
@pytest.mark.parametrize("strict", [True, False])
def test_indicators(features: str, strict: bool) -> None:
    for X in (holes(), frame()[["label", "income", "visits"]]):
        found = measured(MissingIndicator(features=features, error_on_new=strict), X)
        assert found.verdict == "identical", found
    beside = make_union(SimpleImputer(keep_empty_features=True), MissingIndicator(features=features))
    X = holes()
    assert measured(make_pipeline(beside, DecisionTreeClassifier(max_depth=4)), X, target(X)).verdict == "identical"


ROUNDS: list[tuple[Any, dict[str, Any]]] = [
    (None, {"add_indicator": True}),
    (LinearRegression(), {"skip_complete": True, "imputation_order": "descending"}),
    (DecisionTreeRegressor(max_depth=3, random_state=0), {"min_value": -1, "max_value": [1e5, 0.5, 40, 2, 9]}),
    (make_pipeline(StandardScaler(), LinearRegression()), {"imputation_order": "random", "n_nearest_features": 2}),
    (None, {"keep_empty_features": True, "initial_strategy": "median"}),
    (None, {"max_iter": 0}),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
@pytest.mark.parametrize(("regressor", "options"), ROUNDS, ids=name_of)
def test_rounds_of_regressors(regressor: Any, options: dict[str, Any]) -> None:
    found = measured(IterativeImputer(regressor, **{"max_iter": 3, "random_state": 0, **options}), holes())
    assert found.verdict in {"identical", "rounding"}, found


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_row_that_misses_everything_is_answered_as_if_alone() -> None:
    X = holes()[["income", "2nd height"]]
    assert measured(IterativeImputer(random_state=0), X).verdict in {"identical", "rounding"}
    model = make_pipeline(IterativeImputer(random_state=0), LogisticRegression())
    assert measured(model, X, target(X)).verdict == "rounding"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_refused() -> None:
    X = holes().drop(columns="empty")
    for estimator, words in (
        (IterativeImputer(sample_posterior=True, max_iter=1), "fills with random numbers"),
        (SimpleImputer(missing_values=2**60), "at most 2**53"),
    ):
        found = measured(estimator, X if "Iter" in repr(estimator) else X.fillna(0.0))
        assert found.verdict == "refused"
        assert words in found.reason


def test_an_indicator_may_mark_no_column() -> None:
    X = frame()[["2nd height", "visits"]]
    assert measured(MissingIndicator(), X).verdict == "identical"
    beside = make_union(StandardScaler(), MissingIndicator())
    assert measured(make_pipeline(beside, LinearRegression()), X, X["visits"].to_numpy()).verdict == "rounding"


def test_a_missing_value_left_in_place_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    X = frame()[NUMBERS]
    assert measured(SimpleImputer(), X).verdict == "identical"
    monkeypatch.setattr(impute, "missing", lambda graph, name, *_: graph.add("IsInf", name))
    assert measured(SimpleImputer(), X).verdict == "WRONG"


def sparse_rows() -> pd.DataFrame:
    """Three numbers, of which one in seven is missing, and rows that share no column."""
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(120, 3)), columns=["a", "b", "c"])
    return X.mask(random.random(X.shape) < 0.15)


@pytest.mark.parametrize(
    "imputer",
    [
        KNNImputer(),
        KNNImputer(n_neighbors=2, weights="distance", add_indicator=True),
        KNNImputer(n_neighbors=500),
        KNNImputer(keep_empty_features=True, n_neighbors=1),
        KNNImputer(missing_values=-7.0),
    ],
    ids=repr,
)
def test_nearest_rows(imputer: KNNImputer) -> None:
    X = sparse_rows().assign(empty=np.nan)
    X = X if np.isnan(imputer.missing_values) else X.fillna(-7.0)
    found = measured(imputer, X)
    assert found.verdict == "rounding", found
    assert found.undecidable < found.rows / 10


def test_nearest_rows_inside_a_pipeline() -> None:
    X = sparse_rows()
    y = (X["a"].fillna(0.0) > 0.0).to_numpy().astype(int)
    found = measured(make_pipeline(StandardScaler(), KNNImputer(), LogisticRegression()), X, y)
    assert found.verdict == "rounding", found


def test_a_table_of_equally_near_rows_is_refused() -> None:
    X = sparse_rows()
    found = measured(KNNImputer(n_neighbors=3), (2.0 * X).round())
    assert found.verdict == "refused" and "hang on rounding" in found.reason


def test_a_wrong_neighbour_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    imputer = KNNImputer(n_neighbors=3).fit(sparse_rows())
    right = impute_nearest._Row._mean

    def other(row: Any, graph: Any, column: int, apart: str) -> str:
        return right(row, graph, column, graph.add("Neg", apart))

    monkeypatch.setattr(impute_nearest._Row, "_mean", other)
    assert measure(imputer, sparse_rows(), transformer=True, rows=20).verdict == "WRONG"
