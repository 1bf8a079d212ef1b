"""The report of an exploration: the findings, the proposal, and skrub's interactive table below them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from train.finding import SEVERITIES, Finding
from train.folded import fold
from train.page import page
from train.survey import Survey, spaced

SHOWN_ROWS = 20_000  # of the table that the report draws
MOST_DRAWN = 60  # columns: more are shown without pictures and associations


def render(name: str, found: Survey, findings: list[Finding], proposal: str, judged: int | None) -> str:
    """Return the report.

    Args:
        name: Of the table.
        found: The table.
        findings: About it, the gravest first.
        proposal: The text of a project file.
        judged: Rows that leaks and the honest score were judged on; None where they were not looked for.
    """
    rows, blocks = spaced(found.rows, SHOWN_ROWS), fold(findings)
    return page(
        "explore.html.jinja",
        {},
        name=name,
        target=found.target,
        rows=found.rows,
        judged=judged if judged is not None and judged < int(found.target.known.sum()) else None,
        shown=len(rows),
        columns=len(found.table.frame.columns),
        groups=[(severity, [each for each in blocks if each.severity == severity]) for severity in SEVERITIES],
        proposal=proposal,
        drawn=len(found.X.columns) < MOST_DRAWN,
        table=drawing(found, rows),
    )


def drawing(found: Survey, rows: npt.NDArray[np.int64]) -> str:
    """Skrub's report on the typed columns and the target, of some rows; it asks nothing of any other host."""
    from skrub import TableReport

    drawn = len(found.X.columns) < MOST_DRAWN
    frame = found.X.iloc[rows].reset_index(drop=True)
    target = found.table.frame[found.target.name].iloc[rows].reset_index(drop=True)
    numbers = found.target.classes is None
    frame.insert(0, found.target.name, pd.to_numeric(target, errors="coerce") if numbers else target.astype("str"))
    report = TableReport(frame, title="", verbose=0, plot_distributions=drawn, compute_associations=drawn)
    return str(report.html_snippet())
