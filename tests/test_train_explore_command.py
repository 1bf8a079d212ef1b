"""The commands explore and init: what they write, what the page asks for, what they refuse."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from deploy.browser import open_chromium, watch
from deploy.static import serve_folder
from selfsame import main
from tests.test_train_explore import clean, code_999, copies, missing_tells, visits
from train.config import read_config
from train.explore_columns import column_findings
from train.run import read_run
from train.survey import survey

TINY = '[candidates]\nnames = ["linear", "boosting"]\nrounds = 10\n'


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table that has defects, its exploration, and a project file."""
    folder = tmp_path_factory.mktemp("explore")
    frame = clean()
    for plant in (code_999, missing_tells, copies):
        plant(frame)
    frame["<b>odd</b>"] = np.arange(len(frame))[::-1] % 7
    frame.to_csv(folder / "table.csv", index=False)
    out = str(folder / "out")
    assert main(["explore", str(folder / "table.csv"), "--target", "good", "--out", out]) == 0
    assert main(["init", str(folder / "table.csv"), "--target", "good", "--out", str(folder / "project.toml")]) == 0
    return folder


def test_the_folder_holds_the_report_the_findings_and_a_proposal(explored: Path) -> None:
    assert sorted(path.name for path in (explored / "out").iterdir()) == [
        "explore.html", "explore.json", "proposal.toml"]  # fmt: skip
    told = json.loads((explored / "out" / "explore.json").read_text(), parse_constant=pytest.fail)
    assert (told["table"], told["target"], told["rows"]) == ("table.csv", "good", 1200)
    assert told["looked_at"] == {"leaks": 1200, "page": 1200, "all else": 1200}
    assert "Not every row" not in (explored / "out" / "explore.html").read_text()
    for each in told["findings"]:
        assert list(each) == ["kind", "severity", "says", "todo", "column", "evidence", "proposal"]
    grave = [each["severity"] for each in told["findings"]]
    assert grave == sorted(grave, key=("stop", "warn", "note").index)
    code = next(each for each in told["findings"] if each["kind"] == "code-missing")
    assert code["proposal"] == {"table": "columns.amount", "key": "missing", "value": ["", "999.0"]}


def test_init_writes_the_proposal_and_a_run_by_it_reads_the_code_as_missing(explored: Path) -> None:
    text = (explored / "project.toml").read_text()
    assert text == (explored / "out" / "proposal.toml").read_text()
    settings = read_config(explored / "project.toml")
    assert settings.run.target == "good"
    assert settings.columns["amount"].missing == ("", "999.0")


def test_the_proposal_settles_what_it_proposes(explored: Path) -> None:
    found = survey(explored / "table.csv", None, read_config(explored / "project.toml"))
    assert "code-missing" not in [each.kind for each in column_findings(found)]


def test_a_second_exploration_gives_the_same_findings_and_keeps_other_files(explored: Path) -> None:
    (explored / "out" / "mine.txt").write_text("kept")
    before = (explored / "out" / "explore.json").read_bytes()
    assert main(["explore", str(explored / "table.csv"), "--target", "good", "--out", str(explored / "out")]) == 0
    assert (explored / "out" / "explore.json").read_bytes() == before
    assert (explored / "out" / "mine.txt").read_text() == "kept"
    (explored / "out" / "mine.txt").unlink()


def test_the_page_asks_no_other_host_and_shows_the_table(explored: Path) -> None:
    with serve_folder(explored / "out") as origin, open_chromium() as browser:
        page = browser.new_page(viewport={"width": 360, "height": 740})
        faults, asked = watch(page, origin), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{origin}/explore.html")
        assert page.get_by_role("heading", name="Look at these").is_visible()
        page.get_by_role("tab", name="Stats").or_(page.get_by_text("Stats", exact=True)).first.click()
        assert page.get_by_text("amount").first.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.locator("b:text-is('odd')").count() == 0, "a column's name is text"
    assert [url for url in asked if not url.startswith((origin, "data:", "blob:"))] == []
    assert faults == []


def scores(run: Path) -> tuple[str, dict[str, float]]:
    read = read_run(run)
    return read.info["model"], read.metrics["test"]


