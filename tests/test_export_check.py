"""`selfsame check`: every obstacle before the fit, by path, column, reason and remedy, and the remedies work."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from export_tools import frame, target, value
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier, StackingClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.manifold import TSNE
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

import selfsame
from export import ExportError, check_pipeline, export_bundle
from export.check import fitted_copy, sample_rows
from export.converters import REGISTRY
from export.replacements import KINDS, NO_TABLE, REPLACEMENTS, refusal_of, replacements

NUMBERS = ["2nd height", "visits", "\U0001f600"]


class Louder(StandardScaler):
    def transform(self, X: Any, copy: Any = None) -> Any:
        return super().transform(X, copy) * 2


class Guess(ClassifierMixin, BaseEstimator):
    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[0])


class Mean(RegressorMixin, BaseEstimator):
    def fit(self, X: Any, y: Any) -> Any:
        self.mean_ = np.mean(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.mean_)


class Shift(TransformerMixin, BaseEstimator):
    def fit(self, X: Any, y: Any = None) -> Any:
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        return np.asarray(X) + 1.0


def numbers() -> pd.DataFrame:
    return frame(300)[NUMBERS]


def one(found: list[ExportError]) -> ExportError:
    assert len(found) == 1, [str(each) for each in found]
    return found[0]


def everything() -> Any:
    columns = ColumnTransformer([
        ("log", FunctionTransformer(lambda x: x + 1), ["2nd height"]),
        ("loud", make_pipeline(SimpleImputer(), Louder()), ["income"]),
        ("hash", HashingVectorizer(n_features=8), "label"),
        ("cat", OneHotEncoder(handle_unknown="ignore"), ["probabilities", "x0"]),
    ])  # fmt: skip
    return make_pipeline(columns, GridSearchCV(RandomForestClassifier(500), {"max_depth": [2, 3, None]}))


def test_every_obstacle_is_listed_by_its_path_and_nothing_is_fitted() -> None:
    X = frame(2000).fillna({"label": "b"})
    pipeline = everything()
    found = check_pipeline(pipeline, X, target(X))
    assert [each.step for each in found] == [
        "columntransformer > log",
        "columntransformer > loud > louder",
        "columntransformer > hash",
    ]
    assert not hasattr(pipeline[-1], "best_estimator_")
    assert pipeline[-1].estimator.n_estimators == 500


def test_a_check_takes_a_small_part_of_two_seconds() -> None:
    X = frame(20_000).fillna({"label": "b"})
    started = time.process_time()
    check_pipeline(everything(), X, target(X))
    assert time.process_time() - started < 1.0


def test_what_is_exact_has_no_obstacle() -> None:
    X = frame(300)
    columns = ColumnTransformer(
        [("cat", OneHotEncoder(handle_unknown="ignore"), ["label", "probabilities", "x0"])], remainder=SimpleImputer()
    )
    pipeline = make_pipeline(columns, StandardScaler(with_mean=False), LogisticRegression(max_iter=500))
    assert check_pipeline(pipeline, X, target(X)) == []
    assert check_pipeline(pipeline.fit(X, target(X)), X) == []
    assert check_pipeline(clone(pipeline)) == []


PATHS: dict[str, tuple[Callable[[], Any], str]] = {
    "union": (lambda: make_pipeline(FeatureUnion([("a", StandardScaler()), ("b", Louder())]), DecisionTreeClassifier()),
              "featureunion > b"),
    "stack": (lambda: StackingClassifier([("a", DecisionTreeClassifier()), ("b", Guess())], cv=2),
              "stackingclassifier > b"),
    "search": (lambda: GridSearchCV(make_pipeline(Louder(), DecisionTreeClassifier()), {}, cv=2),
               "gridsearchcv > estimator > louder"),
    "candidate": (lambda: GridSearchCV(make_pipeline(StandardScaler(), DecisionTreeClassifier()),
                                       {"standardscaler": [StandardScaler(), Louder()]}, cv=2),
                  "gridsearchcv > param_grid standardscaler"),
}  # fmt: skip


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("table", [True, False])
def test_paths_inside_other_estimators(name: str, table: bool) -> None:
    make, path = PATHS[name]
    X = numbers()
    error = one(check_pipeline(make(), X, target(X)) if table else check_pipeline(make()))
    assert error.step == path


def test_paths_inside_several_targets_and_transformed_ones() -> None:
    X = numbers()
    several = MultiOutputRegressor(make_pipeline(Louder(), Ridge()))
    y = np.stack([value(X), value(X, 1)], axis=1)
    assert one(check_pipeline(several, X, y)).step == "multioutputregressor > estimator > louder"
    turned = TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=lambda v: v)
    error = one(check_pipeline(turned, X, np.abs(value(X))))
    assert error.step == "transformedtargetregressor > inverse"
    assert "Python code" in error.reason


def test_text_that_reaches_numbers_names_its_column() -> None:
    X = numbers().assign(size=["small", "big"] * 150)
    error = one(check_pipeline(make_pipeline(StandardScaler(), DecisionTreeClassifier()), X, target(numbers())))
    assert (error.step, error.column) == ("standardscaler", "size")
    parsed = numbers().assign(size=["1.5", "2"] * 150)
    error = one(check_pipeline(make_pipeline(StandardScaler(), DecisionTreeClassifier()), parsed, target(numbers())))
    assert (error.step, error.column) == ("standardscaler", "size")
    assert "it was fitted on text" in error.reason


def test_refusals_while_the_graph_is_written_are_all_listed() -> None:
    X = numbers().assign(size=["1.5", "2"] * 150, mass=["3", "4e0"] * 150)
    columns = ColumnTransformer([("s", StandardScaler(), ["size"]), ("m", StandardScaler(), ["mass"])])
    found = check_pipeline(make_pipeline(columns, PCA(2), DecisionTreeClassifier()), X, target(numbers()))
    assert [(each.step, each.column) for each in found] == [
        ("columntransformer > s", "size"),
        ("columntransformer > m", "mass"),
    ]


def test_every_column_that_no_graph_holds_is_listed_beside_the_steps() -> None:
    X = numbers().assign(day=pd.Timestamp("2026-01-01"), kind=[1, "a"] * 150)
    found = check_pipeline(make_pipeline(Louder(), DecisionTreeClassifier()), X, target(numbers()))
    assert [(each.column, each.step) for each in found] == [("day", None), ("kind", None), (None, "louder")]


def test_a_patched_instance_and_an_unfitted_step() -> None:
    X = numbers()
    patched = DecisionTreeClassifier()
    patched.predict = lambda X: np.zeros(len(X))
    assert "was replaced by Python code" in one(check_pipeline(make_pipeline(patched), X, target(X))).reason
    half = make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(X, target(X))
    half.steps[0] = ("standardscaler", StandardScaler())
    assert "is not fitted" in one(check_pipeline(half, X)).reason


def test_columns_other_than_the_fitted_ones() -> None:
    X = numbers()
    model = DecisionTreeClassifier().fit(X, target(X))
    assert "'visits' is in one of them only" in one(check_pipeline(model, X[["2nd height"]])).reason


def test_the_copy_is_small_and_its_sample_keeps_classes_categories_and_missing_values() -> None:
    X = frame(5000)
    X["rare"] = pd.Series(["a"] * 4999 + ["b"], dtype="str")
    y = np.array(["no"] * 4990 + ["yes"] * 10)
    rows = sample_rows(X, y)
    assert len(rows) < 300
    assert set(X.rare.iloc[rows]) == {"a", "b"}
    assert (y[rows] == "yes").sum() >= 6
    assert X.income.iloc[rows].isna().any()
    search = GridSearchCV(RandomForestClassifier(500, n_jobs=-1, verbose=1), {"max_depth": [2, 3]})
    copy, tried = fitted_copy(search, X[["2nd height", "visits"]], y)
    assert len(tried) < 300
    assert len(copy.best_estimator_.estimators_) == 2
    assert len(copy.cv_results_["params"]) == 1


def test_a_wish_for_more_than_the_sample_has_falls_back_on_the_whole_table() -> None:
    X = pd.DataFrame({f"c{i}": np.random.default_rng(i).normal(size=600) for i in range(300)})
    pipeline = make_pipeline(PCA(n_components=280), DecisionTreeRegressor())
    assert check_pipeline(pipeline, X, X.c0) == []


def test_rows_beyond_the_sample_do_not_confuse_the_copy() -> None:
    X = frame(400)[NUMBERS]  # as many numbers as rows: most are unseen by the copy
    assert check_pipeline(make_pipeline(OneHotEncoder(), DecisionTreeClassifier()), X, target(X)) == []


def test_a_frozen_model_is_fitted() -> None:
    X = numbers()
    frozen = FrozenEstimator(DecisionTreeClassifier(max_depth=2).fit(X, target(X)))
    assert check_pipeline(frozen, X) == []
    assert "is not fitted" in one(check_pipeline(FrozenEstimator(DecisionTreeClassifier()), X, target(X))).reason


def test_a_gaussian_process_that_answers_without_a_fit_is_unfitted() -> None:
    X = numbers()
    with pytest.raises(ExportError, match="is not fitted"):
        export_bundle(GaussianProcessRegressor(), X, "never")
    assert check_pipeline(GaussianProcessRegressor(alpha=1.0), X, value(X)) == []


# --- remedies, taken literally -------------------------------------------------------------------------------------


def hashed(vectorizer: Any) -> Any:
    return make_pipeline(ColumnTransformer([("t", vectorizer, "label")]), DecisionTreeClassifier(max_depth=3))


def labelled() -> pd.DataFrame:
    return frame(300)[["label"]].fillna("b").replace("", "c").replace("ü ☃", "snow man")


REMEDIES: dict[str, tuple[Any, Any, Callable[[], pd.DataFrame], str]] = {  # bad, good, table, the remedy's words
    "subclass": (make_pipeline(Louder(), DecisionTreeClassifier(max_depth=3)),
                 make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=3)), numbers,
                 "Use StandardScaler itself"),
    "Python code": (make_pipeline(FunctionTransformer(lambda x: x), DecisionTreeClassifier(max_depth=3)),
                    make_pipeline(FunctionTransformer(np.clip, kw_args={"a_min": 0.0, "a_max": 9.0}),
                                  DecisionTreeClassifier(max_depth=3)), numbers, "np.clip with kw_args"),
    "hash": (hashed(HashingVectorizer(n_features=4)), hashed(CountVectorizer(lowercase=False)), labelled,
             "CountVectorizer or TfidfVectorizer"),
    "other classifier": (make_pipeline(StandardScaler(), Guess()),
                         make_pipeline(StandardScaler(), LogisticRegression()), numbers,
                         "HistGradientBoostingClassifier or LogisticRegression"),
    "other regressor": (make_pipeline(StandardScaler(), Mean()),
                        make_pipeline(StandardScaler(), HistGradientBoostingRegressor(max_iter=3)), numbers,
                        "HistGradientBoostingRegressor or Ridge"),
    "other transformer": (make_pipeline(Shift(), DecisionTreeClassifier(max_depth=3)),
                          make_pipeline(FunctionTransformer(np.square), DecisionTreeClassifier(max_depth=3)), numbers,
                          "FunctionTransformer over a NumPy function"),
    "refit": (GridSearchCV(DecisionTreeClassifier(), {"max_depth": [2]}, cv=2, refit=False),
              GridSearchCV(DecisionTreeClassifier(), {"max_depth": [2]}, cv=2, refit=True), numbers, "Set refit=True"),
}  # fmt: skip


@pytest.mark.parametrize("name", REMEDIES)
def test_the_remedy_works(name: str, tmp_path: Path) -> None:
    bad, good, table, remedy = REMEDIES[name]
    X = table()
    y = value(X) if name == "other regressor" else target(X)
    assert remedy in one(check_pipeline(bad, X, y)).remedy
    assert check_pipeline(good, X, y) == []
    assert export_bundle(good.fit(X, y), X, tmp_path / "bundle").is_dir()


COLUMNS: dict[str, pd.Series] = {
    "dates": pd.Series(pd.date_range("2026-01-01", periods=300)),
    "mixed": pd.Series(["a", 1.5] * 150, dtype=object),
    "sparse": pd.Series(pd.arrays.SparseArray([0.0, 1.0] * 150)),
    "infinite": pd.Series([1.0, np.inf] * 150),
    "large": pd.Series([2**60, None, 1] * 100, dtype="Int64"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_the_remedy_of_a_column_is_code_that_works(name: str) -> None:
    X = numbers().assign(odd=COLUMNS[name])
    columns = ColumnTransformer(
        [("n", StandardScaler(), NUMBERS), ("o", OneHotEncoder(handle_unknown="ignore"), ["odd"])]
    )
    pipeline = make_pipeline(columns, DecisionTreeClassifier(max_depth=3))
    error = one(check_pipeline(pipeline, X, target(numbers())))
    assert error.column == "odd"
    code = error.remedy.removeprefix("Convert it before fitting: ").partition(", then fit")[0].partition(", or by")[0]
    names = {"X": X, "np": np, "pd": pd}
    exec(code, names)
    assert check_pipeline(pipeline, names["X"], target(numbers())) == []


def test_every_estimator_of_scikit_learn_has_a_converter_or_a_replacement_that_has_one() -> None:
    exact = {cls.__name__ for cls in REGISTRY}
    for name, cls in all_estimators():
        assert cls in REGISTRY or name in REPLACEMENTS or name in NO_TABLE, name
    named = [each for names in REPLACEMENTS.values() for each in names] + [each for _, names in KINDS for each in names]
    assert set(named) <= exact
    assert len(named) > 30


def test_the_nearest_of_the_same_kind_is_named_and_not_a_list_of_all() -> None:
    assert replacements(TSNE()) == ("PCA",)
    assert replacements(Guess()) == ("HistGradientBoostingClassifier", "LogisticRegression")
    assert replacements(object()) == ()
    alike = type("OneHotEncoder", (BaseEstimator,), {})()
    assert refusal_of(alike)[1] == "Use scikit-learn's own OneHotEncoder."
    assert all(len(refusal_of(step)[1]) < 200 for step in (TSNE(), Guess(), Shift(), alike))


# --- the command ---------------------------------------------------------------------------------------------------

SCRIPT = """
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

