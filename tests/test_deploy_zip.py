"""The package as a zip file: small, for one machine, and the same bytes each time."""

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.budgets import BUDGETS, Size, broken, size_of
from deploy.elf import machine_of
from deploy.package import OLDEST, build_package
from deploy.pythons import RUNTIME_PYTHON, lambda_python
from deploy.trim import DISTRIBUTIONS, Engine, libraries
from deploy.wheels import ROOT, Arch
from selfsame import main
from tests.bundle_factory import make_bundle

KINDS: list[tuple[Arch, Engine]] = [("x86_64", "capi"), ("arm64", "capi"), ("x86_64", "binding"), ("arm64", "binding")]
CASES = [pytest.param(*kind, marks=[pytest.mark.slow] if kind[1] == "binding" else []) for kind in KINDS]
Zips = Callable[[Arch, Engine], Path]

BUILD_AGAIN = """
import os, sys
os.umask(0o077)
from pathlib import Path
from deploy.package import build_package
build_package(Path(sys.argv[1]), Path(sys.argv[2]), arch=sys.argv[3], engine=sys.argv[4], python=sys.argv[5])
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("package") / "tiny")


def digest(file: Path) -> str:
    """A file's SHA-256."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def checksums(archive: Path) -> dict[str, int]:
    """The CRC of each file in a zip file."""
    with zipfile.ZipFile(archive) as content:
        return {entry.filename: entry.CRC for entry in content.infolist()}


def unpacked(archive: Path, folder: Path) -> Path:
    """A zip file's content as a folder."""
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def zips(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Zips:
    """The zip file for an architecture and an engine, made once."""
    folder = tmp_path_factory.mktemp("zips")

    @functools.cache
    def built(arch: Arch, engine: Engine) -> Path:
        out = folder / f"{arch}-{engine}.zip"
        return build_package(bundle, out, arch=arch, engine=engine, python=lambda_python())

    return built


@pytest.mark.parametrize(("arch", "engine"), CASES)
def test_a_zip_file_keeps_its_budget(zips: Zips, arch: Arch, engine: Engine) -> None:
    assert broken({(arch, engine): size_of(zips(arch, engine))}) == []


@pytest.mark.parametrize(("arch", "engine"), CASES)
def test_a_zip_file_holds_libraries_of_the_machine_in_order_without_times(
    tmp_path: Path, zips: Zips, arch: Arch, engine: Engine
) -> None:
    found = libraries(unpacked(zips(arch, engine), tmp_path))
    assert {machine_of(path.read_bytes()) for path in found} == {arch}
    names = {path.name.partition(".")[0] for path in found}
    assert (names == {"libonnxruntime", "ujson"}) == (engine == "capi")
    tag = f"cpython-{lambda_python().replace('.', '')}"
    assert {path.name.split(".")[1].rsplit("-", 3)[0] for path in found if ".cpython-" in path.name} <= {tag}
    with zipfile.ZipFile(zips(arch, engine)) as archive:
        order = [entry.filename for entry in archive.infolist()]
        assert order == sorted(order)
        assert {(entry.date_time, entry.external_attr >> 16) for entry in archive.infolist()} == {(OLDEST, 0o100644)}


def test_a_package_over_its_budget_is_reported() -> None:
    over = {("x86_64", "binding"): Size(72_000_001, 24_000_000), ("arm64", "capi"): Size(1, 25_000_000)}
    messages = broken(over)
    assert len(messages) == 2
    assert "72.0 MB" in messages[0]
    assert all(
        BUDGETS["arm64", engine].unzipped < BUDGETS["x86_64", engine].unzipped
        and BUDGETS["arm64", engine].zipped < BUDGETS["x86_64", engine].zipped
        for engine in DISTRIBUTIONS
    )


@pytest.mark.parametrize(("arch", "engine"), [case for case in CASES if case.values[0] == "x86_64"])
def test_the_same_inputs_give_the_same_zip_in_another_process_folder_and_mask(
    tmp_path: Path, bundle: Path, zips: Zips, arch: Arch, engine: Engine
) -> None:
    again = tmp_path / "other-name.zip"
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name in {"PATH", "HOME"}}
    env = kept | {"TMPDIR": str(tmp_path), "PYTHONHASHSEED": "7", "LANG": "C", "PYTHONPATH": str(ROOT)}
    shutil.copytree(bundle, tmp_path / "copied")
    words = [sys.executable, "-c", BUILD_AGAIN, str(tmp_path / "copied"), str(again), arch, engine, lambda_python()]
    subprocess.run(words, cwd=tmp_path, env=env, check=True)
    assert checksums(again) == checksums(zips(arch, engine))
    assert digest(again) == digest(zips(arch, engine))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copied", "other-name.zip"]


def test_another_bundle_gives_another_zip_by_the_command_too(
    tmp_path: Path, zips: Zips, capsys: pytest.CaptureFixture[str]
) -> None:
    other, out = make_bundle(tmp_path / "other", task="regression"), tmp_path / "other.zip"
    words = ["package", str(other), "--out", str(out), "--arch", "arm64", "--engine", "capi", "--no-bytecode"]
    assert main(words) == 0
    assert re.fullmatch(rf"{re.escape(str(out))}: 2\d\.\d MB for arm64, 1\d\.\d MB zipped\n", capsys.readouterr().out)
    files, others = checksums(out), checksums(zips("arm64", "capi"))
    assert files["bundle/manifest.json"] != others["bundle/manifest.json"]
    assert files["lambda_handler/app.py"] == others["lambda_handler/app.py"]
    with zipfile.ZipFile(out) as archive:
        built = json.loads(archive.read("build.json"))
    assert built == {"arch": "arm64", "engine": "capi", "python": RUNTIME_PYTHON, "bytecode": None}
    assert main(words) == 2
    assert "is there. Name another one" in capsys.readouterr().err
