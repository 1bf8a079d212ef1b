"""The export answers as the original does, estimator by estimator, on rows that try it."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from export_tools import FLOATS, NUMBERS, ROUNDING, TEXTS, diagonal, frame, gap, target, value
from sklearn.base import clone, is_classifier
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, LogisticRegressionCV, Ridge
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from threadpoolctl import threadpool_limits

from export.converters.linear import LINEAR_REGRESSORS
from export.support import core_of

TREES: dict[str, Any] = {
    "tree": DecisionTreeClassifier(random_state=0),
    "tree-reg": DecisionTreeRegressor(random_state=0),
    "extra-tree": ExtraTreeClassifier(random_state=0),
    "extra-tree-reg": ExtraTreeRegressor(random_state=0),
    "forest": RandomForestClassifier(7, random_state=0),
    "forest-ties": RandomForestClassifier(4, max_depth=3, random_state=0),
    "forest-reg": RandomForestRegressor(13, random_state=0),
    "extra": ExtraTreesClassifier(6, random_state=0),
    "extra-reg": ExtraTreesRegressor(37, random_state=0),
    "hist-reg": HistGradientBoostingRegressor(max_iter=12, random_state=0),
}
LOGISTIC: dict[str, Any] = {
    "gb": GradientBoostingClassifier(n_estimators=12, random_state=0),
    "gb-zero": GradientBoostingClassifier(n_estimators=3, init="zero", random_state=0),
    "hist": HistGradientBoostingClassifier(max_iter=12, random_state=0),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
}
RAW_SUMS: dict[str, Any] = {
    "gb-reg": GradientBoostingRegressor(n_estimators=15, random_state=0),
    "gb-huber": GradientBoostingRegressor(n_estimators=9, loss="huber", random_state=0),
    "linear": LinearRegression(),
    "no-intercept": LinearRegression(fit_intercept=False),
    "ridge": Ridge(),
    "lasso": Lasso(0.01),
    "net": ElasticNet(0.01),
}
ESTIMATORS = {**TREES, **LOGISTIC, **RAW_SUMS}
SUMS_DIFFER = {"linear", "no-intercept", "ridge", "lasso", "net"}
CLASSIFIERS = [name for name, estimator in ESTIMATORS.items() if is_classifier(estimator)]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small trees are fitted faster without threads that wait for each other."""
    with threadpool_limits(1):
        yield


def fitted(estimator: Any, X: pd.DataFrame, classes: int = 2) -> Any:
    y = target(X, classes) if is_classifier(estimator) else value(X)
    return clone(estimator).fit(X, y)


def assert_exact(estimator: Any, X: pd.DataFrame, *, identical: bool) -> None:
    found = gap(estimator, X)
    assert found.rows > 100
    assert found.labels == 0, found
    assert (found.ulp == 0) if identical else (found.apart <= ROUNDING), found


def impute_and(model: Any) -> Pipeline:
    return make_pipeline(SimpleImputer(strategy="median", add_indicator=True), model)


def mixed(model: Any, number_step: Any = None, text_step: Any = None) -> Pipeline:
    number_step = number_step or SimpleImputer(strategy="median", add_indicator=True)
    text_step = text_step or OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("numbers", number_step, [*NUMBERS, "\U0001f600"]), ("texts", text_step, TEXTS)])
    return Pipeline([("columns", columns), ("model", model)])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_each_estimator_after_imputed_numbers_and_one_hot_texts(name: str) -> None:
    X = frame()
    assert_exact(fitted(mixed(ESTIMATORS[name]), X), X, identical=name in TREES or name in {"gb-reg", "gb-huber"})


@pytest.mark.filterwarnings("ignore")  # small tables: some of these do not converge, which is not the point here
@pytest.mark.parametrize("model", [*LINEAR_REGRESSORS, LogisticRegressionCV])
def test_every_linear_model(model: type) -> None:
    X = frame()
    assert_exact(fitted(mixed(model()), X), X, identical=False)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_each_classifier_with_four_classes(name: str) -> None:
    X = frame()
    assert_exact(fitted(mixed(ESTIMATORS[name]), X, classes=4), X, identical=name in TREES)


