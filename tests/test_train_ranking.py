"""From a table of visits to a run that ranks: histories, split, choice, report, and what a bad table gets."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from export.source import read_source
from selfsame import main
from train.compare_runs import compare_runs
from train.config import RankingSettings
from train.demo_tourist import SIMULATED, simulate_visits, tourist_config, tourist_visits
from train.errors import TrainError
from train.examine import examine
from train.histories import GAP, histories, places_of, visits_of
from train.rank import choose, train_visits
from train.ranking_record import TRAJECTORIES
from train.ranking_run import verdict
from train.run import Run, read_run

SHARED = Path(__file__).parents[2] / "shared" / "data" / "tourist"
TOLD = RankingSettings(item="place", time="time", trajectory="walk")
PROJECT = """
[run]
task = "ranking"
name = "town"
[candidates]
prefer = "best"
[ranking]
item = "place"
time = "time"
trajectory = "walk"
places = "places.csv"
top = 7
[automation]
degree = "assist"
"""


def visited(rows: list[tuple[str | None, str | None, float | None]]) -> pd.DataFrame:
    """Visits as (walk, place, time), and nine walks more."""
    more = [(f"more{walk}", place, 1000.0 + walk) for walk in range(9) for place in ("x", "y")]
    return pd.DataFrame([*rows, *more], columns=["walk", "place", "time"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated visits as files, with a project file beside them."""
    folder = tmp_path_factory.mktemp("visits")
    visits, places = simulate_visits(walks=260)
    visits.to_csv(folder / "visits.csv", index=False)
    places.to_csv(folder / "places.csv", index=False)
    (folder / "town.toml").write_text(PROJECT)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    out = folder / "run"
    assert main(["train", str(folder / "visits.csv"), "--config", str(folder / "town.toml"), "--out", str(out)]) == 0
    return read_run(out)


def test_visits_are_sorted_by_time_into_trajectories_that_start_in_order() -> None:
    frame = visited([("late", "b", 9000.0), ("late", "a", 8000.0), ("early", "a", 10.0), ("early", "c", 11.0)])
    visits = visits_of(frame, TOLD, {}, "")
    assert visits.trajectories[0] == ["a", "c"] and visits.trajectories[-1] == ["a", "b"]
    assert (np.diff(visits.starts) >= 0).all()


def test_visits_that_cannot_be_used_are_counted() -> None:
    frame = visited(
        [("w", "a", 1.0), ("w", "b", 2.0), ("w", "a", 3.0), ("w", None, 4.0), ("v", "a", None), ("u", "a", 1.0)]
    )
    visits = visits_of(frame, TOLD, {}, "")
    assert visits.trajectories[0] == ["a", "b"]
    assert list(visits.dropped.values()) == [2, 1, 1]


def test_without_trajectories_a_pause_begins_a_new_one() -> None:
    times = [0.0, 3600.0, 3600.0 + GAP, 3600.0 + 2 * GAP + 1, 3700.0 + 2 * GAP]
    rows = [(f"u{user}", place, time) for user in range(6) for place, time in zip("abcde", times, strict=True)]
    frame = pd.DataFrame(rows, columns=["who", "place", "time"])
    visits = visits_of(frame, RankingSettings(item="place", time="time", user="who"), {}, "")
    assert sorted(visits.trajectories) == [["a", "b", "c"]] * 6 + [["d", "e"]] * 6


def test_dates_are_times() -> None:
    frame = visited([("w", "a", 2.0), ("w", "b", 1.0)])
    seconds = frame["time"].map(lambda time: pd.Timestamp(time, unit="s", tz="UTC").isoformat())
    assert visits_of(frame.assign(time=seconds), TOLD, {}, "").trajectories[0] == ["b", "a"]


def test_a_history_holds_the_latest_stop_first_and_no_more_than_its_columns() -> None:
    rows = histories([["a", "b", "c", "d"], ["b", "a"]], 2)
    assert rows.X.fillna("").to_numpy().tolist() == [["a", ""], ["b", "a"], ["c", "b"], ["b", ""]]
    assert rows.y.tolist() == ["b", "c", "d", "a"] and rows.groups.tolist() == [0, 0, 0, 1]


def test_the_simplest_ranker_within_one_standard_error_is_chosen_unless_the_best_is_wanted() -> None:
    groups, same = np.arange(40), np.tile([1.0, 2.0], 20)
    better = np.where(np.isin(groups, [1, 3]), 1.0, np.where(groups == 0, 2.0, same))
    assert choose({"simple": same, "blend": better}, groups, "mrr", "simplest") == "simple"
    assert choose({"simple": same, "blend": better}, groups, "mrr", "best") == "blend"
    assert choose({"simple": same + 3, "blend": better}, groups, "mrr", "simplest") == "blend"


