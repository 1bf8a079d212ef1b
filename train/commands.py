"""The commands that look at tables and runs; what they need is imported when they are called.

Each takes the command's arguments and returns its exit code: 0 done, 1 a check did not hold.
"""

import argparse
import json


def explore(arguments: argparse.Namespace) -> int:
    """Look at a table before anything is trained."""
    from rich.console import Console

    from train.explore_terminal import run_explore

    how = {name: getattr(arguments, name) for name in ("config", "time", "test", "seed")}
    run_explore(Console(), arguments.data, arguments.target, arguments.out, **how)
    return 0


def init(arguments: argparse.Namespace) -> int:
    """Write a project file with guesses about a table."""
    from rich.console import Console

    from train.explore_terminal import run_init

    how = {name: getattr(arguments, name) for name in ("force", "seed")}
    run_init(Console(), arguments.data, arguments.target, arguments.out, **how)
    return 0


def examine(arguments: argparse.Namespace) -> int:
    """Look at a run's model on the rows it never saw."""
    from rich.console import Console

    from train.examine import examine
    from train.terminal import progress_bars

    with progress_bars(Console()) as progress:
        out = examine(arguments.run_path, arguments.out, along_rows=arguments.along_rows, progress=progress)
    print(f"{out}: examine.html, examine.json. Private, like the run: rows of the table stand in it.")
    return 0


def compare(arguments: argparse.Namespace) -> int:
    """Compare two runs; 1 unless the second is better beyond chance."""
    from train.compare_runs import compare_runs, comparison_text

    told = compare_runs(arguments.champion, arguments.challenger, arguments.score)
    print(json.dumps(told, indent=1) if arguments.json else comparison_text(told))
    return 0 if told["better"] else 1
