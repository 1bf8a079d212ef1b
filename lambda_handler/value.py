"""One value: what a feature takes, what is wrong with it, what is odd about it (standard library only)."""

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from numbers import Integral, Real
from struct import Struct
from typing import Any, NamedTuple

FLOAT32 = Struct("f")
FLOAT32_LIMIT = 3.4028235677973366e38  # the smallest magnitude that rounds to an infinite float32
SAFE_INTEGER = 2**53  # above it a JSON number with a fraction part no longer names one integer

Warning_ = dict[str, str]
Check = Callable[[Any, list[Warning_]], Any]


class Feature(NamedTuple):
    """One column of the table that the original estimator was fitted on (the fields are those of docs/bundle.md)."""

    name: str
    input: str
    type: str
    dtype: str
    unit: str | None
    description: str | None
    missing: str
    range: tuple[float, float] | None
    accepts: tuple[float, float] | None
    categories: tuple[Any, ...] | None
    unseen: str | None
    whole: bool | None
    loggable: bool
    example: Any


class Broken(Exception):  # noqa: N818 - never reaches a caller: it carries one problem out of a check
    """A value that the feature does not take: the problem's kind and reason."""

    def __init__(self, kind: str, reason: str) -> None:
        self.kind, self.reason = kind, reason


def is_missing(value: object) -> bool:
    """Whether a value is None, NaN or pandas' NA or NaT."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    kind = type(value).__name__
    return kind in {"NAType", "NaTType"} or (kind in {"float16", "float32", "longdouble"} and math.isnan(value))  # type: ignore[arg-type]


def is_plain_text(value: str) -> bool:
    """Whether every runtime reads the text as it is: Unicode without NUL and without lone surrogates."""
    if "\0" in value:
        return False
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def describe(value: object) -> str:
    """What was got, in words, cut to a length that fits an error message."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()  # a NumPy scalar reads as Python's own value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {json.dumps(value[:40], ensure_ascii=False)}{'…' if len(value) > 40 else ''}"
    if isinstance(value, int | float):
        text = repr(value) if not isinstance(value, int) or abs(value) < 10**40 else "an integer of over 40 digits"
        return f"the number {text}" if text[0] != "a" else text
    return {"list": "a list", "dict": "an object"}.get(type(value).__name__, f"a {type(value).__name__}")


def show(number: float) -> str:
    """A number as people write it: `50,000`, `0.25`, `1e+300`."""
    return f"{number:,.0f}" if number == int(number) and abs(number) < 1e15 else f"{number:,.6g}"


def read_feature(entry: Mapping[str, Any]) -> Feature:
    """One entry of the contract's `features`.

    Raises:
        KeyError, TypeError: it is none.
    """
    if not isinstance(entry["loggable"], bool):
        raise TypeError(f"loggable must be true or false; got {describe(entry['loggable'])}")
    pair = {key: tuple(entry[key]) if entry[key] is not None else None for key in ("range", "accepts", "categories")}
    return Feature(**{**{key: entry[key] for key in Feature._fields}, **pair})


def check_of(feature: Feature, missing_code: str) -> Check:
    """The check of one feature's values: value and the row's warnings in, graph value out; raises `Broken`."""
    known = frozenset(feature.categories or ())
    if feature.type in {"category", "text"}:
        return partial(_category, feature, known, missing_code)
    return partial({"number": _number, "integer": _integer, "boolean": _boolean}[feature.type], feature, known)


