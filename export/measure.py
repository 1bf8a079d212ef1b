"""Hold a converted graph against its estimator on constructed rows, for tests and coverage."""

import warnings
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd

from export.aim import aim
from export.convert import convert
from export.distance import ulp_distance
from export.errors import ExportError
from export.frame import MISSING_CODE, Columns, Schema, take
from export.nudge import nudge
from export.original import Answers, Original, asked_together
from export.rows import RowMaker
from export.settle import FEW, Ask, Shaken, too_many
from export.support import check_exportable, check_steps, core_of
from export.tolerance import ROUNDING
from lambda_handler.binding import make_session
from lambda_handler.contract import is_missing
from lambda_handler.predictor import BATCH


@dataclass(frozen=True)
class Measured:
    """What the rows showed.

    Attributes:
        verdict: identical, rounding, refused or WRONG.
        rows: rows that the original answers.
        labels: decidable rows whose label differs.
        undecidable: rows that differ where the original is within rounding of another label, at a jump, or answers
            otherwise when it is asked alone.
        ulp: largest distance in float64 steps, among numbers larger than the tolerance.
        apart: largest difference, as a share of the output's scale, or, where that is larger, of the number itself (the
            row's largest, for a transformer).
        reason: of a refusal.
        worst: the row with the largest difference.
    """

    verdict: str
    rows: int = 0
    labels: int = 0
    undecidable: int = 0
    ulp: int = 0
    apart: float = 0.0
    reason: str = ""
    worst: dict[str, Any] | None = None


