"""The promise itself: every candidate that `train` fits on the real tables answers the same in every runtime."""

import sys
from pathlib import Path

import pytest

from deploy.verdict import verdict_text
from deploy.verify import verify
from export import export_bundle
from train.fit import train

DATA = Path(__file__).parents[2] / "shared" / "data"
TABLES = {
    "loan": ("loan/loan.csv", "default"),
    "house": ("house/train.csv", "SalePrice"),
    "bank": ("bank/bank.csv", "y"),
}


QUICK = ("loan", "boosting")
CASES = [
    pytest.param(table, candidate, marks=[] if (table, candidate) == QUICK else pytest.mark.slow)
    for table in TABLES
    for candidate in ("boosting", "linear", "forest")
]


@pytest.mark.usefixtures("no_plots")
@pytest.mark.parametrize(("table", "candidate"), CASES)
def test_every_candidate_is_exact_in_every_runtime(table: str, candidate: str, tmp_path: Path) -> None:
    file, target = TABLES[table]
    if not (DATA / file).is_file():
        pytest.skip(f"the real table {file} is not on this machine")
    (tmp_path / "config.toml").write_text(f"[candidates]\nnames = ['{candidate}']\n[split]\nfolds = 2\n")
    run = train(DATA / file, target, tmp_path / table, config=tmp_path / "config.toml")
    bundle = export_bundle(run.estimator, run.X, tmp_path / f"{table}-{candidate}")
    verdict = verify(bundle)
    sys.stdout.write(f"{verdict_text(verdict)}\n")
    assert verdict.holds
    assert verdict.apart["python = lambda"] == verdict.apart["node = js"] == []
