"""The preparing steps export exactly, and so does every candidate with all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from deploy.verify import verify
from export import export_bundle
from export.size import measure
from lambda_handler.predictor import Predictor
from train.config import CandidateSettings, PrepareSettings
from train.demo import loan_case
from train.evaluate import fit_pipeline
from train.models import build
from train.steps import QuantileClip, Ratio, SignedLog

PREPARE = PrepareSettings(clip=0.02, rare=30, ratios=("amount / income",), logs=("income",), select=9)


def table() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    case = loan_case(500, seed=3)
    X = case.X.copy()
    X.loc[:20, "income"] = 0.0
    X.loc[21:40, "amount"] = np.nan
    return X, case.y.to_numpy(), 1 + X["age"].to_numpy() * 10


def test_a_clip_keeps_to_values_that_occur_and_leaves_missing_alone() -> None:
    X = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan], [100.0, np.nan], [np.nan, np.nan]])
    clip = QuantileClip(0.3).fit(X)
    assert clip.lower_.tolist() == [1.0, -np.inf]
    assert clip.upper_.tolist() == [100.0, np.inf]
    found = (
        QuantileClip(0.34).fit(np.arange(10.0).reshape(-1, 1)).transform(np.array([[-5.0], [4.5], [50.0], [np.nan]]))
    )
    np.testing.assert_array_equal(found[:, 0], [3.0, 4.5, 6.0, np.nan])


def test_a_logarithm_has_the_sign_of_its_number_and_a_ratio_is_finite_or_missing() -> None:
    X = np.array([[-3.0], [0.0], [np.e - 1], [np.nan]])
    np.testing.assert_allclose(SignedLog().fit(X).transform(X)[:, 0], [-np.log(4), 0.0, 1.0, np.nan])
    pairs = np.array([[1.0, 4.0], [1.0, 0.0], [0.0, 0.0], [np.nan, 1.0], [1e308, 1e-308]])
    np.testing.assert_array_equal(Ratio().fit(pairs).transform(pairs)[:, 0], [0.25, np.nan, np.nan, np.nan, np.nan])
    with pytest.raises(ValueError, match="divides two columns"):
        Ratio().fit(np.zeros((2, 3)))


@pytest.mark.parametrize(
    "name",
    ["boosting", pytest.param("linear", marks=pytest.mark.slow), pytest.param("forest", marks=pytest.mark.slow)],
)
def test_a_candidate_with_every_preparing_step_is_proved_and_replayed(name: str, tmp_path: Path) -> None:
    X, y, _ = table()
    model = build(name, X, "classification", CandidateSettings(trees=4, rounds=6), 0, PREPARE)
    fitted = fit_pipeline(model, X, y)
    export_bundle(fitted, X, tmp_path / "bundle", effort="quick")
    assert verify(tmp_path / "bundle", ("python",)).holds
    rows = X.iloc[:60].astype(object).where(X.iloc[:60].notna(), None).to_dict("records")
    said = [each["probabilities"]["1"] for each in Predictor.load(tmp_path / "bundle").predict(rows)]
    np.testing.assert_allclose(said, fitted.predict_proba(X.iloc[:60])[:, 1], rtol=0, atol=1e-12)


def test_a_target_that_is_learnt_as_a_logarithm_is_proved(tmp_path: Path) -> None:
    X, _, value = table()
    model = build("linear", X, "regression", CandidateSettings(), 0, PREPARE, log_target=True)
    export_bundle(fit_pipeline(model, X, value), X, tmp_path / "bundle", effort="quick")
    assert verify(tmp_path / "bundle", ("python",)).holds


@pytest.mark.parametrize("calibration", [pytest.param("sigmoid", marks=pytest.mark.slow), "isotonic"])
def test_a_calibrated_candidate_is_proved(calibration: str, tmp_path: Path) -> None:
    X, y, _ = table()
    settings = CandidateSettings(rounds=4, calibration=calibration)  # type: ignore[arg-type] # one of its values
    export_bundle(
        fit_pipeline(build("boosting", X, "classification", settings, 0), X, y), X, tmp_path / "bundle", effort="quick"
    )
    assert verify(tmp_path / "bundle", ("python",)).holds


SLOW = [
    pytest.param(name, task, marks=pytest.mark.slow)
    for name in ("baseline", "mlp", "lightgbm", "xgboost", "stacking")
    for task in ("classification", "regression")
    if (name, task) not in {("mlp", "classification"), ("lightgbm", "regression")}
]


@pytest.mark.parametrize(("name", "task"), [("mlp", "classification"), ("lightgbm", "regression"), *SLOW])
def test_every_other_candidate_can_be_written_as_a_file(name: str, task: str) -> None:
    X, y, value = table()
    settings = CandidateSettings(trees=3, rounds=3)
    model = build(name, X, task, settings, 0, PREPARE)  # type: ignore[arg-type] # one of its values
    size, milliseconds = measure(fit_pipeline(model, X, y if task == "classification" else value), X)
    assert 300 < size < 60_000
    assert milliseconds > 0


@pytest.mark.parametrize("name", ["svm", "knn"])
def test_a_candidate_that_carries_training_rows_says_so(name: str) -> None:
    X, y, _ = table()
    with pytest.raises(ValueError, match="rows of the training table"):
        measure(fit_pipeline(build(name, X, "classification", CandidateSettings(), 0), X, y), X)


def test_the_features_stand_inside_the_pipeline() -> None:
    X, y, _ = table()
    fitted = fit_pipeline(build("linear", X, "classification", CandidateSettings(), 0, PREPARE), X, y)
    assert isinstance(fitted, Pipeline)
    assert fitted["model"].n_features_in_ == 9
    names = [name for name, _, _ in fitted["columns"].transformers_]
    assert names[:4] == ["numbers", "logs", "ratio 1", "categories"]
