"""The promise itself: every candidate that `train` fits on the real tables answers the same in every runtime."""

import sys
from pathlib import Path

import pytest

from deploy.verdict import verdict_text
from deploy.verify import verify
from export import export_bundle
from train.fit import train
from train.run import Run
from train.store import load_estimator

DATA = Path(__file__).parents[2] / "shared" / "data"
TABLES = {
    "loan": ("loan/loan.csv", "default"),
    "house": ("house/train.csv", "SalePrice"),
    "bank": ("bank/bank.csv", "y"),
}


@pytest.fixture(scope="module", params=TABLES)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    file, target = TABLES[request.param]
    if not (DATA / file).is_file():
        pytest.skip(f"the real table {file} is not on this machine")
    return train(DATA / file, target, tmp_path_factory.mktemp("runs") / request.param)


@pytest.mark.parametrize(
    "candidate",
    ["boosting", pytest.param("linear", marks=pytest.mark.slow), pytest.param("forest", marks=pytest.mark.slow)],
)
def test_every_candidate_is_exact_in_every_runtime(run: Run, candidate: str, tmp_path: Path) -> None:
    estimator = load_estimator(run.candidates[candidate])
    bundle = export_bundle(estimator, run.X, tmp_path / f"{run.info['name']}-{candidate}")
    verdict = verify(bundle)
    sys.stdout.write(f"{verdict_text(verdict)}\n")
    assert verdict.holds
    assert verdict.apart["python = lambda"] == verdict.apart["node = js"] == []
