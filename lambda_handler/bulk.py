"""Many values of one feature at once, where nothing is odd about them: what `value` says of each, in a few calls."""

import math
from array import array
from collections.abc import Callable
from functools import partial
from typing import Any

from lambda_handler.value import SAFE_INTEGER, Feature, is_plain_text

FLOAT_MAX = 1.7976931348623157e308
FLOAT32_MAX = 3.4028234663852886e38

Bulk = Callable[[list[Any], set[type]], list[Any] | None]


def bulk_of(feature: Feature, missing_code: str) -> Bulk:
    """The check of many present values of a feature.

    Returns:
        A function of values and the set of their types: the graph values where `value` takes each one without a
        warning, else None. None says nothing about a single value.
    """
    known = frozenset(feature.categories or ())
    if feature.type in {"category", "text"}:
        return partial(_texts, frozenset(text for text in known if is_plain_text(text) and text != missing_code))
    listed = known if feature.unseen == "rejected" else None
    if feature.type == "boolean":
        return partial(_booleans, feature, listed)
    if feature.type == "integer":
        limit = 2**63 - 1 if feature.dtype == "int64" else SAFE_INTEGER
        return partial(_integers, feature, listed, _bounds(feature, limit))
    largest = FLOAT32_MAX if feature.dtype == "float32" else FLOAT_MAX
    return partial(_numbers, feature, listed, _bounds(feature, largest))


def _bounds(feature: Feature, largest: float) -> tuple[float, float]:
    """The smallest and the largest value that is taken without a warning."""
    pairs = [(-largest, largest), *(pair for pair in (feature.range, feature.accepts) if pair is not None)]
    return max(low for low, _ in pairs), min(high for _, high in pairs)


def _within(values: list[Any], bounds: tuple[float, float], listed: frozenset[Any] | None) -> bool:
    """Whether all values stand within the bounds (NaN may pass) and in the list, where there is one."""
    return bounds[0] <= min(values) <= max(values) <= bounds[1] and (listed is None or listed.issuperset(values))


def _numbers(
    feature: Feature, listed: frozenset[Any] | None, bounds: tuple[float, float], values: list[Any], kinds: set[type]
) -> list[Any] | None:
    if not kinds <= {float, int}:
        return None
    try:
        numbers = values if kinds == {float} else list(map(float, values))
    except OverflowError:
        return None
    if feature.dtype == "float32":
        numbers = array("f", numbers).tolist()
    if not _within(numbers, bounds, listed) or math.isnan(sum(numbers)):
        return None
    fractions = feature.whole and kinds != {int} and not all(map(float.is_integer, numbers))
    return None if fractions else numbers


def _integers(
    feature: Feature, listed: frozenset[Any] | None, bounds: tuple[float, float], values: list[Any], kinds: set[type]
) -> list[Any] | None:
    if kinds != {int} or not _within(values, bounds, listed):
        return None
    return list(map(float, values)) if feature.dtype == "float64" else values


def _booleans(feature: Feature, listed: frozenset[Any] | None, values: list[Any], kinds: set[type]) -> list[Any] | None:
    if kinds != {bool} or not (listed is None or listed.issuperset(values)):
        return None
    return list(map(float, values)) if feature.dtype == "float64" else values


def _texts(known: frozenset[str], values: list[Any], kinds: set[type]) -> list[Any] | None:
    return values if kinds == {str} and known.issuperset(values) else None
