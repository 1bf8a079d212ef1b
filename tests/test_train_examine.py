"""`selfsame examine`, `compare` and `reproduce`: on real runs, by definition, and on what they must refuse."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.inspection import partial_dependence as sklearn_dependence
from sklearn.metrics import mean_squared_error, roc_auc_score

import selfsame
from export.describe import FLOOR
from export.held_out import public
from train.backtest import back_test
from train.compare_runs import compare_runs, comparison_text
from train.demo import loan_case
from train.errors import TrainError
from train.evaluate import fit_pipeline
from train.examine import examine
from train.fit import train
from train.folder import as_json
from train.importance import mean_loss, partial_dependence, permutation_importance
from train.paired import corrected_t, mcnemar, paired_bootstrap
from train.record import judged_run, read_record
from train.reproduce import file_difference, reproduce, reproduction_text
from train.run import Run, read_run
from train.store import dump_estimator, load_estimator

pytestmark = pytest.mark.usefixtures("no_plots")
PROJECT = """
[candidates]
names = ["linear"]
[split]
folds = 3
[costs]
false_positive = 1
false_negative = 5
[problem]
decision = "Who gets a loan."
[columns.age]
sensitive = true
[columns.grade]
sensitive = true
kind = "drop"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("examine")
    case = loan_case(900, seed=3)
    case.X.assign(default=case.y).to_csv(path / "loans.csv", index=False)
    (path / "project.toml").write_text(PROJECT)
    (path / "weak.toml").write_text(PROJECT + "".join(f'[columns.{c}]\nkind = "drop"\n' for c in ("amount", "years")))
    return path


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return train(folder / "loans.csv", "default", folder / "loan", config=folder / "project.toml", seed=4)


@pytest.fixture(scope="module")
def weak(folder: Path) -> Run:
    return train(folder / "loans.csv", "default", folder / "weak", config=folder / "weak.toml", seed=4)


def test_a_run_keeps_the_rows_that_it_held_out(run: Run, folder: Path) -> None:
    record = read_record(run)
    table = pd.read_csv(folder / "loans.csv")
    assert record.row.tolist() == list(range(900))
    np.testing.assert_array_equal(record.y, table["default"])
    assert record.X["income"].tolist() == pytest.approx(table["income"].tolist(), nan_ok=True)
    assert record.aside["grade"].fillna("").tolist() == table["grade"].fillna("").tolist(), "dropped, but kept aside"
    judged = judged_run(run)
    assert roc_auc_score(judged.y, judged.chance) == pytest.approx(run.metrics["test"]["roc_auc"])
    assert run.metrics["held_out"]["scores"]["roc_auc"]["value"] == pytest.approx(run.metrics["test"]["roc_auc"])
    (folder / "torn").mkdir()
    for file in ("run.json", "metrics.json", "features.json", "rows.parquet", "pipeline.skops", "outcomes.parquet"):
        shutil.copy(run.path / file, folder / "torn" / file)
    with pytest.raises(TrainError, match=r"must hold the rows that were held out.*test\.parquet"):
        read_record(read_run(folder / "torn"))


def test_an_examination_says_all_of_it_in_one_page(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert selfsame.main(["examine", str(run.path), "--out", str(folder / "seen"), "--along-rows"]) == 0
    assert "Private" in capsys.readouterr().out
    told = json.loads((folder / "seen" / "examine.json").read_text())
    assert {"scores", "calibration", "slices", "fairness", "confusion", "importance", "dependence", "back_test"} <= set(
        told
    )
    assert [column["column"] for column in told["fairness"]] == ["age", "grade"]
    assert told["confusion"]["cost"] == pytest.approx(told["scores"]["cost"]["value"])
    assert told["mistakes"][0]["loss"] >= told["mistakes"][1]["loss"]
    assert told["back_test"]["along"] == "the order of the rows"
    page = (folder / "seen" / "examine.html").read_text()
    links = re.findall(r'(?:src|href)="([^"]*)', page)
    assert [link for link in links if not link.startswith("#")] == [], "nothing is loaded from anywhere"
    for words in ("Where it does worst", "Fairness", "What it leans on", "Along time", "The worst mistakes", "private"):
        assert words in page
    assert examine(run.path) == run.path / "examine"
    again = (run.path / "examine" / "examine.json").read_bytes()
    assert again == as_json({**told, "back_test": None}), "the same figures again, and no order of rows unless told"


def test_the_training_report_points_to_the_examination(run: Run) -> None:
    report = (run.path / "report.html").read_text()
    assert "<code>selfsame examine</code> writes them into this run" in report
    assert "Worse than the rest beyond chance" in report or "No group of rows" in report


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["examine", "nowhere"], "A run is a folder that selfsame train wrote. Got: nowhere."),
        (["compare", "nowhere", "elsewhere"], "A run is a folder that selfsame train wrote. Got: nowhere."),
        (["reproduce", "nowhere", "--data", "x.csv"], "A run is a folder that selfsame train wrote. Got: nowhere."),
    ],
)
def test_what_is_no_run_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert selfsame.main(words) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert "Traceback" not in told.err


