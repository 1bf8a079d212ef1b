"""What a person sees in the terminal while training."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from train.config import CandidateSettings
from train.demo import loan_case
from train.fit import train_frame
from train.terminal import print_decisions, print_result, progress_bars

pytestmark = pytest.mark.usefixtures("no_plots")


def test_decisions_progress_and_result_are_shown(tmp_path: Path) -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=120, force_terminal=True, color_system=None)
    case = replace(loan_case(400), candidates=CandidateSettings(names=("linear",)))
    with progress_bars(console) as progress:
        run = train_frame(
            case, tmp_path / "run", progress=progress, on_material=lambda found: print_decisions(console, found)
        )
    print_result(console, run)
    text = shown.getvalue()
    for part in ("ownership", "text with 4 levels", "cross-validate", "5/5", "linear (chosen)", "best possible"):
        assert part in text
    assert f"ROC AUC {run.metrics['test']['roc_auc']:.4g}" in text
    assert "simulated: no real person" in text


def test_names_with_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=120)
    case = loan_case(400)
    case = replace(
        case,
        X=case.X.rename(columns={"age": "[bold]age"}),
        candidates=CandidateSettings(names=("linear",)),
        sensitive=(),
    )
    train_frame(case, tmp_path / "run", on_material=lambda found: print_decisions(console, found))
    assert "[bold]age" in shown.getvalue()
