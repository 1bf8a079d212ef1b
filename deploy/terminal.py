"""What a command shows on a terminal while it works."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def steps() -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None]]]:
    """One line that names the step at hand, with a bar where it counts; gone at the end. Yields (report, advance).

    Nothing is shown where the output is no terminal.
    """
    console = Console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        line = progress.add_task("", total=None)

        def report(step: str) -> None:
            progress.reset(line, description=step, total=None)

        def advance(done: int, total: int) -> None:
            progress.update(line, total=total, completed=done)

        yield report, advance
