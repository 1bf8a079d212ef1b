"""Dates, suspects, searches and estimates: what happens before and inside a comparison."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from train.columns import Decision, build_column, plain_numbers
from train.config import CandidateSettings, Config, PrepareSettings
from train.dates import split_dates
from train.errors import TrainError
from train.estimate import Span, estimate, shown, total
from train.job import Shared
from train.leaks import suspects
from train.material import material_from_file
from train.search import OutOfTimeError, search
from train.split import Marks
from train.table import read_table

BANK = Path(__file__).parents[2] / "shared" / "data" / "bank" / "bank.csv"
DATES = Config(prepare=PrepareSettings(dates=("opened",)))


def dated(rows: int = 80) -> pd.DataFrame:
    opened = pd.date_range("2019-12-30", periods=rows, freq="37D")
    y = np.arange(rows) % 2
    return pd.DataFrame({"opened": opened, "x": np.sin(np.arange(rows)), "y": y})


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_date_becomes_contract_columns_that_say_what_they_are(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{form}"
    frame = dated()
    frame.to_csv(path, index=False) if form == "csv" else frame.to_parquet(path)
    found = material_from_file(path, "y", DATES, "t", None)
    assert list(found.X.columns) == ["opened_year", "opened_month", "opened_day", "opened_weekday", "opened_days", "x"]
    day = datetime(2019, 12, 30)
    assert found.X.iloc[0, :5].tolist() == [2019, 12, 30, 0, (day - datetime(1970, 1, 1)).days]
    by_name = {decision.name: decision for decision in found.decisions}
    assert by_name["opened"].kind == "drop"
    assert "split into opened_year" in by_name["opened"].reason
    assert by_name["opened_weekday"].description == "weekday, 0 is Monday, of opened"


def test_a_missing_date_is_missing_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    frame = dated(60).astype({"opened": "str"})
    frame.loc[3, "opened"] = ""
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert material_from_file(tmp_path / "t.csv", "y", DATES, "t", None).X.iloc[3, :5].isna().all()
    frame.loc[4, "opened"] = "31.12.2019"
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(TrainError, match=r"'31\.12\.2019' in data row 5"):
        split_dates(read_table(tmp_path / "t.csv"), ["opened"])
    with pytest.raises(TrainError, match="Did you mean 'opened'"):
        split_dates(read_table(tmp_path / "t.csv"), ["openned"])


def test_numbers_of_a_parquet_file_are_those_of_their_texts(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [0.1, None, -1e300, 5e-324], "b": pd.array([1, None, 2**52, -7], dtype="Int64")})
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet").frame
    for name in table:
        fast = plain_numbers(table[name])
        slow = build_column(table[name], Decision(str(name), "number", "", missing=("never",)))
        assert fast is not None
        pd.testing.assert_series_equal(fast, slow, check_names=False)
    endless = pd.DataFrame({"a": [1.0, np.inf]}).astype("float64[pyarrow]")
    assert plain_numbers(endless["a"]) is None


def test_a_column_that_decides_alone_is_suspected_and_others_are_not() -> None:
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, 3000)
    X = pd.DataFrame(
        {
            "after": y * 2.0 + draw.normal(0, 0.5, 3000),
            "level": pd.Series(np.where(y == 1, "paid", "open")).astype("str"),
            "weak": y * 0.5 + draw.normal(size=3000),
            "own": pd.Series([f"u{row}" for row in range(3000)]).astype("str"),
            "rare": pd.Series(np.where(draw.random(3000) < 0.002, "odd", "usual")).astype("str"),
        }
    )
    assert list(suspects(X, y, [0, 1])) == ["level", "after"]
    value = draw.normal(size=3000)
    numbers = pd.DataFrame({"copy": np.exp(value), "noise": draw.normal(size=3000)})
    assert list(suspects(numbers, value, None)) == ["copy"]
    assert suspects(X, y, [0, 1, 2]) == {}


def test_how_long_the_call_was_is_suspected_of_knowing_how_it_ended() -> None:
    draw = np.random.default_rng(0)
    sold = (draw.random(4000) < 0.11).astype(np.int64)
    duration = np.round(np.exp(draw.normal(5.2 + 1.05 * sold, 0.8)))
    rate = draw.normal(4.0 - 0.9 * sold, 1.5)  # 0.66: honest
    calls = pd.DataFrame({"duration": duration, "rate": rate, "age": draw.integers(18, 90, 4000).astype(float)})
    assert list(suspects(calls, sold, [0, 1])) == ["duration"]
    assert suspects(calls.drop(columns="duration"), sold, [0, 1]) == {}


@pytest.mark.skipif(not BANK.is_file(), reason="the real bank table is not there: ../shared/data/bank")
def test_of_the_real_calls_the_duration_alone_is_suspected() -> None:
    calls = material_from_file(BANK, "y", Config(), "bank", None)
    assert list(suspects(calls.X, calls.target.y, calls.target.classes)) == ["duration"]


@pytest.mark.parametrize("how", ["halving", "optuna"])
def test_a_search_finds_the_parameters_that_score_best_and_stops_in_time(how: str) -> None:
    if how == "optuna":
        pytest.importorskip("optuna")
    draw = np.random.default_rng(0)
    X = pd.DataFrame({"a": draw.normal(size=400)})
    y = (X["a"] + draw.normal(size=400) > 0).to_numpy().astype(int)
    folds = [(np.arange(200), np.arange(200, 400)), (np.arange(200, 400), np.arange(200))]

    def least_regular(fitted: LogisticRegression, rows: pd.DataFrame, truth: object) -> float:
        return float(fitted.C)

    told = {"how": how, "trials": 6, "seed": 0}
    space = {"C": (0.01, 0.1, 1.0, 10.0)}
    first = search(LogisticRegression(), space, X, y, folds, least_regular, **told)  # type: ignore[arg-type] # by name
    assert first == search(LogisticRegression(), space, X, y, folds, least_regular, **told)  # type: ignore[arg-type] # by name
    assert first["C"] >= 1.0
    with pytest.raises(OutOfTimeError):
        search(
            LogisticRegression(), space, X, y, folds, least_regular, how=how, trials=4, seed=0, deadline=time.time() - 1
        )


def test_the_time_of_a_large_table_is_told_beforehand() -> None:
    draw = np.random.default_rng(0)
    X = pd.DataFrame(draw.normal(size=(9000, 3)), columns=list("abc"))
    config = Config(candidates=CandidateSettings(names=("linear", "boosting"), rounds=10))
    shared = Shared(X, draw.integers(0, 2, 9000), Marks(), "classification", "binary", [0, 1], config, 0, False)
    found = estimate(shared)
    assert set(found) == {"linear", "boosting", "the rest"}
    assert all(span.seconds > 0 and span.cpu > 0 for span in found.values())
    assert total(found.values()).cpu == pytest.approx(sum(span.cpu for span in found.values()))
    assert str(Span(600, 90)) == "10 min (2 min of a processor)"
    assert (shown(5.2), shown(600), shown(9000)) == ("5 s", "10 min", "2.5 h")
