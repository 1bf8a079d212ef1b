"""The commands that train with a look at what exports; what they need is imported when they are called.

Each takes the command's arguments and returns its exit code: 0 done, 1 a check did not hold.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

NOT_OF_RANKINGS = ("target", "task", "budget", "sample", "scheduler")


def check(arguments: argparse.Namespace) -> int:
    """List every step and column that no export could hold exactly; 1 if there are any."""
    from export.candidate import read_candidate
    from export.check import check_pipeline, shown

    source = read_candidate(arguments.source, rows=arguments.rows, target=arguments.target, trust=arguments.trust)
    found = check_pipeline(source.estimator, source.X, source.y)
    print(shown(found, rows=None if source.X is None else len(source.X)))
    return 1 if found else 0


def train(arguments: argparse.Namespace) -> int:
    """Train on a table, or on visits; 1 where the project file stops the project."""
    from rich.console import Console

    from train.config import read_config

    console = Console()
    out = arguments.out or Path("runs") / arguments.data.stem
    told = read_config(arguments.config)
    goes_on = (_train_ranking if told.run.task == "ranking" else _train_table)(console, arguments, out, told)
    if goes_on:
        console.print(f"Next: selfsame export {out} --out bundles/{out.name}", soft_wrap=True, highlight=False)
    return 0 if goes_on else 1


def _train_ranking(console: Any, arguments: argparse.Namespace, out: Path, _: Any) -> bool:
    from train.errors import TrainError
    from train.ranking_terminal import run_ranking

    asked = [name for name in NOT_OF_RANKINGS if getattr(arguments, name) is not None]
    asked += ["jobs"] if arguments.jobs != 1 else []
    if asked:
        told = ", ".join(f"--{name} {getattr(arguments, name)}" for name in asked)
        raise TrainError("A ranking is trained by its project file alone, at once.", told, "Leave it out.")
    how = {name: getattr(arguments, name) for name in ("config", "seed", "name")}
    return run_ranking(console, arguments.data, out, **how)


def _train_table(console: Any, arguments: argparse.Namespace, out: Path, told: Any) -> bool:
    from train.errors import TrainError
    from train.fit import train
    from train.terminal import print_decisions, print_result, progress_bars

    target = arguments.target or told.run.target
    if target is None:
        raise TrainError("A table needs a column to predict.", "none", "Add --target COLUMN.")

    def show(material: Any) -> None:
        print_decisions(console, material)
        _warn(material)

    with progress_bars(console) as progress:
        run = train(
            arguments.data,
            target,
            out,
            **{name: getattr(arguments, name) for name in ("config", "seed", "name", "task", "sample")},
            progress=progress,
            on_material=show,
            how=_how(console, arguments, told.budgets.time),
        )
    print_result(console, run)
    return not (run.metrics["verdict"]["stop"] or run.metrics["verdict"]["outside"])


def _how(console: Any, arguments: argparse.Namespace, usual: str | None) -> Any:
    from export.size import measure
    from train.compare import How
    from train.config_check import seconds_of

    budget = arguments.budget or usual
    return How(
        say=lambda line: console.print(line, soft_wrap=True, highlight=False, markup=False),
        measure=measure,
        budget=None if budget is None else seconds_of(budget),
        scheduler=arguments.scheduler,
        jobs=arguments.jobs,
    )


def _warn(material: Any) -> None:
    """Say before the fit what of a table to train on no export could hold; training goes on."""
    from export.check import check_pipeline, shown
    from train.models import build_candidates

    task, config = material.target.task, material.config
    candidates = build_candidates(material.X, task, config.candidates, 0, config.prepare).values()
    found = {str(each): each for model in candidates for each in check_pipeline(model, material.X, material.target.y)}
    if found:
        print(shown(list(found.values()), rows=len(material.X)), file=sys.stderr)


def reproduce(arguments: argparse.Namespace) -> int:
    """Train a run again and compare; 1 unless every file is the same."""
    from export.size import measure
    from train.compare import How
    from train.reproduce import reproduce, reproduction_text

    told = reproduce(arguments.run_path, arguments.data, how=How(measure=measure))
    print(json.dumps(told, indent=1) if arguments.json else reproduction_text(told))
    return 0 if told["same"] else 1
