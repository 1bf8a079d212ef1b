"""What cannot be exported exactly is refused: the step, the column, the reason, the remedy; nothing is written."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from export_tools import frame, target, value
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from export import ExportError, check_pipeline, export_bundle
from export.converters import REGISTRY, scale


class Braver(DecisionTreeClassifier):
    def predict(self, X: Any, check_input: bool = True) -> Any:
        return 1 - super().predict(X, check_input)


class Shift(TransformerMixin, BaseEstimator):
    def fit(self, X: Any, y: Any = None) -> Any:
        return self

    def transform(self, X: Any) -> Any:
        return np.asarray(X) + 1.0


def doubled(X: Any) -> Any:
    return X * 2


def numbers() -> pd.DataFrame:
    return frame(60)[["2nd height", "visits"]]


def refused(estimator: Any, X: Any, folder: Path) -> ExportError:
    """Export, expect the refusal, and see that nothing stays behind."""
    folder.mkdir(exist_ok=True)
    before = sorted(str(each) for each in folder.rglob("*"))
    with pytest.raises(ExportError) as caught:
        export_bundle(estimator, X, folder / "bundle")
    assert sorted(str(each) for each in folder.rglob("*")) == before
    error = caught.value
    assert error.reason in str(error)
    assert str(error).endswith(error.remedy)
    assert len(error.remedy) > 10
    return error


def tree(X: pd.DataFrame) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=3).fit(X, target(X))


def half_fitted(X: pd.DataFrame) -> Any:
    pipeline = make_pipeline(StandardScaler(), tree(X)).fit(X, target(X))
    pipeline.steps[0] = ("standardscaler", StandardScaler())
    return pipeline


def patched(X: pd.DataFrame) -> Any:
    model = tree(X)
    model.predict = lambda X: np.zeros(len(X))
    return model


def deep(step: Any, X: pd.DataFrame) -> Any:
    columns = ColumnTransformer([("part", make_pipeline(StandardScaler(), step), list(X.columns))])
    return make_pipeline(columns, DecisionTreeClassifier()).fit(X, target(X))


STEPS: dict[str, tuple[Callable[[pd.DataFrame], Any], str, str]] = {
    "unfitted": (lambda X: DecisionTreeClassifier(), "decisiontreeclassifier", "is not fitted"),
    "unfitted pipeline": (lambda X: make_pipeline(StandardScaler(), tree(X)), "standardscaler", "is not fitted"),
    "unfitted step": (half_fitted, "standardscaler", "StandardScaler is not fitted"),
    "subclass": (lambda X: Braver(max_depth=2).fit(X, target(X)), "braver", "subclass of DecisionTreeClassifier"),
    "patched": (patched, "decisiontreeclassifier", "predict of this instance was replaced"),
    "Python code": (lambda X: deep(FunctionTransformer(doubled), X), "columntransformer > part > functiontransformer",
                    "Python code"),
    "no converter": (lambda X: deep(Shift(), X), "columntransformer > part > shift", "Shift has no exact converter"),
    "inside an ensemble": (lambda X: VotingClassifier([("a", tree(X)), ("b", Braver())]).fit(X, target(X)),
                           "votingclassifier > b", "subclass of DecisionTreeClassifier"),
    "no model": (lambda X: make_pipeline(StandardScaler()).fit(X), "standardscaler", "last step must be"),
    "float32": (lambda X: make_pipeline(OrdinalEncoder(dtype=np.float32), DecisionTreeClassifier()).fit(X, target(X)),
                "ordinalencoder", "float32"),
    "NumPy classes": (lambda X: tree(X).fit(X, np.array([np.str_("a"), np.str_("b")], object)[target(X)]),
                      "decisiontreeclassifier", "classes must be"),
    "float32 start": (lambda X: GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()).fit(X, target(X)),
                      "gradientboostingclassifier", "init=LogisticRegression computes in float32"),
    "nothing kept": (lambda X: GridSearchCV(tree(X), {"max_depth": [2]}, cv=2, refit=False).fit(X, target(X)),
                     "gridsearchcv", "refit=False keeps none"),
    "NUL class": (lambda X: DecisionTreeClassifier().fit(X, np.array(["a", "b\0c"])[target(X)]),
                  "decisiontreeclassifier", "NUL"),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_a_step_without_an_exact_form(name: str, tmp_path: Path) -> None:
    make, step, reason = STEPS[name]
    X = numbers()
    error = refused(make(X), X, tmp_path)
    assert error.step == step
    assert reason in error.reason


def test_text_in_a_step_that_computes(tmp_path: Path) -> None:
    X = pd.DataFrame({"a": pd.Series(["1.5", "2", "3e0", "4"] * 10, dtype="str")})
    error = refused(make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(X, [0, 1] * 20), X, tmp_path)
    assert (error.step, error.column) == ("standardscaler", "a")
    assert "must get numbers" in error.reason


def series(values: Any, dtype: Any = None) -> "pd.Series[Any]":
    return pd.Series(values, dtype=dtype)


COLUMNS: dict[str, tuple["pd.Series[Any]", str]] = {
    "dates": (pd.Series(pd.date_range("2026-01-01", periods=60)), "datetime64"),
    "mixed": (series(["a", 1.5, 2.5] * 20, object), "object column of float, str"),
    "mixed with holes": (series(["a", 1.5, np.nan] * 20, object), "object column of float, str"),
    "booleans and text": (series(["a", True] * 30, object), "object column of bool, str"),
    "two kinds of missing": (series(["a", None, np.nan] * 20, object), "object column"),
    "infinite": (series([1.0, np.inf] * 30), "finite"),
    "reserved": (series(["\ue000missing", "b"] * 30, "str"), "reserved"),
    "reserved category": (series(["\ue000missing", "b"] * 30, "str").astype("category"), "reserved"),
    "NUL": (series(["a\0b", "b"] * 30, object), "NUL"),
    "NUL category": (series(["a\0b", "b"] * 30, object).astype("category"), "NUL"),
    "surrogate": (series(["\ud800", "b"] * 30, object), "surrogates"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_the_contract_cannot_hold(name: str, tmp_path: Path) -> None:
    column, reason = COLUMNS[name]
    X = numbers()
    model = tree(X)
    model.feature_names_in_ = np.array([*X.columns, "odd"], dtype=object)
    error = refused(model, X.assign(odd=column), tmp_path)
    assert error.column == "odd"
    assert reason in error.reason


def test_another_frame_than_the_fitted_one(tmp_path: Path) -> None:
    X = numbers()
    model = tree(X)
    assert "order differs" in refused(model, X[X.columns[::-1]], tmp_path).reason
    assert "'visits' is in one" in refused(model, X[["2nd height"]], tmp_path).reason
    assert "'more' is in one" in refused(model, X.assign(more=1.0), tmp_path).reason
    assert "got ndarray" in refused(model, X.to_numpy(), tmp_path).reason
    assert "shape (0, 2)" in refused(model, X.iloc[:0], tmp_path).reason
    assert "distinct" in refused(model, X.set_axis(["a", "a"], axis=1), tmp_path).reason
    assert "got 0" in refused(model, X.set_axis([0, 1], axis=1), tmp_path).reason
    on_array = DecisionTreeClassifier().fit(X.to_numpy(), target(X))
    assert "fitted on an array" in refused(on_array, X, tmp_path).reason


@pytest.mark.parametrize("name", ["", "two words", ".hidden", "-dash", "ümlaut", "a:b"])
def test_a_folder_name_that_an_address_cannot_hold(name: str, tmp_path: Path) -> None:
    X = numbers()
    with pytest.raises(ExportError, match="named by letters"):
        export_bundle(tree(X), X, f"{tmp_path}/{name}" if name else "/")
    assert not list(tmp_path.iterdir())


def test_a_place_that_holds_something_else(tmp_path: Path) -> None:
    X = numbers()
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "thesis.txt").write_text("years of work")
    assert "exists and is no bundle" in refused(tree(X), X, tmp_path).reason
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportError, match="exists and is no bundle"):
        export_bundle(tree(X), X, tmp_path / "file")
    assert (tmp_path / "bundle" / "thesis.txt").read_text() == "years of work"


def test_a_wrong_graph_is_refused_by_the_proof_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = frame(120)[["2nd height", "visits"]]
    model = make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=6)).fit(X, value(X))
    right = scale.convert_standard

    def reciprocal(graph: Any, estimator: Any, inputs: Any) -> str:
        centred = graph.add("Sub", graph.matrix(inputs), graph.constant(estimator.mean_.reshape(1, -1), "mean"))
        return str(graph.add("Mul", centred, graph.constant(1.0 / estimator.scale_.reshape(1, -1), "reciprocal")))

    monkeypatch.setitem(REGISTRY, StandardScaler, dataclasses.replace(REGISTRY[StandardScaler], transform=reciprocal))
    error = refused(model, X, tmp_path)
    assert "is not exact on" in error.reason
    monkeypatch.setitem(REGISTRY, StandardScaler, dataclasses.replace(REGISTRY[StandardScaler], transform=right))
    assert export_bundle(model, X, tmp_path / "bundle").is_dir()


def test_an_imputer_that_looks_for_another_missing_value_is_refused(tmp_path: Path) -> None:
    X = pd.DataFrame({"home": pd.Series(["own", "rent", None, "own"] * 20, dtype=object), "age": np.arange(80.0)})
    y = np.arange(80) % 2
    for marker, ok in ((np.nan, False), (None, True)):
        text = make_pipeline(SimpleImputer(missing_values=marker, strategy="most_frequent"), OneHotEncoder())
        columns = ColumnTransformer([("home", text, ["home"])], remainder="passthrough", sparse_threshold=0)
        fitted = make_pipeline(columns, DecisionTreeClassifier(max_depth=2)).fit(X, y)
        if ok:
            export_bundle(fitted, X, tmp_path / "fine")
            continue
        where = "step columntransformer > home > simpleimputer, column 'home'"
        message = f"{where}: the column's missing value is None and this imputer looks"
        with pytest.raises(ExportError, match=message):
            export_bundle(fitted, X, tmp_path / "refused")


def test_every_column_and_step_is_named_at_once(tmp_path: Path) -> None:
    holes = pd.Series(["own", "rent", None, "own"] * 20, dtype=object)
    X = pd.DataFrame({"home": holes, "work": holes, "age": np.arange(80.0)})
    text = make_pipeline(SimpleImputer(missing_values=np.nan, strategy="most_frequent"), OneHotEncoder())
    columns = ColumnTransformer([("texts", text, ["home", "work"])], remainder="passthrough", sparse_threshold=0)
    fitted = make_pipeline(columns, DecisionTreeClassifier(max_depth=2)).fit(X, np.arange(80) % 2)
    assert refused(fitted, X, tmp_path).reason.endswith(
        "(and so at step columntransformer > texts > simpleimputer, column 'work')"
    )
    assert [error.column for error in check_pipeline(fitted, X)] == ["home", "work"]
    single = numbers().astype("float32")
    scaled = ColumnTransformer([(name, StandardScaler(), [name]) for name in single.columns])
    both = make_pipeline(scaled, DecisionTreeClassifier(max_depth=2)).fit(single, target(numbers()))
    assert len({error.step for error in check_pipeline(both, single)}) == single.shape[1]
