"""Prediction intervals: the offsets against their definition, the choice of their kind, and that they cover."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from export import export_bundle
from export.errors import ExportError
from export.source import read_source
from lambda_handler.interval import Interval
from lambda_handler.predictor import Predictor
from train.config import CandidateSettings
from train.conformal import Offsets, conformal, coverage, held_in, interval_score, offsets_of, out_of_fold, wilson
from train.demo import diabetes_case
from train.fit import train, train_frame
from train.run import Run

pytestmark = pytest.mark.usefixtures("no_plots")
HOUSE = Path(__file__).parents[2] / "shared" / "data" / "house" / "train.csv"


def test_the_offsets_are_order_statistics() -> None:
    y, predicted = np.arange(1.0, 20.0), np.zeros(19)  # 19 residuals 1 … 19: k = floor(20 * 0.05) = 1
    assert offsets_of("difference", y, predicted, 0.9) == Offsets("difference", 1.0, 19.0)
    y = np.arange(1.0, 40.0)  # 39 residuals: k = floor(40 * 0.05) = 2
    assert offsets_of("difference", y, np.zeros(39), 0.9) == Offsets("difference", 2.0, 38.0)
    assert offsets_of("ratio", y, np.full(39, 2.0), 0.9) == Offsets("ratio", 1.0, 19.0)
    with pytest.raises(ValueError, match="18 residuals are too few"):
        offsets_of("difference", y[:18], np.zeros(18), 0.9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=19, max_size=60), st.sampled_from([0.8, 0.9]))
def test_a_new_residual_among_exchangeable_ones_is_held_by_definition(residuals: list[float], level: float) -> None:
    """Leave each of n + 1 residuals out in turn: at least the level's share lies between the offsets of the others."""
    held = 0
    for place, residual in enumerate(residuals):
        others = np.array(residuals[:place] + residuals[place + 1 :])
        if math.floor((len(others) + 1) * (1 - level) / 2 + 1e-9) < 1:
            return
        found = offsets_of("difference", others, np.zeros(len(others)), level)
        held += found.low <= residual <= found.high
    assert held >= level * len(residuals) - 1e-9


def test_the_ends_are_those_of_the_contract() -> None:
    values = np.array([3.0, -2.0, 0.1, 1e300])
    for kind, low, high in (("difference", -0.3, 0.7), ("ratio", 0.3, 1.7)):
        ends = Offsets(kind, low, high).around(values)
        told = [Interval(0.9, kind, low, high).ends(value) for value in values.tolist()]
        assert np.stack(ends, axis=1).tolist() == told


def test_the_interval_score_by_hand() -> None:
    y, low, high = np.array([0.0, 5.0, 11.0]), np.array([1.0, 1.0, 1.0]), np.array([9.0, 9.0, 9.0])
    assert interval_score(y, low, high, 0.9) == pytest.approx((8 + 20 * 1 + 8 + 8 + 20 * 2) / 3)
    assert held_in(np.array([1.0, 9.0, 9.5, 0.0]), low[0], high[0]) == 0.5, "both ends belong to it"


def test_wilson_by_the_definition() -> None:
    """The ends solve |share - p| = z sqrt(p (1 - p) / n)."""
    for share, rows in ((0.3, 50), (0.9, 292)):
        for end in wilson(share, rows):
            assert abs(share - end) == pytest.approx(1.959963984540054 * math.sqrt(end * (1 - end) / rows))
    assert wilson(0.0, 10)[0] == 0.0
    assert wilson(1.0, 10)[1] <= 1.0


