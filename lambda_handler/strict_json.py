"""JSON as RFC 8259 has it, and nothing that Python's parser takes beyond it."""

import json
from collections import Counter
from math import isfinite
from typing import Any

from lambda_handler.problem import NotJsonError


def decode_json(text: str, *, checked_later: bool = False) -> Any:
    """Parse strict JSON.

    Args:
        text: of any form.
        checked_later: whether the caller looks at every number: one that overflows may be infinite then.

    Raises:
        NotJsonError: it is not JSON, holds NaN or a number that overflows, a key twice in one object or half a
            surrogate pair, or is nested too deeply.
    """
    try:
        careful = not checked_later and may_overflow(text)
        value = _DECODER.decode(text) if careful else _QUICK.decode(text)
        if text.count(":") != _pairs(value):  # a colon in a text, an object within a row, or a key twice
            value = _DECODER.decode(text)
        if "\\" in text and "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise NotJsonError(f"at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeEncodeError:
        raise NotJsonError("an escape such as \\ud800 is half a character") from None
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None
    except ValueError:
        raise NotJsonError("it holds an integer of too many digits") from None
    return value


def may_overflow(text: str) -> bool:
    """Whether a number may be too large: it has an exponent of three digits, or very many digits before it.

    10**308 is the largest power of ten: a number that overflows without such an exponent has over 200 digits in a row.
    """
    shape = text.encode("utf-8", "replace").translate(_SHAPE)
    return _EXPONENT in shape or _DIGITS in shape


def _pairs(value: Any) -> int:
    """How many pairs a request of rows has, deeper ones not counted; every pair has a colon of its own."""
    if not isinstance(value, dict):
        return 0
    rows = value.get("rows")
    return len(value) + (sum([len(row) for row in rows if isinstance(row, dict)]) if isinstance(rows, list) else 0)


def _constant(name: str) -> Any:
    raise NotJsonError(f"{name} is not a JSON number (send null for a missing value)")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise NotJsonError(f"{text[:40]} is larger than any 64-bit number")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice, _ = counts.most_common(1)[0]
        raise NotJsonError(f"the key {json.dumps(twice[:80])} stands twice in one object")
    return value


_SHAPE = bytes(48 if chr(byte) in "0123456789+" else 101 if chr(byte) in "eE" else 32 for byte in range(256))
_EXPONENT, _DIGITS = b"0e000", b"0" * 200  # as they look after that translation
_QUICK = json.JSONDecoder(parse_constant=_constant)
_DECODER = json.JSONDecoder(parse_constant=_constant, parse_float=_finite, object_pairs_hook=_object)