def measure(estimator: Any, X: pd.DataFrame, *, transformer: bool = False, seed: int = 5, rows: int = 100) -> Measured:
    """Convert and compare.

    Args:
        estimator: fitted on X.
        X: its table.
        transformer: compare what `transform` gives and not what `predict` and its like give.
        seed: of every draw.
        rows: constructed rows of the commonest kinds; the others are in proportion.

    Returns:
        The verdict; a refusal carries its reason.
    """
    try:
        if transformer:
            check_steps(estimator)
        else:
            check_exportable(estimator)
        schema = Schema(X)
        table = schema.values(X)
        core = estimator if transformer else core_of(estimator)[0]
        original = _Transformed(core, schema, X.iloc[:1]) if transformer else _Model(core, schema, table)
        model = nudge(convert(core, schema, numbers=original.numbers, targets=original.targets), table)
    except ExportError as error:
        return Measured("refused", reason=str(error))
    maker = RowMaker(schema, table, seed)
    parts = [
        take(table, np.arange(min(len(X), 2000))),
        maker.recombined(rows),
        maker.special(rows),
        maker.missing(rows // 3),
        maker.unseen(rows // 8),
        maker.boundaries(original.answer, rows),
    ]
    if b"TreeEnsemble" in model:
        parts.append(aim(model, schema, table, seed).rows)
    made = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
    return _compared(model, schema, made, original, len(parts[0][0]))


class _Model(Original):
    """A fitted model without its outermost threshold, and what its graph gives."""

    def __init__(self, estimator: Any, schema: Schema, table: Columns) -> None:
        super().__init__(estimator, schema, table)
        self.numbers, self.targets = self.form.numbers, len(self.form.targets)


class _Transformed:
    """A fitted transformer, asked like an `Original`."""

    def __init__(self, estimator: Any, schema: Schema, first: pd.DataFrame) -> None:
        self.estimator, self.schema = estimator, schema
        self.numbers, self.targets = "columns", 1
        self.width = self._ask(first).shape[1]

    def answer(self, values: Columns) -> Answers:
        """The columns of each row; a row that it rejects, or that gives an infinite number, is not accepted."""
        numbers = np.full((len(values[0]), self.width), np.nan)
        known = np.zeros(len(numbers), dtype=bool)
        frame = self.schema.frame(values)
        pending = asked_together(self.estimator, values)
        while pending:
            index = pending.pop()
            if not len(index):
                continue
            try:
                numbers[index] = self._ask(frame.iloc[index])
                known[index] = True
            except (ValueError, TypeError):
                if len(index) > 1:
                    pending += [index[: len(index) // 2], index[len(index) // 2 :]]
        labels = np.zeros((len(numbers), 0), dtype=np.int64)
        return Answers.sure(known & ~np.isinf(numbers).any(axis=1), labels, numbers)

    def _ask(self, frame: pd.DataFrame) -> npt.NDArray[Any]:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = self.estimator.transform(frame)
        dense = found.toarray() if hasattr(found, "toarray") else np.asarray(found)
        return _as_numbers(dense).reshape(len(frame), -1)


def _as_numbers(array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Numbers as they are; text by a checksum, -1 where it is missing."""
    if array.dtype.kind not in "OUT":
        return array.astype(np.float64)
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        marks = [-1.0 if is_missing(text) or text == MISSING_CODE else crc32(str(text).encode()) for text in array.flat]
        return np.array(marks, dtype=np.float64).reshape(array.shape)


def _asker(model: bytes) -> Ask:
    """Asks a graph for labels and numbers, as `Answers` has them."""
    session = make_session(model)
    names = [output.name for output in session.get_outputs()]

    def ask(columns: Columns) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        rows, labels, numbers = len(columns[0]), [], []
        for start in range(0, max(rows, 1), BATCH):
            feeds = {f"x{i}": column[start : start + BATCH].reshape(-1, 1) for i, column in enumerate(columns)}
            found = dict(zip(names, session.run(names, feeds), strict=True))
            width = len(feeds["x0"])
            label = found.pop("label", np.zeros((width, 0), dtype=np.int64))
            labels.append(label.reshape(width, label.size // max(width, 1)))
            parts = [_as_numbers(array) for array in found.values()]
            parts = [array.reshape(width, array.size // max(width, 1)) for array in parts]
            numbers.append(np.concatenate([np.zeros((width, 0)), *parts], axis=1))
        return np.concatenate(labels), np.concatenate(numbers)

    return ask


def _compared(model: bytes, schema: Schema, made: Columns, original: Any, real: int) -> Measured:
    answers = original.answer(made)
    kept = np.flatnonzero(answers.accepted)
    if not len(kept):
        return Measured("WRONG", reason="the original answers none of the rows")
    rows, said = take(made, kept), answers.at(kept)
    ask = _asker(model)
    labels, numbers = ask(rows)
    expected = said.numbers
    if numbers.shape != expected.shape:
        return Measured("WRONG", len(kept), reason=f"shape {numbers.shape} beside {expected.shape}")
    scale = _scale(expected[kept < real], labels.shape[1] > 0)

    def sizes(of: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        found = np.abs(np.nan_to_num(of))
        if original.numbers == "columns":  # the columns of one row are one vector
            found = found.max(axis=1, initial=0.0, keepdims=True) + np.zeros(of.shape)
        return np.asarray(np.maximum(scale, found))

    apart = np.nan_to_num(np.abs(expected - numbers), nan=np.inf)
    apart[(expected == numbers) | (np.isnan(expected) & np.isnan(numbers))] = 0.0
    apart /= sizes(expected)
    outside = (apart > ROUNDING).any(axis=1)
    differ = (labels != said.labels).any(axis=1)
    suspect = np.flatnonzero(differ | outside)
    excused = _undecidable(original, take(rows, suspect), said, suspect, (labels != said.labels)[suspect], scale)
    graph = Shaken(model, _asker, lambda of: ROUNDING * sizes(of))
    judged = graph.judged(rows, said, np.flatnonzero(kept < real), FEW)
    if too_many(judged.jumps[kept < real]):
        return Measured("refused", len(kept), reason="too many of the training rows hang on rounding")
    unsure = (judged.unsure | (labels == said.labels)).all(axis=1)
    excused |= judged.jumps[suspect] | (unsure & ~outside)[suspect]
    differ[suspect[excused]], outside[suspect[excused]] = False, False
    ulp = np.where(np.abs(expected) > ROUNDING * scale, ulp_distance(expected, numbers), np.uint64(0))
    ulp[suspect[excused]] = 0
    apart[suspect[excused]] = 0.0
    wrong = bool(differ.any() or outside.any())
    badness = apart.max(axis=1, initial=0.0) + np.where(differ | outside, 1e300, 0.0)
    worst = int(np.argmax(badness))
    verdict = "WRONG" if wrong else "rounding" if (apart > 0).any() or ulp.any() or excused.any() else "identical"
    return Measured(
        verdict,
        len(kept),
        int(differ.sum()),
        int(excused.sum()),
        int(ulp.max(initial=0)),
        float(apart.max(initial=0.0)),
        worst=schema.rows(take(made, kept[[worst]]))[0] if badness[worst] > 0 else None,
    )


def _scale(real: npt.NDArray[np.float64], classifies: bool) -> float:
    """The size of the output on real rows; at least 1 for probabilities and scores."""
    finite = np.abs(real[np.isfinite(real)])
    largest = float(finite.max()) if finite.size else 1.0
    return max(largest, 1.0) if classifies else largest or 1.0


def _undecidable(
    original: Any,
    rows: Columns,
    answers: Answers,
    index: npt.NDArray[np.int64],
    differ: npt.NDArray[np.bool_],
    scale: float,
) -> npt.NDArray[np.bool_]:
    """Rows whose differing labels are within rounding of others, or that the original answers otherwise alone."""
    excused = np.zeros(len(index), dtype=bool)
    for place, row in enumerate(index):
        numbers = answers.numbers[row]
        alone = original.answer(take(rows, np.array([place])))
        if not alone.accepted[0]:
            continue
        if differ[place].any():
            targets = [each for each, other in zip(original.form.targets, differ[place], strict=True) if other]
            excused[place] = all(_margin(numbers[each.start : each.end]) <= 2 * ROUNDING * scale for each in targets)
        excused[place] |= bool((alone.labels[0] != answers.labels[row]).any())
        moved = np.abs(alone.numbers[0] - numbers)
        excused[place] |= bool((moved > ROUNDING * np.maximum(scale, np.abs(numbers))).any())
    return excused


def _margin(numbers: npt.NDArray[np.float64]) -> float:
    """How far the label is from another one; infinite where no numbers say it."""
    if len(numbers) == 0:
        return float("inf")
    if len(numbers) == 1:
        return float(abs(numbers[0]))
    ordered = np.sort(numbers)
    return float(ordered[-1] - ordered[-2])
