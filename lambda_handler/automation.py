"""How far a model acts by itself: the contract's `automation` and `capture`, checked (standard library only)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

DEGREES = ("shadow", "human only", "assist", "partial", "full")
REFER = "refer"


class AutomationError(ValueError):
    """A configuration that says nothing sensible: the rule, what was got, what to do."""

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        self.rule, self.got, self.remedy = rule, got, remedy
        super().__init__(f"{rule}; got {got}. {remedy}")


class Automation(NamedTuple):
    """What becomes of an answer.

    Attributes:
        degree: one of `DEGREES`.
        abstain: with `partial` the band of numbers, both ends inside it, in which a person decides; else None.
        share: of requests of which a capture record is written, from 0 to 1.
    """

    degree: str
    abstain: tuple[float, float] | None
    share: float


def read_automation(document: Mapping[str, Any], degree: str | None = None) -> Automation:
    """Check what a contract says of automation and capture.

    Args:
        document: contract.json; of a half-made one `automation`, `capture`, `outputs`, `classes`, `targets` and
            `threshold` are enough.
        degree: instead of the contract's, its other settings kept.

    Raises:
        AutomationError: the degree is unknown, or does not fit the band, the share or the model's answers.
        KeyError, TypeError: a key is missing or misshaped.
    """
    told, share = document["automation"], document["capture"]["share"]
    chosen = told["degree"] if degree is None else degree
    if chosen not in DEGREES:
        rule = f"The degree of automation is one of {', '.join(DEGREES)}"
        raise AutomationError(rule, repr(chosen)[:80], "Name one of these.")
    if not _is_number(share) or not 0 <= share <= 1:
        rule = "The share of requests that are captured is a number from 0 to 1"
        raise AutomationError(rule, repr(share)[:80], "Give such a number.")
    if chosen == "shadow" and share == 0:
        rule = "In shadow the answers stand in the capture records alone, so some must be written"
        raise AutomationError(rule, "a capture share of 0", "Give a share above 0, such as 1.")
    _check_refer(chosen, document)
    given = told["abstain"]
    band = None if given is None else _band(given, document)
    if degree is None and band is not None and chosen != "partial":
        rule = "An abstain band belongs to partial automation"
        raise AutomationError(rule, f"one beside {chosen!r}", "Leave it out, or choose partial.")
    if chosen == "partial" and band is None:
        rule = "Partial automation needs an abstain band: the numbers in which a person decides"
        raise AutomationError(rule, "none", "Give its two ends.")
    return Automation(chosen, band if chosen == "partial" else None, float(share))


def _check_refer(degree: str, document: Mapping[str, Any]) -> None:
    if degree in {"partial", "human only"} and document["targets"] is None and REFER in (document["classes"] or ()):
        rule = f"With {degree!r} a decision may be {REFER!r}, which then must not be a class"
        raise AutomationError(rule, f"a class {REFER!r}", "Rename the class, or choose another degree.")


def _band(given: Any, document: Mapping[str, Any]) -> tuple[float, float]:
    """The band, held against what the model's numbers are and where they turn."""
    if not isinstance(given, Sequence) or len(given) != 2 or not all(map(_is_number, given)) or given[0] > given[1]:
        rule = "An abstain band is two finite numbers, the lower one first"
        raise AutomationError(rule, repr(given)[:80], "Give such a pair.")
    outputs, threshold = document["outputs"], document["threshold"]
    numbers = next((kind for kind in ("probabilities", "scores") if outputs[kind] is not None), None)
    if numbers is None or document["targets"] is not None or len(document["classes"] or ()) != 2:
        rule = "An abstain band is held against the probability or score of a classifier of two classes"
        raise AutomationError(rule, "a model of another kind", "Choose another degree than partial.")
    low, high = float(given[0]), float(given[1])
    if numbers == "probabilities" and not 0 <= low <= high <= 1:
        raise AutomationError(
            "An abstain band of probabilities lies from 0 to 1", f"{low} to {high}", "Give such a pair."
        )
    turn = threshold["value"] if threshold is not None else 0.5 if numbers == "probabilities" else 0.0
    if not low <= turn <= high:
        rule = f"An abstain band holds the number at which the decision turns, {turn}: there the model is in doubt"
        raise AutomationError(rule, f"{low} to {high}", "Widen the band to that number.")
    return low, high


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