def _number(feature: Feature, known: frozenset[Any], value: Any, warnings: list[Warning_]) -> float:
    kind = type(value)
    if kind is not float and kind is not int:
        if is_missing(value):
            return _missing_number(feature, warnings)
        if isinstance(value, bool) or not isinstance(value, Real):
            raise Broken("type", f"{feature.name} takes a number; got {describe(value)}. {send(feature)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isnan(number):
        return _missing_number(feature, warnings)
    if number in (math.inf, -math.inf) or (feature.dtype == "float32" and abs(number) >= FLOAT32_LIMIT):
        what = "32-bit" if feature.dtype == "float32" else "64-bit"
        reason = f"{feature.name} takes a finite {what} number; got {describe(value)}. {send(feature)}"
        raise Broken("not_finite", reason)
    if feature.dtype == "float32":
        (number,) = FLOAT32.unpack(FLOAT32.pack(number))  # what the model sees is what is checked
    _check_listed(feature, known, number)
    _check_range(feature, number, warnings)
    return number


def _integer(feature: Feature, known: frozenset[Any], value: Any, warnings: list[Warning_]) -> float:
    """A whole number; a float64 column has one of at most 2**53 by its `accepts`."""
    if is_missing(value):
        return _missing_number(feature, warnings)
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole and isinstance(value, float) and value.is_integer() and abs(value) <= SAFE_INTEGER:
        whole = True
    if not whole or not -(2**63) <= int(value) < 2**63:
        reason = f"{feature.name} takes a whole 64-bit number; got {describe(value)}. {send(feature)}"
        raise Broken("type", reason)
    number = int(value)
    _check_listed(feature, known, number)
    _check_range(feature, number, warnings)
    return float(number) if feature.dtype == "float64" else number


def _boolean(feature: Feature, known: frozenset[Any], value: Any, warnings: list[Warning_]) -> float | bool:
    if is_missing(value):
        return _missing_number(feature, warnings)
    if not isinstance(value, bool) and type(value).__name__ not in {"bool", "bool_"}:
        raise Broken("type", f"{feature.name} takes true or false; got {describe(value)}. {send(feature)}")
    _check_listed(feature, known, bool(value))
    return float(value) if feature.dtype == "float64" else bool(value)


def _category(feature: Feature, known: frozenset[str], missing_code: str, value: Any, warnings: list[Warning_]) -> str:
    if is_missing(value):
        if feature.missing == "rejected":
            raise Broken("missing", _must_not_be_missing(feature))
        warnings.append(imputed(feature))
        return missing_code
    if not isinstance(value, str):
        raise Broken("type", f"{feature.name} takes text; got {describe(value)}. {send(feature)}")
    if not is_plain_text(value):
        rule = f"{feature.name} takes Unicode text without NUL and lone surrogates"
        raise Broken("type", f"{rule}; got {describe(value)}. {send(feature)}")
    if value == missing_code:
        reason = f"{feature.name}: this text is reserved for missing values. Send null when the value is unknown."
        raise Broken("reserved", reason)
    if feature.unseen is not None and value not in known:
        _check_listed(feature, known, value)
        message = f"{feature.name}: {describe(value)} was not seen in training."
        warnings.append({"feature": feature.name, "kind": "unseen", "message": message})
    return value


def _check_listed(feature: Feature, known: frozenset[Any], value: Any) -> None:
    if feature.unseen == "rejected" and value not in known:
        listed = ", ".join(json.dumps(each, ensure_ascii=False) for each in (feature.categories or ())[:10])
        more = ", …" if len(known) > 10 else ""
        reason = f"{feature.name} takes one of {listed}{more}; got {describe(value)}. Send one of these."
        raise Broken("unseen", reason)


def imputed(feature: Feature) -> Warning_:
    """The warning of a missing value that is taken."""
    message = f"{feature.name}: missing; the model answers with a substitute of its own for it."
    return {"feature": feature.name, "kind": "imputed", "message": message}


def may_be_missing(feature: Feature) -> bool:
    """Whether a missing value is taken: the original answers, and the dtype can say it."""
    return feature.missing != "rejected" and feature.dtype not in {"int64", "bool"}


def _missing_number(feature: Feature, warnings: list[Warning_]) -> float:
    if not may_be_missing(feature):
        raise Broken("missing", _must_not_be_missing(feature))
    warnings.append(imputed(feature))
    return math.nan


def _check_range(feature: Feature, number: float, warnings: list[Warning_]) -> None:
    if feature.accepts is not None and not feature.accepts[0] <= number <= feature.accepts[1]:
        low, high = feature.accepts
        reason = (
            f"{feature.name} must be from {low!r} to {high!r}, where the original estimator answers; "
            f"got {describe(number)}. {send(feature)}"
        )
        raise Broken("out_of_bounds", reason)
    if feature.range is not None and not feature.range[0] <= number <= feature.range[1]:
        low, high = feature.range
        message = f"{feature.name}: {show(number)} is outside the training range, {show(low)} to {show(high)}."
        warnings.append({"feature": feature.name, "kind": "out_of_range", "message": message})
    if feature.whole and number != math.floor(number):
        message = f"{feature.name}: {show(number)} is not a whole number, as all training values were."
        warnings.append({"feature": feature.name, "kind": "fraction", "message": message})


def send(feature: Feature) -> str:
    """What to send instead, as the end of a problem's reason."""
    example = json.dumps(feature.example, ensure_ascii=False)
    if feature.missing == "allowed" and feature.example is not None:
        return f"Send for example {example}, or null when it is unknown."
    return f"Send for example {example}."


def _must_not_be_missing(feature: Feature) -> str:
    return f"{feature.name} must not be missing: the original estimator rejects such rows. {send(feature)}"