def table(kind: str, rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    generator = np.random.default_rng(seed)
    x = generator.uniform(1, 10, rows)
    noise = generator.normal(size=rows)
    y = 100 + 5 * x + 3 * noise if kind == "difference" else 20 * x * np.exp(0.2 * noise)
    return pd.DataFrame({"x": x}), y


@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_the_kind_follows_the_noise_and_the_interval_covers(kind: str) -> None:
    X, y = table(kind, 2000, 1)
    rows = np.arange(1000)
    folds = [(rows[rows % 5 != k], rows[rows % 5 == k]) for k in range(5)]
    predicted, fold = out_of_fold(LinearRegression(), X.iloc[:1000], y[:1000], folds)
    assert np.array_equal(fold, rows % 5)
    seen = folds[2][0]
    model = LinearRegression().fit(X.iloc[seen], y[seen])
    np.testing.assert_allclose(predicted[fold == 2], model.predict(X.iloc[:1000][fold == 2]))
    told = conformal(y[:1000], predicted, fold)
    assert told["interval"]["kind"] == kind
    assert told["out_of_fold"][kind]["score"] == min(each["score"] for each in told["out_of_fold"].values())
    final = LinearRegression().fit(X.iloc[:1000], y[:1000])
    held = coverage(told["interval"], y[1000:], final.predict(X.iloc[1000:]))
    assert 0.87 < held["coverage"] < 0.93
    assert held["coverage_interval"][0] < 0.9 < held["coverage_interval"][1]
    narrow = {**told["interval"], "high": 1.0 if kind == "ratio" else 0.0}
    assert coverage(narrow, y[1000:], final.predict(X.iloc[1000:]))["coverage"] < 0.6, "a wrong interval is seen"


def test_negative_numbers_have_no_ratio() -> None:
    X, y = table("difference", 200, 2)
    fold = np.arange(200) % 5
    assert set(conformal(y - 120, y - 121, fold)["out_of_fold"]) == {"difference"}
    left_out = np.where(np.arange(200) < 20, -1, fold)
    assert conformal(y, np.where(left_out < 0, np.nan, y - 1), left_out)["rows"] == 180
    assert len(X) == 200


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    case = replace(diabetes_case(), candidates=CandidateSettings(names=("linear",)))
    return train_frame(case, tmp_path_factory.mktemp("conformal") / "diabetes")


def test_a_run_of_numbers_has_an_interval_and_the_bundle_answers_with_it(run: Run, tmp_path: Path) -> None:
    interval = run.info["interval"]
    assert interval == run.metrics["interval"]["interval"]
    assert interval["level"] == 0.9
    test = run.metrics["interval"]["test"]
    assert test["rows"] == run.info["rows"]["test"]
    assert 0.8 < test["coverage"] < 0.97
    source = read_source(run.path)
    bundle = export_bundle(source.estimator, source.X, tmp_path / "diabetes", about=source.about, effort="quick")
    row = source.X.iloc[0].to_dict()
    [answer] = Predictor.load(bundle).predict([row])
    value = float(source.estimator.predict(source.X.iloc[:1])[0])
    assert answer["interval"] == pytest.approx(Interval(**interval).ends(value), rel=1e-12)
    card = (bundle / "card.html").read_text()
    assert "inside the prediction interval" in card
    assert "Is it fair?" in card
    with pytest.raises(ExportError, match="interval must have a level"):
        export_bundle(
            source.estimator, source.X, tmp_path / "wrong", about={"interval": {**interval, "level": 2}}, effort="quick"
        )
    assert not (tmp_path / "wrong").exists()


def test_an_estimator_from_elsewhere_has_no_interval_unless_given(tmp_path: Path) -> None:
    X, y = table("difference", 120, 3)
    model = LinearRegression().fit(X, y)
    [plain] = Predictor.load(export_bundle(model, X, tmp_path / "plain", effort="quick")).predict([{"x": 2.0}])
    assert "interval" not in plain
    about = {"interval": {"level": 0.8, "kind": "ratio", "low": 0.9, "high": 1.2}}
    [told] = Predictor.load(export_bundle(model, X, tmp_path / "told", about=about, effort="quick")).predict(
        [{"x": 2.0}]
    )
    assert told["interval"] == [told["value"] * 0.9, told["value"] * 1.2]


@pytest.mark.slow
@pytest.mark.skipif(not HOUSE.is_file(), reason="the Ames table is not there: ../shared/data/house/train.csv")
def test_the_interval_covers_on_the_ames_table(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[candidates]\nnames = ['linear']\n")
    house = train(HOUSE, "SalePrice", tmp_path / "house", config=tmp_path / "c.toml", task="regression")
    test = house.metrics["interval"]["test"]
    assert house.info["interval"]["kind"] == "ratio", "what is left over grows with the price"
    assert 0.85 < test["coverage"] < 0.95
    assert test["coverage_interval"][0] < 0.9 < test["coverage_interval"][1]
