"""Writes the page of the scale benchmark from its figures."""

from collections.abc import Mapping
from typing import Any

HEAD = """\
# Scale: what explore and train cost as rows grow

`make scale` generates tables of 30 columns in Parquet (18 numbers, 7 columns of up to 300 levels, a date, a time, a
flag, an identifier, a target of two classes; gaps, codes for missing, a drift), runs `selfsame explore` and `selfsame
train` on each in a process of its own, and writes this page. Each process may have {limit:.0f} GiB of addresses and no
more: a step that asked for more would fail. *load* is how many programs wanted one of the {cores} processors when the
command began and when it ended: where it is above {cores}, seconds of the clock are too many, and those of a processor,
which the command itself used, are the ones to compare.
"""
PROJECT = """\
`train` runs with the project file that a person would write for so many rows: few folds, a linear model and boosting.

```toml
{project}```
"""
FOOT = """\
## What is looked at

`explore` reads and looks at every row, but for three parts, and its page and `explore.json` (`looked_at`) say so: leaks
and the score of a quick model are judged on at most 20,000 evenly spaced rows, and the table in the report shows as
many. `train` fits on every row; what it looks at in part stands in `metrics.json` under `looked_at`, and in the report.
A sample of the table is drawn only when told, by `--sample`.

## What the time is told from

`explore` times its checks on 20,000 and on 80,000 rows, and what always looks at 20,000 rows on four columns. `train`
fits and asks each candidate on a fortieth of the train rows and on a quarter of these, judges as many made-up answers,
and goes on from there. Both count processor seconds, tell them, and multiply by how much slower the clock went
meanwhile: where other programs come or go afterwards, the seconds of the clock that are told are wrong, those of a
processor hardly. `make scale` fails where these were wrong by more than a factor of two.
"""


def report(figures: Mapping[str, Mapping[str, Any]], project: str, limit: int, cores: int) -> str:
    """Return the page.

    Args:
        figures: Per "COMMAND ROWS" the fields of `Measured`, and the `bytes` of the table.
        project: The project file.
        limit: Bytes of address space of each process.
        cores: Processors.
    """
    parts = [HEAD.format(limit=limit / 2**30, cores=cores)]
    for what in ("explore", "train"):
        chosen = {int(name.split()[1]): each for name, each in figures.items() if name.startswith(f"{what} ")}
        chosen = dict(sorted(chosen.items()))
        if chosen:
            parts += [f"## {what}\n", _totals(chosen), _steps(chosen)]
        if what == "train":
            parts.append(PROJECT.format(project=project))
    return "\n".join([*parts, FOOT])


def _totals(chosen: Mapping[int, Mapping[str, Any]]) -> str:
    lines = ["| rows | table, MB | seconds | of a processor | peak, GiB | it said | it took | load |",
             "|---:|---:|---:|---:|---:|---|---|---|"]  # fmt: skip
    for rows, each in chosen.items():
        said, took = ("" if each[key] is None else "{:,.0f} ({:,.0f})".format(*each[key]) for key in ("told", "rest"))
        load = " to ".join(f"{value:.0f}" for value in each["load"])
        lines.append(
            f"| {rows:,} | {each['bytes'] / 1e6:,.0f} | {each['seconds']:,.0f} | {each['cpu']:,.0f} | "
            f"{each['peak'] / 2**30:.2f} | {said} | {took} | {load} |"
        )
    said = (
        "*it said*, *it took*: seconds that were told for the rest, and that it took; in brackets those of a processor."
    )
    return "\n".join([*lines, "", said, ""])


def _steps(chosen: Mapping[int, Mapping[str, Any]]) -> str:
    """One row per step, one column per size: seconds, and the peak in GiB until the step's end."""
    names = list(dict.fromkeys(plain(step[0]) for each in reversed(chosen.values()) for step in each["steps"]))
    lines = ["| step: seconds, GiB | " + " | ".join(f"{rows:,}" for rows in chosen) + " |",
             "|---|" + "---:|" * len(chosen)]  # fmt: skip
    for name in names:
        cells = [_cell([step for step in each["steps"] if plain(step[0]) == name]) for each in chosen.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(steps: list[Any]) -> str:
    return f"{sum(step[1] for step in steps):,.1f}, {max(step[2] for step in steps) / 2**30:.2f}" if steps else ""


def plain(step: str) -> str:
    """Return a step's name without the numbers of one table."""
    if step[:1].isdigit():
        return "timing on some of the rows" if "timing" in step else "looking for visits"
    return step.partition(" in ")[0] if step.startswith("looking for leaks") else step
