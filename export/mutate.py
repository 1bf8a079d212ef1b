"""The mutation score: would the certificate's rows notice a graph that is wrong in one small place?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.around import Answer, Around, Whole
from export.distance import within
from export.frame import Columns, take
from export.mutants import Mutant
from lambda_handler.contract import Contract

TURNS = 6  # times that rows are asked before a fault counts as not noticed by rows of one kind
SWAPPED = 1000  # rows that are asked about two classes in the other order

Flags = npt.NDArray[np.bool_]

INSIDE = "answers change by less than the tolerance"
SILENT = "no row's answer changes: no row that was tried reaches it, or it cannot matter"
UNSTORED = "rows that were held against the original notice it; none of them is stored"
MISSED = "rows built for it alone notice it; no row that was held against the original does"


@dataclass(frozen=True)
class Trial:
    """Rows that mutants are tried on.

    Attributes:
        values: graph values: stored rows, then others that were held against the original, then rows built for the
            mutants, which were not.
        stored: how many of them the bundle holds.
        certified: how many of them were held against the original, the stored ones among them.
        decidable: which of their labels are compared, of shape (n_rows, n_labels).
    """

    values: Columns
    stored: int
    certified: int
    decidable: Flags

    @property
    def kinds(self) -> tuple[range, range, range]:
        """The stored rows, the others that were held against the original, and those built for the mutants."""
        return range(self.stored), range(self.stored, self.certified), range(self.certified, len(self.values[0]))


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant.

    Attributes:
        kind, place: of the mutant.
        reason: why no stored row notices it; None where one does.
        row: the first row that was found to notice it; None where none was.
    """

    kind: str
    place: str
    reason: str | None
    row: int | None


def mutation_score(
    model: onnx.ModelProto,
    contract: Contract,
    trial: Trial,
    made: Sequence[Mutant],
    advance: Callable[[int, int], None],
) -> dict[str, Any]:
    """Change the graph in one place at a time and count the changes that rows notice.

    Args:
        model: the certified graph; stays unchanged.
        contract: of the bundle.
        trial: the rows.
        made: the mutants.
        advance: called with (done, total) after each mutant.

    Returns:
        `mutants`, `effective` (an answer changes by more than the tolerance on some row), `caught` (on a row that was
        held against the original), `caught_stored` (on a stored row), the same by kind, and the survivors of the stored
        rows, each with its place and the reason.
    """
    names = ("mutants", "effective", "caught", "caught_stored")
    kinds: dict[str, dict[str, int]] = {}
    survivors = []
    for done, verdict in enumerate(verdicts(model, contract, trial, made)):
        count = kinds.setdefault(verdict.kind, dict.fromkeys(names, 0))
        count["mutants"] += 1
        count["effective"] += verdict.reason in {None, UNSTORED, MISSED}
        count["caught"] += verdict.reason in {None, UNSTORED}
        count["caught_stored"] += verdict.reason is None
        if verdict.reason is not None:
            survivors.append({"kind": verdict.kind, "place": verdict.place, "reason": verdict.reason})
        advance(done + 1, max(done + 1, len(made)))
    totals = {key: sum(count[key] for count in kinds.values()) for key in names}
    return {**totals, "kinds": dict(sorted(kinds.items())), "survivors": survivors}


def verdicts(model: onnx.ModelProto, contract: Contract, trial: Trial, made: Sequence[Mutant]) -> Iterator[Verdict]:
    """Try mutant after mutant, tensor by tensor; then each swap of two classes."""
    ordered = sorted(made, key=lambda mutant: mutant.tensor)
    whole = Whole(model, contract, trial.values, list(dict.fromkeys(mutant.tensor for mutant in ordered)))
    for tensor, group in groupby(ordered, key=lambda mutant: mutant.tensor):
        around = Around(whole, tensor)
        for mutant in group:
            yield _verdict(contract, trial, mutant.kind, mutant.place, partial(around.tried, mutant))
    for target, first in _neighbours(contract):
        place = f"target {target}, classes {first} and {first + 1} swapped"
        yield _verdict(contract, trial, "label order", place, partial(_swaps, whole, (target, first)))


Tried = Iterator[tuple[npt.NDArray[np.int64], Answer, Answer]]


def _verdict(contract: Contract, trial: Trial, kind: str, place: str, tried: Callable[[range], Tried]) -> Verdict:
    reason = SILENT
    for name, rows in zip((None, UNSTORED, MISSED), trial.kinds, strict=True):
        for turn, (index, before, after) in enumerate(tried(rows)):
            seen = np.flatnonzero(noticed(contract, before, after, trial.decidable[index]))
            if len(seen):
                return Verdict(kind, place, name, int(index[seen[0]]))
            if not _alike(before, after):
                reason = INSIDE
            if turn + 1 == TURNS:
                break
    return Verdict(kind, place, reason, None)


def noticed(contract: Contract, expected: Answer, got: Answer, decidable: Flags) -> Flags:
    """Rows with a number outside the tolerance or a decidable label that is another, of shape (n_rows,)."""
    numbers = ~within(contract, expected[1], got[1]).all(axis=1)
    labels = ((expected[0] != got[0]) & decidable).any(axis=1)
    either: Flags = numbers | labels
    return either


def _alike(before: Answer, after: Answer) -> bool:
    return bool((before[0] == after[0]).all() and np.array_equal(before[1], after[1], equal_nan=True))


def _neighbours(contract: Contract) -> Iterator[tuple[int, int]]:
    """(target, class) of each class that has a next one."""
    for index, target in enumerate(contract.form.targets):
        if index < contract.form.labels:
            yield from ((index, first) for first in range(len(target.classes) - 1))


def _swaps(whole: Whole, at: tuple[int, int], rows: range) -> Tried:
    """The answers to some of the rows, and those of a bundle whose contract lists two classes in the other order."""
    index = np.array(rows[:: max(len(rows) // SWAPPED, 1)], dtype=np.int64)
    if not len(index):
        return
    before = whole.answer(whole.known(take(whole.values, index)), len(index))
    target, first = at
    labels, numbers = before[0].copy(), before[1].copy()
    known = before[0][:, target]
    labels[:, target] = np.select([known == first, known == first + 1], [first + 1, first], known)
    start, end = whole.contract.form.targets[target].start, whole.contract.form.targets[target].end
    if end - start > 1 and whole.contract.form.numbers in {"probabilities", "scores", "items"}:
        numbers[:, [start + first, start + first + 1]] = numbers[:, [start + first + 1, start + first]]
    yield index, before, (labels, numbers)
