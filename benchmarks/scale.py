"""What explore and train cost as rows grow: seconds and peak memory per step, on generated tables of 30 columns.

python -m benchmarks.scale [--rows 10000 100000 1000000 5000000] [--out docs/scale.md]

Each command runs in a process of its own that may have 16 GiB of addresses and not a byte more. 1 where one failed, or
where it told processor seconds that were wrong by more than a factor of two.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.scale_report import report
from benchmarks.scale_run import Measured, measure
from benchmarks.scale_table import TARGET, write_table

ROOT = Path(__file__).parents[1]
ROWS = (10_000, 100_000, 1_000_000, 5_000_000)
LIMIT = 16 * 2**30  # bytes of address space
RIGHT = 2.0  # the factor by which a time that is told may be wrong
PROJECT = """\
[candidates]
names = ["linear", "boosting"]
rounds = 50
[split]
folds = 2
[prepare]
dates = ["opened"]
[columns.contacts]
missing = ["", "999.0"]
"""


def command_of(what: str, data: Path, folder: Path) -> list[str]:
    """Return the words of the command that a person would type."""
    words = [sys.executable, "-m", "selfsame", what, str(data), "--target", TARGET]
    if what == "explore":
        return [*words, "--out", str(folder / f"explored-{data.stem}")]
    project = folder / "project.toml"
    project.write_text(PROJECT)
    return [*words, "--config", str(project), "--out", str(folder / f"run-{data.stem}")]


def wrong(found: Measured) -> str | None:
    """Return what is wrong with a measurement, None where all is well."""
    if found.code:
        return f"exit code {found.code}: {' / '.join(found.lines[-3:])}"
    if found.told and found.rest and not found.rest[1] / RIGHT <= found.told[1] <= found.rest[1] * RIGHT:
        return f"it said {found.told[1]:,.0f} s of a processor and took {found.rest[1]:,.0f} s"
    return None


def main() -> int:
    """Measure what is not among the figures yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--commands", nargs="+", choices=["explore", "train"], default=["explore", "train"])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "scale", help="tables, runs, figures.json")
    parser.add_argument("--out", type=Path, help="the page to write")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    kept = arguments.folder / "figures.json"
    figures: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() else {}
    for rows in sorted(arguments.rows):
        data = arguments.folder / f"{rows}.parquet"
        if not data.is_file():
            write_table(data.with_suffix(".part"), rows)
            data.with_suffix(".part").rename(data)
        for what in arguments.commands:
            if f"{what} {rows}" not in figures:
                found = measure(command_of(what, data, arguments.folder), ROOT, LIMIT)
                figures[f"{what} {rows}"] = found.to_json() | {"bytes": data.stat().st_size}
                kept.write_text(json.dumps(figures, indent=1))
            found = Measured(**{name: value for name, value in figures[f"{what} {rows}"].items() if name != "bytes"})
            print(
                f"{what:>8} {rows:>9,} rows: {found.seconds:,.0f} s, {found.peak / 2**30:.2f} GiB at most", flush=True
            )
    if arguments.out:
        arguments.out.write_text(report(figures, PROJECT, LIMIT, os.cpu_count() or 1), encoding="utf-8")
    faults = {name: why for name, each in figures.items() if (why := wrong(Measured(
        **{key: value for key, value in each.items() if key != "bytes"})))}  # fmt: skip
    for name, why in faults.items():
        print(f"{name}: {why}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
