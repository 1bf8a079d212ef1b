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
from export.sweep import Swept, most_telling
from lambda_handler.binding import decided

STORED_SPLITS, STORED_HOLES = 20, 10  # splits whose rows are stored; rows with a missing input
CANDIDATES = 8000  # swept rows among which those that are stored are chosen
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
        sides: how many sides of splits there are that rows can stand at, and at how many stored and all rows stand.
    """

    strata: dict[str, Columns]
    answers: dict[str, Answers]
    unstored: tuple[Columns, Answers]
    real: tuple[Columns, Answers]
    sides: dict[str, int]

    def stored(self) -> tuple[Columns, Answers]:
        """All stored rows that the original accepts, stratum by stratum, with its answers."""
        return _accepted([(values, self.answers[name]) for name, values in self.strata.items()])


def gather(  # noqa: PLR0913, PLR0917 - called once; each is another source of rows
    original: Original,
    maker: RowMaker,
    aimed: Aimed,
    swept: Swept,
    built: Mapping[str, Columns],
    more: Sequence[Columns],
    places: Places,
    effort: Effort,
    seed: int,
    room: int,
    report: Report,
) -> Evidence:
    """Make the rows of every stratum, ask the original about them, and choose those that are stored.

    Args:
        original: asked.
        maker: of the rows.
        aimed: rows aimed at splits; of the first splits they are stored.
        swept: rows beside thresholds; those that together stand at most are stored.
        built: rows of further strata, all stored.
        more: further rows, not stored.
        places: of the graph.
        effort: how many rows.
        seed: of the sample of a large training table.
        room: how many swept rows may be stored.
        report: called with one line per stratum.
    """
    strata: dict[str, Columns] = {}
    answers: dict[str, Answers] = {}
    unstored = [(rows, original.answer(rows)) for rows in more]
    given = {**built, "threshold": aimed.rows, "split": swept.rows}
    sides: dict[str, int] = {}
    for name in ("recombined", "boundary", "threshold", "split", "edge", "special", "missing", "unseen"):
        report(f"asking the original: {name} rows")
        made = given[name] if name in given else _make(original, maker, name, effort)
        if not len(made[0]):
            continue
        found = original.answer(made)
        if name == "split":
            chosen, sides = _telling(swept, found, places, maker, room)
        else:
            chosen = _chosen(name, made, found, places, aimed, original)
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
    return Evidence(strata, answers, _accepted(unstored), (real, original.answer(real)), sides)


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


def _telling(
    swept: Swept, answers: Answers, places: Places, maker: RowMaker, room: int
) -> tuple[npt.NDArray[np.int64], dict[str, int]]:
    """Swept rows that together stand at most sides and reach most leaves, and the count of these sides."""
    able = np.flatnonzero(answers.accepted & ~answers.jumps)
    checked = len(np.unique(swept.sides_of(able)))
    able = able[np.argsort(-np.diff(swept.starts)[able], kind="stable")][:CANDIDATES]
    able = np.sort(able[~maker.private(take(swept.rows, able))])
    leaves = places.leaves(take(swept.rows, able)) + int(swept.sides.max(initial=0)) + 1
    items = [np.concatenate([swept.sides_of(able[[index]]), own]) for index, own in enumerate(leaves)]
    chosen = np.sort(able[most_telling(items, room)])
    return chosen, {"all": swept.count, "stored": len(np.unique(swept.sides_of(chosen))), "checked": checked}


def _nearest(answers: Answers, original: Original) -> npt.NDArray[np.int64]:
    """Positions of the rows nearest to the original's own decision threshold; none where it has none."""
    threshold = original.document["threshold"]
    if threshold is None:
        return np.arange(0)
    distance = np.abs(decided(original.form, threshold, answers.numbers)[1] - threshold["value"])
    return np.argsort(distance, kind="stable")[:NEAREST]
