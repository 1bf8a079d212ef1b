"""Each arrow of the flow through the command: train, export, verify, score, site, package."""

import csv
import json
import random
import subprocess
import sys
from pathlib import Path

import joblib
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lambda_handler.predictor import Predictor
from selfsame import main
from train.run import read_run

CONFIG = '[candidates]\nnames = ["linear", "boosting"]\nrounds = 5\n[split]\nfolds = 2\n'
LINEAR = CONFIG.replace(', "boosting"', "")
ROWS = 300


def draw_rows() -> list[dict[str, str]]:
    draw = random.Random(3)
    rows = []
    for _ in range(ROWS):
        income, grade = draw.uniform(1, 9), draw.choice("ABC")
        paid = income + "ABC".index(grade) + draw.gauss(0, 2) > 6
        shown = "NA" if draw.random() < 0.1 else f"{income:.3f}"
        age = str(draw.randint(20, 70))
        rows.append({"income": shown, "age": age, "grade": grade, "paid": "yes" if paid else "no"})
    return rows


def write_csv(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a semicolon table, its run `run` and its bundle `bundle`, made by the command."""
    folder = tmp_path_factory.mktemp("chain")
    write_csv(folder / "loans.csv", draw_rows(), ";")
    (folder / "config.toml").write_text(CONFIG)
    words = ["train", str(folder / "loans.csv"), "--target", "paid", "--out", str(folder / "run")]
    assert main([*words, "--config", str(folder / "config.toml"), "--name", "loans"]) == 0
    assert main(["export", str(folder / "run"), "--out", str(folder / "bundle"), "--effort", "quick"]) == 0
    return folder


def test_the_first_two_arrows_write_where_they_were_told_and_nowhere_else(place: Path) -> None:
    assert {path.name for path in place.iterdir()} >= {"loans.csv", "config.toml", "run", "bundle"}
    assert [path.name for path in place.iterdir() if path.name.startswith(".")] == []
    assert Predictor.load(place / "bundle").contract.name == "loans"


def test_verify_holds_and_says_so_in_both_forms(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(place / "bundle")]) == 0
    said = capsys.readouterr().out
    assert "It holds." in said
    assert "\x1b" not in said, "no control characters where the output is no terminal"
    assert main(["verify", str(place / "bundle"), "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["holds"] is True
    assert verdict["runtimes"]["python"]["boundary"]["rows"] > 0


def test_score_gives_the_original_pipelines_answers(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(place / "bundle"), str(place / "loans.csv"), str(place / "scored.csv")]) == 0
    assert capsys.readouterr().out.strip() == f"{ROWS} rows scored into {place / 'scored.csv'}"
    scored = pd.read_csv(place / "scored.csv", sep=";", keep_default_na=False)
    run = read_run(place / "run")
    frame = pd.DataFrame(
        {
            "income": scored["income"].replace("NA", "nan").astype("float64"),
            "age": scored["age"].astype("float64"),
            "grade": scored["grade"].astype("str"),
        }
    )[list(run.X.columns)]
    assert scored["label"].tolist() == run.estimator.predict(frame).tolist()
    expected = run.estimator.predict_proba(frame)
    assert abs(scored[["probability_no", "probability_yes"]].to_numpy() - expected).max() < 1e-12
    assert (scored["problem"] == "").all()


def test_site_and_package(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = "https://id.lambda-url.eu-west-1.on.aws"
    assert main(["site", str(place / "bundle"), "--out", str(place / "site"), "--endpoint", url, "--plain"]) == 0
    [listed] = json.loads((place / "site" / "bundles.json").read_text())
    assert (place / "site" / listed["path"] / "model.onnx").is_file()
    assert listed["endpoint"] == url
    assert main(["package", str(place / "bundle"), "--out", str(place / "package"), "--arch", "arm64"]) == 0
    assert "MB for arm64" in capsys.readouterr().out
    assert (place / "package" / "lambda_handler" / "app.py").is_file()
    assert (place / "package" / "bundle" / "manifest.json").is_file()


def test_the_same_from_parquet_in_a_process_of_its_own(tmp_path: Path) -> None:
    frame = pd.DataFrame(draw_rows())
    frame["income"] = pd.to_numeric(frame["income"].replace("NA", None))
    frame["age"] = frame["age"].astype("int64")
    frame.to_parquet(tmp_path / "loans.parquet")
    (tmp_path / "config.toml").write_text(LINEAR)
    command = [str(Path(sys.executable).with_name("selfsame"))]
    for words in (
        ["train", "loans.parquet", "--target", "paid", "--config", "config.toml"],
        ["export", "runs/loans", "--out", "bundle", "--effort", "quick"],
        ["verify", "bundle"],
        ["score", "bundle", "loans.parquet", "scored.parquet"],
    ):
        result = subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, ""), words
        assert "\x1b" not in result.stdout
    scored = pd.read_parquet(tmp_path / "scored.parquet")
    assert list(scored.columns[:4]) == ["income", "age", "grade", "paid"]
    assert scored["problem"].isna().all()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bundle", "config.toml", "loans.parquet", "runs", "scored.parquet",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pipeline that was fitted elsewhere, as skops and as joblib, and its rows."""
    folder = tmp_path_factory.mktemp("own")
    rows = [row for row in draw_rows() if row["income"] != "NA"]
    table = write_csv(folder / "table.csv", rows)
    frame = pd.read_csv(table)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame[["income", "age"]], frame["paid"])
    skops.io.dump(pipeline, folder / "model.skops")
    joblib.dump(pipeline, folder / "model.joblib")
    return folder


def test_export_of_a_skops_file_with_its_rows(own: Path) -> None:
    words = ["export", str(own / "model.skops"), "--rows", str(own / "table.csv"), "--out", str(own / "mine")]
    assert main(words) == 0
    predictor = Predictor.load(own / "mine")
    assert predictor.contract.name == "model"
    assert [feature.name for feature in predictor.contract.features] == ["income", "age"]
    assert main(["verify", str(own / "mine")]) == 0


def test_a_joblib_file_needs_trust(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(own.iterdir())
    words = ["export", str(own / "model.joblib"), "--rows", str(own / "table.csv"), "--out", str(own / "trusted")]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "runs code when it is read" in said
    assert "--trust" in said
    assert sorted(own.iterdir()) == before
    assert main([*words, "--trust"]) == 0
    assert (own / "trusted" / "manifest.json").is_file()
