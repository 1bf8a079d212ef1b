"""The evidence: rows of every stratum with the original's answers, and which of them the bundle stores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from export.aim import Aimed
from export.effort import Effort
from export.errors import ExportError
from export.frame import Columns, take
from export.original import Answers, Original
from export.places import Places, spread
from export.rows import COUNTS, RowMaker
from lambda_handler.binding import decided

STORED_SPLITS, STORED_HOLES = 50, 24  # splits whose rows are stored; rows with a missing input
NEAREST = 20  # recombined rows nearest to a decision threshold that are stored
REJECTED = 20  # recombined rows that the original rejects

Report = Callable[[str], None]


@dataclass(frozen=True)
class Evidence:
    """Rows with the original's answers, before the export is held against them.

    Attributes:
        strata: name -> graph values of the rows that the bundle stores.
        answers: name -> the original's answers to them.
        unstored: accepted rows that were made like them and are not stored, and the original's answers.
        real: rows of the training table, and the original's answers to them.
    """

    strata: dict[str, Columns]
    answers: dict[str, Answers]
    unstored: tuple[Columns, Answers]
    real: tuple[Columns, Answers]

    def stored(self) -> tuple[Columns, Answers]:
        """All stored rows that the original accepts, stratum by stratum, with its answers."""
        return _accepted([(values, self.answers[name]) for name, values in self.strata.items()])


def gather(  # noqa: PLR0913, PLR0917 - called once; each is another source of rows
    original: Original,
    maker: RowMaker,
    aims: Sequence[Aimed],
    built: Mapping[str, Columns],
    more: Sequence[Columns],
    places: Places,
    effort: Effort,
    seed: int,
    report: Report,
) -> Evidence:
    """Make the rows of every stratum, ask the original about them, and choose those that are stored.

    Args:
        original: asked.
        maker: of the rows.
        aims: rows aimed at splits; of the first some are stored, of the others none.
        built: rows of further strata, all stored.
        more: further rows, not stored.
        places: of the graph.
        effort: how many rows.
        seed: of the sample of a large training table.
        report: called with one line per stratum.
    """
    strata: dict[str, Columns] = {}
    answers: dict[str, Answers] = {}
    unstored = [(rows, original.answer(rows)) for rows in (*(aimed.rows for aimed in aims[1:]), *more)]
    given = {**built, "threshold": aims[0].rows}
    for name in ("recombined", "boundary", "threshold", "split", "edge", "special", "missing", "unseen"):
        report(f"asking the original: {name} rows")
        made = given[name] if name in given else _make(original, maker, name, effort)
        if not len(made[0]):
            continue
        found = original.answer(made)
        chosen = _chosen(name, made, found, places, aims[0], original)
        chosen = chosen[~maker.private(take(made, chosen))]
        others = np.setdiff1d(np.arange(len(made[0])), chosen)
        unstored.append((take(made, others), found.at(others)))
        if len(chosen):
            strata[name], answers[name] = take(made, chosen), found.at(chosen)
    report("asking the original: real rows")
    index = np.arange(len(maker.table[0]))
    if len(index) > effort.real:
        index = np.sort(np.random.default_rng(seed).choice(len(index), effort.real, replace=False))
    real = take(maker.table, index)
    if not strata:
        raise ExportError(
            "a bundle is public, so its rows must not stand in the training table; every row that can be made does",
            "Fit on more columns: this table holds every possible row.",
        )
    return Evidence(strata, answers, _accepted(unstored), (real, original.answer(real)))


def _accepted(parts: Sequence[tuple[Columns, Answers]]) -> tuple[Columns, Answers]:
    """The rows that the original accepts, one part after the other."""
    kept = [np.flatnonzero(answers.accepted) for _, answers in parts]
    rows = [take(values, index) for (values, _), index in zip(parts, kept, strict=True)]
    columns = [np.concatenate(pieces) for pieces in zip(*rows, strict=True)]
    return columns, Answers.joined([answers.at(index) for (_, answers), index in zip(parts, kept, strict=True)])


def _make(original: Original, maker: RowMaker, name: str, effort: Effort) -> Columns:
    if name == "boundary":
        return maker.boundaries(original.answer, COUNTS[name])
    made: Columns = getattr(maker, name)(effort.recombined if name == "recombined" else COUNTS[name])
    return made


def _chosen(
    name: str, made: Columns, answers: Answers, places: Places, aimed: Aimed, original: Original
) -> npt.NDArray[np.int64]:
    """Which rows of a stratum are stored.

    Of recombined ones those that reach most and those nearest to a decision threshold, of aimed ones whole splits.
    """
    if name == "recombined":
        accepted = np.flatnonzero(answers.accepted)
        telling = accepted[spread(places.reached(take(made, accepted)), COUNTS[name])]
        nearest = accepted[_nearest(answers.at(accepted), original)]
        return np.unique(np.concatenate([telling, nearest, np.flatnonzero(~answers.accepted)[:REJECTED]]))
    every = np.arange(len(made[0]))
    if name != "threshold":
        return every
    count = len(aimed.splits)
    sides, holes = every[: 2 * count] % max(count, 1) < STORED_SPLITS, every[2 * count :] < 2 * count + STORED_HOLES
    stored: npt.NDArray[np.int64] = every[np.concatenate([sides, holes])]
    return stored


def _nearest(answers: Answers, original: Original) -> npt.NDArray[np.int64]:
    """Positions of the rows nearest to the original's own decision threshold; none where it has none."""
    threshold = original.document["threshold"]
    if threshold is None:
        return np.arange(0)
    distance = np.abs(decided(original.form, threshold, answers.numbers)[1] - threshold["value"])
    return np.argsort(distance, kind="stable")[:NEAREST]
