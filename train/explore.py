"""Explores a table before anything is trained: findings, a report to look at, a proposal for the project file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from train.config import Config
from train.errors import TrainError
from train.explore_columns import column_findings
from train.explore_leaks import judged_rows, leak_findings
from train.explore_page import SHOWN_ROWS, render
from train.explore_rows import row_findings
from train.explore_time import MANY_ROWS, expected
from train.explore_visits import visit_findings
from train.finding import SEVERITIES, Finding
from train.propose import project_toml
from train.survey import Survey, survey
from train.table import read_table

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
    say(f"{found.rows:,} rows of {len(found.table.frame.columns)} columns")
    findings = find(found, seed=seed, other=beside, say=say, page=True)
    proposal = project_toml(found, findings)
    say("drawing the table")
    judged = None if any(each.kind == "visits" for each in findings) else judged_rows(found)
    page = render(data.name, found, findings, proposal, judged)
    out.mkdir(parents=True, exist_ok=True)
    (out / "explore.html").write_text(page, encoding="utf-8")
    (out / "proposal.toml").write_text(proposal, encoding="utf-8")
    listed = {
        "table": data.name,
        "target": found.target.name,
        "rows": found.rows,
        "looked_at": {"leaks": judged, "page": min(found.rows, SHOWN_ROWS), "all else": found.rows},
        "findings": [asdict(each) for each in findings],
    }
    text = json.dumps(listed, indent=1, ensure_ascii=False, default=_plain)
    (out / "explore.json").write_text(text + "\n", encoding="utf-8")
    return Explored(findings, proposal, out)


def find(
    found: Survey,
    *,
    seed: int = 0,
    other: pd.DataFrame | None = None,
    say: Say = lambda _: None,
    page: bool = False,
) -> list[Finding]:
    """Return the findings about a typed table, the gravest first.

    Args:
        found: The table.
        seed: Of the folds.
        other: A second table to compare with.
        say: As for `explore`.
        page: Whether a report will be drawn, so that its time is told, too.
    """
    findings = list(visit_findings(found.table.frame, found.target.name))
    if not findings:
        if found.rows >= MANY_ROWS:
            say("timing on some of the rows")
            say(f"{found.rows:,} rows will take about {expected(found, other, seed, page=page)} from here on")
        some, known = judged_rows(found), int(found.target.known.sum())
        say("looking for leaks" + (f" in {some:,} evenly spaced rows of {known:,}" if some < known else ""))
        findings += leak_findings(found, seed)
        say("looking at the rows")
        findings += row_findings(found, other)
    say("looking at the columns")
    findings += column_findings(found)
    return sorted(findings, key=lambda each: SEVERITIES.index(each.severity))


def _plain(value: Any) -> Any:
    """A number of numpy as JSON knows it."""
    return value.item() if isinstance(value, np.generic) else str(value)