SCALERS = [
    StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False), MinMaxScaler(),
    MinMaxScaler((-3.0, 0.1), clip=True), MaxAbsScaler(), MaxAbsScaler(clip=True), RobustScaler(),
    RobustScaler(with_centering=False, unit_variance=True), RobustScaler(with_scaling=False),
    FunctionTransformer(), "passthrough",
]  # fmt: skip


@pytest.mark.parametrize(("scaler", "name"), diagonal(SCALERS, ["tree", "forest-reg", "hist-reg"]), ids=str)
def test_a_scaler_in_front_of_trees_moves_no_row_across_a_threshold(scaler: Any, name: str) -> None:
    X = frame()[[*NUMBERS, "\U0001f600"]]
    assert_exact(fitted(make_pipeline(scaler, ESTIMATORS[name]), X), X, identical=True)


@pytest.mark.parametrize("name", ["tree", "tree-reg", "forest", "forest-reg", "extra", "hist-reg", "hist"])
def test_a_lone_estimator_takes_numbers_with_holes(name: str) -> None:
    X = frame()[NUMBERS]
    assert_exact(fitted(ESTIMATORS[name], X), X, identical=name in TREES)


IMPUTERS = [
    SimpleImputer(), SimpleImputer(strategy="median"), SimpleImputer(strategy="most_frequent"),
    SimpleImputer(strategy="constant", fill_value=-7.25), SimpleImputer(strategy="constant"),
    SimpleImputer(add_indicator=True), SimpleImputer(keep_empty_features=True),
    SimpleImputer(keep_empty_features=True, add_indicator=True),
    SimpleImputer(strategy="constant", fill_value=1, keep_empty_features=True),
    SimpleImputer(strategy="most_frequent", keep_empty_features=True, add_indicator=True),
]  # fmt: skip
IMPUTED = [["empty", *FLOATS], ["income", "visits"], ["income", "empty", "constant"]]


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
@pytest.mark.parametrize(("imputer", "columns"), diagonal(IMPUTERS, IMPUTED), ids=str)
def test_imputed_numbers(imputer: Any, columns: list[str]) -> None:
    X = frame().assign(empty=np.nan, constant=4.0)[columns]
    assert_exact(fitted(make_pipeline(imputer, DecisionTreeClassifier(random_state=0)), X), X, identical=True)


@pytest.mark.parametrize("imputer", [
    SimpleImputer(strategy="most_frequent"), SimpleImputer(strategy="constant"),
    SimpleImputer(strategy="constant", fill_value="none at all"),
], ids=str)  # fmt: skip
def test_imputed_texts(imputer: Any) -> None:
    X = frame()[["label", "income"]]
    texts = make_pipeline(imputer, OneHotEncoder(handle_unknown="ignore"))
    columns = make_column_transformer((texts, ["label"]), remainder="passthrough", sparse_threshold=0)
    assert_exact(fitted(make_pipeline(columns, DecisionTreeClassifier(random_state=0)), X), X, identical=True)


def test_texts_of_an_object_column_whose_missing_value_is_none() -> None:
    X = frame()[["probabilities", "income"]]
    texts = make_pipeline(
        SimpleImputer(strategy="most_frequent", missing_values=None), OneHotEncoder(handle_unknown="ignore")
    )
    columns = make_column_transformer((texts, ["probabilities"]), remainder="passthrough", sparse_threshold=0)
    assert_exact(fitted(make_pipeline(columns, DecisionTreeClassifier(random_state=0)), X), X, identical=True)


ENCODERS = [
    OneHotEncoder(), OneHotEncoder(drop="first"), OneHotEncoder(drop="if_binary"),
    OneHotEncoder(drop="first", handle_unknown="ignore"), OneHotEncoder(handle_unknown="ignore"),
    OneHotEncoder(handle_unknown="warn", min_frequency=40), OneHotEncoder(handle_unknown="infrequent_if_exist"),
    OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=60, sparse_output=False),
    OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2),
    OneHotEncoder(handle_unknown="ignore", max_categories=3, drop="first"),
    OneHotEncoder(handle_unknown="ignore", dtype=np.int8, sparse_output=False),
    OrdinalEncoder(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=99, max_categories=3),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=99, min_frequency=50, encoded_missing_value=98),
]  # fmt: skip


ENCODED = [TEXTS, ["x0"], ["label", "visits", "flag"], ["\U0001f600", "income"]]


