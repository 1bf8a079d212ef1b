"""Runs a command in a process of its own: seconds and peak memory per step, and how long it said it would take."""

import os
import re
import subprocess
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

STEP = re.compile(r"(.+) …$")
TOLD = re.compile(r"will take about ([\d.,]+) (s|min|h) \(([\d.,]+) (s|min|h) of a processor\)")
SECONDS = {"s": 1, "min": 60, "h": 3600}


@dataclass
class Measured:
    """What a run cost.

    Attributes:
        seconds: Of the whole.
        cpu: Processor seconds of the whole.
        peak: Bytes of memory at most.
        code: The exit code.
        load: Processes that wanted a processor, the mean of a minute at the start and at the end.
        steps: Per step its name, its seconds, and the peak in bytes until its end.
        told: The seconds, and those of a processor, that it said the rest would take; None where it did not say.
        rest: The seconds, and those of a processor, that the rest took.
        lines: The last lines that it printed.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    peak: int = 0
    code: int = 0
    load: list[float] = field(default_factory=list)
    steps: list[tuple[str, float, int]] = field(default_factory=list)
    told: list[float] | None = None
    rest: list[float] | None = None
    lines: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


def measure(command: list[str], folder: Path, limit: int) -> Measured:
    """Run a command and measure it.

    Args:
        command: Its words; a line that ends in "…" begins a step.
        folder: Where it runs.
        limit: Bytes of address space that it may have; what it asks beyond fails.
    """
    found, began = Measured(load=[os.getloadavg()[0]]), time.perf_counter()
    process = subprocess.Popen(
        ["prlimit", f"--as={limit}", *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
    )
    step, since, told_at = "start", began, (0.0, 0.0)
    assert process.stdout is not None
    with process.stdout as said:
        for line in said:
            now, text = time.perf_counter(), line.strip()
            found.lines = [*found.lines, text][-30:]
            told, begins = TOLD.search(text), STEP.match(text)
            if told:
                found.told = [float(told[place].replace(",", "")) * SECONDS[told[place + 1]] for place in (1, 3)]
                told_at = now, _cpu(process.pid)
            if begins:
                found.steps.append((step, now - since, _peak(process.pid)))
                step, since = begins[1], now
    _, status, usage = os.wait4(process.pid, 0)
    end = time.perf_counter()
    process.returncode = found.code = os.waitstatus_to_exitcode(status)
    found.seconds, found.peak, found.cpu = end - began, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime
    found.steps.append((step, end - since, found.peak))
    found.rest = None if found.told is None else [end - told_at[0], found.cpu - told_at[1]]
    found.load.append(os.getloadavg()[0])
    return found


def _peak(process: int) -> int:
    """Return the most bytes that a living process has had."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


def _cpu(process: int) -> float:
    """Return the processor seconds that a living process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
