"""Shows training in a terminal: the decisions, progress bars, the result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from train.compare import Progress as Report
from train.material import Material
from train.report import SCORE_NAMES, show_bytes, show_score, show_spread
from train.run import Run


@contextmanager
def progress_bars(console: Console) -> Iterator[Report]:
    """Give a function for the `progress` argument of `train`: one bar per step, in a file a line as it begins."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        steps = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in steps:
                if not console.is_terminal:
                    console.print(f"{what} …", markup=False, highlight=False)
                steps[what] = bars.add_task(what, total=total)
            bars.update(steps[what], completed=done)

        yield report


def print_decisions(console: Console, material: Material) -> None:
    """Print one line per column: what it is taken for, and why."""
    table = Table(title=f"{material.name}: columns", title_justify="left", box=None, pad_edge=False)
    table.add_column("column", overflow="fold")
    table.add_column("taken as")
    table.add_column("why", overflow="fold")
    for decision in material.decisions:
        style = {"drop": "dim", "target": "bold"}.get(decision.kind)
        table.add_row(escape(decision.name), decision.kind, escape(decision.reason), style=style)
    console.print(table)
    if material.dropped_rows:
        console.print(f"{material.dropped_rows} rows without a target are left out.")


def print_result(console: Console, run: Run) -> None:
    """Print the candidates, the chosen one and its score on the test rows."""
    metrics, info = run.metrics, run.info
    main = metrics["main_score"]
    table = Table(title=f"{run.info['name']}: candidates", title_justify="left", box=None, pad_edge=False)
    table.add_column("model")
    table.add_column(f"{SCORE_NAMES[main]}, {metrics['folds']['count']} folds", justify="right")
    table.add_column("95 %", justify="right")
    table.add_column("file", justify="right")
    table.add_column("one row", justify="right")
    for name, result in metrics["cross_validation"].items():
        shown = f"{show_score(result[main]['mean'])} ± {show_spread(result[main]['std'])}"
        interval = " to ".join(show_score(end) for end in result[main]["interval"])
        table.add_row(name + (" (chosen)" if name == info["chosen"] else ""), shown, interval, *_size(run, name))
    console.print(table)
    console.print(f"Chosen: {info['chosen']}, {metrics['chosen_because']}.", soft_wrap=True, highlight=False)
    for name, why in metrics["left_out"].items():
        console.print(f"Left out: {name}, {why}.", soft_wrap=True, highlight=False, markup=False)
    low, high = metrics["test"]["interval"]
    line = f"Test: {SCORE_NAMES[main]} {show_score(metrics['test'][main])}"
    line += f" (95 %: {show_score(low)} to {show_score(high)}) on {info['rows']['test']:,} rows"
    if metrics["best_possible"]:
        line += f"; best possible {show_score(metrics['best_possible'][main])}"
    console.print(line + ".")
    for sentence in metrics["verdict"]["lines"]:
        console.print(sentence, soft_wrap=True, highlight=False, markup=False)
    if info["notice"]:
        console.print(escape(info["notice"]))
    console.print(f"Run: {run.path} (report.html, decisions.toml)", soft_wrap=True, highlight=False)


def _size(run: Run, name: str) -> tuple[str, str]:
    """Return the file's size and the time of one row as shown; empty where they were not measured."""
    size = run.metrics["file_bytes"].get(name)
    latency = run.latencies.get(name)
    return (
        "" if size is None else show_bytes(size),
        "" if latency is None else f"{latency:.2g} ms",
    )
