"""Files in the page: dropped, scored in the worker as `selfsame score` scores them, told, cancelled, refused."""

import csv
import json
import random
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pyarrow.parquet
import pytest
from bundle_factory import make_bundle, seal
from playwright.sync_api import Page, expect
from web_tools import build_light

from deploy.score import score
from deploy.static import serve_folder

CELLS: dict[str, list[str]] = {
    "income": ["52000", "61000.5", "NA", "", " 1e4", "-0.0", "0.00001234", "12345678901234567", "much", "1e999", "?"],
    "age": ["18", "40", "90", "7.0", "151", "", "-1", "1.5", "1e3", "forty", "99999999999999999999"],
    "grade": ["A", "B", "C", "", " A ", "Z", "naïve", '"A"', '"a, ""b"""', "NA", "\ue000missing"],
    "home": ["own", "rent", " own", "boat", "", '"two\nlines"'],
    "married": ["true", "False", "1", "0", "yes", "NULL"],
}
TRAINING: dict[str, Any] = {
    "answers": {"missing": 0, "edges": [0.0, 0.5, 1.0], "counts": [600, 400]},
    "features": {
        "income": {"missing": 0, "edges": [4000.0, 50000.0, 200000.0], "counts": [500, 500]},
        "age": {"missing": 0, "edges": [18.0, 90.0], "counts": [1000]},
        "grade": {"missing": 0, "categories": {"A": 10, "B": 980, "C": 10}, "other": 0},
        "home": {"missing": 0, "categories": {"own": 970, "rent": 30}, "other": 0},
        "married": {"missing": 0, "categories": {"false": 20, "true": 980}, "other": 0},
    },
}
DIFFERENT = 9000  # rows of a file; a longer one holds them again
COMMONLY = 0.97  # how often a cell is of the first two of its list


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Path:
    """The tiny bundle with a training distribution."""
    path = make_bundle(folder / "bundle")
    reference = json.loads((path / "reference.json").read_text())
    (path / "reference.json").write_text(json.dumps(reference | {"rows": 1000, **TRAINING}))
    seal(path)
    return path


@pytest.fixture(scope="module")
def origin(folder: Path, bundle: Path) -> Iterator[str]:
    with serve_folder(build_light([bundle], folder / "site")) as address:
        yield address


@pytest.fixture
def page(page: Page, origin: str) -> Page:
    """The file's page, which takes files."""
    page.goto(origin)
    page.locator("#file").wait_for()
    return page


def write_csv(path: Path, rows: int, seed: int = 3) -> Path:
    """A file of the tiny model's columns among others, with cells of every kind, most of them usual."""
    chosen = random.Random(seed)

    def cell(name: str) -> str:
        cells = CELLS[name]
        return chosen.choice(cells[:2] if chosen.random() < COMMONLY else cells)

    header = "home,note,age, income ,married,grade\n"
    lines = [
        f"{cell('home')},n{index},{cell('age')},{cell('income')},{cell('married')},{cell('grade')}\n"
        for index in range(min(rows, DIFFERENT))
    ]
    whole, rest = divmod(rows, len(lines))
    path.write_text(header + "".join(lines) * whole + "".join(lines[:rest]), encoding="utf-8")
    return path


def choose(page: Page, file: Path, state: str = "done") -> None:
    page.locator("#file-state").evaluate("state => state.dataset.state = 'asked'")
    page.locator("#file").set_input_files(file)
    expect(page.locator("#file-state")).to_have_attribute("data-state", state)


def download(page: Page, folder: Path) -> Path:
    with page.expect_download() as started:
        page.locator("#file-download").click()
    target = folder / started.value.suggested_filename
    started.value.save_as(target)
    return target


