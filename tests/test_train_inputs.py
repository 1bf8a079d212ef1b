"""Bad input to `train`: each refusal says the rule, what was got and what to do, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.config import ColumnSettings, read_config
from train.errors import TrainError, nearest
from train.fit import train
from train.table import read_table
from train.target import decide_target

DRAW = np.random.default_rng(0)
AMOUNTS = DRAW.permutation(100)


def table_text(target: list[str], extra: str = "") -> str:
    return f"amount,colour,paid{extra and ',x'}\n" + "".join(
        f"{AMOUNTS[row % 100]},{'red' if row % 3 else 'blue'},{label}{extra and ',' + extra}\n"
        for row, label in enumerate(target)
    )


def refused(tmp_path: Path, text: str, *, target: str = "paid", config: str | None = None) -> str:
    data = tmp_path / "data.csv"
    data.write_text(text)
    told = None
    if config is not None:
        told = tmp_path / "config.toml"
        told.write_text(config)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(TrainError) as caught:
        train(data, target, tmp_path / "run", config=told)
    assert sorted(path.name for path in tmp_path.iterdir()) == before, "a failed training leaves nothing behind"
    assert caught.value.rule in str(caught.value)
    assert caught.value.remedy in str(caught.value)
    return str(caught.value)


GOOD = table_text(["0", "1"] * 50)


def test_an_absent_target_names_the_nearest_column(tmp_path: Path) -> None:
    assert "Did you mean 'paid'?" in refused(tmp_path, GOOD, target="Piad")


def test_one_class_only(tmp_path: Path) -> None:
    assert "1 in all 100 rows" in refused(tmp_path, table_text(["1"] * 100))


def test_a_class_with_too_few_rows(tmp_path: Path) -> None:
    message = refused(tmp_path, table_text(["no"] * 95 + ["yes"] * 5))
    assert "5 of class 'yes'" in message
    assert "at least 10 rows" in message


def test_too_few_rows_and_a_target_without_values(tmp_path: Path) -> None:
    assert "20 rows" in refused(tmp_path, table_text(["0", "1"] * 10))
    assert "must have values" in refused(tmp_path, table_text([""] * 100))


def test_only_useless_columns(tmp_path: Path) -> None:
    rows = "".join(f"{row},,{row % 2}\n" for row in range(100))
    message = refused(tmp_path, "number,nothing,paid\n" + rows)
    assert "number: counts up by one" in message
    assert "nothing: every value is missing" in message


def test_a_free_text_target(tmp_path: Path) -> None:
    assert "at most 100 classes" in refused(tmp_path, table_text([f"text {row}" for row in range(150)]))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[colums]\n", "Did you mean 'columns'?"),
        ('[columns.amount]\nkid = "number"\n', "'kid' in [columns.amount]"),
        ('[columns.amount]\nkid = "number"\n', "Did you mean 'kind'?"),
        ('[columns.amount]\nkind = "nubmer"\n', "Did you mean 'number'?"),
        ('[columns.amuont]\nkind = "number"\n', "Did you mean 'amount'?"),
        ('[columns.amount]\nkind = "target"\n', "--target is 'paid'"),
        ('[columns.paid]\nkind = "number"\n', "must be of kind target"),
        ('[columns.colour]\nkind = "number"\n', "'blue' in data row 1"),
        ("[columns.amount]\nmissing = [999]\n", "must list texts"),
        ("[candidates]\ntrees = 0\n", "at least 1"),
        ("[candidates]\ntrees = true\n", "must be of type int"),
        ('[candidates]\nnames = ["forrest"]\n', "Did you mean 'forest'?"),
        ("[candidates]\nnames = []\n", "an empty list"),
        ("[run]\npositive = 2\n", "Choose one of [0, 1]"),
        ("[run]\npositive = true\n", "Choose one of [0, 1]"),
        ('[table]\ndelimiter = ",,"\n', "one character"),
        ("run = 3\n", "run must be a table"),
        ("[problm]\n", "Did you mean 'problem'?"),
        ("[costs]\nfalse_positve = 1\n", "Did you mean 'false_positive'?"),
        ("[costs]\nfalse_positive = -1\n", "at least 0"),
        ("[costs]\nfalse_positive = nan\n", "must be finite"),
        ('[budgets]\ntime = "soon"\n', "'soon'"),
        ("[split]\ntest = 0.9\n", "from 0.05 to 0.5"),
        ("[split]\nfolds = 1\n", "from 2 to 50"),
        ('[candidates]\nsearch = "optna"\n', "Did you mean 'optuna'?"),
        ('[prepare]\nratios = ["amount by colour"]\n', "amount / income"),
        ("[automation]\nabstain = [0.6, 0.4]\n", "must rise"),
        ("[automation]\nabstain = [0.6]\n", "must list 2"),
        ('[columns.amount]\nsensitive = "yes"\n', "must be of type bool"),
        ("[run\n", "valid TOML"),
    ],
)
def test_a_config_that_train_does_not_understand(tmp_path: Path, config: str, said: str) -> None:
    assert said in refused(tmp_path, GOOD, config=config)


def test_a_missing_config(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="must be a TOML file"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize("kind", ["file", "folder", "foreign run.json"])
def test_an_out_that_is_not_a_run_stays_as_it_is(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "run"
    if kind == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / ("run.json" if kind == "foreign run.json" else "thesis.txt")).write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    (tmp_path / "data.csv").write_text(GOOD)
    with pytest.raises(TrainError, match="--out must be a new folder or an earlier run"):
        train(tmp_path / "data.csv", "paid", out)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "data.csv"])


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["0", "1"], "classification", [0, 1]),
        (["0.0", "1.0"], "classification", [0, 1]),
        (["true", "FALSE"], "classification", [False, True]),
        (["no", "yes"], "classification", ["no", "yes"]),
        (["1", "2", "3", "4"], "classification", [1, 2, 3, 4]),
        ([str(number) for number in range(30)], "regression", None),
        (["0.5", "1"], "regression", None),
        (["1", "NA", "2"], "classification", [1, 2]),
        (["NA", "yes"], "classification", ["NA", "yes"]),
    ],
)
def test_the_task_and_the_type_of_the_classes(
    tmp_path: Path, values: list[str], task: str, classes: list[object] | None
) -> None:
    path = tmp_path / "data.csv"
    path.write_text(table_text((values * 100)[:120]))
    target = decide_target(read_table(path), "paid", ColumnSettings(), None)
    assert target.task == task
    assert target.classes == classes
    assert [type(label) for label in target.classes or []] == [type(label) for label in classes or []]


def test_the_nearest_name_ignores_case_and_gives_up_on_the_far() -> None:
    assert nearest("SALEPRICE", ["LotArea", "SalePrice"]) == "SalePrice"
    assert nearest("zzz", ["LotArea", "SalePrice"]) is None
