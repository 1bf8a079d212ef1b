"""The arm64 package answers as the original does, run by QEMU with an arm64 Python 3.13. Run by `make arm64`."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.emulator import ENVIRONMENT
from deploy.events import function_url_event
from deploy.lambda_replay import answer_rows
from deploy.package import build_package
from deploy.trim import DISTRIBUTIONS
from deploy.wheels import ROOT
from export import export_bundle
from lambda_handler.bundle import read_bundle
from lambda_handler.golden import compare
from tests.bundle_factory import make_bundle
from train.demo import loan_case
from train.fit import train_frame
from train.store import load_estimator

MACHINE = ROOT / "build" / "arm64"
SERVE = """
import json, platform, sys
sys.path[:0] = sys.argv[1:]
from lambda_handler.app import handler
print(json.dumps([platform.machine(), sys.version.split()[0]]), flush=True)
for line in sys.stdin:
    print(json.dumps(handler(json.loads(line), None)), flush=True)
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (MACHINE / ".ready").exists(), reason="no arm64 machine here: make arm64 fetches it"),
]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Some made-up ones, and each candidate of the simulated loan table."""
    folder = tmp_path_factory.mktemp("bundles")
    run = train_frame(loan_case(), folder / "run")
    loans = {
        name: export_bundle(load_estimator(path), run.X, folder / name, effort="quick")
        for name, path in run.candidates.items()
    }
    return loans | {task: make_bundle(folder / task, task=task) for task in ("classification", "several", "values")}


@contextmanager
def machine(package: Path) -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
    """The package's handler, in a process of the other machine."""
    python = MACHINE / "root" / "usr" / "bin" / "python3.13"
    words = [MACHINE / "qemu-aarch64", "-L", MACHINE / "root", python, "-I", "-S", "-B", "-c", SERVE, package]
    with subprocess.Popen(
        list(map(str, words)), env=ENVIRONMENT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        source, sink = process.stdout, process.stdin
        hello = json.loads(source.readline() or '["nothing", "it ended"]')
        assert (hello[0], hello[1].rpartition(".")[0]) == ("aarch64", "3.13")

        def call(event: dict[str, Any]) -> dict[str, Any]:
            sink.write(json.dumps(event) + "\n")
            sink.flush()
            response: dict[str, Any] = json.loads(source.readline())
            return response

        yield call
        sink.close()
    assert process.returncode == 0


@pytest.mark.parametrize("engine", sorted(DISTRIBUTIONS))
def test_an_arm64_package_replays_the_golden_rows(tmp_path: Path, bundles: dict[str, Path], engine: Any) -> None:
    for name, bundle in bundles.items():
        package = build_package(bundle, tmp_path / name, arch="arm64", engine=engine)
        opened = read_bundle(bundle)
        golden = list(opened.golden())
        with machine(package) as call:
            health = call(function_url_event("GET", "/health"))
            answers = answer_rows(call, [line["row"] for line in golden])
        strata = compare(opened.contract, golden, answers)
        assert health["statusCode"] == 200, health
        assert len(golden) > 10
        assert [stratum for stratum, found in strata.items() if not found.holds] == []
        print(f"{name}, {engine}: {len(golden)} golden rows hold on arm64")  # noqa: T201 - what is shown


def test_a_package_for_another_machine_does_not_run_there(tmp_path: Path, bundles: dict[str, Path]) -> None:
    package = build_package(bundles["values"], tmp_path / "x86", arch="x86_64")
    with pytest.raises(AssertionError, match="nothing"), machine(package):
        pytest.fail("it ran")


def test_a_wrong_answer_would_be_seen(tmp_path: Path, bundles: dict[str, Path]) -> None:
    package = build_package(bundles["values"], tmp_path / "wrong", arch="arm64", engine="capi")
    opened = read_bundle(bundles["classification"])
    golden = list(opened.golden())
    with machine(package) as call:
        strata = compare(opened.contract, golden, answer_rows(call, [line["row"] for line in golden]))
    assert not all(found.holds for found in strata.values())
