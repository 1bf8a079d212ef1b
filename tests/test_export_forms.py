"""What an estimator answers: labels, scores, several targets; exported, recorded and replayed in python and node."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from export_tools import FLOATS, frame
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from deploy.verify import verify
from export import ExportError, export_bundle
from export.form import form_of
from lambda_handler.predictor import Predictor

Y = npt.NDArray[Any] | None


@pytest.fixture(scope="module", name="X")
def table() -> pd.DataFrame:
    return frame(300)[[*FLOATS, "visits"]].fillna(9.0)


def targets(X: pd.DataFrame) -> dict[str, Y]:
    noisy = X["2nd height"].to_numpy() + np.random.default_rng(0).normal(0.0, 0.3, len(X))
    words = np.array(["lo", "mid", "hi"])[np.digitize(noisy, [-0.4, 0.4])]
    often = X["visits"].to_numpy() > 20
    return {
        "none": None,
        "two": (noisy > 0.0).astype(int),
        "three": words,
        "values": np.column_stack([noisy * 3000.0, X["visits"] / 7.0 + noisy]),
        "labels": np.column_stack([noisy > 0.0, often]).astype(int),
        "words": np.column_stack([words, np.where(often, "many", "few")]),
    }


def scaled(model: Any) -> Any:
    return make_pipeline(StandardScaler(), model)


def voters() -> list[tuple[str, Any]]:
    return [(str(depth), DecisionTreeClassifier(max_depth=depth, random_state=depth)) for depth in (2, 3, 4)]


# name -> estimator, what it is fitted on, the numbers it gives, the number of targets
CASES: dict[str, tuple[Any, str, str | None, int]] = {
    "scores of two": (scaled(LinearSVC()), "two", "scores", 1),
    "scores of three": (scaled(LinearSVC()), "three", "scores", 1),
    "least squares": (scaled(RidgeClassifier()), "two", "scores", 1),
    "hard vote": (VotingClassifier(voters()), "three", None, 1),
    "outliers": (IsolationForest(n_estimators=10, random_state=0), "none", "scores", 1),
    "clusters": (scaled(KMeans(4, n_init=1, random_state=0)), "none", None, 1),
    "mixture": (scaled(GaussianMixture(3, random_state=0)), "none", "probabilities", 1),
    "values": (scaled(LinearRegression()), "values", "value", 2),
    "values of a tree": (DecisionTreeRegressor(max_depth=5, random_state=0), "values", "value", 2),
    "words": (RandomForestClassifier(5, max_depth=4, random_state=0), "words", "probabilities", 2),
    "yes or no": (scaled(OneVsRestClassifier(LogisticRegression())), "labels", "probabilities", 2),
}


@dataclass(frozen=True)
class Case:
    """A fitted estimator and its bundle."""

    model: Any
    bundle: Path

    @property
    def contract(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.bundle / "contract.json").read_text())
        return document

    def answers(self, X: pd.DataFrame) -> list[dict[str, Any]]:
        return Predictor.load(self.bundle).predict(X.to_dict("records"))


Export = Callable[[str], Case]


@pytest.fixture(scope="module")
def export(X: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Fit and export one of `CASES`, once."""

    @cache
    def exported(name: str) -> Case:
        model = clone(CASES[name][0]).fit(X, targets(X)[CASES[name][1]])
        return Case(model, export_bundle(model, X, tmp_path_factory.mktemp("forms") / "bundle", effort="quick"))

    return exported


@pytest.mark.parametrize("name", CASES)
def test_every_form_is_exported_and_replayed(name: str, X: pd.DataFrame, export: Export) -> None:
    case = export(name)
    verdict = verify(case.bundle, ["python", "node"])
    assert verdict.holds, verdict.strata
    _, _, numbers, count = CASES[name]
    told = {kind for kind, output in case.contract["outputs"].items() if output is not None}
    assert told == {*(["label"] if numbers != "value" else []), *([numbers] if numbers else [])}
    assert len(case.contract["targets"] or [None]) == count
    predicted = np.asarray(case.model.predict(X)).reshape(len(X), -1)
    for answer, expected in zip(case.answers(X), predicted.tolist(), strict=True):
        parts = list(answer["targets"].values()) if count > 1 else [answer]
        if numbers == "value":
            assert [part["value"] for part in parts] == pytest.approx(expected, rel=1e-12)
        else:
            assert [part["label"] for part in parts] == expected


