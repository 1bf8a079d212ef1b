"""Compare answers with the golden rows: labels equal, numbers within the certificate's class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lambda_handler.contract import Contract, ContractError
from lambda_handler.predictor import Predictor

NEVER = np.uint64(2**64 - 1)  # the distance between NaN and a number


@dataclass
class Stratum:
    """What one stratum showed.

    Attributes:
        rows: rows compared.
        labels_differ: decidable rows whose label differs, and rows answered instead of rejected (or the reverse).
        outside: rows with a number further away than the tolerance, or of another shape.
        undecidable: rows of which a label, or at a jump anything, was not compared.
        max_ulp: largest distance in float64 steps, among numbers larger than the tolerance.
        max_abs: largest absolute difference.
        worst: index of the row with the largest difference, None where nothing differs.
    """

    rows: int = 0
    labels_differ: int = 0
    outside: int = 0
    undecidable: int = 0
    max_ulp: int = 0
    max_abs: float = 0.0
    worst: int | None = None

    @property
    def holds(self) -> bool:
        """Whether no decidable label differs and no number is outside the tolerance."""
        return self.labels_differ == 0 and self.outside == 0


def ulp_distance(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """Distance in float64 steps, elementwise: 0 for equal numbers (also 0.0 and -0.0) and for NaN beside NaN.

    NaN beside a number is `NEVER`.
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    first, second = _order(x), _order(y)
    apart = np.maximum(first, second) - np.minimum(first, second)
    nan_x, nan_y = np.isnan(x), np.isnan(y)
    return np.where(nan_x | nan_y, np.where(nan_x & nan_y, np.uint64(0), NEVER), apart)


def _order(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Number the float64 values in their order: neighbours are one apart, both zeros are 2**63."""
    bits = np.ascontiguousarray(values).reshape(values.shape).view(np.uint64)
    middle = np.uint64(2**63)
    with np.errstate(over="ignore"):
        return np.where(bits >= middle, middle - (bits - middle), middle + bits)


def compare(
    contract: Contract, golden: Sequence[dict[str, Any]], answers: Sequence[dict[str, Any]]
) -> dict[str, Stratum]:
    """Hold a runtime's answers against the original's.

    Args:
        contract: of the bundle.
        golden: lines of golden.jsonl.
        answers: per golden row a prediction, or `{"rejected": [problem, …]}`.

    Returns:
        One `Stratum` per stratum, in order of first appearance.

    Raises:
        ValueError: nothing to compare, or not one answer per row.
    """
    if not golden or len(golden) != len(answers):
        raise ValueError(f"one answer per golden row is compared; got {len(answers)} answers for {len(golden)} rows")
    strata: dict[str, Stratum] = {}
    for index, (expected, answer) in enumerate(zip(golden, answers, strict=True)):
        stratum = strata.setdefault(expected["stratum"], Stratum())
        stratum.rows += 1
        if "rejected" in expected:
            stratum.labels_differ += _rejection(expected["rejected"]) != _rejection(answer.get("rejected", []))
        elif "rejected" in answer:
            stratum.labels_differ += 1
        else:
            _compare_answer(contract, expected, answer, stratum, index)
    return strata


def replay(predictor: Predictor, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answer rows in one batch; a row that breaks the contract gets `{"rejected": [problem, …]}`."""
    rejected: dict[int, list[dict[str, Any]]] = {}
    try:
        return predictor.predict(rows)
    except ContractError as error:
        for problem in error.problems:
            rejected.setdefault(problem["row"], []).append(problem)
    kept = iter(replay(predictor, [row for index, row in enumerate(rows) if index not in rejected]))
    return [{"rejected": rejected[index]} if index in rejected else next(kept) for index in range(len(rows))]


def _rejection(problems: list[dict[str, Any]]) -> set[tuple[Any, str]]:
    return {(problem["feature"], problem["kind"]) for problem in problems}


def _compare_answer(
    contract: Contract, expected: dict[str, Any], answer: dict[str, Any], stratum: Stratum, index: int
) -> None:
    form = contract.form
    recorded, found = form.read(expected["answer"]), form.read(answer)
    if recorded is None or found is None:
        stratum.outside += 1
        stratum.worst = index
        return
    if expected.get("jump"):
        stratum.undecidable += 1
        return
    numbers, got = np.array(recorded[1]), np.array(found[1])
    counted = np.abs(numbers) > form.absolute  # below it, a step is too small to mean anything
    ulp = int(ulp_distance(numbers, got)[counted].max(initial=0))
    apart = float(np.abs(numbers - got).max(initial=0.0)) if np.isfinite(got).all() else float("inf")
    stratum.outside += not within(contract, numbers, got).all()
    if apart > stratum.max_abs:
        stratum.max_abs, stratum.worst = apart, index
    stratum.max_ulp = max(stratum.max_ulp, ulp)
    if not form.labels:
        return
    decidable = expected["decidable"] if form.several else [expected["decidable"]]
    stratum.undecidable += not all(decidable)
    pairs = zip(recorded[0], found[0], decidable, strict=True)
    if any(compared and (type(one) is not type(other) or one != other) for one, other, compared in pairs):
        stratum.labels_differ += 1
        stratum.worst = index


def within(
    contract: Contract, recorded: npt.NDArray[np.float64], got: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Which numbers are no further away than max(absolute, relative * |recorded|), both of shape (..., n_numbers)."""
    allowed = np.maximum(contract.form.absolute, contract.tolerance["relative"] * np.abs(recorded))
    inside: npt.NDArray[np.bool_] = np.abs(recorded - got) <= allowed
    return inside
