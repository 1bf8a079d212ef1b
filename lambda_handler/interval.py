"""The interval around a regressor's value: one float64 operation per end (standard library only)."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

KINDS = ("difference", "ratio")


class Interval(NamedTuple):
    """How far the truth may lie from a value.

    Attributes:
        level: the share of rows whose truth it is to hold, above 0 and below 1.
        kind: `difference`: the ends are added to the value; `ratio`: the value is multiplied by them.
        low: the lower end.
        high: the upper end; a ratio's are above 0.
    """

    level: float
    kind: str
    low: float
    high: float

    def ends(self, value: float) -> list[float]:
        """The lower and the upper end around a value; infinite where they are too large."""
        if self.kind == "difference":
            return [value + self.low, value + self.high]
        ends = [value * self.low, value * self.high]
        return ends if value >= 0 else ends[::-1]


def read_interval(told: Any) -> Interval | None:
    """Check what a contract says of the interval; None stays None.

    Raises:
        ValueError: it says nothing sensible.
    """
    if told is None:
        return None
    if not isinstance(told, Mapping) or set(told) != set(Interval._fields):
        raise ValueError(f"interval must hold {', '.join(Interval._fields)}, or be null; got {told!r:.80}")
    numbers = [told[name] for name in ("level", "low", "high")]
    if not all(type(number) in {int, float} and math.isfinite(number) for number in numbers):
        raise ValueError(f"level, low and high of interval must be finite numbers; got {numbers!r:.80}")
    level, low, high = map(float, numbers)
    if told["kind"] not in KINDS:
        raise ValueError(f"kind of interval must be one of {', '.join(KINDS)}; got {told['kind']!r:.80}")
    if not 0 < level < 1 or low > high or (told["kind"] == "ratio" and low <= 0):
        raise ValueError(
            "interval must have a level between 0 and 1, low at most high, and above 0 as a ratio; "
            f"got level {level}, {told['kind']} from {low} to {high}"
        )
    return Interval(level, told["kind"], low, high)