def same_values(one: Any, other: Any) -> bool:
    """Equal, or floats within the certificate's rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-12, abs=1e-12)
    return bool(one == other)


def same_cells(one: list[str], other: list[str]) -> bool:
    """Equal texts, but for the two probabilities, which are rounded where they were computed."""
    split = len(one) - 3
    numbers = [[float(cell or "nan") for cell in cells[split:-1]] for cells in (one, other)]
    rest = [[*cells[:split], cells[-1]] for cells in (one, other)]
    return rest[0] == rest[1] and numbers[0] == pytest.approx(numbers[1], rel=1e-12, abs=1e-12, nan_ok=True)


def test_a_csv_file_is_scored_as_the_command_scores_it(page: Page, bundle: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "new.csv", 5000)
    answered = score(bundle, source, tmp_path / "command.csv")
    assert 3300 < answered < 5000, "rows of both kinds are there"
    choose(page, source)
    expect(page.locator("#file-state .result")).to_contain_text("5,000 rows in ")
    expect(page.locator("#file-state .result")).to_contain_text(f"{5000 - answered:,} of them have no answer.")
    found = download(page, tmp_path)
    assert found.name == "new-scored.csv"
    with (tmp_path / "command.csv").open(newline="") as mine, found.open(newline="") as theirs:
        expected, got = list(csv.reader(mine)), list(csv.reader(theirs))
    assert expected[0] == got[0]
    assert len(expected) == len(got) == 5001
    different = [(one, other) for one, other in zip(expected[1:], got[1:], strict=True) if not same_cells(one, other)]
    assert different == []


def test_the_comparison_of_cells_tells_another_problem_answer_and_label() -> None:
    row = ["x", "1", "0.25", "0.75", ""]
    assert same_cells(row, ["x", "1", "0.25", "0.7500000000000001", ""])
    for changed in (["y", *row[1:]], ["x", "0", *row[2:]], [*row[:3], "0.76", ""], [*row[:4], "why"]):
        assert not same_cells(row, changed)


def test_jsonl_is_scored_as_the_command_scores_it(page: Page, bundle: Path, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"income": 52000.0, "age": 40, "grade": "B", "home": "own", "married": True, "id": "a"},
        {"income": None, "age": 151, "grade": None, "home": "boat", "married": False, "id": "ü"},
        {"income": 1e-5, "age": 18, "grade": "Z", "home": "rent", "married": True, "id": None},
    ] * 1000
    (tmp_path / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    score(bundle, tmp_path / "new.jsonl", tmp_path / "command.jsonl")
    choose(page, tmp_path / "new.jsonl")
    lines = [path.read_text(encoding="utf-8").splitlines()
             for path in (tmp_path / "command.jsonl", download(page, tmp_path))]  # fmt: skip
    for one, other in zip(*lines, strict=True):
        expected, got = json.loads(one), json.loads(other)
        assert list(expected) == list(got)
        assert all(same_values(expected[name], got[name]) for name in expected), (expected, got)


def test_parquet_keeps_its_columns_and_gets_the_answers(page: Page, bundle: Path, tmp_path: Path) -> None:
    """Timestamps to the microsecond, decimals, lists and columns in other compressions come back as they were."""
    rows = 3000
    table = pyarrow.table({
        "income": [52000.0, None, 1e-5] * 1000,
        "age": pyarrow.array([40, 151, 18] * 1000, pyarrow.int32()),
        "grade": pyarrow.array(["B", None, "Z"] * 1000).dictionary_encode(),
        "home": ["own", "boat", "rent"] * 1000,
        "married": [True, False, True] * 1000,
        "label": ["ü", None, ""] * 1000,
        "seen": pyarrow.array(range(rows), pyarrow.timestamp("us", "Europe/Paris")),
        "price": pyarrow.array([Decimal("12345678901234567.89"), None, Decimal("0.10")] * 1000),
        "tags": [["a", None], [], None] * 1000,
    })  # fmt: skip
    source = tmp_path / "columns.parquet"
    codecs = dict.fromkeys(table.column_names, "snappy") | {"seen": "zstd", "tags.list.element": "gzip"}
    pyarrow.parquet.write_table(table, source, row_group_size=1300, compression=codecs)
    score(bundle, source, tmp_path / "command.parquet")
    choose(page, source)
    found = download(page, tmp_path)
    assert found.name == "columns-scored.parquet"
    got, expected = pyarrow.parquet.read_table(found), pyarrow.parquet.read_table(tmp_path / "command.parquet")
    assert got.column_names == expected.column_names == [
        *table.column_names, "predicted_label", "probability_0", "probability_1", "problem"]  # fmt: skip
    for name in table.column_names:
        assert got[name].to_pylist() == table[name].to_pylist(), name
    for name in expected.column_names[table.num_columns :]:
        assert got[name].type == expected[name].type
        values = zip(got[name].to_pylist(), expected[name].to_pylist(), strict=True)
        assert all(same_values(one, other) for one, other in values), name
    assert pyarrow.parquet.ParquetFile(found).metadata.num_row_groups == 3
    body = source.read_bytes()
    length = int.from_bytes(body[-8:-4], "little") + 8
    assert found.read_bytes().startswith(body[:-length]), "the file's own pages are not written anew"
    assert pandas.read_parquet(found).shape == (rows, 13)


def test_problems_answers_and_drift_are_told(page: Page, tmp_path: Path) -> None:
    usual = ["20000,40,B,own,true\n", "90000,40,B,own,true\n"] * 200
    header = "income,age,grade,home,married\n"
    (tmp_path / "far.csv").write_text(header + "".join(["900000,40,B,own,true\n"] * 400 + ["1,40,B,boat,true\n"]))
    choose(page, tmp_path / "far.csv")
    row = page.locator('.drift tr[data-feature="income"]')
    expect(row).to_have_attribute("data-verdict", "large")
    expect(row).to_contain_text("above the training range: 0.0 % of training, 100.0 % here")
    cells = page.locator(".problems tbody tr").first.locator("th, td").all_inner_texts()
    assert cells[0] == "401"
    assert cells[1].startswith('home takes one of "own", "rent"; got the text "boat".')
    assert (
        sum(int(text.split(" ")[0]) for text in page.locator(".shares li > span:last-child").all_inner_texts()) == 400
    )
    first = page.locator(".first tbody tr")
    assert first.count() == 8
    shown = first.first.locator("th, td").all_inner_texts()
    assert shown[0] == "1"
    assert shown[1].startswith(("0 (", "1 ("))
    assert shown[2:] == ["900000", "40", "B", "own", "true"]
    (tmp_path / "near.csv").write_text(header + "".join(usual))
    choose(page, tmp_path / "near.csv")
    expect(page.locator("#file-state .result")).to_contain_text("Every row has an answer.")
    assert page.locator(".problems").count() == 0


REFUSED: dict[str, tuple[bytes, str]] = {
    "shape.csv": (
        b"Incomes,age,grade,home\n1,2,A,own\n",
        'there is none for "income" (its column "Incomes" may be meant), "married". Rename or add the columns.',
    ),
    "latin.csv": ("income,age,grade,home,married\n1,2,é,own,true\n".encode("latin-1"), "it holds the byte 0xe9"),
    "empty.csv": (b"", "it is empty"),
    "torn.parquet": (b"PAR1 and no more", "A Parquet file must be complete and readable"),
}


def test_a_file_that_cannot_be_scored_is_refused_in_a_sentence(page: Page, tmp_path: Path) -> None:
    for name, (content, said) in REFUSED.items():
        (tmp_path / name).write_bytes(content)
        choose(page, tmp_path / name, "failed")
        expect(page.locator("#file-state [role=alert]")).to_contain_text(said)
    choose(page, write_csv(tmp_path / "good.csv", 20))  # the next file is scored none the less


def test_a_scoring_is_cancelled_and_another_file_follows(page: Page, tmp_path: Path) -> None:
    page.locator("#file").set_input_files(write_csv(tmp_path / "long.csv", 1_000_000))
    page.locator("#file-cancel").click()
    expect(page.locator("#file-state [role=alert]")).to_have_text("Cancelled: nothing of the file was kept.")
    assert page.locator("#file-download").count() == 0
    choose(page, write_csv(tmp_path / "short.csv", 20))
    expect(page.locator("#file-state .result")).to_contain_text("20 rows in ")


def test_a_file_is_dropped_anywhere_on_the_page(page: Page) -> None:
    page.evaluate(
        """text => {
            const files = new DataTransfer();
            files.items.add(new File([text], "dropped.csv"));
            const drop = new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true});
            document.querySelector("h1").dispatchEvent(drop);
        }""",
        "income,age,grade,home,married\n1,40,B,own,true\n",
    )
    expect(page.locator("#file-state")).to_have_attribute("data-state", "done")
    expect(page.locator("#file-download")).to_contain_text("Download dropped-scored.csv")
    expect(page.locator("#file-state .result")).to_contain_text("1 row in ")


def test_a_long_file_does_not_freeze_the_page(page: Page, tmp_path: Path) -> None:
    """Progress is shown, and the page's own thread does little: its work is measured, not what it waits for."""
    page.evaluate("""() => {
        window.shown = new Set();
        new MutationObserver(() => window.shown.add(document.querySelector("#file-state progress")?.value))
            .observe(document.querySelector("#file-state"), {subtree: true, childList: true});
    }""")
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        metrics: list[dict[str, Any]] = client.send("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    source = write_csv(tmp_path / "long.csv", 300_000)
    before, start = worked(), time.monotonic()
    choose(page, source)
    assert worked() - before < (time.monotonic() - start) / 3
    shown = page.evaluate("[...window.shown].filter(value => value > 0 && value < 1)")
    assert shown == sorted(shown)
    assert shown != []
