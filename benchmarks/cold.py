"""Cold starts and warm calls in the Lambda runtime: ours beside an empty function, an untrimmed package, scikit-learn.

Run by `make cold`. The real runtime client under the official emulator starts each package anew, 15 times, the
packages in turns. CPU is the process's own (user and system, of all threads): of an init, from the interpreter's
start to the client's first wait for an event, read there by `benchmarks/cold_probe.py`; the init's wall time is the
emulator's own. Metrics are on, as the stack has them.
"""

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.cold_packages import BARE, BINDING, EMPTY, MANY, OURS, PEER, WHOLE, make_packages, settings_of
from benchmarks.cost import table_of
from deploy.emulator import emulate
from deploy.events import function_url_event
from deploy.package import package_bytes

STARTS = 15
WARM = 4  # events of each size after the first
WAIT_SECONDS = 10.0
PROBE = Path(__file__).parent / "cold_probe.py"

INIT_REPORT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")

Figures = dict[str, float]
Round = Mapping[str, Figures]


@dataclass(frozen=True)
class Target:
    """What `who`'s figure in terms of `of`'s (by itself where there is none) may be at most."""

    title: str
    figure: str
    who: str
    of: str | None
    most: float


TARGETS = (
    Target(f"init CPU, in terms of {EMPTY}'s", "init", OURS, EMPTY, 3.4),
    Target(f"init CPU, in terms of {PEER}'s", "init", OURS, PEER, 0.2),
    Target(f"one row in the handler, in terms of the {BARE}", "one_often", OURS, BARE, 6.0),
    Target(f"{MANY:,} rows in the handler, CPU ms (100,000 rows a second)", "many_cpu", OURS, None, 10.0),
    Target(f"resident after {MANY:,} rows, MB", "resident_many", OURS, None, 60.0),
)
COLD = {
    "init": "init, CPU ms",
    "init_wall": "init, wall ms",
    "answer": "first answer, wall ms",
    "resident_one": "resident after it, MB",
    "size": "package, MB",
}
WARMED = {
    "one": "one row by itself, ms",
    "request": "one row, the client's work counted, CPU ms",
    "one_often": "one row again and again, ms",
    "many": f"{MANY:,} rows by themselves, ms",
    "many_often": f"{MANY:,} rows again and again, ms",
    "many_cpu": "the same, CPU ms",
    "resident_many": "resident after them, MB",
}

PAGE = """# Cold and warm

Written by `make cold` (`benchmarks/cold.py`): {starts} starts of each package in the Lambda runtime client under its
emulator, in turns, medians. One row comes first, then more, then 1,000 at once; the model is the boosted one of the
loan table, on one thread, metrics on, on x86-64. Times depend on the machine; the ratios, taken round by round, are
what to compare.

| target | found | at most |
|---|---|---|
{targets}

{verdict}

## A cold start

{cold}

CPU is the process's (user and system, all threads) from the interpreter's start to the runtime client's first wait for
an event; the empty function has the same client. Wall time of the init is the emulator's. scikit-learn's package has
its bytecode, too.

## Warm calls: time in the handler

{warm}

The {bare} is onnxruntime's own binding, fed with arrays that are ready. "By itself" is the first call of
an event that came through the runtime; the same event is then answered again and again.

## What a million requests cost

Computed, not billed, as `python benchmarks/cost.py --request-ms {request:.2f} --init-ms {init:.0f}
--log-bytes {log_bytes:.0f}` does: from one row's CPU with the client's work, the init's CPU, and the line of metrics
that each request writes to the log.

{cost}
"""