def test_an_unedited_project_file_of_a_clean_table_changes_nothing(tmp_path: Path) -> None:
    data, project, plain = (str(tmp_path / name) for name in ("t.csv", "project.toml", "plain.toml"))
    clean().to_csv(data, index=False)
    Path(plain).write_text(TINY)
    assert main(["init", data, "--target", "good", "--out", project]) == 0
    lines = Path(project).read_text()
    Path(project).write_text(lines.replace("[candidates]\n", TINY))
    assert tomllib.loads(Path(project).read_text())["candidates"]["rounds"] == 10
    assert main(["train", data, "--target", "good", "--config", plain, "--out", str(tmp_path / "a")]) == 0
    assert main(["train", data, "--config", project, "--out", str(tmp_path / "b")]) == 0
    assert scores(tmp_path / "a") == scores(tmp_path / "b")


def test_init_does_not_overwrite_unless_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean().to_csv(tmp_path / "t.csv", index=False)
    words = ["init", str(tmp_path / "t.csv"), "--target", "good", "--out", str(tmp_path / "p.toml")]
    (tmp_path / "p.toml").write_text("mine")
    assert main(words) == 2
    assert "add --force" in capsys.readouterr().err
    assert (tmp_path / "p.toml").read_text() == "mine"
    assert main([*words, "--force"]) == 0
    assert read_config(tmp_path / "p.toml").run.target == "good"
    assert main([*words[:-1], str(tmp_path), "--force"]) == 2


def test_visits_need_no_target_and_become_a_ranking(tmp_path: Path) -> None:
    visits().to_csv(tmp_path / "visits.csv", index=False)
    assert main(["init", str(tmp_path / "visits.csv"), "--out", str(tmp_path / "p.toml")]) == 0
    settings = read_config(tmp_path / "p.toml")
    assert settings.run.task == "ranking"
    assert (settings.ranking.item, settings.ranking.trajectory, settings.ranking.time) == (
        "poiID", "trajID", "startTime")  # fmt: skip
    run = ["train", str(tmp_path / "visits.csv"), "--config", str(tmp_path / "p.toml"), "--out", str(tmp_path / "run")]
    assert main(run) == 0


GOOD = "amount,paid\n" + "".join(f"{row * 37 % 101}.5,{row % 2}\n" for row in range(100))
REFUSED = {
    "missing file": (None, (), ("no such file", "Check the path.")),
    "wrong target": (GOOD.replace("paid", "payed"), (), ("--target must name a column", "Did you mean 'payed'?")),
    "empty": ("", (), ("an empty file",)),
    "header only": ("amount,paid\n", (), ("a header only",)),
    "one class": (GOOD.replace(",1\n", ",0\n"), (), ("at least two different values", "in all 100 rows")),
    "no target at all": (GOOD.replace(",0\n", ",\n").replace(",1\n", ",\n"), (), ("must have values",)),
    "wrong time": (GOOD, ("--time", "amuont"), ("The time must be a column", "Did you mean 'amount'?")),
    "no second table": (GOOD, ("--test", "none.csv"), ("no such file",)),
    "no config": (GOOD, ("--config", "none.toml"), ("none.toml",)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_and_leaves_nothing(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text, more, parts = REFUSED[case]
    if text is not None:
        (tmp_path / "data.csv").write_text(text)
    assert main(["explore", "data.csv", "--target", "paid", *more]) == 2
    said = capsys.readouterr().err
    for part in parts:
        assert part in said
    assert [path.name for path in tmp_path.iterdir()] == ([] if text is None else ["data.csv"])
    if not more:
        assert main(["init", "data.csv", "--target", "paid"]) == 2
        assert not (tmp_path / "project.toml").exists()


def test_a_target_has_to_be_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.csv").write_text(GOOD)
    assert main(["explore", str(tmp_path / "data.csv"), "--out", str(tmp_path / "out")]) == 2
    assert "Add --target COLUMN." in capsys.readouterr().err


def test_columns_that_are_all_missing_are_left_out(tmp_path: Path) -> None:
    frame = clean()
    frame["nothing"] = np.nan
    frame.to_csv(tmp_path / "data.csv", index=False)
    words = ["init", str(tmp_path / "data.csv"), "--target", "good", "--out", str(tmp_path / "p.toml"), "--force"]
    assert main(words) == 0
    assert read_config(tmp_path / "p.toml").columns["nothing"].kind == "drop"
    frame[["nothing", "good"]].to_csv(tmp_path / "data.csv", index=False)
    assert main(words) == 0