@pytest.mark.parametrize(("encoder", "columns"), diagonal(ENCODERS, ENCODED), ids=str)
def test_encoded_columns(encoder: Any, columns: list[str]) -> None:
    if encoder.handle_unknown == "error":  # of numbers that is refused
        columns = [name for name in columns if name in TEXTS] or ["flag"]
    X = frame()[columns].copy()
    if "income" in X:
        X["income"] = X["income"].round(-5)
    assert_exact(fitted(make_pipeline(encoder, DecisionTreeClassifier(random_state=0)), X), X, identical=True)


def selectors() -> dict[str, Callable[[], ColumnTransformer]]:
    numbers, scale = SimpleImputer(), StandardScaler()
    text = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    keep = {"remainder": "passthrough"}
    return {
        "selector": lambda: make_column_transformer(
            (numbers, make_column_selector(dtype_include="number")),
            (text, make_column_selector(dtype_include=["category", "str", object])),
        ),
        "position": lambda: make_column_transformer((numbers, [0, -1]), (text, [4, 5])),
        "slice": lambda: make_column_transformer((scale, slice(0, 3)), (text, slice("label", "x0")), **keep),
        "mask": lambda: make_column_transformer((scale, [i < 4 for i in range(8)]), (text, [5]), ("drop", [4, 6])),
        "callable": lambda: make_column_transformer((scale, lambda X: [X.columns[1]]), (text, [5]), ("drop", [4, 6])),
        "remainder": lambda: make_column_transformer((text, TEXTS), **keep),
        "remainder-step": lambda: make_column_transformer((text, TEXTS), remainder=make_pipeline(numbers, scale)),
        "twice": lambda: make_column_transformer((scale, ["visits"]), ("passthrough", NUMBERS), (text, ["x0"])),
        "empty-branch": lambda: make_column_transformer((scale, []), (text, TEXTS), **keep),
        "nested": lambda: make_column_transformer(
            (make_pipeline(make_column_transformer((text, ["x0"]), **keep), scale), ["visits", "x0"]),
            (scale, ["income"]),
        ),
        "none-step": lambda: make_column_transformer(
            (Pipeline([("a", None), ("b", "passthrough"), ("c", scale)]), NUMBERS)
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", selectors())
def test_columns_chosen_in_every_way(name: str) -> None:
    X = frame()
    for model in (DecisionTreeRegressor(random_state=0), HistGradientBoostingRegressor(max_iter=5)):
        assert_exact(fitted(make_pipeline(selectors()[name](), model), X), X, identical=True)


def test_pandas_output_between_the_steps() -> None:
    X = frame()
    columns = selectors()["remainder"]().set_output(transform="pandas")
    assert_exact(fitted(make_pipeline(columns, DecisionTreeRegressor(random_state=0)), X), X, identical=True)


@pytest.mark.parametrize("kind", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])
def test_histogram_boosting_with_categories_by_dtype(kind: Any) -> None:
    X = frame()[["income", "x0", "visits", "label"]]
    X["label"] = X["label"].astype("category").cat.add_categories(["never used"])
    X["number"] = pd.Series(np.arange(len(X)) % 7 + 3).astype("category")
    model = kind(max_iter=12, categorical_features="from_dtype", min_samples_leaf=4, random_state=0)
    assert_exact(fitted(model, X), X, identical=kind is HistGradientBoostingRegressor)


def test_histogram_boosting_with_a_mask_on_codes() -> None:
    X = frame()[["income", "visits", "\U0001f600", "flag"]].assign(codes=lambda X: X["visits"].abs() % 6)
    X["codes"] = X["codes"].where(X["flag"], np.nan)
    model = HistGradientBoostingRegressor(
        max_iter=12, categorical_features=[False, False, True, True, True], min_samples_leaf=4
    )
    assert_exact(fitted(model, X), X, identical=True)


def test_histogram_boosting_on_ordinal_texts_as_train_builds_it() -> None:
    X = frame()[["income", "2nd height", *TEXTS]]
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    columns = ColumnTransformer([("numbers", "passthrough", FLOATS), ("texts", ordinal, TEXTS)])
    model = HistGradientBoostingClassifier(max_iter=20, categorical_features=[False, False, True, True, True])
    assert_exact(fitted(Pipeline([("columns", columns), ("model", model)]), X), X, identical=False)


LABELS: list[list[Any]] = [[False, True], [-3, 7], ["yes", "no"], ["é", "\U0001f600", "z"], [10, 2, 33]]


@pytest.mark.parametrize(("labels", "name"), diagonal(LABELS, ["forest-ties", "logistic", "hist"]), ids=str)
def test_labels_of_every_type(labels: list[Any], name: str) -> None:
    X = frame()
    y = np.array(labels)[target(X, len(labels))]
    assert_exact(clone(mixed(ESTIMATORS[name])).fit(X, y), X, identical=name == "forest-ties")


@pytest.mark.parametrize(("threshold", "positive"), diagonal([0.5, 0.25, 1 / 3], [None, "no", "yes"]))
def test_a_threshold_at_an_attained_probability(threshold: float, positive: str | None) -> None:
    X = frame()[NUMBERS]
    y = np.array(["no", "yes"])[target(X)]
    forest = RandomForestClassifier(4, max_depth=2, random_state=0)
    tuned = FixedThresholdClassifier(forest, threshold=threshold, pos_label=positive).fit(X, y)
    assert_exact(tuned, X, identical=True)


@pytest.mark.parametrize("positive", [None, np.int64(0), 1.0, True])
def test_a_threshold_names_the_class_as_json_does(positive: Any) -> None:
    X = frame()[FLOATS]
    model = HistGradientBoostingClassifier(max_iter=3)
    tuned = FixedThresholdClassifier(model, threshold=0.3, pos_label=positive).fit(X, target(X))
    assert_exact(tuned, X, identical=False)
    expected = 1 if positive is None else int(positive)
    assert (type(core_of(tuned)[2]), core_of(tuned)[2]) == (int, expected)


@pytest.mark.parametrize("levels", [[1e17, 2e17, 3e17], [-4e300, -3e300], [0.0, -0.0, 2.0]])
def test_categories_that_are_large_numbers(levels: list[float]) -> None:
    X = pd.DataFrame({"a": np.resize(levels, 60), "b": np.arange(60) / 7.0})
    encoder = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("levels", encoder, ["a"])], remainder="passthrough")
    assert_exact(make_pipeline(columns, DecisionTreeClassifier()).fit(X, X["a"] == levels[-1]), X, identical=True)


