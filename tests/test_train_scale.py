"""Large tables: what is told beforehand, what is looked at in part, and the short cuts that give the same numbers."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.sparse import issparse
from threadpoolctl import threadpool_limits

from benchmarks.scale import wrong
from benchmarks.scale_report import report
from benchmarks.scale_run import Measured, measure
from benchmarks.scale_table import TARGET, write_table
from selfsame import main
from tests.export_tools import gap
from train.columns import as_texts, build_column, decide, plain_numbers
from train.config import CandidateSettings, ColumnSettings, Config
from train.dates import instants
from train.estimate import curve
from train.evaluate import _area_of_rows, area_under_curve, fit_pipeline
from train.explore_rows import _contradictions, row_findings
from train.models import build
from train.outcome import looked_at
from train.survey import survey
from train.target import Target

DAYS = [datetime.date(2020, 2, 3), None, datetime.date(1969, 12, 31), datetime.date(9999, 12, 31)]
TIMES = [datetime.datetime(2020, 2, 3, 4, 5, 6, 700000), None, datetime.datetime(1969, 12, 31, 23)]


FEW = ["opened", "n0", "contacts", "region", TARGET]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated table of 2,000 rows; few.parquet beside it has five of its columns."""
    path = tmp_path_factory.mktemp("scale") / "table.parquet"
    write_table(path, 2000)
    pq.write_table(pq.read_table(path, columns=FEW), path.with_name("few.parquet"))
    return path


def arrow_column(values: Any, kind: pa.DataType) -> pd.Series:
    column: pd.Series = pa.table({"a": pa.array(values, kind)}).to_pandas(types_mapper=pd.ArrowDtype)["a"]
    return column


def test_the_generated_table_has_30_columns_gaps_codes_and_dates(table: Path) -> None:
    read = pq.read_table(table)
    assert (read.num_rows, read.num_columns) == (2000, 30)
    assert read.column("opened").type == pa.date32()
    assert read.column("n0").null_count > 0
    assert 0.1 < np.mean(read.column(TARGET).to_pylist()) < 0.3


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 1.5, 2.0])
def test_the_time_of_more_rows_goes_on_as_it_grew(power: float) -> None:
    told = curve((1000, 4000), (1.0, 4.0**power), most=2.0)
    assert told(4000) == pytest.approx(4.0**power)
    assert curve((1000, 4000), (1.0, 16.0))(40_000) == pytest.approx(160.0)
    if power >= 1:
        assert told(16_000) == pytest.approx(16.0**power)
    else:
        assert told(16_000) - told(4000) == pytest.approx(4 * (told(4000) - told(1000)))


IN_PART = {
    "explore.MANY_ROWS": 2000,
    "explore_time.PARTS": (200, 800),
    "explore_page.SHOWN_ROWS": 90,
    "explore.SHOWN_ROWS": 90,
    "explore_leaks.MOST_ROWS": 300,
}


