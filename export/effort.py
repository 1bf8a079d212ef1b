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
        splits: splits of trees that rows are aimed at, and again as many for the mutants.
        mutants: of each kind.
        pool: rows that mutants are tried on, beside the stored ones.
    """

    name: str
    real: int
    recombined: int
    splits: int
    mutants: int
    pool: int


EFFORTS = {
    effort.name: effort
    for effort in (
        Effort("quick", real=5_000, recombined=500, splits=60, mutants=8, pool=300),
        Effort("standard", real=50_000, recombined=3_000, splits=240, mutants=24, pool=1_500),
        Effort("full", real=1_000_000, recombined=20_000, splits=1_000, mutants=100, pool=10_000),
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
