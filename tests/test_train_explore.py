"""What exploring finds: each defect planted in a clean table is found, and the clean table is left in peace."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from train.config import ColumnSettings, Config, SplitSettings
from train.errors import TrainError
from train.explore import find
from train.explore_columns import column_findings
from train.explore_leaks import leak_findings
from train.explore_rows import row_findings
from train.explore_visits import visit_findings
from train.finding import Finding
from train.folded import fold
from train.survey import Survey, part, spaced, survey, survey_table
from train.table import Table

ROWS = 1200
DATA = Path(__file__).parents[2] / "shared" / "data"


def clean() -> pd.DataFrame:
    """Two numbers and a level that tell half of a balanced answer; nothing is missing, repeated, or in order."""
    draw = np.random.default_rng(7)
    amount, height = draw.normal(50, 10, ROWS).round(6), draw.normal(0, 1, ROWS).round(6)
    colour = draw.choice(["red", "green", "blue"], ROWS)
    good = (amount - 50) / 10 + height + draw.normal(0, 2, ROWS) > 0
    return pd.DataFrame({"amount": amount, "height": height, "colour": colour, "good": np.where(good, "yes", "no")})


def surveyed(frame: pd.DataFrame, target: str = "good", config: Config | None = None) -> Survey:
    cells = frame.astype(object).where(frame.notna(), "").map(str)
    return survey_table(Table(cells, False, "utf-8", ",", "0" * 64), target, config or Config())


def cheap(frame: pd.DataFrame, target: str = "good", other: pd.DataFrame | None = None) -> list[Finding]:
    """All findings but those that fit models."""
    found = surveyed(frame, target)
    beside = None if other is None else other.astype(object).where(other.notna(), "").map(str)
    return [*visit_findings(found.table.frame, target), *row_findings(found, beside), *column_findings(found)]


def changed(change: Callable[[pd.DataFrame], None]) -> pd.DataFrame:
    frame = clean()
    change(frame)
    return frame


def where(frame: pd.DataFrame, share: float) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    return np.random.default_rng(3).random(len(frame)) < share


def missing(frame: pd.DataFrame) -> None:
    frame.loc[where(frame, 0.1), "height"] = np.nan


def missing_tells(frame: pd.DataFrame) -> None:
    frame.loc[where(frame, 0.5) & (frame["good"] == "yes"), "height"] = np.nan


def unknown(frame: pd.DataFrame) -> None:
    frame.loc[where(frame, 0.1), "colour"] = "unknown"


def none_of_it(frame: pd.DataFrame) -> None:
    rows = where(frame, 0.1)
    frame["area"] = np.where(rows, 0, frame["amount"] + 30)
    frame["quality"] = np.where(rows, "NA", frame["colour"])


def code_999(frame: pd.DataFrame) -> None:
    frame.loc[where(frame, 0.1), "amount"] = 999


def outlier(frame: pd.DataFrame) -> None:
    frame.loc[17, ["amount", "height"]] = 6e6, 144.0


def odd_names(frame: pd.DataFrame) -> None:
    frame["1st floor"] = frame["height"].to_numpy()[::-1]


def two_cases(frame: pd.DataFrame) -> None:
    frame.loc[where(frame, 0.1) & (frame["colour"] == "red"), "colour"] = "Red"


def constant(frame: pd.DataFrame) -> None:
    frame["always"] = 5


def copies(frame: pd.DataFrame) -> None:
    frame.iloc[100:150] = frame.iloc[:50].to_numpy()


def contradictions(frame: pd.DataFrame) -> None:
    frame.iloc[100:150, :3] = frame.iloc[:50, :3].to_numpy()
    frame.loc[:49, "good"], frame.loc[100:149, "good"] = "yes", "no"


def rare_class(frame: pd.DataFrame) -> None:
    frame["good"] = np.where(where(frame, 0.1), "yes", "no")


def no_target(frame: pd.DataFrame) -> None:
    frame.loc[:20, "good"] = np.nan


def drift(frame: pd.DataFrame) -> None:
    frame["height"] += np.linspace(0, 3, len(frame))


def target_drift(frame: pd.DataFrame) -> None:
    frame["good"] = np.where(np.random.default_rng(1).random(len(frame)) < np.linspace(0, 1, len(frame)), "yes", "no")


def dates(frame: pd.DataFrame) -> None:
    frame["seen"] = pd.date_range("2026-01-01", periods=len(frame)).strftime("%Y-%m-%d")


def year(frame: pd.DataFrame) -> None:
    frame["year_built"] = np.random.default_rng(2).integers(1950, 2020, len(frame))


PLANTED: dict[Callable[[pd.DataFrame], None], tuple[str, str | None]] = {
    missing: ("missing", "height"),
    missing_tells: ("missing-tells", "height"),
    unknown: ("level-missing", "colour"),
    none_of_it: ("level-none", "quality"),
    code_999: ("code-missing", "amount"),
    outlier: ("outlier", None),
    odd_names: ("name", None),
    two_cases: ("level-case", "colour"),
    constant: ("left-out", "always"),
    copies: ("duplicate", None),
    contradictions: ("contradiction", None),
    rare_class: ("balance", "good"),
    no_target: ("target-missing", "good"),
    drift: ("drift", None),
    target_drift: ("drift", None),
    dates: ("date", "seen"),
    year: ("time-name", "year_built"),
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_defect_is_found(plant: Callable[[pd.DataFrame], None]) -> None:
    kind, column = PLANTED[plant]
    of_kind = [each for each in cheap(changed(plant)) if each.kind == kind]
    assert [each.column for each in of_kind] == [column]


def test_a_clean_table_gives_nothing_but_what_an_honest_model_reaches() -> None:
    assert [each.kind for each in find(surveyed(clean()))] == ["honest"]


def test_a_clean_table_of_numbers_gives_nothing_either() -> None:
    assert cheap(clean().drop(columns="good"), "amount") == []


def test_one_table_cut_in_two_neither_overlaps_nor_shifts() -> None:
    frame = clean()
    assert cheap(frame[::2].reset_index(drop=True), other=frame[1::2].reset_index(drop=True)) == []


def test_a_second_table_is_compared() -> None:
    frame = clean()
    other = frame[600:].reset_index(drop=True)
    other["amount"] += 20
    other.loc[:99] = frame[:100]
    findings = {each.kind: each for each in cheap(frame[:600], other=other.drop(columns="colour"))}
    assert findings["other-lacks"].severity == "stop"
    assert "colour" in findings["other-lacks"].says
    assert findings["overlap"].evidence == {"rows": 100}
    assert list(findings["shift"].evidence) == ["amount"]
    other["height"] = other["height"].astype(object)
    other.loc[5, "height"] = "tall"
    (unlike,) = (each for each in cheap(frame[:600], other=other) if each.kind == "other-unlike")
    assert "'tall' in data row 6" in unlike.says


def test_a_level_is_no_none_where_both_are_rare_and_apart() -> None:
    """That nearly all rows have "NA" here and a 0 there does not make them the same rows."""
    frame = clean()
    frame["pool"] = np.where(np.arange(ROWS) < 7, "good", "NA")
    frame["fee"] = np.where(np.arange(ROWS) < ROWS - 9, 0.0, 3.5 + np.arange(ROWS))
    (found,) = (each for each in cheap(frame) if each.column == "pool" and each.kind.startswith("level-"))
    assert found.kind == "level-missing"


def test_a_heavy_tail_is_no_list_of_outliers() -> None:
    frame = clean()
    frame["income"] = np.random.default_rng(4).lognormal(10, 2, ROWS)
    assert [each for each in cheap(frame) if each.kind == "outlier"] == []


def test_a_column_that_knows_the_answer_is_a_suspect() -> None:
    frame = clean()
    frame["paid_back"] = np.where(where(frame, 0.01), 0.5, (frame["good"] == "yes") + 0.0)
    frame["loan_outcome"] = np.random.default_rng(5).choice(["a", "b"], ROWS)
    findings = list(leak_findings(surveyed(frame), 0))
    by_kind = {each.kind: each for each in findings}
    assert by_kind["leak"].column == "paid_back"
    assert by_kind["leak"].severity == "stop"
    assert by_kind["leak"].evidence["low"] < by_kind["leak"].evidence["value"]
    assert "without paid_back" in by_kind["honest"].says
    assert by_kind["afterwards"].column == "loan_outcome"


def test_that_a_value_is_missing_can_be_the_leak() -> None:
    frame = clean()
    frame.loc[frame["good"] == "yes", "height"] = np.nan
    (leak,) = (each for each in leak_findings(surveyed(frame), 0) if each.kind == "leak")
    assert "whether height is missing alone almost decides good" in leak.says or leak.column == "height"


def test_a_skewed_target_has_its_logarithm_proposed() -> None:
    frame = clean()
    frame["amount"] = np.exp(frame["amount"] / 10).round(6)
    (skew,) = (each for each in cheap(frame.drop(columns="good"), "amount") if each.kind == "skew")
    assert skew.proposal is not None
    assert (skew.proposal.table, skew.proposal.key, skew.proposal.value) == ("candidates", "log_target", True)


def visits() -> pd.DataFrame:
    draw = np.random.default_rng(6)
    start = 1_200_000_000 + np.arange(400) * 600
    frame = pd.DataFrame({"userID": draw.integers(0, 40, 400), "trajID": np.arange(400) // 4,
                          "poiID": draw.integers(0, 9, 400), "startTime": start})  # fmt: skip
    frame.loc[399, "trajID"] = 1000
    return frame


def test_visits_are_told_from_features() -> None:
    in_order = {each.kind for each in visit_findings(visits(), None)}
    assert in_order == {"visits", "visit-single"}
    shuffled = visits().sample(frac=1, random_state=0)
    assert {each.kind for each in visit_findings(shuffled, None)} == {"visits", "visit-order", "visit-single"}
    assert list(visit_findings(clean(), "good")) == []


def test_drift_is_looked_for_along_the_time_that_is_told() -> None:
    frame = clean()
    frame["when"] = np.random.default_rng(8).permutation(ROWS) * 7
    frame["height"] += frame["when"] / 2000
    config = Config(split=SplitSettings(time="when"))
    assert [each for each in row_findings(surveyed(frame)) if each.kind == "drift"] == []
    (drifts,) = (each for each in row_findings(surveyed(frame, config=config)) if each.kind == "drift")
    assert "along when" in drifts.says
    assert "height" in drifts.evidence
    frame.loc[3, "when"] = np.nan
    with pytest.raises(TrainError, match="must have a time in 'when'"):
        list(row_findings(surveyed(frame, config=config)))


def test_of_a_large_table_the_sentence_says_how_many_rows_were_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.explore_leaks.MOST_ROWS", 500)
    (honest,) = leak_findings(surveyed(clean()), 0)
    assert "(500 evenly spaced rows of 1,200)" in honest.says


def test_a_part_of_the_rows_is_the_table_of_those_rows() -> None:
    frame = changed(no_target)
    some = part(surveyed(frame), np.array([3, 25, 700]))
    assert some.rows == 3
    assert some.target.known.tolist() == [False, True, True]
    assert list(some.target.y) == frame["good"].iloc[[25, 700]].tolist()


def test_a_parquet_table_is_found_the_same_in(tmp_path: Path) -> None:
    frame = changed(code_999)
    copies(frame)
    missing(frame)
    frame.to_parquet(tmp_path / "t.parquet")
    kinds = [(each.kind, each.column) for each in find(survey(tmp_path / "t.parquet", "good", Config()))]
    assert kinds == [(each.kind, each.column) for each in find(surveyed(frame))]
    assert ("code-missing", "amount") in kinds


def test_alike_findings_are_folded() -> None:
    alike = [Finding("leak", "warn", f"c{number} leaks.", f'kind = "drop" in [columns.c{number}].', f"c{number}")
             for number in range(3)]  # fmt: skip
    (block,) = fold(alike)
    assert block.title == "3 columns know too much of the answer."
    assert block.todo == 'kind = "drop" in [columns.NAME].'
    assert block.lines == tuple(each.says for each in alike)
    assert [each.title for each in fold(alike[:2])] == ["c0 leaks.", "c1 leaks."]
    other = Finding("leak", "warn", "d leaks.", "Ask.", "d")
    assert fold([*alike, other])[0].lines[-1] == "d leaks. Ask."


def test_columns_that_are_told_are_taken_so() -> None:
    config = Config(columns={"amount": ColumnSettings(kind="integer", missing=("", "999"))})
    frame = changed(code_999)
    frame["amount"] = frame["amount"].round().astype(int)
    kinds = {each.kind for each in column_findings(surveyed(frame, config=config))}
    assert "code-missing" not in kinds


REAL = {
    "loan/loan.csv": ("default", {("missing-tells", "years"), ("outlier", None), ("honest", None)}),
    "bank/bank.csv": ("y", {("leak", "duration"), ("code-missing", "pdays"), ("level-missing", "job"),
                            ("drift", None)}),
    "house/train.csv": ("SalePrice", {("level-none", "MasVnrType"), ("level-none", "PoolQC"), ("name", None),
                                      ("skew", "SalePrice"), ("level-missing", "Alley")}),
    "tourist/visits.csv": (None, {("visits", None), ("visit-order", "startTime"), ("visit-single", "trajID")}),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
@pytest.mark.skipif(not DATA.is_dir(), reason="the real tables are not there: ../shared/data")
def test_what_a_careful_reader_finds_in_the_real_tables(name: str) -> None:
    target, expected = REAL[name]
    found = survey(DATA / name, target, Config())
    if name.startswith("bank"):
        found = part(found, spaced(found.rows, 8000))
    fits = not name.startswith("house")  # whose 79 columns take half a minute
    findings = find(found) if fits else [*row_findings(found), *column_findings(found)]
    got = {(each.kind, each.column) for each in findings}
    assert expected <= got
    says = " ".join(each.says for each in findings)
    if name.startswith("loan"):
        assert "income = 6,000,000 and age = 144" in says
        (honest,) = (each for each in findings if each.kind == "honest")
        assert 0.63 < honest.evidence["value"] < 0.68
        assert honest.evidence["plausible"] < 0.71
    if name.startswith("house"):
        assert "just where PoolArea is 0" in says