def test_explore_says_how_long_it_will_take_and_what_it_looks_at_in_part(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in IN_PART.items():
        monkeypatch.setattr(f"train.{name}", value)
    words = ["explore", str(table.with_name("few.parquet")), "--target", TARGET, "--out", str(tmp_path / "out")]
    with threadpool_limits(1):
        assert main(words) == 0
    said = capsys.readouterr().out
    assert said.index("2,000 rows will take about") < said.index("looking for leaks in 300 evenly spaced rows of 2,000")
    told = json.loads((tmp_path / "out" / "explore.json").read_text())
    assert told["looked_at"] == {"leaks": 300, "page": 90, "all else": 2000}
    honest = next(each for each in told["findings"] if each["kind"] == "honest")
    assert honest["evidence"]["rows"] == 300
    page = " ".join((tmp_path / "out" / "explore.html").read_text().split())
    assert "judged on 300 evenly spaced rows. The table at the end shows 90. All else looks at all 2,000." in page


def test_a_large_training_tells_its_time_before_it_begins_and_how_far_it_is(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("fit.LARGE", 1000), ("estimate.FEWEST", 400)):
        monkeypatch.setattr(f"train.{name}", value)
    project = tmp_path / "project.toml"
    project.write_text('[candidates]\nnames = ["baseline", "linear"]\n[split]\nfolds = 2\n')
    words = [
        "train",
        str(table.with_name("few.parquet")),
        "--target",
        TARGET,
        "--config",
        str(project),
        "--out",
        str(tmp_path / "run"),
    ]
    assert main(words) == 0
    said = capsys.readouterr().out
    places = [said.index(part) for part in ("read the table …", "1,200 train rows will take about", "cross-validate …",
                                            "judge on the test rows …", "write the run …")]  # fmt: skip
    assert places == sorted(places)
    assert "the rest" in said


def test_what_takes_a_part_of_the_rows_is_told() -> None:
    assert looked_at(20_000, 5000, ["forest"], "classification") == {}
    told = looked_at(900_000, 300_000, ["linear", "stacking"], "regression")
    assert [(each["rows"], each["of"]) for each in told.values()] == [
        (20_000, 900_000), (200_000, 900_000), (2000, 300_000)]  # fmt: skip
    assert len(looked_at(900_000, 300_000, ["linear"], "classification")) == 1


@pytest.mark.parametrize(
    ("values", "kind"),
    [(DAYS[:3], pa.date32()), (DAYS[:3], pa.date64()), (TIMES, pa.timestamp("ns")), (TIMES, pa.timestamp("s")),
     (TIMES, pa.timestamp("us", "Europe/Berlin"))],
)  # fmt: skip
def test_instants_are_what_pandas_makes_of_each_value(values: Any, kind: pa.DataType) -> None:
    column = arrow_column(pa.array(values).cast(kind, safe=False), kind)
    one_by_one = pd.to_datetime(column.astype(object), utc=True)
    assert [value == other or (pd.isna(value) and pd.isna(other))
            for value, other in zip(instants(column), one_by_one, strict=True)] == [True] * len(values)  # fmt: skip


def test_a_date_beyond_nanoseconds_is_read() -> None:
    assert instants(arrow_column(DAYS, pa.date32())).dt.year.tolist()[3] == 9999


@pytest.mark.parametrize(
    ("values", "kind", "missing"),
    [([1.5, 999.0, None, float("nan")], pa.float64(), ("", "999.0")), ([1.5, 999.0], pa.float64(), ("999",)),
     ([1, 999, None], pa.int64(), ("999",)), ([1, 999], pa.int64(), ("999.0",)), ([1.5, 2.0], pa.float64(), ())],
)  # fmt: skip
def test_codes_of_a_typed_column_are_missing_as_they_are_written(
    values: Any, kind: pa.DataType, missing: tuple[str, ...]
) -> None:
    column = arrow_column(pa.array(values, kind, from_pandas=False), kind)
    plain = plain_numbers(column, missing)
    texts, gone = as_texts(column, missing)
    assert plain is not None
    assert plain.isna().tolist() == gone.tolist()
    assert plain.dropna().tolist() == texts[~gone].astype("float64").tolist()


def test_a_code_that_is_told_is_missing_in_a_parquet_file_without_a_kind_being_told() -> None:
    column = arrow_column([*range(30), 999, 999], pa.int64())
    found = decide(column, ColumnSettings(missing=("", "999")), typed=True)
    assert (found.kind, found.missing) == ("integer", ("", "999"))
    assert build_column(column, found).isna().sum() == 2


def test_the_area_of_drawn_rows_is_that_of_their_ranks_to_the_last_bit() -> None:
    draw = np.random.default_rng(1)
    score = draw.integers(0, 50, 400) / 49
    positive = draw.random(400) < score
    area = _area_of_rows(positive, score)
    for _ in range(50):
        rows = draw.integers(0, 400, 400)
        assert area(rows) == area_under_curve(positive[rows], score[rows])
    assert np.isnan(area(np.flatnonzero(positive)))


def test_contradictions_are_the_rows_of_features_with_two_targets() -> None:
    draw = np.random.default_rng(2)
    keys, y = draw.integers(0, 40, 100).astype(np.uint64), draw.integers(0, 2, 90)
    known = np.arange(100) < 90
    labels = pd.Series(y).groupby(keys[:90]).transform("nunique")
    target = Target("y", "classification", "", y, known)
    assert _contradictions(keys, target) == int((labels > 1).sum()) > 0
    assert _contradictions(keys[:0], Target("y", "classification", "", y[:0], known[:0])) == 0


def test_rows_that_differ_in_a_time_only_are_no_copies(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(100.0) % 7, "at": pd.Timestamp("2020-01-01"), "y": np.arange(100) % 2 == 0})
    kinds = []
    for step in (0, 1):
        frame["at"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(100) * step, unit="ms")
        frame.to_parquet(tmp_path / "t.parquet")
        kinds.append({each.kind for each in row_findings(survey(tmp_path / "t.parquet", "y", Config()))})
    assert "duplicate" in kinds[0]
    assert "duplicate" not in kinds[1]


