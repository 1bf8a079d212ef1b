"""Scoring files: every row gets its answer or its reason, in every pair of file kinds."""

import csv
import json
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy import read_rows
from deploy.read_rows import RowsError
from deploy.score import ScoreError, score
from lambda_handler.bundle import BundleError
from tests.bundle_factory import EXAMPLE, Task, answer_of, make_bundle

ROWS: list[dict[str, Any]] = [
    {**EXAMPLE, "id": "r1"},
    {**EXAMPLE, "income": None, "grade": None, "id": "r2"},
    {**EXAMPLE, "income": 21000.1, "age": 71, "grade": "NA", "home": "rent", "married": False, "id": 'r"3'},
]
HEADER = "home,id,married,income,age,grade\n"  # not the contract's order


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("score") / "tiny")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Rows in the kind of file that the suffix says."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(
                {name: str(value).lower() if isinstance(value, bool) else value for name, value in row.items()}
                for row in rows
            )
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """Rows as the file holds them: all text for CSV."""
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def scored(bundle: Path, folder: Path, text: str) -> list[dict[str, str]]:
    """The scored rows of a CSV text."""
    (folder / "in.csv").write_text(text, encoding="utf-8")
    score(bundle, folder / "in.csv", folder / "out.csv")
    return read(folder / "out.csv")


FORMS: dict[Task, dict[str, str]] = {
    "scores": {"label": "label", "score_1": "scores 1"},
    "labels": {"label": "label"},
    "values": {"cost.value": "targets cost value", "days.value": "targets days value"},
    "several": {
        "late.label": "targets late label",
        "late.probability_false": "targets late probabilities false",
        "late.probability_true": "targets late probabilities true",
        "size.label": "targets size label",
        "size.probability_high": "targets size probabilities high",
        "size.probability_low": "targets size probabilities low",
        "size.probability_middle": "targets size probabilities middle",
    },
}