def main(words: Sequence[str] | None = None) -> int:
    """Print or write the tables; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=STARTS, help="cold starts of each package")
    parser.add_argument("--out", type=Path, help="a page to write, such as docs/cold.md")
    parser.add_argument("--figures", type=Path, help="a file to write every start's figures to, as JSON")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="selfsame-cold-") as name:
        packages, bodies = make_packages(Path(name))
        sizes = {who: package_bytes(package) / 1e6 for who, package in packages.items()}
        rounds: list[Round] = []
        for number in range(given.starts):
            print(f"round {number + 1} of {given.starts}", file=sys.stderr, flush=True)
            started = {who: _start(package, bodies, settings_of(who)) for who, package in packages.items()}
            rounds.append({who: {**figures, "size": sizes[who]} for who, figures in started.items()})
    if given.figures:
        given.figures.write_text(json.dumps(rounds, indent=1) + "\n", encoding="utf-8")
    text = page(rounds)
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    return int(bool(missed(rounds)))


def _start(package: Path, bodies: Sequence[str], settings: Mapping[str, str]) -> Figures:
    """Start a package, have it answer one row, then more of each size."""
    one, many = (function_url_event("POST", "/predict", body.encode()) for body in bodies)
    with tempfile.NamedTemporaryFile(prefix="selfsame-probe-") as notes:
        noted = {**settings, "SELFSAME_PROBE": notes.name}
        with emulate(package, noted, program=PROBE.read_text(encoding="utf-8")) as runtime:
            begin = time.perf_counter()
            runtime(one)
            answer = (time.perf_counter() - begin) * 1e3
            for event in (*[one] * WARM, *[many] * WARM):
                runtime(event)
            log = runtime.log()
            lines = _read_notes(Path(notes.name), 2 + 2 * WARM)
    init, first, *rest = lines
    some, several = rest[:WARM], rest[WARM:]
    answered = [after["process_cpu"] - before["process_cpu"] for before, after in pairwise([first, *some])]
    metrics = [len(line.encode()) for line in log.splitlines() if line.startswith('{"_aws"')]
    return {
        "init": init["process_cpu"],
        "request": statistics.median(answered),
        "log_bytes": float(metrics[-1]) if metrics else 0.0,
        "init_wall": float(INIT_REPORT.findall(log)[0]),
        "answer": answer,
        "resident_one": first["resident"],
        "one": _median(some, "wall"),
        "one_often": _median(some, "wall_often"),
        "many": _median(several, "wall"),
        "many_often": _median(several, "wall_often"),
        "many_cpu": _median(several, "cpu_often"),
        "resident_many": several[-1]["resident"],
    }


def _read_notes(file: Path, count: int) -> list[Figures]:
    """The probe's notes; the last one is written a moment after the last answer."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        lines = file.read_text(encoding="utf-8").splitlines()
        if len(lines) == count:
            return [json.loads(line) for line in lines]
        time.sleep(0.01)
    raise RuntimeError(f"The runtime must wait for an event {count} times; it did {len(lines)} times.")


def _median(rows: Sequence[Figures], name: str) -> float:
    return statistics.median(row[name] for row in rows)


def value_of(target: Target, rounds: Sequence[Round]) -> float:
    """A target's figure: the median over the rounds, of each round's own ratio where it is one."""
    found = [each[target.who][target.figure] / (each[target.of][target.figure] if target.of else 1) for each in rounds]
    return statistics.median(found)


def missed(rounds: Sequence[Round]) -> list[str]:
    """One sentence per target that is missed."""
    values = {target: value_of(target, rounds) for target in TARGETS}
    return [
        f"{target.title}: {value:.3g}; at most {target.most:g}."
        for target, value in values.items()
        if not value <= target.most
    ]


def page(rounds: Sequence[Round]) -> str:
    """The tables, as a page of docs/."""
    who = [name for name in (EMPTY, OURS, BINDING, WHOLE, PEER) if name in rounds[0]]
    warm = [name for name in (BARE, OURS, BINDING, PEER) if name in rounds[0]]
    ours = [each[OURS] for each in rounds]
    told = {"request_ms": ("request", 2), "init_ms": ("init", 0), "log_bytes": ("log_bytes", 0)}
    measured = {word: round(_median(ours, figure), digits) for word, (figure, digits) in told.items()}  # as printed
    targets = [f"| {each.title} | {value_of(each, rounds):.3g} | {each.most:g} |" for each in TARGETS]
    return PAGE.format(
        starts=len(rounds),
        targets="\n".join(targets),
        verdict=" ".join(missed(rounds)) or "All targets are met.",
        cold=_table(rounds, COLD, who),
        warm=_table(rounds, WARMED, warm),
        bare=BARE,
        cost=table_of(**measured),
        request=measured["request_ms"],
        init=measured["init_ms"],
        log_bytes=measured["log_bytes"],
    )


def _table(rounds: Sequence[Round], titles: Mapping[str, str], who: Sequence[str]) -> str:
    rows = [
        f"| {title} | "
        + " | ".join(f"{_show(_median([each[name] for each in rounds], figure))}" for name in who)
        + " |"
        for figure, title in titles.items()
    ]
    return "\n".join([f"| | {' | '.join(who)} |", "|---" * (len(who) + 1) + "|", *rows])


def _show(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.001 else "0"


if __name__ == "__main__":
    sys.exit(main())