def test_the_run_says_what_each_ranker_scores_and_what_the_blend_gains(run: Run) -> None:
    names = ["popularity", "markov", "item_knn", "content", "embedding", "blend"]
    assert list(run.metrics["candidates"]) == names and list(run.candidates) == sorted(names)
    found = verdict(run.metrics)
    report = (run.path / "report.html").read_text()
    assert f"{found['difference']:+.4f}" in report and "<script" not in report
    assert ("Why it cannot" in report) != found["holds"]
    assert run.metrics["trajectories"]["test"] + run.metrics["trajectories"]["train"] > 150
    assert run.info["items"]["castle"]["name"] == "Lind Castle" and "walk" not in run.X
    source = read_source(run.path)
    assert source.about["top"] == 7 and source.automation == {"automation": "assist"}


def test_what_a_run_decided_gives_the_same_run_again(run: Run, folder: Path) -> None:
    again = folder / "again"
    told = folder / "decisions.toml"
    told.write_text((run.path / "decisions.toml").read_text())
    assert main(["train", str(folder / "visits.csv"), "--config", str(told), "--out", str(again)]) == 0
    for file in ("pipeline.skops", "rows.parquet", "metrics.json", "run.json", "report.html"):
        assert (again / file).read_bytes() == (run.path / file).read_bytes()


def test_the_simulated_town_says_so_and_no_ranker_beats_its_own_probabilities(tmp_path: Path) -> None:
    visits, best = tourist_visits()
    run = train_visits(visits, tourist_config(), tmp_path / "run", best_possible=best)
    assert SIMULATED in (run.path / "report.html").read_text() and run.info["notice"] == SIMULATED
    scores = {name: line["mrr"] for name, line in run.metrics["candidates"].items()}
    assert max(scores, key=scores.__getitem__) == "blend" and verdict(run.metrics)["holds"]
    assert run.metrics["random"]["mrr"] < scores["popularity"] < scores["blend"] < best["mrr"] + 0.02


def test_an_examination_of_a_ranking_is_one_page_and_all_figures(run: Run, folder: Path) -> None:
    out = folder / "seen"
    assert main(["examine", str(run.path), "--out", str(out)]) == 0
    told = json.loads((out / "examine.json").read_text())
    for name, score in told["scores"].items():
        assert score["value"] == pytest.approx(run.metrics["test"][name])
        assert score["low"] < score["value"] < score["high"]
    assert [told["scores"]["mrr"][end] for end in ("low", "high")] == pytest.approx(run.metrics["test"]["interval"])
    assert sum(group["rows"] for group in told["by_history"]) == told["rows"] == run.metrics["rows"]["test"]
    assert (told["drawn"], told["units"]) == ("trajectories", run.metrics["trajectories"]["test"])
    assert {part["member"] for part in told["parts"]} == {run.info["chosen"]}
    assert told["worst"][0]["score"] == min(each["score"] for each in told["worst"])
    page = (out / "examine.html").read_text()
    assert re.findall(r'(?:src|href)="(?!#)', page) == [], "nothing is loaded from anywhere"
    for words in ("By the length", "What the lists hold", "does worst", "leans on", "Along time", "worst trajectories"):
        assert words in page
    with pytest.raises(TrainError, match="--along-rows is for tables without a time"):
        examine(run.path, folder / "never", along_rows=True)


