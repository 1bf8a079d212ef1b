"""The comparison on a Dask cluster: a real scheduler and two workers in processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from train.compare import How
from train.demo import loan_case
from train.fit import train

pytest.importorskip("distributed")
pytestmark = pytest.mark.usefixtures("no_plots")
ROOT = Path(__file__).parents[1]
CONFIG = "[candidates]\nnames = ['linear', 'boosting']\nrounds = 5\n"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Run a scheduler and two workers of one thread each; give the address and the workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    plain = ["--host", "127.0.0.1", "--no-dashboard"]
    worker = [address, *plain, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder / "dask")]
    commands = [["scheduler", *plain, "--port", str(port)], ["worker", *worker], ["worker", *worker]]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "dask", *command], env=environment, stderr=subprocess.DEVNULL, cwd=folder
        )
        for command in commands
    ]
    try:
        wait_for_workers(address)
        yield address, started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def wait_for_workers(address: str) -> None:
    from distributed import Client

    with Client(address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dask")
    case = loan_case(300, seed=3)
    case.X.assign(default=case.y).to_csv(path / "loans.csv", index=False)
    (path / "c.toml").write_text(CONFIG)
    return path


def test_a_cluster_gives_the_same_bytes_also_when_a_worker_is_killed(folder: Path, tmp_path: Path) -> None:
    train(folder / "loans.csv", "default", folder / "loan", config=folder / "c.toml")
    killed: list[int] = []
    with cluster(tmp_path) as (address, workers):

        def kill_one(what: str, done: int, total: int) -> None:
            if what == "cross-validate" and done >= 3 and not killed:
                os.kill(workers[0].pid, signal.SIGKILL)
                killed.append(done)

        train(
            folder / "loans.csv",
            "default",
            tmp_path / "loan",
            config=folder / "c.toml",
            progress=kill_one,
            how=How(scheduler=address),
        )
        assert workers[0].wait(10) == -signal.SIGKILL
        assert workers[1].poll() is None
    assert killed
    assert killed[0] < 10, "the worker died in the middle"
    assert contents(tmp_path / "loan") == contents(folder / "loan")
