"""Real tables, where they are there: their columns are taken for what they are, and the scores are honest."""

from __future__ import annotations

from pathlib import Path

import pytest

from train.config import Config
from train.fit import train
from train.material import Material, material_from_file

DATA = Path(__file__).parents[2] / "shared" / "data"

TABLES = {
    "loan": ("loan/loan.csv", "default"),
    "house": ("house/train.csv", "SalePrice"),
    "bank": ("bank/bank.csv", "y"),
}


def material(name: str) -> Material:
    file, target = TABLES[name]
    if not (DATA / file).is_file():
        pytest.skip(f"the real table {file} is not beside this checkout (looked in {DATA})")
    return material_from_file(DATA / file, target, Config(), name, None)


def kinds(found: Material) -> dict[str, str]:
    return {decision.name: decision.kind for decision in found.decisions}


def test_loan() -> None:
    found = material("loan")
    assert found.target.classes == [0, 1]
    assert kinds(found)["years"] == "integer"
    assert found.X["years"].isna().sum() == 809
    assert found.X["interest"].isna().sum() == 2776
    assert found.X.shape == (29092, 7)


def test_house() -> None:
    found = material("house")
    taken = kinds(found)
    assert found.target.task == "regression"
    assert set(found.dropped_columns) == {"Id"}
    assert found.X["LotFrontage"].isna().sum() == 259
    assert (found.X["Alley"] == "NA").sum() == 1369
    assert (found.X["MasVnrType"] == "None").sum() == 864
    assert taken["1stFlrSF"] == "integer"
    assert taken["PoolQC"] == "category"
    assert found.X.shape == (1460, 79)


def test_bank() -> None:
    found = material("bank")
    assert found.config.table.delimiter == ";"
    assert found.target.classes == ["no", "yes"]
    assert (found.X["default"] == "unknown").sum() == 8597
    assert found.X.shape == (41188, 20)


@pytest.mark.slow
def test_an_honest_score_on_the_loan_table(tmp_path: Path) -> None:
    material("loan")
    (tmp_path / "c.toml").write_text('[candidates]\nnames = ["linear"]\n')
    run = train(DATA / "loan/loan.csv", "default", tmp_path / "run", config=tmp_path / "c.toml")
    assert 0.62 < run.metrics["test"]["roc_auc"] < 0.69, "about 0.65 is honest; much more means leakage"
