"""JSON as RFC 8259 has it, and nothing that Python's parser takes beyond it."""

import json
from collections import Counter
from math import isfinite
from typing import Any

from lambda_handler.problem import NotJsonError


def decode_json(text: str) -> Any:
    """Parse strict JSON.

    Raises:
        NotJsonError: it is not JSON, holds NaN or a number that overflows, a key twice in one object or half a
            surrogate pair, or is nested too deeply.
    """
    try:
        value = _DECODER.decode(text)
        if "\\u" in text:
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


_DECODER = json.JSONDecoder(parse_constant=_constant, parse_float=_finite, object_pairs_hook=_object)