def test_ties_go_to_the_class_that_scikit_learn_takes() -> None:
    X = pd.DataFrame({"a": np.repeat([0.0, 1.0, 2.0], 40)})
    y = np.tile(["c", "b", "a", "b"], 30)
    for model in (DecisionTreeClassifier(), RandomForestClassifier(2, bootstrap=False), LogisticRegression()):
        found = gap(model.fit(X, y), X)
        assert found.labels == 0
        assert found.apart <= ROUNDING


@pytest.mark.parametrize("kind", [GradientBoostingClassifier, HistGradientBoostingClassifier])
def test_a_raw_score_of_zero(kind: Any) -> None:
    X = pd.DataFrame({"a": np.repeat([0.0, 1.0], 40)})
    y = np.tile([0, 1], 40)
    found = gap(kind().fit(X, y), X)
    assert found.labels == 0
    assert found.apart == 0.0


@pytest.mark.parametrize("dtype", ["string", object], ids=str)
def test_texts_whose_missing_value_is_na(dtype: Any) -> None:
    texts = np.where(np.arange(200) % 7 == 0, pd.NA, np.array(["a", "b", "nan"], dtype=object)[np.arange(200) % 3])
    X = pd.DataFrame({"text": pd.Series(texts, dtype=dtype), "number": np.sin(np.arange(200.0))})
    imputer = SimpleImputer(missing_values=pd.NA, strategy="constant", fill_value="none")
    encoded = make_pipeline(imputer, OneHotEncoder(handle_unknown="ignore", sparse_output=False))
    columns = make_column_transformer((encoded, ["text"]), remainder="passthrough")
    assert_exact(fitted(make_pipeline(columns, DecisionTreeClassifier(random_state=0)), X), X, identical=True)


def test_nullable_floats() -> None:
    X = frame()[["income", "2nd height"]].astype("Float64")
    assert X["income"].isna().any()
    assert_exact(fitted(impute_and(DecisionTreeClassifier(random_state=0)), X), X, identical=True)
