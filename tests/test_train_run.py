"""The run folder: what stands in it, that it repeats byte for byte, and that it reads back as it was fitted."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from train.config import Config
from train.demo import loan_case
from train.errors import TrainError
from train.fit import train
from train.folder import write_folder
from train.material import material_from_file
from train.run import Run, read_run
from train.split import split_rows
from train.store import load_estimator

ROOT = Path(__file__).parents[1]
SMALL = "[candidates]\ntrees = 5\nrounds = 8\n"
FEW = SMALL + "[split]\nfolds = 2\n"
LINEAR = "[split]\nfolds = 2\n[candidates]\nnames = ['linear']\n"


def applicants(rows: int = 900) -> pd.DataFrame:
    case = loan_case(rows, seed=3)
    return case.X.assign(default=case.y, number=np.arange(1, rows + 1), same="x")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("train")
    applicants().to_csv(path / "loans.csv", sep=";", index=False, na_rep="NA")
    (path / "small.toml").write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return train(folder / "loans.csv", "default", folder / "loan", config=folder / "small.toml", seed=4)


def contents(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def test_the_folder_holds_what_the_docs_list(run: Run) -> None:
    assert set(contents(run.path)) == {
        "pipeline.skops",
        "candidates/linear.skops",
        "candidates/forest.skops",
        "candidates/boosting.skops",
        "rows.parquet",
        "test.parquet",
        "outcomes.parquet",
        "features.json",
        "run.json",
        "metrics.json",
        "decisions.toml",
        "project.toml",
        "report.html",
    }
    assert run.path.stat().st_mode & 0o077 == 0, "a run is private"
    assert sorted(path.name for path in run.path.parent.iterdir()) == ["loan", "loans.csv", "small.toml"]


def test_the_info_says_how_it_was_made(run: Run) -> None:
    info = run.info
    assert info["name"] == "loan"
    assert (info["task"], info["classes"], info["positive"]) == ("classification", [0, 1], 1)
    assert info["rows"] == {"train": 540, "validation": 180, "test": 180, "dropped_without_target": 0}
    assert set(info["dropped_columns"]) == {"number", "same"}
    assert info["versions"]["scikit-learn"]
    assert len(info["data_sha256"]) == 64


def test_the_frame_reads_back_as_it_was_fitted(run: Run) -> None:
    texts = [name for name in run.X.columns if run.X[name].dtype == "str"]
    assert texts == ["grade", "ownership", "purpose"]
    assert all(run.X[name].dtype == np.float64 for name in run.X.columns if name not in texts)
    assert len(run.X) == 720
    assert list(run.X.columns) == [feature.name for feature in run.features] == list(run.estimator.feature_names_in_)
    assert run.X["years"].isna().sum() > 0
    by_name = {feature.name: feature for feature in run.features}
    assert (by_name["income"].dtype, by_name["income"].type, by_name["income"].whole) == ("float64", "number", True)
    assert (by_name["interest"].whole, by_name["grade"].dtype) == (False, "string")


def test_the_rows_are_those_that_were_fitted_on_and_the_test_score_is_of_the_others(run: Run, folder: Path) -> None:
    material = material_from_file(folder / "loans.csv", "default", Config(), "loan", None)
    split = split_rows(material.target.y, "classification", 4)
    parts = [set(part) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 900
    pd.testing.assert_frame_equal(run.X, material.X.iloc[split.final].reset_index(drop=True))
    test = material.X.iloc[split.test]
    again = roc_auc_score(material.target.y[split.test], run.estimator.predict_proba(test)[:, 1])
    assert run.metrics["test"]["roc_auc"] == pytest.approx(again, abs=1e-12)
    low, high = run.metrics["test"]["interval"]
    assert low < again < high


def test_each_candidate_answers_with_its_own_threshold(run: Run) -> None:
    assert set(run.candidates) == {"linear", "forest", "boosting"}
    assert run.candidates[run.info["chosen"]].read_bytes() == (run.path / "pipeline.skops").read_bytes()
    for path in run.candidates.values():
        estimator = load_estimator(path)
        assert isinstance(estimator, FixedThresholdClassifier)
        assert isinstance(estimator.estimator_, Pipeline)
        chance = estimator.predict_proba(run.X)[:, 1]
        np.testing.assert_array_equal(estimator.predict(run.X), (chance >= estimator.threshold).astype(int))
        assert getattr(estimator.estimator_["model"], "n_jobs", None) is None
    assert run.estimator.threshold == run.info["threshold"]["value"]


def test_the_candidates_are_fitted_on_exactly_the_rows_of_the_run(run: Run, folder: Path) -> None:
    material = material_from_file(folder / "loans.csv", "default", Config(), "loan", None)
    y = material.target.y[split_rows(material.target.y, "classification", 4).final]
    for path in run.candidates.values():
        estimator = load_estimator(path)
        again = clone(estimator).fit(run.X, y)
        np.testing.assert_allclose(again.predict_proba(run.X), estimator.predict_proba(run.X), rtol=0, atol=1e-9)


def test_the_chosen_candidate_has_the_best_cross_validated_score(run: Run) -> None:
    compared = run.metrics["cross_validation"]
    best = max(compared, key=lambda name: compared[name]["roc_auc"]["mean"])
    assert run.info["chosen"] == best
    assert len(compared["forest"]["roc_auc"]["folds"]) == 5


def test_the_same_data_and_seed_give_the_same_bytes_in_another_process(run: Run, folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from train.fit import train; folder = Path(sys.argv[1])\n"
        "train(folder / 'loans.csv', 'default', Path(sys.argv[2]), config=folder / 'small.toml', seed=4)\n"
    )
    out = tmp_path / "loan"
    subprocess.run([sys.executable, "-c", code, str(folder), str(out)], cwd=ROOT, check=True, timeout=120)
    first, second = contents(run.path), contents(out)
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_another_seed_gives_another_run_in_the_place_of_the_earlier(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(LINEAR)
    out = tmp_path / "loan"
    first = train(folder / "loans.csv", "default", out, config=tmp_path / "c.toml", seed=4)
    second = train(folder / "loans.csv", "default", out, config=tmp_path / "c.toml", seed=5)
    assert not second.X.equals(first.X)
    pd.testing.assert_frame_equal(read_run(out).X, second.X)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.toml", "loan"]


def test_the_decisions_given_back_give_the_same_models(run: Run, folder: Path, tmp_path: Path) -> None:
    told = tomllib.loads((run.path / "decisions.toml").read_text())
    assert told["columns"]["number"]["kind"] == "drop"
    assert told["columns"]["years"] == {"kind": "integer", "missing": ["", "NA"]}
    again = train(folder / "loans.csv", "default", tmp_path / "other", config=run.path / "decisions.toml", seed=4)
    for name in ("pipeline.skops", "rows.parquet", "metrics.json", "run.json"):
        if name == "run.json":
            ours, theirs = dict(again.info), dict(run.info)
            assert ours.pop("dropped_columns") == dict.fromkeys(theirs.pop("dropped_columns"), "as told in --config")
            assert ours == theirs
        else:
            assert (again.path / name).read_bytes() == (run.path / name).read_bytes(), name


def test_an_edited_decision_has_its_effect(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        LINEAR + '[run]\npositive = 0\nname = "mine"\nnotice = "Take care."\n'
        '[columns.age]\nkind = "category"\nunit = "years"\n[columns.income]\nkind = "drop"\n'
    )
    run = train(folder / "loans.csv", "default", tmp_path / "out", config=tmp_path / "c.toml")
    by_name = {feature.name: feature for feature in run.features}
    assert (by_name["age"].type, by_name["age"].unit) == ("category", "years")
    assert "income" not in by_name
    assert (run.info["name"], run.info["positive"], run.info["threshold"]["class"]) == ("mine", 0, 0)
    report = (run.path / "report.html").read_text()
    assert "Take care." in report
    labels = run.estimator.predict(run.X)
    np.testing.assert_array_equal(labels == 0, run.estimator.predict_proba(run.X)[:, 0] >= run.estimator.threshold)


@pytest.mark.parametrize("form", ["numbers only", "categories only"])
def test_parquet_and_tables_of_one_kind(form: str, tmp_path: Path) -> None:
    frame = applicants(400)
    used = ["amount", "years"] if form == "numbers only" else ["grade", "purpose"]
    frame["late"] = frame["default"].astype(bool)
    frame[[*used, "late"]].to_parquet(tmp_path / "t.parquet")
    (tmp_path / "small.toml").write_text(FEW)
    run = train(tmp_path / "t.parquet", "late", tmp_path / "run", config=tmp_path / "small.toml")
    assert run.info["classes"] == [False, True]
    assert run.info["positive"] is True
    assert run.estimator.predict(run.X).dtype == bool


def test_regression_and_rows_without_a_target(tmp_path: Path) -> None:
    frame = applicants(300)
    frame["price"] = frame["amount"] * 2.5 + 1
    frame.loc[:9, "price"] = np.nan
    frame.drop(columns="amount").to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "small.toml").write_text(SMALL + "log_target = false\n[split]\nfolds = 2\n")
    run = train(tmp_path / "t.csv", "price", tmp_path / "run", config=tmp_path / "small.toml")
    assert (run.info["task"], run.info["classes"], run.info["threshold"]) == ("regression", None, None)
    assert run.info["rows"]["dropped_without_target"] == 10
    assert isinstance(run.estimator, Pipeline)
    material = material_from_file(tmp_path / "t.csv", "price", Config(), "run", None)
    test = split_rows(material.target.y, "regression", 0).test
    expected = r2_score(material.target.y[test], run.estimator.predict(material.X.iloc[test]))
    assert run.metrics["test"]["r2"] == pytest.approx(expected, abs=1e-12)


def test_three_classes_of_text(tmp_path: Path) -> None:
    frame = applicants(400)
    frame["grade"] = frame["grade"].where(frame["grade"].isin(["A", "B"]), "worse")
    frame.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "small.toml").write_text(FEW)
    run = train(tmp_path / "t.csv", "grade", tmp_path / "run", config=tmp_path / "small.toml")
    assert run.info["classes"] == ["A", "B", "worse"]
    assert run.info["threshold"] is None
    assert np.sum(run.metrics["test"]["confusion"]) == 80
    compared = run.metrics["cross_validation"]
    assert run.info["chosen"] == min(compared, key=lambda name: compared[name]["log_loss"]["mean"])


def test_the_report_stands_alone(run: Run) -> None:
    report = (run.path / "report.html").read_text()
    for outside in ("src=", 'href="http', "url(", "<script", "@import"):
        assert outside not in report.replace("url(#", "")
    for name in ("interest", "ownership", "counts up by one", "ROC curve", "Calibration"):
        assert name in report
    assert "nan" not in report.split("<h2>Columns")[0].replace("finance", "")


def test_a_write_that_fails_leaves_the_earlier_run(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    write_folder(out, {"run.json": b'{"selfsame_run": 1}'})
    with pytest.raises(OSError, match=r"(Not a directory|File exists)"):
        write_folder(out, {"run.json": b"{}", "a": b"", "a/b": b""})
    assert contents(tmp_path) == {"run/run.json": b'{"selfsame_run": 1}'}


def test_a_damaged_foreign_or_newer_run_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="A run is a folder"):
        read_run(tmp_path)
    whole = contents(run.path)
    (tmp_path / "candidates").mkdir()
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "rows.parquet").write_bytes(whole["rows.parquet"][:100])
    with pytest.raises(TrainError, match="complete and unchanged"):
        read_run(tmp_path)
    (tmp_path / "run.json").write_bytes(json.dumps({**run.info, "selfsame_run": 2}).encode())
    with pytest.raises(TrainError, match="reads run format 1"):
        read_run(tmp_path)


def test_progress_ends_where_it_says(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(LINEAR)
    seen: dict[str, tuple[int, int]] = {}
    shown = []
    train(
        folder / "loans.csv",
        "default",
        tmp_path / "run",
        config=tmp_path / "c.toml",
        progress=lambda what, done, total: seen.update({what: (done, total)}),
        on_material=shown.append,
    )
    assert all(done == total for done, total in seen.values())
    assert list(seen) == [
        "read the table",
        "cross-validate",
        "refit on train and validation",
        "judge on the test rows",
        "write the run",
    ]
    assert {decision.name for decision in shown[0].decisions} == set(applicants(1).columns)
