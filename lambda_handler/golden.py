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
        undecidable: rows whose label was not compared.
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
    recorded = expected["answer"]
    numbers, got = _numbers(contract, recorded), _numbers(contract, answer)
    if got is None or numbers is None:
        stratum.outside += 1
        stratum.worst = index
        return
    counted = np.abs(numbers) > contract.tolerance["absolute"]  # below it, a step is too small to mean anything
    ulp = int(ulp_distance(numbers, got)[counted].max(initial=0))
    apart = float(np.max(np.abs(numbers - got))) if np.isfinite(got).all() else float("inf")
    stratum.outside += not _within(contract, numbers, got)
    if apart > stratum.max_abs:
        stratum.max_abs, stratum.worst = apart, index
    stratum.max_ulp = max(stratum.max_ulp, ulp)
    if contract.task != "classification":
        return
    decidable = expected["decidable"]
    stratum.undecidable += not decidable
    label = answer.get("label")
    if decidable and (type(label) is not type(recorded["label"]) or label != recorded["label"]):
        stratum.labels_differ += 1
        stratum.worst = index


def _within(contract: Contract, recorded: npt.NDArray[np.float64], got: npt.NDArray[np.float64]) -> bool:
    """Whether every number is no further away than max(absolute, relative * |recorded|)."""
    tolerance = contract.tolerance
    allowed = np.maximum(tolerance["absolute"], tolerance["relative"] * np.abs(recorded))
    return bool(np.all(np.abs(recorded - got) <= allowed))


def _numbers(contract: Contract, answer: dict[str, Any]) -> npt.NDArray[np.float64] | None:
    try:
        if contract.task != "classification":
            return np.array([float(answer["value"])])
        if list(answer["probabilities"]) != contract.class_keys:
            return None
        return np.array([float(value) for value in answer["probabilities"].values()])
    except (KeyError, TypeError, ValueError):
        return None
