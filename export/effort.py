"""How hard the proof tries."""

from dataclasses import dataclass

from export.errors import ExportError


@dataclass(frozen=True)
class Effort:
    """Numbers of rows and faults.

    Attributes:
        name: as the command line has it.
        real: rows of the training table that the export is held against; of a larger table a sample.
        recombined: recombined rows that are tried; the most telling ones are stored.
        splits: splits of trees that rows are aimed at.
        swept: rows that sweep over all splits of trees.
        mutants: of each kind.
    """

    name: str
    real: int
    recombined: int
    splits: int
    swept: int
    mutants: int


EFFORTS = {
    effort.name: effort
    for effort in (
        Effort("quick", real=5_000, recombined=500, splits=60, swept=5_000, mutants=8),
        Effort("standard", real=50_000, recombined=3_000, splits=240, swept=110_000, mutants=24),
        Effort("full", real=1_000_000, recombined=20_000, splits=1_000, swept=1_000_000, mutants=100),
    )
}


def effort_named(name: str) -> Effort:
    """The effort of that name.

    Raises:
        ExportError: there is none.
    """
    if name not in EFFORTS:
        raise ExportError(f"effort is one of {', '.join(EFFORTS)}; got {name!r}", "Name one of them.")
    return EFFORTS[name]
