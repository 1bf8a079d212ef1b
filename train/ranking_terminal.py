"""Trains a ranker from a terminal: progress bars, the candidates, whether the blend beats the Markov chain."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from train.config import read_config
from train.rank import train_ranking
from train.ranking_run import MODELS, verdict
from train.report import SCORE_NAMES
from train.run import Run
from train.terminal import progress_bars


def run_ranking(console: Console, data: Path, out: Path, *, config: Path, seed: int, name: str | None) -> bool:
    """Train on a table of visits and show the result; the other arguments are as for `train.rank.train_ranking`.

    Returns:
        Whether the project goes on: the score is not below `stop_below` of the project file.

    Raises:
        TrainError: the input does not allow it.
    """
    with progress_bars(console) as progress:
        run = train_ranking(data, out, config=config, seed=seed, name=name, progress=progress)
    print_ranking(console, run)
    stop, score = read_config(config).problem.stop_below, run.metrics["test"][run.metrics["main_score"]]
    if stop is None or score >= stop:
        return True
    main = SCORE_NAMES[run.metrics["main_score"]]
    console.print(f"{main} {score:.3f} is below {stop:g}, where the project file stops the project.", highlight=False)
    return False


def print_ranking(console: Console, run: Run) -> None:
    """Print the candidates and what the blend gains."""
    metrics, info = run.metrics, run.info
    main = metrics["main_score"]
    table = Table(title=f"{info['name']}: candidates", title_justify="left", box=None, pad_edge=False)
    for heading in ("ranker", f"validation {SCORE_NAMES[main]}", f"test {SCORE_NAMES[main]}", "against Markov", "95 %"):
        table.add_column(heading, justify="left" if heading == "ranker" else "right")
    for name, line in metrics["candidates"].items():
        low, high = line["interval"]
        shown = MODELS[name] + (" (chosen)" if name == info["chosen"] else "")
        scores = (f"{metrics['validation'][name][main]:.3f}", f"{line[main]:.3f}", f"{line['difference']:+.4f}")
        table.add_row(shown, *scores, f"{low:+.4f} to {high:+.4f}")
    console.print(table)
    found = verdict(metrics)
    wanted = f"{found['gain']:g} with an interval above zero"
    said = f"beats the Markov chain by {wanted}" if found["holds"] else f"does not beat the Markov chain by {wanted}"
    trajectories = metrics["trajectories"]["test"]
    console.print(f"The blend {said}: see the report. Random order: {metrics['random']['mrr']:.3f}.", highlight=False)
    console.print(f"Test: {metrics['rows']['test']:,} next stops of {trajectories:,} trajectories.", highlight=False)
    if info["notice"]:
        console.print(escape(info["notice"]))
    console.print(f"Run: {run.path} (report.html, decisions.toml)", soft_wrap=True, highlight=False)