def test_scores_are_those_of_the_decision_function(X: pd.DataFrame, export: Export) -> None:
    for name, keys in (("scores of two", ["1"]), ("scores of three", ["hi", "lo", "mid"])):
        answers = export(name).answers(X)
        assert all(list(answer["scores"]) == keys for answer in answers)
        expected = np.asarray(export(name).model.decision_function(X)).reshape(len(X), -1)
        found = [list(answer["scores"].values()) for answer in answers]
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_yes_or_no_labels_get_both_probabilities(X: pd.DataFrame, export: Export) -> None:
    answers, expected = export("yes or no").answers(X), export("yes or no").model.predict_proba(X)
    for column, name in enumerate(("y0", "y1")):
        shares = [answer["targets"][name]["probabilities"] for answer in answers]
        np.testing.assert_allclose([share["1"] for share in shares], expected[:, column], atol=1e-13)
        assert [share["0"] for share in shares] == pytest.approx((1.0 - expected[:, column]).tolist(), abs=1e-13)


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("model", [LogisticRegression(), LinearSVC()], ids=["probabilities too", "scores alone"])
def test_a_threshold_on_scores_decides(positive: int, model: Any, X: pd.DataFrame, tmp_path: Path) -> None:
    tuned = FixedThresholdClassifier(
        scaled(clone(model)), threshold=0.25, pos_label=positive, response_method="decision_function"
    ).fit(X, targets(X)["two"])
    bundle = export_bundle(tuned, X, tmp_path / "bundle", effort="quick")
    assert verify(bundle, ["python", "node"]).holds
    assert json.loads((bundle / "contract.json").read_text())["threshold"] == {"class": positive, "value": 0.25}
    labels = [answer["label"] for answer in Predictor.load(bundle).predict(X.to_dict("records"))]
    assert labels == tuned.predict(X).tolist()
    assert labels != tuned.estimator_.predict(X).tolist()


def test_the_usual_threshold_on_scores_is_zero(X: pd.DataFrame, tmp_path: Path) -> None:
    tuned = FixedThresholdClassifier(scaled(LinearSVC())).fit(X, targets(X)["two"])
    contract = json.loads((export_bundle(tuned, X, tmp_path / "bundle", effort="quick") / "contract.json").read_text())
    assert contract["threshold"] == {"class": 1, "value": 0.0}


def test_targets_get_the_names_that_they_are_given(X: pd.DataFrame, export: Export, tmp_path: Path) -> None:
    model = export("values of a tree").model
    bundle = export_bundle(model, X, tmp_path / "bundle", about={"targets": ["cost", "days"]}, effort="quick")
    (answer,) = Predictor.load(bundle).predict(X.head(1).to_dict("records"))
    assert list(answer["targets"]) == ["cost", "days"]
    for names in (["cost"], ["cost", "cost"], ["cost", ""], ["cost", "days", "more"]):
        with pytest.raises(ExportError, match="each of the 2 targets a name of its own"):
            export_bundle(model, X, tmp_path / "other", about={"targets": names}, effort="quick")


def test_each_value_has_the_tolerance_of_its_own_scale(X: pd.DataFrame, export: Export) -> None:
    absolute = export("values").contract["tolerance"]["absolute"]
    expected = 1e-12 * np.abs(export("values").model.predict(X)).max(axis=0)
    assert absolute == pytest.approx(expected.tolist())
    assert expected[0] > 100 * expected[1]


def test_the_reference_counts_each_target(X: pd.DataFrame, export: Export) -> None:
    told = json.loads((export("words").bundle / "reference.json").read_text())["answers"]["targets"]
    assert {name: sum(counts["counts"]) for name, counts in told.items()} == {"y0": 300, "y1": 300}
    told = json.loads((export("hard vote").bundle / "reference.json").read_text())["answers"]
    names, counts = np.unique(export("hard vote").model.predict(X), return_counts=True)
    assert told["categories"] == dict(zip(names.tolist(), counts.tolist(), strict=True))


class OneAgainstOne:
    """Gives three numbers for three classes, which are pairs and no classes."""

    decision_function_shape = "ovo"
    classes_ = np.array([0, 1, 2])

    def predict(self, X: pd.DataFrame) -> npt.NDArray[Any]:
        return np.zeros(len(X), dtype=int)

    def decision_function(self, X: pd.DataFrame) -> npt.NDArray[Any]:
        return np.zeros((len(X), 3))

    def __sklearn_tags__(self) -> Any:
        return LogisticRegression().__sklearn_tags__()


def test_numbers_of_pairs_of_classes_are_no_scores(X: pd.DataFrame) -> None:
    assert form_of(OneAgainstOne(), X.head(3))["outputs"]["scores"] is None
    OneAgainstOne.decision_function_shape = "ovr"
    assert form_of(OneAgainstOne(), X.head(3))["outputs"]["scores"] == "scores"
