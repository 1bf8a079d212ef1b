"""Shows in a terminal what exploring a table found, and writes a project file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from train.config import Config, read_config
from train.errors import TrainError
from train.explore import explore, find
from train.finding import Finding
from train.folded import fold
from train.propose import project_toml
from train.survey import survey

MARKS = {"stop": "[bold red]stop[/]", "warn": "[yellow]look[/]", "note": "[dim]note[/]"}
MOST_LINES = 6  # of one block; the page has all


def run_explore(
    console: Console,
    data: Path,
    target: str | None,
    out: Path | None,
    *,
    config: Path | None,
    time: str | None,
    test: Path | None,
    seed: int,
) -> None:
    """Explore a table, print the findings and where the report lies; the arguments are as for `train.explore.explore`.

    Raises:
        TrainError: the input does not allow it.
    """
    told = read_config(config)
    if time is not None:
        told = replace(told, split=replace(told.split, time=time))
    place = out or Path("build/explore") / data.stem
    with _saying(console) as say:
        explored = explore(data, target, place, config=told, other=test, seed=seed, say=say)
    print_findings(console, explored.findings)
    _line(console, f"{place}: explore.html, explore.json, proposal.toml. Private: rows of the table stand in it.")
    _line(
        console, f"Next: edit {place / 'proposal.toml'}, then selfsame train {data} --config {place / 'proposal.toml'}"
    )


@contextmanager
def _saying(console: Console) -> Iterator[Callable[[str], None]]:
    """Give a function that shows the step at hand; in a file each step is a line, and what is no step always is."""
    with console.status("") as status:

        def say(step: str) -> None:
            told = "will take about" in step
            if console.is_terminal and not told:
                status.update(f"{escape(step)} …")
            else:
                _line(console, step if told else f"{step} …")

        yield say


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Print the findings, alike ones folded, the gravest first."""
    for block in fold(findings):
        console.print(f"{MARKS[block.severity]}  {escape(block.title)}", highlight=False, soft_wrap=True)
        for line in block.lines[:MOST_LINES]:
            _line(console, f"        {line}")
        if len(block.lines) > MOST_LINES:
            _line(console, f"        and {len(block.lines) - MOST_LINES} more, in the report")
        if block.todo:
            console.print(f"      [dim]{escape(block.todo)}[/]", highlight=False, soft_wrap=True)


def run_init(console: Console, data: Path, target: str | None, out: Path, *, force: bool, seed: int) -> None:
    """Write a project file with guesses about a table, to be edited by a person.

    Raises:
        TrainError: The table does not allow it, or `out` exists and `force` is not told.
    """
    if out.is_dir() or (out.exists() and not force):
        what, remedy = ("a folder", "Name a file.") if out.is_dir() else ("a file", "Name another one, or add --force.")
        raise TrainError("--out must be a file that is not there.", f"{what}, {out}", remedy)
    with _saying(console) as say:
        say("reading")
        found = survey(data, target, Config())
        findings = find(found, seed=seed, say=say)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(project_toml(found, findings), encoding="utf-8")
    told = sum(each.severity != "note" for each in findings)
    _line(console, f"{out}: what {data.name} looks like; {told} findings to look at stand in it or in the exploration.")
    _line(console, f"Next: edit it, then selfsame train {data} --config {out}")


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
