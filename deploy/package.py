"""Build what Lambda gets: pinned wheels, the handler's package and the bundle, without the source tree."""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from lambda_handler.bundle import read_bundle

Arch = Literal["x86_64", "arm64"]

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "requirements" / "lambda.txt"
RUNTIME_PYTHON = "3.13"  # template.yaml's Runtime
GLIBC_MINORS = (34, 28, 27, 17)  # Amazon Linux 2023 has glibc 2.34; wheels are tagged with what they need
MACHINES: dict[str, str] = {"x86_64": "x86_64", "arm64": "aarch64"}
UNUSED = ("tests", "__pycache__", "bin", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


class PackageError(RuntimeError):
    """A package that cannot be built: the rule, what was got, what to do."""

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        super().__init__(f"{rule}; {got}. {remedy}")


def build_package(bundle: Path, out: Path, *, arch: Arch = "x86_64", python: str = RUNTIME_PYTHON) -> Path:
    """Write exactly what Lambda gets into `out`.

    Args:
        bundle: a bundle folder; its digests are checked first.
        out: becomes the package; must not be there yet, or be an empty folder (as `sam build` makes it).
        arch: the function's architecture.
        python: the runtime's Python version, "3.13". Another one is for running the package on this machine.

    Returns:
        `out`.

    Raises:
        BundleError: the folder is no bundle, of another format, or a file has changed.
        PackageError: `out` holds files, the architecture is unknown, or pip cannot install a pinned wheel.
    """
    files = [*read_bundle(bundle).manifest["files"], "manifest.json"]
    if arch not in MACHINES:
        raise PackageError(f"The architecture is one of {', '.join(MACHINES)}", f"got {arch!r}", "Name one of these.")
    with _whole_or_nothing(out) as folder:
        shutil.copytree(_dependencies(arch, python), folder, copy_function=_link_or_copy, dirs_exist_ok=True)
        (folder / "lambda_handler").mkdir()
        for source in sorted((ROOT / "lambda_handler").glob("*.py")):
            shutil.copyfile(source, folder / "lambda_handler" / source.name)
        (folder / "bundle").mkdir()
        for name in files:
            shutil.copyfile(bundle / name, folder / "bundle" / name)
    return out


def package_bytes(package: Path) -> int:
    """The size of a package's files in bytes, unzipped (Lambda's limit is 250 MB)."""
    return sum(file.stat().st_size for file in package.rglob("*") if file.is_file())


def install_wheels(requirements: Path, target: Path, *, arch: Arch, python: str) -> None:
    """Install hash-pinned wheels for another machine into a folder, without their dependencies.

    Raises:
        PackageError: pip failed: a pin has no wheel for that machine, a hash differs, or no index is reached.
    """
    platforms = [f"manylinux_2_{minor}_{MACHINES[arch]}" for minor in GLIBC_MINORS]
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile", "--implementation=cp", "--quiet"]
    where = [f"--python-version={python}", *(f"--platform={name}" for name in platforms), f"--target={target}"]
    quiet = ["--disable-pip-version-check", "--no-warn-script-location", "--no-input"]
    command = [sys.executable, "-m", "pip", "install", *options, *quiet, *where, f"--requirement={requirements}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words and paths
    if result.returncode != 0:
        last = [line for line in result.stderr.splitlines() if line.startswith("ERROR")][-1:] or ["no message"]
        rule = f"Every pin of {requirements.name} must install for {arch} and Python {python}"
        raise PackageError(rule, f"pip says {last[0]}", "Check the network and the pins.")


@functools.cache
def _dependencies(arch: Arch, python: str) -> Path:
    """The installed and trimmed wheels, made once per process and removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="selfsame-package-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    install_wheels(REQUIREMENTS, folder / "site", arch=arch, python=python)
    for path in sorted((folder / "site").rglob("*")):
        if path.name in UNUSED and path.exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder / "site"


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


@contextmanager
def _whole_or_nothing(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when the block ends well, and goes when it does not."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        rule, remedy = "A package is written to a new or an empty folder", "Name another one, or remove it first."
        raise PackageError(rule, f"{out} is there and is not empty", remedy)
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield folder
        folder.replace(out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
