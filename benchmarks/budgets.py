"""The package's bytes, held against their budgets: both architectures, both engines. Run by `make budgets`.

MB are 10^6 bytes, as Lambda's own limits are not (they are 2^20: 250 unzipped, 50 zipped).
"""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.table import Table

from deploy.package import build_package, package_bytes
from deploy.pythons import RUNTIME_PYTHON
from deploy.trim import DISTRIBUTIONS, Engine
from deploy.wheels import Arch, install_wheels

MB = 1_000_000


@dataclass(frozen=True)
class Size:
    """Bytes of a package, and of its zip file."""

    unzipped: int
    zipped: int


# With a bundle of at most 0.7 MB inside.
BUDGETS: Mapping[tuple[Arch, Engine], Size] = {
    ("x86_64", "binding"): Size(72 * MB, 25 * MB),
    ("arm64", "binding"): Size(64 * MB, 23 * MB),
    ("x86_64", "capi"): Size(32 * MB, 13 * MB),
    ("arm64", "capi"): Size(28 * MB, 12 * MB),
}


def main() -> int:
    """Print the table; 1 where a budget is broken."""
    with tempfile.TemporaryDirectory(prefix="selfsame-budgets-") as name:
        folder = Path(name)
        bundle = Path(sys.argv[1]) if len(sys.argv) > 1 else _loan_bundle(folder)
        sizes = {
            (arch, engine): size_of(build_package(bundle, folder / f"{arch}-{engine}.zip", arch=arch, engine=engine))
            for arch, engine in BUDGETS
        }
        whole = {arch: _wheels_bytes(folder / arch, arch) for arch in get_args(Arch)}
        carried = package_bytes(bundle)
    console = Console()
    title = f"{carried / MB:.2f} MB of bundle inside"
    table = Table("architecture", "engine", "MB", "budget", "MB zipped", "budget", title=title)
    for arch, unzipped in whole.items():
        table.add_row(arch, "the wheels as they are", f"{unzipped / MB:.1f}")
    for (arch, engine), size in sizes.items():
        budget = BUDGETS[arch, engine]
        figures = (size.unzipped, budget.unzipped, size.zipped, budget.zipped)
        table.add_row(arch, engine, *(f"{figure / MB:.1f}" for figure in figures))
    console.print(table)
    problems = broken(sizes)
    for problem in problems:
        console.print(problem)
    return int(bool(problems))


def size_of(package: Path) -> Size:
    """The bytes of a package's zip file, and of what is in it."""
    return Size(package_bytes(package), package.stat().st_size)


def broken(sizes: Mapping[tuple[Arch, Engine], Size]) -> list[str]:
    """One sentence per package that is over its budget."""
    found = []
    for (arch, engine), size in sizes.items():
        budget = BUDGETS[arch, engine]
        if size.unzipped > budget.unzipped or size.zipped > budget.zipped:
            got = f"{size.unzipped / MB:.1f} MB, {size.zipped / MB:.1f} MB zipped"
            most = f"{budget.unzipped / MB:.1f} MB, {budget.zipped / MB:.1f} MB zipped"
            found.append(f"The package for {arch} with the engine {engine} is over its budget: {got}; at most {most}.")
    return found


def _wheels_bytes(folder: Path, arch: Arch) -> int:
    """The bytes of all that the pins install, for Lambda's Python."""
    install_wheels(DISTRIBUTIONS["binding"], folder, arch=arch, python=RUNTIME_PYTHON)
    return package_bytes(folder)


def _loan_bundle(folder: Path) -> Path:
    """The simulated loan table's best model."""
    from export import export_bundle
    from train.demo import loan_case
    from train.fit import train_frame

    run = train_frame(loan_case(), folder / "run")
    return export_bundle(run.estimator, run.X, folder / "loan")


if __name__ == "__main__":
    sys.exit(main())