@pytest.mark.parametrize("task", FORMS)
def test_every_form_of_answer_has_its_columns(task: Task, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle", task=task)
    write(tmp_path / "in.jsonl", [*ROWS, {**EXAMPLE, "age": None}])
    assert score(bundle, tmp_path / "in.jsonl", tmp_path / "out.parquet") == len(ROWS)
    *found, last = read(tmp_path / "out.parquet")
    assert list(last)[-1 - len(FORMS[task]) :] == [*FORMS[task], "problem"]
    assert [last[name] for name in FORMS[task]] == [None] * len(FORMS[task])
    for row, got in zip(ROWS, found, strict=True):
        for name, path in FORMS[task].items():
            expected: Any = answer_of(row, task)
            for key in path.split():
                expected = expected[key]
            assert type(got[name]) is type(expected)
            assert got[name] == (pytest.approx(expected, abs=1e-9) if type(expected) is float else expected)


@pytest.mark.parametrize("to", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("of", [".csv", ".jsonl", ".parquet"])
def test_every_pair_of_file_kinds_gives_the_same_answers(of: str, to: str, bundle: Path, tmp_path: Path) -> None:
    assert score(bundle, write(tmp_path / f"in{of}", ROWS), tmp_path / f"out{to}") == len(ROWS)
    found = read(tmp_path / f"out{to}")
    assert list(found[0]) == [*ROWS[0], "label", "probability_0", "probability_1", "problem"]
    for row, got in zip(ROWS, found, strict=True):
        expected = answer_of(row, "classification")
        assert int(got["label"]) == expected["label"]
        for name, value in expected["probabilities"].items():
            assert float(got[f"probability_{name}"]) == pytest.approx(value, abs=1e-12)
        assert got["problem"] == ("" if to == ".csv" else None)
        assert got["id"] == row["id"]
        if to != ".csv":
            assert {name: got[name] for name in EXAMPLE} == {name: row[name] for name in EXAMPLE}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_numbers_are_read_back_bit_for_bit(bundle: Path, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", ROWS)
    numbers = []
    for kind in (".csv", ".jsonl", ".parquet"):
        score(bundle, tmp_path / "in.csv", tmp_path / f"out{kind}")
        numbers.append([float(row["probability_1"]) for row in read(tmp_path / f"out{kind}")])
    assert numbers[0] == numbers[1] == numbers[2]


def test_a_csv_keeps_its_delimiter_and_its_cells(bundle: Path, tmp_path: Path) -> None:
    text = "home;id;married;income;age;grade\nown; a,b ;TRUE;5e4;40.0;B\n"
    (tmp_path / "in.csv").write_text("\ufeff" + text, encoding="utf-8")
    assert score(bundle, tmp_path / "in.csv", tmp_path / "out.csv") == 1
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1].startswith("own; a,b ;TRUE;5e4;40.0;B;")
    assert lines[0] == "home;id;married;income;age;grade;label;probability_0;probability_1;problem"


@pytest.mark.parametrize("code", ["", "NA", "NaN", "nan", "null", "NULL", "N/A", "?", "  "])
def test_the_missing_codes_of_numbers_are_those_of_train(code: str, bundle: Path, tmp_path: Path) -> None:
    got = scored(bundle, tmp_path, f"{HEADER}own,1,true,{code},40,B\n")
    expected = answer_of({**EXAMPLE, "income": None}, "classification")["probabilities"]["1"]
    assert float(got[0]["probability_1"]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("cell", "value"), [("", None), ("NA", "NA"), ("nan", "nan"), ("A", "A"), (" A ", "A")])
def test_in_a_text_column_only_the_empty_cell_is_missing(
    cell: str, value: str | None, bundle: Path, tmp_path: Path
) -> None:
    got = scored(bundle, tmp_path, f"{HEADER}own,1,true,50000,40,{cell}\n")
    expected = answer_of({**EXAMPLE, "grade": value}, "classification")["probabilities"]["1"]
    assert float(got[0]["probability_1"]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("own,1,true,much,40,B", 'income takes a number; got the text "much"'),
        ("own,1,true,1e999,40,B", 'income takes a number; got the text "1e999"'),
        ("own,1,true,inf,40,B", "income takes a number"),
        ("own,1,true,50000,40.5,B", "age takes a whole 64-bit number; got the number 40.5"),
        ("own,1,true,50000,,B", "age must not be missing"),
        ("own,1,true,50000,151,B", "age must be from 0 to 150"),
        ("boat,1,true,50000,40,B", 'home takes one of "own", "rent"; got the text "boat"'),
        ("own,1,perhaps,50000,40,B", 'married takes true or false; got the text "perhaps"'),
    ],
)
def test_a_row_that_breaks_the_contract_gets_its_reason_and_no_answer(
    line: str, reason: str, bundle: Path, tmp_path: Path
) -> None:
    good = "own,2,true,50000,40,B"
    got = scored(bundle, tmp_path, f"{HEADER}{good}\n{line}\n{good}\n")
    assert reason in got[1]["problem"]
    assert [got[1][name] for name in ("label", "probability_0", "probability_1")] == ["", "", ""]
    for row in (got[0], got[2]):
        assert row["problem"] == ""
        assert row["label"] != ""


@pytest.mark.parametrize("to", [".jsonl", ".parquet"])
def test_a_cell_that_does_not_fit_is_told_by_the_problem(to: str, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"{HEADER}own,1,true,much,40,B\nown,2,true,1,9999999999999999999999,B\n")
    assert score(bundle, tmp_path / "in.csv", tmp_path / f"out{to}") == 0
    got = read(tmp_path / f"out{to}")
    assert got[0]["income"] == ("much" if to == ".jsonl" else None)
    assert '"much"' in got[0]["problem"]
    assert "whole 64-bit number" in got[1]["problem"]


def test_many_problems_of_one_row_are_counted(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "wide", extra=20)
    names = [*EXAMPLE, *(f"{position}thFurtherSquareFootage" for position in range(5, 25))]
    (tmp_path / "in.csv").write_text(",".join(names) + "\n" + ",".join(["-"] * 25) + "\n")
    score(bundle, tmp_path / "in.csv", tmp_path / "out.csv")
    assert read(tmp_path / "out.csv")[0]["problem"].endswith("And 19 more.")  # "-" is a grade never seen


def test_more_broken_rows_than_one_answer_lists(bundle: Path, tmp_path: Path) -> None:
    lines = "".join(f"{'own' if row % 3 == 0 else 'boat'},{row},true,x,40,B\n" for row in range(3000))
    fine = "".join(f"own,{row},true,5,40,B\n" for row in range(3000, 6000))
    counted: list[tuple[int, int]] = []
    (tmp_path / "in.csv").write_text(HEADER + lines + fine)
    assert score(bundle, tmp_path / "in.csv", tmp_path / "out.csv", lambda *now: counted.append(now)) == 3000
    assert counted == [(4096, 3000), (6000, 3000)]
    got = read(tmp_path / "out.csv")
    assert [row["id"] for row in got] == [str(row) for row in range(6000)]
    assert all(("income" in row["problem"]) is (int(row["id"]) < 3000) for row in got)
    assert all(("home" in row["problem"]) is (int(row["id"]) < 3000 and int(row["id"]) % 3 > 0) for row in got)


def test_names_that_the_input_has_already(bundle: Path, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", [{**EXAMPLE, "label": 7, "problem": "mine"}])
    score(bundle, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    got = read(tmp_path / "out.jsonl")[0]
    assert (got["label"], got["problem"]) == (7, "mine")
    assert got["predicted_label"] == answer_of(EXAMPLE, "classification")["label"]
    assert got["predicted_problem"] is None


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks(task: Any, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle", task=task)
    score(bundle, write(tmp_path / "in.csv", [EXAMPLE]), tmp_path / "out.jsonl")
    got = read(tmp_path / "out.jsonl")[0]
    expected = answer_of(EXAMPLE, task)
    if task == "regression":
        assert list(got)[-2:] == ["value", "problem"]
        assert got["value"] == pytest.approx(expected["value"], rel=1e-12)
    else:
        assert got["label"] == expected["label"]
        for name, value in expected["probabilities"].items():
            assert got[f"probability_{name}"] == pytest.approx(value, abs=1e-12)


def test_columns_of_other_types_are_kept(bundle: Path, tmp_path: Path) -> None:
    more = {"when": "2026-01-01", "tags": [1, None, 2.5], "big": 2**60, "gone": None, "half": "a\ud800b"}
    write(tmp_path / "in.jsonl", [{**EXAMPLE, **more}, {**EXAMPLE, "income": 1e300}])
    assert score(bundle, tmp_path / "in.jsonl", tmp_path / "out.jsonl") == 2
    first, second = read(tmp_path / "out.jsonl")
    assert {name: first[name] for name in more} == more
    assert set(second) & set(more) == set()
    score(bundle, tmp_path / "in.jsonl", tmp_path / "out.parquet")
    first, second = read(tmp_path / "out.parquet")
    assert first["big"] == 2**60
    assert first["tags"] == "[1, null, 2.5]"
    assert second["tags"] is None
    score(bundle, tmp_path / "out.parquet", tmp_path / "out.csv")
    assert read(tmp_path / "out.csv")[0]["big"] == str(2**60)


def test_parquet_types_are_kept_and_decimals_are_numbers(bundle: Path, tmp_path: Path) -> None:
    rows = [{**EXAMPLE, "income": Decimal("50000.00")}]
    table = pa.Table.from_pylist(rows).append_column("when", pa.array([17], pa.timestamp("ms")))
    table = table.set_column(2, "grade", table["grade"].dictionary_encode())
    pq.write_table(table, tmp_path / "in.parquet")
    assert score(bundle, tmp_path / "in.parquet", tmp_path / "out.parquet") == 1
    assert pq.read_table(tmp_path / "out.parquet").select(table.column_names).to_pylist() == table.to_pylist()
    assert pq.read_schema(tmp_path / "out.parquet").field("when").type == pa.timestamp("ms")


def test_a_header_alone_gives_a_header(bundle: Path, tmp_path: Path) -> None:
    assert scored(bundle, tmp_path, HEADER) == []
    assert (tmp_path / "out.csv").read_text().startswith(HEADER.strip() + ",label")


BAD = {
    "absent.csv": (HEADER.replace("income", "incomes") + "own,1,true,1,40,B\n", "'income'", "'incomes'"),
    "empty.csv": ("", "must hold rows", "is empty"),
    "blank.csv": ("\n\n", "begins with a header line", "has none"),
    "twice.csv": (HEADER.replace("id", "age") + "own,1,true,1,40,B\n", "must differ", "'age'"),
    "ragged.csv": (HEADER + "own,1,true,1,40,B\nown,1\n", "as many fields", "line 3"),
    "mixed.csv": (HEADER + "own,1,true,1,40,B\n" * 3 + "own;1;true;1;40;B\n", "line 5", "mixes delimiters"),
    "quote.csv": (HEADER + 'own,"1,true,1,40,B\n', "must be closed", "line 2"),
    "kind.xlsx": ("x", "told apart by their suffix", ".parquet"),
    "broken.parquet": ("PAR1", "must be complete and readable", "Write it again"),
    "broken.jsonl": (json.dumps(EXAMPLE) + "\n{", "is JSON", "line 2"),
    "constant.jsonl": ('{"income": NaN}', "NaN is no JSON", "write null"),
    "list.jsonl": (json.dumps(EXAMPLE) + "\n[1]\n", "is an object", "line 2"),
    "deep.jsonl": ("[" * 100_000, "is JSON", "line 1"),
    "blank.jsonl": ("\n", "one object on every line", "has none"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_and_nothing_is_left(name: str, bundle: Path, tmp_path: Path) -> None:
    text, *parts = BAD[name]
    (tmp_path / name).write_text(text)
    (tmp_path / "out.csv").write_text("an earlier result")
    with pytest.raises((RowsError, ScoreError)) as caught:
        score(bundle, tmp_path / name, tmp_path / "out.csv")
    for part in parts:
        assert part in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {name, "out.csv"}
    assert (tmp_path / "out.csv").read_text() == "an earlier result"


def test_other_encodings_are_refused_wherever_they_begin(bundle: Path, tmp_path: Path) -> None:
    for rows in (0, 9000):
        good = (HEADER + "own,1,true,1,40,B\n" * rows).encode()
        (tmp_path / "in.csv").write_bytes(good + "own,é,true,1,40,B\n".encode("latin-1"))
        with pytest.raises(RowsError, match=r"must be text in UTF-8.*0xe9"):
            score(bundle, tmp_path / "in.csv", tmp_path / "out.csv")
        assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_places_that_cannot_be_written(bundle: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", ROWS)
    with pytest.raises(ScoreError, match="another file than INPUT"):
        score(bundle, source, source)
    with pytest.raises(RowsError, match="there is no folder"):
        score(bundle, source, tmp_path / "none" / "out.csv")
    with pytest.raises(RowsError, match="told apart by their suffix"):
        score(bundle, source, tmp_path / "out.txt")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RowsError, match="is a folder"):
        score(bundle, source, tmp_path / "folder.csv")
    with pytest.raises(RowsError, match="is not there"):
        score(bundle, tmp_path / "none.csv", tmp_path / "out.csv")
    with pytest.raises(BundleError):
        score(tmp_path, source, tmp_path / "out.csv")


@pytest.mark.parametrize("kind", [".csv", ".jsonl"])
def test_memory_stays_flat(kind: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_rows, "CHUNK", 256)  # fewer rows show the same
    peaks = []
    for rows in (1_000, 8_000):
        write(tmp_path / f"in{kind}", [{**EXAMPLE, "id": f"{row:0100}"} for row in range(rows)])
        tracemalloc.start()
        try:
            assert score(bundle, tmp_path / f"in{kind}", tmp_path / f"out{kind}") == rows
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