@pytest.mark.parametrize("name", ["baseline", "linear", "forest"])
def test_one_hot_columns_of_a_large_table_are_sparse_and_export_as_exactly(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(3)
    X = pd.DataFrame({"n": draw.normal(size=600), "c": [f"level {draw.integers(30)}" for _ in range(600)]})
    y, settings = (draw.random(600) < X["n"].abs() / 2).to_numpy().astype(np.int64), CandidateSettings(trees=3)
    dense = fit_pipeline(build(name, X, "classification", settings, 0), X, y)
    monkeypatch.setattr("train.prepare.MOST_CELLS", 600)
    thin = fit_pipeline(build(name, X, "classification", settings, 0), X, y)
    assert [issparse(each[0].transform(X)) for each in (dense, thin)] == [False, True]
    np.testing.assert_allclose(thin.predict_proba(X), dense.predict_proba(X), atol=1e-4)
    found = gap(thin, X)
    assert found.rows > 600
    assert (found.labels, found.apart <= 1e-12) == (0, True), found


def run_python(code: str, limit: int, tmp_path: Path) -> Measured:
    return measure([sys.executable, "-c", code], tmp_path, limit)


def test_a_command_is_measured_step_by_step_and_held_to_its_memory(tmp_path: Path) -> None:
    said = "9 rows will take about 2 min (90 s of a processor): a 2 min."
    told = f"print('one …'); print('{said}'); a = b'x' * 2**28; print('two …')"
    found = run_python(told, 2**32, tmp_path)
    assert (found.code, found.told) == (0, [120, 90])
    assert [step[0] for step in found.steps] == ["start", "one", "two"]
    assert found.peak > 2**28 > found.steps[0][2]
    assert "it said 90 s of a processor and took" in (wrong(found) or "")
    refused = run_python("b'x' * 2**29", 2**28, tmp_path)
    assert refused.code != 0
    assert "MemoryError" in (wrong(refused) or "")


def test_the_page_shows_steps_and_what_was_told() -> None:
    steps = [["start", 1.0, 2**30], ["looking for leaks in 5 evenly spaced rows of 9", 2.0, 2**30]]
    each = Measured(3.0, 2.5, 2**30, 0, [1.0, 2.0], steps, [10.0, 5.0], [12.0, 6.0]).to_json() | {"bytes": 5_000_000}  # type: ignore[arg-type] # as JSON has them
    text = report({"explore 9": each, "train 9": each}, "", 2**34, 2)
    assert "| 9 | 5 | 3 | 2 | 1.00 | 10 (5) | 12 (6) | 1 to 2 |" in text
    assert "| looking for leaks | 2.0, 1.00 |" in text
