"""Which labels can be compared: not those within rounding of another one, where the original itself hesitates."""

import numpy as np
import numpy.typing as npt

from export.evidence import Evidence
from export.frame import Columns, take
from export.original import Answers, Original
from export.tolerance import ROUNDING
from lambda_handler.binding import decided
from lambda_handler.contract import Contract

NEAR = 1e-6  # of the numbers' size: labels that are nearer to another are also asked alone
ALONE = 200  # rows without numbers whose label differs that are also asked alone


def decidable_labels(evidence: Evidence, original: Original, contract: Contract) -> npt.NDArray[np.bool_]:
    """Which labels of the stored rows are compared, bool of shape (n_rows, n_labels), in the order of `stored`.

    Not those nearer to another label than the tolerance, nor those that the original gives otherwise to the row alone.
    """
    parts = []
    for name, values in evidence.strata.items():
        answers = evidence.answers[name]
        found = compared(answers, contract)
        index = np.flatnonzero(answers.accepted & _near(answers, contract))
        if len(index):
            apart = _apart(original.answer_alone(take(values, index)), answers, index)
            found[index[apart]] = False
        parts.append(found[answers.accepted])
    return np.concatenate(parts)


def compared(answers: Answers, contract: Contract) -> npt.NDArray[np.bool_]:
    """Which labels are further from the next one than the tolerance, bool of shape (n_rows, n_labels).

    In an identical export all are but those at a jump.
    """
    decidable = np.ones(answers.labels.shape, dtype=bool)
    decidable[answers.jumps] = False
    decidable[answers.unsure] = False
    if contract.tolerance["class"] == "identical":
        return decidable
    margins, sizes = _margins(answers, contract)
    absolute = np.array([target.absolute for target in contract.form.targets[: contract.form.labels]])
    decidable &= margins > 2 * np.maximum(absolute, contract.tolerance["relative"] * sizes)
    return decidable


def differs_alone(
    original: Original, values: Columns, answers: Answers, rows: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Of the first of these rows, those that the original answers otherwise alone than in a batch; of all rows."""
    found = np.zeros(len(rows), dtype=bool)
    index = np.flatnonzero(rows)[:ALONE]
    if len(index):
        found[index] = _apart(original.answer_alone(take(values, index)), answers, index)
    return found


def _near(answers: Answers, contract: Contract) -> npt.NDArray[np.bool_]:
    """Rows of which a label is within a share of `NEAR` of another, bool of shape (n_rows,)."""
    form = contract.form
    if not form.labels:
        return np.zeros(len(answers.accepted), dtype=bool)
    if not form.width:
        return np.ones(len(answers.accepted), dtype=bool)
    margins, sizes = _margins(answers, contract)
    near = np.asarray(margins <= NEAR * np.maximum(1.0, sizes))
    return np.asarray(near.any(axis=1))


def _apart(alone: Answers, batch: Answers, index: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether the answers to rows alone are others than those to the rows at `index` of a batch."""
    scale = np.maximum(1.0, np.abs(batch.numbers[index]))
    differs = [
        alone.accepted != batch.accepted[index],
        (alone.labels != batch.labels[index]).any(axis=1),
        (np.abs(alone.numbers - batch.numbers[index]) > ROUNDING * scale).any(axis=1),
    ]
    either: npt.NDArray[np.bool_] = np.any(differs, axis=0)
    return either


def _margins(answers: Answers, contract: Contract) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How far each label is from the next one, and the size of the numbers that decide it.

    Returns:
        Two times float64 of shape (n_rows, n_labels); infinite and 0 where no number says it.
    """
    margins, sizes = np.full(answers.labels.shape, np.inf), np.zeros(answers.labels.shape)
    for index, target in enumerate(contract.form.targets[: contract.form.labels]):
        numbers = answers.numbers[:, target.start : target.end]
        if contract.threshold is not None:
            margin = np.abs(decided(contract.form, contract.threshold, numbers)[1] - contract.threshold["value"])
        elif contract.form.numbers == "scores" and numbers.shape[1] == 1:
            margin = np.abs(numbers[:, 0])
        elif numbers.shape[1] > 1:
            ordered = np.sort(numbers, axis=1)
            margin = ordered[:, -1] - ordered[:, -2]
        else:
            continue
        margins[:, index], sizes[:, index] = margin, np.abs(numbers).max(axis=1)
    return margins, sizes
