"""Compare answers with the golden rows: labels equal, numbers within the certificate's class."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from struct import Struct
from typing import Any

from lambda_handler.contract import Contract
from lambda_handler.each import answer_each
from lambda_handler.predictor import Predictor

NEVER = 2**64 - 1  # the distance between NaN and a number
_NUMBER, _BITS = Struct("<d"), Struct("<q")


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


def ulp_distance(a: float, b: float) -> int:
    """Distance in float64 steps: 0 for equal numbers (also 0.0 and -0.0) and for NaN beside NaN.

    NaN beside a number is `NEVER`.
    """
    if isnan(a) or isnan(b):
        return 0 if isnan(a) and isnan(b) else NEVER
    return abs(_order(a) - _order(b))


def _order(value: float) -> int:
    """Number the float64 values in their order: neighbours are one apart, both zeros are 0."""
    (bits,) = _BITS.unpack(_NUMBER.pack(value))
    return int(bits) if bits >= 0 else -(int(bits) & 2**63 - 1)


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
    return answer_each(predictor.predict, rows)


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
    numbers, got = recorded[1], found[1]
    pairs = list(zip(numbers, got, form.absolute, strict=True))
    # below the tolerance a step is too small to mean anything
    ulp = max((ulp_distance(number, other) for number, other, least in pairs if abs(number) > least), default=0)
    whole = all(map(isfinite, got))
    apart = max((abs(number - other) for number, other, _ in pairs), default=0.0) if whole else float("inf")
    relative = contract.tolerance["relative"]
    inside = (abs(number - other) <= max(least, relative * abs(number)) for number, other, least in pairs)
    stratum.outside += not all(inside)
    if apart > stratum.max_abs:
        stratum.max_abs, stratum.worst = apart, index
    stratum.max_ulp = max(stratum.max_ulp, ulp)
    if not form.labels:
        return
    decidable = expected["decidable"] if form.several else [expected["decidable"]]
    stratum.undecidable += not all(decidable)
    labels = zip(recorded[0], found[0], decidable, strict=True)
    if any(compared and (type(one) is not type(other) or one != other) for one, other, compared in labels):
        stratum.labels_differ += 1
        stratum.worst = index
