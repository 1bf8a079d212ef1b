"""Explores a table before anything is trained: findings, a report to look at, a proposal for the project file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt
import pandas as pd

from train.config import Config
from train.errors import TrainError
from train.explore_columns import column_findings
from train.explore_leaks import leak_findings
from train.explore_rows import row_findings
from train.explore_visits import visit_findings
from train.finding import SEVERITIES, Finding
from train.folded import fold
from train.propose import project_toml
from train.survey import MOST_ROWS, Survey, part, spaced, survey
from train.table import read_table

SHOWN_ROWS = 20_000  # of the table that the report draws
MOST_DRAWN = 60  # columns: more are shown without pictures and associations
MANY_ROWS = 200_000  # from here on a part is timed first
Say = Callable[[str], None]


@dataclass(frozen=True)
class Explored:
    """What exploring gives.

    Attributes:
        findings: The gravest first.
        proposal: The text of a project file.
        path: The folder that holds `explore.html`, `explore.json` and `proposal.toml`.
    """

    findings: list[Finding]
    proposal: str
    path: Path


def explore(
    data: Path,
    target: str | None,
    out: Path,
    *,
    config: Config | None = None,
    other: Path | None = None,
    seed: int = 0,
    say: Say = lambda _: None,
) -> Explored:
    """Look for what a careful reader would find, and write it down.

    Args:
        data: A CSV or Parquet file.
        target: The column to predict; of visits the item; None as for `survey`.
        out: The folder to write into; files of the same names there are replaced.
        config: The project file's settings.
        other: A second table to compare with, such as the test rows.
        seed: Of the folds.
        say: Called with each step, and with how long the whole will take.

    Raises:
        TrainError: A table cannot be read, or does not have the target.
    """
    if out.exists() and not out.is_dir():
        raise TrainError("--out must be a folder.", f"a file, {out}", "Name another one.")
    told = config or Config()
    say("reading")
    found = survey(data, target, told)
    beside = None if other is None else read_table(other, encoding=told.table.encoding or "utf-8-sig").frame
    findings = find(found, seed=seed, other=beside, say=say)
    proposal = project_toml(found, findings)
    say("drawing the table")
    page = render(data.name, found, findings, proposal)
    out.mkdir(parents=True, exist_ok=True)
    (out / "explore.html").write_text(page, encoding="utf-8")
    (out / "proposal.toml").write_text(proposal, encoding="utf-8")
    listed = {
        "table": data.name,
        "target": found.target.name,
        "rows": found.rows,
        "findings": [asdict(each) for each in findings],
    }
    text = json.dumps(listed, indent=1, ensure_ascii=False, default=_plain)
    (out / "explore.json").write_text(text + "\n", encoding="utf-8")
    return Explored(findings, proposal, out)


def find(
    found: Survey, *, seed: int = 0, other: pd.DataFrame | None = None, say: Say = lambda _: None
) -> list[Finding]:
    """Return the findings about a typed table, the gravest first; the other arguments are as for `explore`."""
    say("looking for visits")
    findings = list(visit_findings(found.table.frame, found.target.name))
    if not findings:
        some = f": {MOST_ROWS:,} evenly spaced rows of {found.rows:,}" if found.rows > MOST_ROWS else ""
        say(f"looking for leaks{some}")
        findings += leak_findings(found, seed)
        _estimate(found, say)
        say("looking at the rows")
        findings += row_findings(found, other)
    say("looking at the columns")
    findings += column_findings(found)
    return sorted(findings, key=lambda each: SEVERITIES.index(each.severity))


def _estimate(found: Survey, say: Say) -> None:
    """Tell how long looking at every row will take, from the time that a part of the rows takes."""
    if found.rows < MANY_ROWS:
        return
    small = part(found, spaced(found.rows, MANY_ROWS // 4))
    began = time.perf_counter()
    for check in (row_findings, column_findings):
        list(check(small))
    seconds = (time.perf_counter() - began) * found.rows / small.rows
    say(f"looking at all {found.rows:,} rows: about {seconds:,.0f} s")


def _plain(value: Any) -> Any:
    """A number of numpy as JSON knows it."""
    return value.item() if isinstance(value, np.generic) else str(value)


def render(name: str, found: Survey, findings: list[Finding], proposal: str) -> str:
    """Return the report: the findings, the proposal, and skrub's interactive table below them."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rows, blocks = spaced(found.rows, SHOWN_ROWS), fold(findings)
    drawn = len(found.X.columns) < MOST_DRAWN
    text = environment.get_template("explore.html.jinja").render(
        name=name,
        target=found.target,
        rows=found.rows,
        shown=len(rows),
        columns=len(found.table.frame.columns),
        groups=[(severity, [each for each in blocks if each.severity == severity]) for severity in SEVERITIES],
        proposal=proposal,
        drawn=drawn,
        table=_table(found, rows, drawn),
    )
    return text + "\n"


def _table(found: Survey, rows: npt.NDArray[np.int64], drawn: bool) -> str:
    """Skrub's report on the typed columns and the target, of some rows; it asks nothing of any other host."""
    from skrub import TableReport

    frame = found.X.iloc[rows].reset_index(drop=True)
    target = found.table.frame[found.target.name].iloc[rows].reset_index(drop=True)
    numbers = found.target.classes is None
    frame.insert(0, found.target.name, pd.to_numeric(target, errors="coerce") if numbers else target.astype("str"))
    report = TableReport(frame, title="", verbose=0, plot_distributions=drawn, compute_associations=drawn)
    return str(report.html_snippet())