def test_a_ranking_is_reproduced_from_its_visits_alone(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", str(run.path), "--data", str(folder / "visits.csv")]) == 0
    assert "Reproduced: every file is the same" in capsys.readouterr().out
    assert main(["reproduce", str(run.path), "--data", str(folder / "places.csv")]) == 2
    assert "the very table" in capsys.readouterr().err
    assert main(["reproduce", str(run.path)]) == 2
    assert "--data must name it" in capsys.readouterr().err


def test_rankings_are_compared_on_the_same_trajectories(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weak = shutil.copytree(run.path, folder / "weak")
    shutil.copy(run.path / "candidates" / "item_knn.skops", weak / "pipeline.skops")
    assert main(["compare", str(weak), str(run.path)]) == 0
    assert "fare better with the challenger" in capsys.readouterr().out
    told = compare_runs(weak, run.path, "hit")
    line = run.metrics["candidates"]
    expected = line[run.info["chosen"]]["hit@5"] - line["item_knn"]["hit@5"]
    assert told["deciding"]["score"] == "hit@5" and told["deciding"]["difference"] == pytest.approx(expected)
    assert not compare_runs(run.path, weak)["better"] and not compare_runs(run.path, run.path)["better"]
    with pytest.raises(TrainError, match=r"--score must be one that both runs have. Got: 'r2'"):
        compare_runs(run.path, weak, "r2")
    sessions = pd.read_parquet(weak / TRAJECTORIES)
    sessions.iloc[:-2].to_parquet(weak / TRAJECTORIES)
    with pytest.raises(TrainError, match=r"the same held-out trajectories.*Got: \d+ and \d+ held-out"):
        compare_runs(run.path, weak)
    (weak / TRAJECTORIES).unlink()
    with pytest.raises(TrainError, match="must hold its trajectories"):
        compare_runs(run.path, weak)


def test_a_project_that_misses_its_limit_stops(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = folder / "strict.toml"
    told.write_text(PROJECT + "[problem]\nstop_below = 0.9\n")
    simulate_visits(walks=80)[0].to_csv(folder / "few.csv", index=False)
    assert main(["train", str(folder / "few.csv"), "--config", str(told), "--out", str(folder / "strict")]) == 1
    assert "is below 0.9" in capsys.readouterr().out and (folder / "strict" / "report.html").is_file()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('item = "place"', 'item = "plcae"', ["item in [ranking]", "'plcae'", "Did you mean 'place'?"]),
        ('time = "time"', "", ["name the column of the time", "Add time"]),
        ('places = "places.csv"', 'places = "town.csv"', ["town.csv", "no such file"]),
        ('time = "time"', 'time = "place"', ["ISO 8601"]),
        ('trajectory = "walk"', 'trajectory = "place"', ["at least 10 trajectories"]),
        ('task = "ranking"', 'task = "ranking"\nmetric = "r2"', ["one of rankings", "'r2'"]),
        ("[ranking]", "[rankng]", ["'rankng'", "Did you mean 'ranking'?"]),
        ('item = "place"', 'itm = "place"', ["'itm'", "Did you mean 'item'?"]),
        ("[ranking]", '[split]\ntime = "time"\n[ranking]', ["has an effect on it", "time", "used: test"]),
        ("[ranking]", '[budgets]\ntime = "10m"\n[ranking]', ["[budgets]", "Leave it out."]),
        ("[ranking]", '[columns.place]\nkind = "drop"\n[ranking]', ["[columns]", "place"]),
        ("top = 7", "top = 0", ["top in [ranking] must be at least 1"]),
        (
            'degree = "assist"',
            'degree = "partial"\nabstain = [0.1, 0.2]',
            ["[automation]", "classifier of two classes"],
        ),
    ],
)
def test_a_wrong_project_file_is_told_in_one_sentence(
    folder: Path, old: str, new: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    told = folder / "wrong.toml"
    told.write_text(PROJECT.replace(old, new))
    out = folder / "never"
    assert main(["train", str(folder / "visits.csv"), "--config", str(told), "--out", str(out)]) == 2
    shown = capsys.readouterr().err
    assert all(word in shown for word in words) and len(shown.strip().splitlines()) == 1
    assert not out.exists()


def test_options_of_tables_are_refused_for_a_ranking(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", str(folder / "visits.csv"), "--config", str(folder / "town.toml"), "--out", str(folder / "never")]
    assert main([*words, "--budget", "10m", "--jobs", "2"]) == 2
    assert "Got: --budget 10m, --jobs 2. Leave it out." in capsys.readouterr().err


def test_too_many_items_are_refused_before_anything_is_fitted(tmp_path: Path) -> None:
    rows = [(f"w{walk}", f"p{walk}-{stop}", 10.0 * walk + stop) for walk in range(20) for stop in range(101)]
    frame = pd.DataFrame(rows, columns=["walk", "place", "time"])
    with pytest.raises(TrainError, match=r"at most 2,000 items.* Got: 2,020 items"):
        train_visits(visits_of(frame, TOLD, {}, ""), tourist_config(), tmp_path / "run")


def test_places_on_no_globe_are_refused() -> None:
    frame = pd.DataFrame({"place": ["a"], "lat": ["91"], "lon": ["0"]})
    with pytest.raises(TrainError, match="latitude must be degrees"):
        places_of(frame, "place")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the Edinburgh visits are not here")
def test_edinburgh_gives_the_known_scores(tmp_path: Path) -> None:
    from train.histories import read_visits

    told = RankingSettings(item="poiID", time="startTime", trajectory="trajID", places="places.csv")
    config = replace(tourist_config(), ranking=told)
    visits = read_visits(SHARED / "visits.csv", told, config.table, SHARED / "places.csv")
    run = train_visits(visits, config, tmp_path / "run")
    scores = {name: line["mrr"] for name, line in run.metrics["candidates"].items()}
    assert scores["popularity"] == pytest.approx(0.332, abs=0.0005)
    assert scores["markov"] == pytest.approx(0.459, abs=0.0005)
    assert run.metrics["random"]["mrr"] == pytest.approx(0.150, abs=0.0005)
    assert scores["blend"] > scores["markov"]
    text = (run.path / "report.html").read_text()
    assert json.dumps("poiName") not in text and "Why it cannot" in text
