"""Rows whose answer hangs on rounding: found by shaking the graph, and exempt only within what the shaking gives."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from export.errors import ExportError
from export.evidence import Evidence
from export.frame import Columns, take
from export.original import Answers
from export.shake import FAR, NEAR, shaken
from lambda_handler.predictor import Predictor

SURE, FEW = 20, 6  # draws of the rounding for rows that other runtimes are asked about, and for a share of many rows
MOST_DRAWS = 100  # for rows that the original answers otherwise: they may stand at several turns at once
SCATTERED = 5  # answers of its draws, more than two turns make: a row at several turns at once
REAL = 4000  # rows of the training table that are shaken
MOST = 0.001  # of those, the share that may hang on rounding

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ask = Callable[[Columns], tuple[npt.NDArray[np.int64], Floats]]
Answer = tuple[npt.NDArray[np.int64], Floats]
Allowed = Callable[[Floats], Floats]


class Shaken:
    """A graph beside itself with shaken rounding.

    Args:
        model: the graph.
        asker: makes of a graph what answers rows by it.
        allowed: by how much numbers may differ.

    Attributes:
        needed: whether an answer hangs on a choice by rounded numbers at all.
    """

    def __init__(self, model: bytes, asker: Callable[[bytes], Ask], allowed: Allowed) -> None:
        self._ask, self._allowed = asker(model), allowed
        graphs = {steps: shaken(model, steps) for steps in (NEAR, FAR)}
        self._noisy = {steps: asker(graph) for steps, graph in graphs.items() if graph is not None}
        self.needed = bool(self._noisy)

    def judged(self, values: Columns, said: Answers, looked: npt.NDArray[np.int64], draws: int) -> Answers:
        """The original's answers, marked where they hang on rounding: where the graph's jump when that is shaken.

        A number jumps that moves by more than what is allowed times the steps that everything was moved by. Where the
        original answers otherwise than the graph, its numbers must lie between those that the shaking gives, and its
        labels be among them: else nothing is marked, for the graph is wrong. A row whose draws give `SCATTERED` answers
        stands at many turns at once, of which no draws show all: its numbers may lie as far outside again.

        Args:
            values: the rows.
            said: the original's answers to them.
            looked: positions of rows that are shaken even though the original answers them alike.
            draws: of the rounding, for these.
        """
        if not self.needed:
            return said
        labels, numbers = self._ask(values)
        differ = ~_close(numbers, said.numbers, self._allowed(said.numbers)) | (labels != said.labels).any(axis=1)
        jumps, unsure = np.zeros(len(labels), dtype=bool), np.zeros(labels.shape, dtype=bool)
        looked = looked[said.accepted[looked]]
        for _ in range(draws if len(looked) else 0):
            moved, (other, _) = self._drawn(NEAR, take(values, looked), (labels[looked], numbers[looked]))
            jumps[looked] |= moved
            unsure[looked] |= other != labels[looked]
        rows = np.flatnonzero(differ & said.accepted)
        parts = take(values, rows), said.at(rows), (labels[rows], numbers[rows])
        far, changed, right = self._explained(*parts)
        jumps[rows] = (jumps[rows] | far) & right
        unsure[rows] = (unsure[rows] | changed) & right[:, None]
        if not numbers.shape[1]:
            jumps = np.asarray(unsure.any(axis=1))
        return replace(said, jumps=jumps, unsure=unsure)

    def _drawn(self, steps: int, values: Columns, still: Answer) -> tuple[Flags, Answer]:
        """Rows of which one draw's numbers are others, and the draw."""
        labels, numbers = self._noisy[steps](values)
        return ~_close(numbers, still[1], steps * self._allowed(still[1])), (labels, numbers)

    def _explained(self, values: Columns, said: Answers, still: Answer) -> tuple[Flags, Flags, Flags]:
        """Rows whose numbers jump, labels that become the original's, and rows where that explains the original."""
        jumped, known = np.zeros(len(said.accepted), dtype=bool), still[0] == said.labels
        same, low, high = known.copy(), still[1].copy(), still[1].copy()
        seen = [{answer} for answer in _coarse(still[1])]
        inside = _between(said.numbers, low, high, self._allowed(said.numbers))
        steady = inside.copy()
        for _ in range(MOST_DRAWS):
            rows = np.flatnonzero(~((steady | (jumped & inside)) & known.all(axis=1)))
            if not len(rows):
                break
            moved, (labels, numbers) = self._drawn(FAR, take(values, rows), (still[0][rows], still[1][rows]))
            jumped[rows] |= moved
            low[rows], high[rows] = np.fmin(low[rows], numbers), np.fmax(high[rows], numbers)
            known[rows] |= labels == said.labels[rows]
            for row, answer in zip(rows[moved], _coarse(numbers[moved]), strict=True):
                seen[row].add(answer)
            inside[rows] = _between(said.numbers[rows], low[rows], high[rows], self._allowed(said.numbers[rows]))
        scattered = np.array([len(answers) >= SCATTERED for answers in seen], dtype=bool)
        span = high - low
        around = _between(said.numbers, low - span, high + span, self._allowed(said.numbers))
        right = ((steady | (jumped & inside)) & known.all(axis=1)) | (jumped & scattered & around)
        return jumped, ~same, right