def test_an_examination_overwrites_nothing_else(run: Run, folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(TrainError, match=r"--out must be a new folder.*notes\.txt"):
        examine(run.path, folder / "mine")
    assert [file.name for file in (folder / "mine").iterdir()] == ["notes.txt"]


def test_a_model_card_names_no_small_group(run: Run) -> None:
    told = public(run)
    assert told is not None
    assert told["problem"] == {"decision": "Who gets a loan."}
    assert told["costs"] == {"false_positive": 1, "false_negative": 5}
    told_of_few = json.loads(json.dumps(run.metrics))
    small = {"where": [["age", "= 97"]], "rows": FLOOR - 1, "loss": 9.0, "rest": 1.0, "p": 0.0, "q": 0.0}
    large = {**small, "where": [["age", "= 30"]], "rows": FLOOR}
    told_of_few["held_out"]["slices"]["slices"] = [small, large]
    told_of_few["held_out"]["fairness"][0]["groups"][0]["rows"] = FLOOR - 1
    cut = public(Run(run.path, run.estimator, run.X, run.features, run.info, told_of_few))
    assert cut is not None
    assert [each["where"] for each in cut["slices"]] == ["age = 30"]
    assert len(cut["fairness"][0]["groups"]) == len(told["fairness"][0]["groups"]) - 1
    assert "mistakes" not in json.dumps(told)


def test_importance_is_the_growth_of_the_loss(run: Run) -> None:
    judged = judged_run(run)
    told = permutation_importance(run.estimator, judged, seed=1)
    assert told["base"] == pytest.approx(judged.loss.mean())
    generator = np.random.default_rng(1)
    first = str(judged.X.columns[0])
    dealt = judged.X.assign(**{first: judged.X[first].to_numpy()[generator.permutation(len(judged.y))]})
    chance = run.estimator.predict_proba(dealt)[np.arange(len(judged.y)), judged.y]
    [found] = [column for column in told["columns"] if column["column"] == first]
    assert found["deals"][0] == pytest.approx(-np.log(chance).mean() - told["base"])
    assert told["columns"][0]["mean"] == max(column["mean"] for column in told["columns"])
    y, value = np.array([1.0, 4.0]), pd.DataFrame({"x": [2.0, 2.0]})

    class Same:
        def predict(self, X: pd.DataFrame) -> np.ndarray:
            return X["x"].to_numpy()

    assert mean_loss(Same(), value, y, None) == mean_squared_error(y, value["x"])


def test_partial_dependence_is_scikit_learns(run: Run) -> None:
    judged = judged_run(run)
    [curve, levels] = partial_dependence(run.estimator, judged, ["income", "ownership"], seed=0)
    X = judged.X
    assert curve["rows"] == len(X) == 180
    inner = run.estimator.estimator_
    grid = {"income": np.array(curve["values"])}
    expected = sklearn_dependence(inner, X, ["income"], kind="average", custom_values=grid, method="brute")
    np.testing.assert_allclose(curve["answers"], expected["average"][0])
    assert levels["values"][0] == judged.X["ownership"].value_counts().index[0]


def test_a_back_test_fits_on_the_past_alone(run: Run) -> None:
    record, judged = read_record(run), judged_run(run)
    order = np.arange(len(record.y))[::-1]  # the last row is the oldest
    told = back_test(run.estimator, record, order, judged, "roc_auc", blocks=3)
    assert [block["rows"] for block in told["blocks"]] == [300, 300]
    oldest = np.arange(899, 599, -1)
    model = fit_pipeline(run.estimator, record.X.iloc[oldest].reset_index(drop=True), record.y[oldest])
    last = np.arange(299, -1, -1)
    expected = roc_auc_score(record.y[last], model.predict_proba(record.X.iloc[last])[:, 1])
    assert told["blocks"][1]["old"]["value"] == pytest.approx(expected)
    assert told["blocks"][0]["old"] == told["blocks"][0]["fresh"]
    assert told["blocks"][1]["old"] != told["blocks"][1]["fresh"]


def test_a_run_split_along_time_is_tested_back_along_it(folder: Path) -> None:
    table = pd.read_csv(folder / "loans.csv")
    table.assign(day=np.arange(900)[::-1]).to_csv(folder / "dated.csv", index=False)
    (folder / "time.toml").write_text(
        "[candidates]\nnames = ['linear']\n[split]\ntime = 'day'\nfolds = 3\n[columns.day]\nkind = 'drop'\n"
    )
    run = train(folder / "dated.csv", "default", folder / "dated", config=folder / "time.toml")
    told = json.loads((examine(run.path) / "examine.json").read_text())["back_test"]
    assert told["along"] == "day"
    assert (told["blocks"][0]["from"], told["blocks"][-1]["to"]) == (150.0, 899.0)


def test_mcnemar_by_counting() -> None:
    one, other = np.array([True] * 6 + [False] * 4), np.array([True] * 5 + [False] + [True] * 4)
    told = mcnemar(one, other)  # 1 and 4 of 5: P(4 or more, or 1 or fewer, of 5 fair coins) = 12 / 32
    assert told == {"champion_only": 1, "challenger_only": 4, "p": pytest.approx(12 / 32)}
    assert mcnemar(one, one)["p"] == 1.0


def test_the_corrected_t_test_by_hand() -> None:
    differences = np.array([0.02, 0.01, 0.03, 0.00, 0.02])
    t = 0.016 / np.sqrt(np.var(differences, ddof=1) * (1 / 5 + 0.2 / 0.8))
    told = corrected_t(differences, 0.2)
    assert told["t"] == pytest.approx(t)
    assert told["p"] == pytest.approx(2 * stats.t.sf(t, 4))
    assert told["p"] > stats.ttest_1samp(differences, 0).pvalue, "folds share rows: it is more careful"
    assert corrected_t(np.zeros(5), 0.2)["p"] == 1.0


def test_a_weaker_challenger_is_not_better_and_a_stronger_one_is(
    run: Run, weak: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = judged_run(weak), judged_run(run)
    told = compare_runs(weak.path, run.path)
    generator = np.random.default_rng(20)
    drawn = []
    for _ in range(400):
        rows = generator.integers(0, 180, 180)
        drawn.append(
            roc_auc_score(second.y[rows], second.chance[rows]) - roc_auc_score(first.y[rows], first.chance[rows])
        )
    deciding = told["deciding"]
    assert [deciding["low"], deciding["high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]).tolist())
    assert told["better"] == deciding["better"] == (deciding["low"] > 0)
    assert told["labels"] == mcnemar(first.answer == first.y, second.answer == second.y)
    back = compare_runs(run.path, weak.path)
    assert back["deciding"]["difference"] == pytest.approx(-deciding["difference"])
    loss = compare_runs(run.path, weak.path, "log_loss")["deciding"]
    assert loss["difference"] == pytest.approx(loss["champion"] - loss["challenger"]), "less is better"
    folds = compare_runs(run.path, weak.path, "log_loss")["folds"]
    one, other = (each.metrics["cross_validation"]["linear"]["log_loss"]["mean"] for each in (run, weak))
    assert folds["mean"] == pytest.approx(one - other), "so it is over the folds"
    assert not compare_runs(run.path, run.path)["better"], "a run is not better than itself"
    assert selfsame.main(["compare", str(run.path), str(weak.path)]) == 1
    assert "The challenger is not better beyond chance." in capsys.readouterr().out
    oracle = paired_bootstrap(first, type(first)(**{**vars(first), "probability": np.eye(2)[first.y]}), "roc_auc")
    assert oracle["better"]
    assert "The challenger is better." in comparison_text({**told, "better": True})


def test_runs_on_other_rows_are_not_compared(run: Run, folder: Path) -> None:
    config = folder / "project.toml"
    other = train(folder / "loans.csv", "default", folder / "seed", config=config, seed=5)
    assert [column["column"] for column in other.metrics["held_out"]["fairness"]] == ["age", "grade"]
    with pytest.raises(TrainError, match=r"180 and 180 held-out rows, \d+ of them the same \(seeds 4 and 5\)"):
        compare_runs(run.path, other.path)
    shutil.copytree(run.path, folder / "grown")
    (folder / "grown" / "run.json").write_bytes(as_json({**run.info, "data_sha256": "0" * 64}))
    with pytest.raises(TrainError, match="another data SHA-256"):
        compare_runs(run.path, folder / "grown")
    with pytest.raises(TrainError, match=r"--score must be one that both runs have.*'speed'.*roc_auc"):
        compare_runs(run.path, run.path, "speed")
    with pytest.raises(TrainError, match="A run is a folder"):
        compare_runs(run.path, folder)


def test_a_run_is_reproduced_byte_for_byte(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert selfsame.main(["reproduce", str(run.path), "--data", str(folder / "loans.csv")]) == 0
    assert "Reproduced: every file is the same, byte for byte." in capsys.readouterr().out


def test_what_differs_is_told_file_by_file(run: Run, weak: Run, folder: Path) -> None:
    changed = folder / "changed"
    shutil.copytree(run.path, changed)
    metrics = json.loads((changed / "metrics.json").read_text())
    metrics["test"]["roc_auc"] += 0.125
    (changed / "metrics.json").write_text(json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    shutil.copy(weak.path / "test.parquet", changed / "test.parquet")
    shutil.copy(run.path / "pipeline.skops", changed / "other.skops")
    info = json.loads((changed / "run.json").read_text())
    info["versions"]["numpy"] = "1.0"
    (changed / "run.json").write_text(json.dumps(info, indent=2, ensure_ascii=False) + "\n")
    (changed / "notes.txt").write_text("mine")
    told = reproduce(changed, folder / "loans.csv")
    unlike = {name: how for name, how in told["files"].items() if how}
    assert set(unlike) == {"metrics.json", "notes.txt", "other.skops", "run.json", "test.parquet"}
    assert unlike["metrics.json"] == "1 values differ, first test.roc_auc, numbers by at most 0.125"
    assert unlike["notes.txt"] == "only in the run"
    assert told["versions"]["numpy"][0] == "1.0"
    assert not told["same"]
    assert "Not reproduced." in reproduction_text(told)


def test_models_and_tables_that_differ_are_told_by_how_much(run: Run, weak: Run, tmp_path: Path) -> None:
    X = run.X
    assert file_difference(weak.path / "test.parquet", run.path / "test.parquet", X) == "180 x 5 instead of 180 x 7"
    rows = pd.read_parquet(run.path / "rows.parquet")
    rows.loc[rows["income"].dropna().index[[3, 5]], "income"] += 1.0
    rows.to_parquet(tmp_path / "rows.parquet")
    assert file_difference(tmp_path / "rows.parquet", run.path / "rows.parquet", X) == "2 of 720 rows differ"
    moved = load_estimator(run.path / "pipeline.skops")
    moved.estimator_["model"].intercept_ += 1e-3
    (tmp_path / "pipeline.skops").write_bytes(dump_estimator(moved))
    apart = np.abs(moved.predict_proba(X) - run.estimator.predict_proba(X)).max()
    told = file_difference(tmp_path / "pipeline.skops", run.path / "pipeline.skops", X)
    assert told == f"answers to the fitted rows differ by at most {apart:.3g}"


def test_a_run_needs_its_own_table_to_be_reproduced(run: Run, folder: Path) -> None:
    with pytest.raises(TrainError, match=r"--data must name it.*SHA-256"):
        reproduce(run.path)
    with pytest.raises(TrainError, match="the very table"):
        reproduce(run.path, folder / "project.toml")
    with pytest.raises(TrainError, match="no such file"):
        reproduce(run.path, folder / "nowhere.csv")
