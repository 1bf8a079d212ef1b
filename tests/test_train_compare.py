"""The comparison: stopped and gone on with, in several processes, within a time; folds, choice and figures."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from train.choose import Size, choose, over_budget
from train.compare import How
from train.config import BudgetSettings, CandidateSettings, Config, CostSettings, ProblemSettings, SplitSettings
from train.demo import loan_case
from train.errors import TrainError
from train.fit import train
from train.models import build, described
from train.outcome import verdict
from train.scores import fold_scores, score, summarise
from train.split import Marks, folds_of, marks_of, split_rows
from train.threshold import choose_threshold
from train.work import Work

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.usefixtures("no_plots")
CONFIG = "[candidates]\nnames = ['baseline', 'linear', 'boosting']\nrounds = 5\n[split]\nfolds = 3\n"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compare")
    case = loan_case(400, seed=3)
    case.X.assign(default=case.y).to_csv(path / "loans.csv", index=False)
    (path / "c.toml").write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def whole(folder: Path) -> dict[str, bytes]:
    train(folder / "loans.csv", "default", folder / "loan", config=folder / "c.toml")
    return contents(folder / "loan")


def test_a_killed_training_goes_on_and_writes_the_same_bytes(
    folder: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    code = (
        "import sys, time; from pathlib import Path; from train.fit import train; folder = Path(sys.argv[1])\n"
        "slowly = lambda what, done, total: time.sleep(0.05)\n"
        "train(folder / 'loans.csv', 'default', Path(sys.argv[2]), config=folder / 'c.toml', progress=slowly)\n"
    )
    out = tmp_path / "loan"
    process = subprocess.Popen([sys.executable, "-c", code, str(folder), str(out)], cwd=ROOT)
    limit = time.monotonic() + 100
    while len(list(tmp_path.glob(".loan.work/*/*.npz"))) < 3 and time.monotonic() < limit:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = len(list(tmp_path.glob(".loan.work/*/*.npz")))
    assert 3 <= kept < 9
    assert not out.exists()
    said: list[str] = []
    train(folder / "loans.csv", "default", out, config=folder / "c.toml", how=How(say=said.append))
    assert said == [f"Going on: {kept} of 9 pieces are there from before."]
    assert contents(out) == whole
    assert [path.name for path in tmp_path.iterdir()] == ["loan"], "the finished pieces go when the run is there"


def test_pieces_of_other_data_or_settings_are_not_taken(folder: Path, tmp_path: Path) -> None:
    config = Config()
    works = [
        Work(tmp_path / "run", *told)
        for told in (
            ("digest", config, {"seed": 0}),
            ("other", config, {"seed": 0}),
            ("digest", config, {"seed": 1}),
            ("digest", Config(split=SplitSettings(folds=4)), {"seed": 0}),
        )
    ]
    assert len({work.folder for work in works}) == 4
    assert Work(tmp_path / "run", "digest", Config(budgets=BudgetSettings(time="9m")), {"seed": 0}).folder == (
        works[0].folder
    ), "more time goes on with what is there"


def test_several_processes_give_the_same_bytes(folder: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    train(folder / "loans.csv", "default", tmp_path / "loan", config=folder / "c.toml", how=How(jobs=2))
    assert contents(tmp_path / "loan") == whole


def test_a_project_file_says_what_is_stacked_and_how_many_columns_a_split_of_boosting_sees() -> None:
    X = pd.DataFrame({"x": np.arange(60.0), "z": np.arange(60.0) % 7})
    told = CandidateSettings(names=("stacking",), stack=("linear", "boosting"), rounds=3, max_features=0.5)
    stack = build("stacking", X, "regression", told, 0)
    assert [name for name, _ in stack.estimators] == ["linear", "boosting"]
    assert stack.get_params()["boosting__model__max_features"] == 0.5
    assert build("boosting", X, "regression", CandidateSettings(), 0)["model"].max_features == 1.0
    assert described("stacking", "regression", told) == "stack of ridge regression and histogram gradient boosting"


def test_a_time_that_no_candidate_is_finished_in_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="The time must suffice for one candidate"):
        train(folder / "loans.csv", "default", tmp_path / "loan", config=folder / "c.toml", how=How(budget=1e-9))
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_out_is_said_and_kept_for_later(
    folder: Path, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1.8e9]
    monkeypatch.setattr("train.compare.time.time", lambda: now[0])

    seen: list[tuple[int, int]] = []

    def each_takes_a_second(what: str, done: int, total: int) -> None:
        now[0] += what == "cross-validate"
        seen.extend([(done, total)] if what == "cross-validate" else [])

    out, said = tmp_path / "loan", list[str]()
    call: dict[str, Any] = {"config": folder / "c.toml", "progress": each_takes_a_second}
    run = train(folder / "loans.csv", "default", out, how=How(budget=7.5, say=said.append), **call)
    assert seen[0] == (0, 9) and seen[-1] == (7, 9), "the bar stays where the time was over"
    assert said == [
        "The time of 7.5 s is over with 7 of 9 pieces done; left out: boosting. The same command goes on from there."
    ]
    assert set(run.metrics["cross_validation"]) == {"baseline", "linear"}
    assert run.metrics["left_out"] == {"boosting": "out of time: 1 of 3 pieces finished"}
    said.clear()
    train(folder / "loans.csv", "default", out, config=folder / "c.toml", how=How(budget=1e9, say=said.append))
    assert "Going on: 7 of 9" in said[0]
    assert contents(out) == whole


def test_folds_keep_time_and_groups_apart() -> None:
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, 300)
    times = draw.permutation(300).astype(float)
    split = split_rows(y, "classification", 0, SplitSettings(time="t"), Marks(times=times))
    assert times[split.train].max() < times[split.validation].min()
    assert times[split.validation].max() < times[split.test].min()
    assert (len(split.train), len(split.validation), len(split.test)) == (180, 60, 60)
    for seen, held in folds_of(y, "classification", 0, SplitSettings(time="t"), Marks(times=times)):
        assert times[seen].max() < times[held].min()
    numbers = split_rows(draw.random(300), "regression", 0, SplitSettings(time="t"), Marks(times=times))
    assert (len(numbers.train), len(numbers.validation), len(numbers.test)) == (240, 0, 60), "no threshold to choose"
    assert numbers.test.tolist() == split.test.tolist() and numbers.final.tolist() == numbers.train.tolist()
    groups = draw.integers(0, 40, 300)
    split = split_rows(y, "classification", 0, SplitSettings(group="g"), Marks(groups=groups))
    parts = [set(groups[rows]) for rows in (split.train, split.validation, split.test)]
    assert sum(map(len, parts)) == len(set.union(*parts))
    folds = list(folds_of(y, "classification", 0, SplitSettings(group="g", folds=4, repeats=2), Marks(groups=groups)))
    assert len(folds) == 8
    assert all(not set(groups[seen]) & set(groups[held]) for seen, held in folds)
    with pytest.raises(TrainError, match="needs more groups"):
        split_rows(y, "classification", 0, SplitSettings(group="g"), Marks(groups=groups % 2))


def test_times_are_numbers_or_dates_and_none_is_missing() -> None:
    aside = pd.DataFrame({"t": ["2026-01-02", "2026-01-01T12:00", "2025-03-01"], "n": ["3", "1", "2"]})
    dates = marks_of(aside, SplitSettings(time="t")).times
    numbers = marks_of(aside, SplitSettings(time="n")).times
    assert dates is not None
    assert numbers is not None
    assert np.argsort(dates).tolist() == [2, 1, 0]
    assert numbers.tolist() == [3.0, 1.0, 2.0]
    aside.loc[1, "t"] = ""
    with pytest.raises(TrainError, match="Every row must have a time in 't'"):
        marks_of(aside, SplitSettings(time="t"))


def test_along_time_the_baseline_is_what_was_last(tmp_path: Path) -> None:
    rows = 400
    frame = pd.DataFrame({"day": np.arange(rows), "x": np.random.default_rng(0).normal(size=rows)})
    frame["y"] = frame["day"] / 100 + 1
    frame.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "c.toml").write_text("[split]\ntime = 'day'\n[candidates]\nnames = ['baseline', 'linear']\n")
    run = train(tmp_path / "t.csv", "y", tmp_path / "run", config=tmp_path / "c.toml")
    assert "day" in run.info["dropped_columns"]
    last, mean = (run.metrics["cross_validation"][name]["rmse"]["mean"] for name in ("baseline", "linear"))
    assert last < mean, "a model that knows no time answers with the mean of all that was"


def test_an_interval_is_that_of_nadeau_and_bengio() -> None:
    folds = [0.7, 0.8, 0.9, 0.75, 0.85]
    found = summarise(folds, 0.25)
    error = np.sqrt((1 / 5 + 1 / 4) * np.var(folds, ddof=1))
    assert found["error"] == pytest.approx(error)
    assert found["interval"][1] == pytest.approx(0.8 + stats.t.ppf(0.975, 4) * error)


def figures(**means: float) -> dict[str, Any]:
    return {name: {"r2": {"mean": mean, "error": 0.02}} for name, mean in means.items()}


def test_the_simplest_within_one_standard_error_is_taken() -> None:
    found = figures(forest=0.9, boosting=0.885, linear=0.87)
    assert choose(found, "r2", {}, "simplest")[0] == "boosting"
    assert choose(found, "r2", {}, "best")[0] == "forest"
    assert choose(found, "r2", {"boosting": "too large"}, "simplest")[0] == "forest"
    lower = {name: {"rmse": entry["r2"]} for name, entry in found.items()}
    assert choose(lower, "rmse", {}, "simplest")[0] == "linear"
    with pytest.raises(TrainError, match="must export exactly and keep the budgets"):
        choose(found, "r2", dict.fromkeys(found, "too large"), "best")


def test_budgets_bar_what_is_too_large_too_slow_or_not_exportable() -> None:
    budgets = BudgetSettings(latency_ms=1, file_mb=2)
    assert over_budget(Size(2_000_000, 1.0), budgets) is None
    assert "3 MB" in str(over_budget(Size(3_000_000, 0.5), budgets))
    assert "1.5 ms" in str(over_budget(Size(100, 1.5), budgets))
    assert "not exportable: a step" in str(over_budget(Size(refusal="a step"), BudgetSettings()))


def test_no_fold_chooses_the_threshold_that_it_is_scored_with() -> None:
    draw = np.random.default_rng(1)
    y = draw.integers(0, 2, 90)
    chance = np.clip(0.5 + 0.2 * (y - 0.5) + draw.normal(0, 0.2, 90), 0, 1)
    folds = [np.arange(start, start + 30) for start in (0, 30, 60)]
    costs = CostSettings(false_positive=1, false_negative=5)
    found = fold_scores(y, np.column_stack([1 - chance, chance]), folds, [0, 1], "cost", costs, 1)
    for number, held in enumerate(folds):
        others = np.concatenate([rows for place, rows in enumerate(folds) if place != number])
        at = choose_threshold(y[others] == 1, chance[others], "cost", (1, 5)).value
        said = chance[held] >= at
        assert found[number] == pytest.approx((1 * (said & (y[held] == 0)) + 5 * (~said & (y[held] == 1))).mean())


def test_a_cost_of_numbers_weighs_too_high_and_too_low() -> None:
    costs = CostSettings(overestimate=1, underestimate=3)
    assert score(np.array([1.0, 2.0]), np.array([2.0, 0.0]), None, "cost", costs) == pytest.approx((1 + 6) / 2)


def test_the_verdict_says_stop_and_leak() -> None:
    told = ProblemSettings(stop_below=0.6, plausible=0.7, baseline=0.62)
    assert verdict(0.72, "roc_auc", told)["leak"] is True
    assert "Suspected leakage" in verdict(0.72, "roc_auc", told)["lines"][0]
    found = verdict(0.65, "roc_auc", told)
    assert (found["stop"], found["leak"], found["baseline"]) == (False, False, True)
    assert verdict(0.59, "roc_auc", told)["stop"] is True
    assert verdict(0.6, "roc_auc", told)["stop"] is False
    assert verdict(0.3, "log_loss", ProblemSettings(stop_below=0.4))["stop"] is False


def test_fewer_rows_are_drawn_when_told_and_the_run_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[candidates]\nnames = ['linear']\n")
    run = train(folder / "loans.csv", "default", tmp_path / "run", config=tmp_path / "c.toml", sample=200)
    assert run.info["rows"]["drawn"] == 200
    assert run.info["rows"]["in_file"] == 400
    assert "sample = 200" in (run.path / "decisions.toml").read_text()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("[run]\nmetric = 'r2'\n", "must be one for this task (binary)"),
        ("[run]\nmetric = 'cost'\n", "needs false_positive and false_negative"),
        ("[split]\ntime = 'agee'\n", "Did you mean 'age'?"),
        ("[split]\ntime = 'age'\ngroup = 'grade'\n", "a time or a group"),
        ("[split]\ntime = 'grade'\n", "a number or a date"),
        ("[prepare]\nlogs = ['grade']\n", "a category"),
        ("[prepare]\nratios = ['amount / incom']\n", "Did you mean 'income'?"),
        ("[prepare]\ndates = ['grade']\n", "must be a date"),
        ("[prepare]\ndates = ['day']\n", "must name columns"),
        ("[candidates]\nlog_target = true\n", "positive numbers"),
        ("[candidates]\nstack = ['linear']\n", "two models or more"),
        ("[candidates]\nstack = ['linear', 'linear']\n", "each once"),
        ("[candidates]\nstack = ['linear', 'stacking']\n", "without baseline and stacking"),
        ("[candidates]\nmax_features = 1.5\n", "from 0.01 to 1"),
        ("[automation]\nabstain = [0.4, 0.6]\n", "belongs to partial automation"),
    ],
)
def test_what_the_data_do_not_allow_is_refused(folder: Path, tmp_path: Path, told: str, said: str) -> None:
    (tmp_path / "c.toml").write_text(told)
    with pytest.raises(TrainError) as caught:
        train(folder / "loans.csv", "default", tmp_path / "run", config=tmp_path / "c.toml")
    assert said in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["c.toml"]


def test_a_scheduler_that_is_not_there(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.compare.CONNECT_SECONDS", 0.5)
    how = How(scheduler="tcp://127.0.0.1:1")
    with pytest.raises(TrainError, match="must be the address of a Dask scheduler"):
        train(folder / "loans.csv", "default", tmp_path / "run", config=folder / "c.toml", how=how)


def test_no_rows_and_no_processes_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="--sample must be at least 1"):
        train(folder / "loans.csv", "default", tmp_path / "run", sample=0)
    with pytest.raises(TrainError, match="--jobs must be at least 1"):
        train(folder / "loans.csv", "default", tmp_path / "run", how=How(jobs=0))