def _coarse(numbers: Floats) -> list[tuple[float, ...]]:
    """Numbers rounded to float32, so that only answers that are really others count as such."""
    with np.errstate(over="ignore"):
        return [tuple(row) for row in numbers.astype(np.float32).tolist()]


def _close(found: Floats, expected: Floats, limits: Floats) -> Flags:
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        return np.asarray((same | (np.abs(found - expected) <= limits)).all(axis=1))


def _between(numbers: Floats, low: Floats, high: Floats, limits: Floats) -> Flags:
    with np.errstate(invalid="ignore"):
        inside = (numbers >= low - limits) & (numbers <= high + limits)
    return np.asarray((inside | (np.isnan(numbers) & np.isnan(low))).all(axis=1))


def too_many(flags: Flags) -> bool:
    """Whether more rows hang on rounding than a share of `MOST`, and more than one."""
    return int(flags.sum()) > max(1.0, MOST * len(flags))


def settle(evidence: Evidence, predictor: Predictor, blame: Callable[[int, int], ExportError]) -> Evidence:
    """The same evidence, its answers marked where they hang on rounding.

    All stored rows are shaken, since another runtime is asked for them; of the others those that differ, and of the
    training table a sample.

    Args:
        evidence: from `gather`.
        predictor: of the converted graph, with the tolerance of *rounding*.
        blame: makes the refusal of so many hanging rows out of so many.

    Raises:
        ExportError: too many rows of the training table hang on rounding.
    """
    graph = _shaken(predictor)
    if not graph.needed:
        return evidence
    rows = len(evidence.real[0][0])
    sample = np.unique(np.linspace(0, rows - 1, min(rows, REAL)).astype(np.int64))
    real = graph.judged(*evidence.real, sample, FEW)
    if too_many(real.jumps[sample]):
        raise blame(int(real.jumps[sample].sum()), len(sample))
    stored = {
        name: graph.judged(values, evidence.answers[name], np.arange(len(values[0])), SURE)
        for name, values in evidence.strata.items()
    }
    unstored = graph.judged(*evidence.unstored, np.arange(0), FEW)
    return replace(evidence, answers=stored, unstored=(evidence.unstored[0], unstored), real=(evidence.real[0], real))


def settle_stratum(evidence: Evidence, predictor: Predictor, name: str) -> Evidence:
    """The same evidence with one more stored stratum, if it is there, marked like the others."""
    if name not in evidence.strata:
        return evidence
    values = evidence.strata[name]
    judged = _shaken(predictor).judged(values, evidence.answers[name], np.arange(len(values[0])), SURE)
    return replace(evidence, answers={**evidence.answers, name: judged})


def _shaken(predictor: Predictor) -> Shaken:
    def asker(model: bytes) -> Ask:
        return Predictor(predictor.bundle._replace(model=model)).run

    def allowed(numbers: Floats) -> Floats:
        relative = predictor.contract.tolerance["relative"]
        return np.asarray(np.maximum(predictor.contract.form.absolute, relative * np.abs(numbers)))

    return Shaken(predictor.bundle.model, asker, allowed)