good = make_pipeline(StandardScaler(), DecisionTreeClassifier())
pipeline = make_pipeline(FunctionTransformer(lambda x: x + 1), DecisionTreeClassifier())
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    X = numbers()
    (tmp_path / "steps.py").write_text(SCRIPT)
    X.assign(y=np.where(target(X), "yes", "no")).to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


def test_the_command_lists_and_leaves_with_1_or_says_that_all_is_exact(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["--rows", str(place / "table.csv"), "--target", "y"]
    assert selfsame.main(["check", str(place / "steps.py"), *rows]) == 1
    said = capsys.readouterr().out
    assert said.startswith("1 in the way of an exact export:\n\n  functiontransformer\n    func=<function")
    assert "    -> Use a NumPy function" in said
    assert selfsame.main(["check", f"{place / 'steps.py'}:good", *rows]) == 0
    assert capsys.readouterr().out.startswith("Nothing stands in the way")


def test_the_command_reads_modules_and_saved_estimators(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(place))
    assert selfsame.main(["check", "steps:good", "--rows", "table.csv", "--target", "y"]) == 0
    X = numbers()
    joblib.dump(DecisionTreeClassifier(max_depth=2), place / "unfitted.joblib")
    joblib.dump(DecisionTreeClassifier(max_depth=2).fit(X, target(X)), place / "fitted.joblib")
    assert selfsame.main(["check", "unfitted.joblib", "--trust", "--rows", "table.csv", "--target", "y"]) == 0
    assert selfsame.main(["check", "fitted.joblib", "--trust", "--rows", "table.csv"]) == 0
    assert selfsame.main(["check", "fitted.joblib", "--trust"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.py"], "SOURCE must be"),
        (["steps.py:other"], "has no 'other'; its estimators: good, pipeline"),
        (["steps.py", "--rows", "table.csv"], "Add --target COLUMN"),
        (["steps.py", "--rows", "table.csv", "--target", "z"], "--target must be a column"),
        (["broken.py"], "running it ends with ZeroDivisionError"),
        (["steps.py:SCRIPT"], "has no 'SCRIPT'"),
        (["model.joblib"], "add --trust"),
    ],
)
def test_wrong_usage_of_the_command(
    words: list[str], said: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    (place / "broken.py").write_text("1 / 0")
    joblib.dump(DecisionTreeClassifier(), place / "model.joblib")
    assert selfsame.main(["check", *words]) == 2
    assert said in capsys.readouterr().err


def test_training_says_before_the_fit_what_no_export_could_hold(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X = numbers()
    table = X.assign(size=np.where(X.visits > 20, "\ue000missing", "big"), y=np.where(target(X), "yes", "no"))
    table.to_csv(place / "reserved.csv", index=False)
    (place / "small.toml").write_text("[candidates]\nnames = ['linear']\n")
    words = ["train", str(place / "reserved.csv"), "--target", "y", "--config", str(place / "small.toml")]
    assert selfsame.main([*words, "--out", str(place / "run")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("1 in the way of an exact export:\n\n  column 'size'\n    the text ")
    assert "One candidate at least must export exactly and keep the budgets." in said
    assert not (place / "run").exists()
    words[1] = str(place / "table.csv")
    assert selfsame.main([*words, "--out", str(place / "run")]) == 0
    assert capsys.readouterr().err == ""
