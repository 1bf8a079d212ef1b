"""The embedded cases: the simulated process is the documented one, and training on it comes near the best possible."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from train.config import CandidateSettings
from train.demo import SIMULATED, demo_cases, diabetes_case, digits_case, loan_case
from train.demo_loan import simulate_applicants, true_probability
from train.fit import train_frame
from train.split import split_rows


def test_the_seed_decides() -> None:
    first, second, other = (simulate_applicants(500, seed) for seed in (7, 7, 8))
    pd.testing.assert_frame_equal(first[0], second[0])
    assert not first[0].equals(other[0])


def test_defaults_come_as_often_as_the_true_probability_says() -> None:
    X, default, probability = simulate_applicants(60000, 1)
    assert default.mean() == pytest.approx(probability.mean(), abs=0.004)
    for rows in (X["years"].isna(), X["grade"] == "D", X["purpose"] == "small_business", probability > 0.3):
        error = 4 * np.sqrt(probability[rows].mean() * (1 - probability[rows].mean()) / rows.sum())
        assert default[rows].mean() == pytest.approx(probability[rows].mean(), abs=error)


def test_the_probability_follows_the_documented_formula() -> None:
    row = {"amount": 22000.0, "interest": 9.0, "grade": "C", "years": np.nan, "ownership": "RENT", "income": 50000.0}
    X = pd.DataFrame([{**row, "age": 42.0, "purpose": "wedding"}])
    logit = -3.05 + 2 * 0.36 + 0.62 * np.log(2) + 0.95 + 1.1 + 0.25 + 0.7
    assert true_probability(X)[0] == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-12)


def test_missing_years_tell_something_and_rare_levels_are_rare() -> None:
    X, default, _ = simulate_applicants(8000)
    gone = X["years"].isna()
    assert 0.1 < gone.mean() < 0.25
    assert default[gone].mean() > 1.5 * default[~gone].mean()
    assert 0 < (X["purpose"] == "wedding").sum() < 25
    assert X["purpose"].notna().all()


def test_the_loan_case_says_that_it_is_simulated_and_how_good_a_model_can_be(tmp_path: Path) -> None:
    case = replace(loan_case(3000), candidates=CandidateSettings(names=("linear",)))
    run = train_frame(case, tmp_path / "run")
    assert run.info["notice"] == SIMULATED
    assert "simulated" in (run.path / "report.html").read_text()
    assert case.probability is not None
    test = split_rows(case.y.to_numpy(), "classification", 0).test
    best = roc_auc_score(case.y.iloc[test], case.probability.iloc[test])
    assert run.metrics["best_possible"]["roc_auc"] == pytest.approx(best)
    assert 0.6 < run.metrics["test"]["roc_auc"] < best + 0.03


def test_the_diabetes_case_is_in_real_units(tmp_path: Path) -> None:
    case = diabetes_case()
    assert case.X.shape == (442, 10)
    assert case.X["age"].between(19, 79).all()
    assert set(case.descriptions) == set(case.X.columns)
    run = train_frame(replace(case, candidates=CandidateSettings(trees=20, rounds=30)), tmp_path / "run")
    assert run.info["task"] == "regression"
    assert run.metrics["best_possible"] is None
    assert {feature.name: feature.unit for feature in run.features}["bmi"] == "kg/m²"


def test_the_cases_are_the_three_that_the_readme_names() -> None:
    assert [case.name for case in demo_cases()] == ["loan-default", "diabetes-progression", "digits"]


def test_the_digits_are_drawings_of_eight_by_eight_fields_of_sixteen_dots(tmp_path: Path) -> None:
    case = digits_case()
    assert list(case.X.columns) == [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    assert case.X.to_numpy().min() == 0
    assert case.X.to_numpy().max() == 16
    run = train_frame(replace(case, candidates=CandidateSettings(names=("linear",))), tmp_path / "run")
    assert run.metrics["test"]["accuracy"] > 0.93
