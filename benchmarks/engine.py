"""The two engines side by side: onnxruntime's Python binding with NumPy, and its C interface through ctypes alone.

Run by `make engine`. Each engine's package is built as Lambda gets it and run by the runtime's own
Python: fresh processes that take turns, 15 each, medians. One thread everywhere; times are the process's CPU, so that a
busy machine matters less.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.events import function_url_event
from deploy.package import build_package, package_bytes
from deploy.pythons import RUNTIME_PYTHON, find_python
from deploy.trim import Engine
from export import export_bundle
from train.demo import loan_case
from train.fit import train_frame
from train.store import load_estimator

ENGINES: tuple[Engine, ...] = ("binding", "capi")
STARTS = 15
EMPTY = "an empty program"
# What a fresh process does: open the bundle as Lambda does, then answer; CPU of all threads, so that none hides.
PROGRAM = """
import time, resource
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1e3
import json, sys
package, events, engine = sys.argv[1:]
sys.path.insert(0, package)
import os
os.environ["SELFSAME_ENGINE"] = engine
from lambda_handler.app import handler
figures = {"init": cpu()}
one, many = json.loads(open(events).read())
def timed(event, repeats):
    best = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(repeats):
            assert handler(event, None)["statusCode"] == 200
        best.append((time.process_time() - start) / repeats * 1e3)
    return min(best)
handler(one, None)
pages = int(open("/proc/self/statm").read().split()[1])
figures["resident"] = pages * resource.getpagesize() / 1e6
figures["one"] = timed(one, 200)
figures["many"] = timed(many, 10)
assert {name.partition(".")[0] for name in sys.modules} & {"numpy"} == ({"numpy"} if engine == "binding" else set())
print(json.dumps(figures))
"""
EMPTY_PROGRAM = """
import resource, sys
used = resource.getrusage(resource.RUSAGE_SELF)
print('{"init": %r}' % ((used.ru_utime + used.ru_stime) * 1e3))
"""
FIGURES = {
    "init": "init, CPU ms",
    "resident": "resident after one row, MB",
    "one": "one row, event in, response out, CPU ms",
    "many": "1,000 rows, event in, response out, CPU ms",
    "unzipped": "package, MB",
    "zipped": "package as zip, MB",
}


def main() -> int:
    """Print the table and, with a path as argument, write the figures there as JSON."""
    python = find_python(RUNTIME_PYTHON)
    if python is None:
        print(f"The packages are run by Python {RUNTIME_PYTHON}, and there is none here.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="selfsame-bench-") as name:
        folder = Path(name)
        bundle, events = _prepare(folder)
        sizes = {engine: _build(bundle, folder / engine) for engine in ENGINES}
        commands = {engine: [PROGRAM, str(folder / engine), str(events), engine] for engine in ENGINES}
        rounds: dict[str, list[dict[str, float]]] = {who: [] for who in (EMPTY, *ENGINES)}
        for _ in range(STARTS):
            rounds[EMPTY].append(_start(python, [EMPTY_PROGRAM]))
            for engine, command in commands.items():
                rounds[engine].append(_start(python, command))
    figures: dict[str, dict[str, float]] = {
        who: {name: statistics.median(each[name] for each in told) for name in told[0]} | sizes.get(who, {})
        for who, told in rounds.items()
    }
    _show(figures)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _prepare(folder: Path) -> tuple[Path, Path]:
    """The boosted loan model's bundle, and a file of two events: one row, 1,000 rows."""
    run = train_frame(loan_case(), folder / "run")
    bundle = export_bundle(load_estimator(run.candidates["boosting"]), run.X, folder / "bundle")
    records = run.X.astype(object).where(run.X.notna(), None).to_dict("records")
    bodies: list[Any] = [records[0], {"rows": [records[k % len(records)] for k in range(1000)]}]
    events = [function_url_event("POST", "/predict", json.dumps(body).encode()) for body in bodies]
    file = folder / "events.json"
    file.write_text(json.dumps(events), encoding="utf-8")
    return bundle, file


def _build(bundle: Path, out: Path) -> dict[str, float]:
    engine: Engine = "capi" if out.name == "capi" else "binding"
    packed = build_package(bundle, out.with_suffix(".zip"), engine=engine)
    build_package(bundle, out, engine=engine)
    return {"unzipped": package_bytes(out) / 1e6, "zipped": packed.stat().st_size / 1e6}


def _start(python: str, command: Sequence[str]) -> dict[str, float]:
    """Run a program in a fresh process, without this environment's packages; the last line it prints is its figures."""
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    time.sleep(0.05)
    told = subprocess.run(
        [python, "-s", "-c", *command], capture_output=True, text=True, check=True, env=environment, cwd="/"
    )
    figures: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return figures


def _show(figures: dict[str, dict[str, float]]) -> None:
    table = Table(title=f"Boosted loan model, medians of {STARTS} processes", title_justify="left", box=None)
    for heading in ("", *figures):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, title in FIGURES.items():
        table.add_row(title, *(f"{told[name]:.3g}" if name in told else "" for told in figures.values()))
    Console(width=110).print(table)


if __name__ == "__main__":
    sys.exit(main())
