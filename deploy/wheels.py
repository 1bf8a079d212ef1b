"""Install what Lambda gets of other people's code: hash-pinned wheels for another machine, without Docker."""

import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Literal

Arch = Literal["x86_64", "arm64"]

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "requirements" / "lambda.txt"
GLIBC_MINORS = (34, 28, 27, 17)  # Amazon Linux 2023 has glibc 2.34; wheels are tagged with what they need
MACHINES: dict[str, str] = {"x86_64": "x86_64", "arm64": "aarch64"}


class PackageError(RuntimeError):
    """A package that cannot be built: the rule, what was got, what to do."""

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        super().__init__(f"{rule}; {got}. {remedy}")


def pins_of(requirements: Path) -> dict[str, str]:
    """The pins of a requirements file: per distribution its line with the hashes."""
    blocks = re.findall(r"^([\w.-]+)(==.*(?:\n .*)*)", requirements.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: f"{name}{rest}\n" for name, rest in blocks}


def install_wheels(names: Collection[str], target: Path, *, arch: Arch, python: str, pins: Path = REQUIREMENTS) -> None:
    """Install some of a file's pins into a folder, without their dependencies.

    Args:
        names: distributions, each of them pinned in `pins`.
        target: a folder, made where it is not there.
        arch: the machine they are for.
        python: the Python version they are for, such as "3.13".
        pins: a requirements file with hashes.

    Raises:
        PackageError: pip failed: a pin has no wheel for that machine, a hash differs, or no index is reached.
    """
    target.mkdir(parents=True, exist_ok=True)
    chosen = target.with_name(f"{target.name}.txt")
    chosen.write_text("".join(pins_of(pins)[name] for name in sorted(names)), encoding="utf-8")
    platforms = [f"manylinux_2_{minor}_{MACHINES[arch]}" for minor in GLIBC_MINORS]
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile", "--implementation=cp", "--quiet"]
    where = [f"--python-version={python}", *(f"--platform={name}" for name in platforms), f"--target={target}"]
    quiet = ["--disable-pip-version-check", "--no-warn-script-location", "--no-input"]
    command = [sys.executable, "-m", "pip", "install", *options, *quiet, *where, f"--requirement={chosen}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words and paths
    chosen.unlink()
    if result.returncode != 0:
        last = [line for line in result.stderr.splitlines() if line.startswith("ERROR")][-1:] or ["no message"]
        rule = f"Every pin of {pins.name} must install for {arch} and Python {python}"
        raise PackageError(rule, f"pip says {last[0]}", "Check the network and the pins.")
