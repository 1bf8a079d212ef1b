"""The contract: what a row must hold, and what is wrong with one that does not (standard library only)."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from numbers import Integral, Real
from struct import Struct
from typing import Any

from lambda_handler.answer import Form

FORMAT = 1
FLOAT32 = Struct("f")
FLOAT32_LIMIT = 3.4028235677973366e38  # the smallest magnitude that rounds to an infinite float32
MOST_PROBLEMS = 1000  # nobody reads more, and a request of 10,000 empty rows must stay cheap
MOST_UNKNOWN = 20  # unknown features of one row that are named
SAFE_INTEGER = 2**53  # above it a JSON number with a fraction part no longer names one integer

Row = Mapping[str, Any]
Problem = dict[str, Any]
Warning_ = dict[str, str]


class ContractError(ValueError):
    """Rows that break the contract.

    Attributes:
        problems: one entry per offending row and feature: `row` (index), `feature` (None when the whole row is meant),
            `kind` (see docs/bundle.md) and `reason`.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"row {first['row']}: {first['reason']}{more}")


class FormatError(ValueError):
    """A bundle whose format this build does not read, or whose contract is not one."""

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        super().__init__(f"{rule}; {got}. {remedy}")


class _Broken(Exception):  # noqa: N818 - never leaves this module: it carries one problem out of a check
    def __init__(self, kind: str, reason: str) -> None:
        self.kind, self.reason = kind, reason


@dataclass(frozen=True, slots=True)
class Feature:
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
    example: Any


class Contract:
    """A contract document, read once and turned into checks.

    Args:
        document: the parsed contract.json; it stays unchanged.

    Raises:
        FormatError: another format, or a key is missing.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        check_format("contract.json", document)
        self.document = document
        try:
            self.name: str = document["name"]
            self.version: str = document["version"]
            self.task: str = document["task"]
            self.missing_code: str = document["missing_code"]
            self.form = Form(document)
            self.threshold: dict[str, Any] | None = document["threshold"]
            self.tolerance: dict[str, Any] = document["tolerance"]
            self.model_sha256: str = document["model_sha256"]
            self.features = tuple(_feature(entry) for entry in document["features"])
        except (KeyError, TypeError, ValueError) as error:
            rule = "contract.json must hold every key of docs/bundle.md"
            raise FormatError(rule, f"missing or misshaped: {error}", "Run `selfsame export` again.") from error
        self._names = frozenset(feature.name for feature in self.features)
        self._checks = [(feature, _check_of(feature, self.missing_code)) for feature in self.features]

    def columns(self, rows: Sequence[Any]) -> tuple[list[list[Any]], list[list[Warning_]]]:
        """Check rows and turn them into columns of graph values.

        Args:
            rows: one mapping per row, feature name to value; None, NaN or pandas' NA = missing. Anything else than a
                mapping is a problem of its own.

        Returns:
            One list per feature, in contract order, of the values the graph takes (a missing number is NaN, a missing
            string the missing code); and one list of warnings per row.

        Raises:
            ContractError: lists every problem, row by row, and stops after the row that fills `MOST_PROBLEMS`.
        """
        problems: list[Problem] = []
        warnings: list[list[Warning_]] = []
        values: list[list[Any]] = [[] for _ in self.features]
        for index, row in enumerate(rows):
            if len(problems) >= MOST_PROBLEMS:
                break
            row_warnings: list[Warning_] = []
            warnings.append(row_warnings)
            if not isinstance(row, Mapping):
                reason = f"a row is an object of feature names and values; got {describe(row)}."
                problems.append({"row": index, "feature": None, "kind": "row", "reason": reason})
                continue
            for (feature, check), column in zip(self._checks, values, strict=True):
                try:
                    column.append(check(row[feature.name], row_warnings))
                except KeyError:
                    problems.append(_absent(index, feature))
                except _Broken as broken:
                    problems.append(
                        {"row": index, "feature": feature.name, "kind": broken.kind, "reason": broken.reason}
                    )
            if not row.keys() <= self._names:
                problems.extend(_unknown(index, row, self._names))
        if problems:
            raise ContractError(problems)
        return values, warnings


def read_contract(text: str | bytes) -> Contract:
    """Parse contract.json.

    Raises:
        FormatError: it is not JSON, of another format, or a key is missing.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise FormatError("contract.json must be JSON", str(error), "Run `selfsame export` again.") from error
    return Contract(document)


def check_format(file: str, document: object) -> None:
    """Refuse a document of another format by name.

    Raises:
        FormatError: `document["format"]` is not this build's.
    """
    found = document.get("format") if isinstance(document, Mapping) else None
    if type(found) is int and found == FORMAT:
        return
    newer = isinstance(found, int) and found > FORMAT
    remedy = "Upgrade selfsame, or export with this version." if newer else "Run `selfsame export` again."
    raise FormatError(f"{file}: bundle format {found}", f"this build reads {FORMAT}", remedy)


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


def _feature(entry: Mapping[str, Any]) -> Feature:
    pair = {key: tuple(entry[key]) if entry[key] is not None else None for key in ("range", "accepts", "categories")}
    return Feature(**{**{key: entry[key] for key in Feature.__dataclass_fields__}, **pair})


def _check_of(feature: Feature, missing_code: str) -> Callable[[Any, list[Warning_]], Any]:
    known = frozenset(feature.categories or ())
    if feature.type in {"category", "text"}:
        return partial(_category, feature, known, missing_code)
    return partial({"number": _number, "integer": _integer, "boolean": _boolean}[feature.type], feature, known)


def _number(feature: Feature, known: frozenset[Any], value: Any, warnings: list[Warning_]) -> float:
    kind = type(value)
    if kind is not float and kind is not int:
        if is_missing(value):
            return _missing_number(feature)
        if isinstance(value, bool) or not isinstance(value, Real):
            raise _Broken("type", f"{feature.name} takes a number; got {describe(value)}. {_send(feature)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isnan(number):
        return _missing_number(feature)
    if number in (math.inf, -math.inf) or (feature.dtype == "float32" and abs(number) >= FLOAT32_LIMIT):
        what = "32-bit" if feature.dtype == "float32" else "64-bit"
        reason = f"{feature.name} takes a finite {what} number; got {describe(value)}. {_send(feature)}"
        raise _Broken("not_finite", reason)
    if feature.dtype == "float32":
        (number,) = FLOAT32.unpack(FLOAT32.pack(number))  # what the model sees is what is checked
    _check_listed(feature, known, number)
    _check_range(feature, number, warnings)
    return number


def _integer(feature: Feature, known: frozenset[Any], value: Any, warnings: list[Warning_]) -> float:
    """A whole number; a float64 column has one of at most 2**53 by its `accepts`."""
    if is_missing(value):
        return _missing_number(feature)
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole and isinstance(value, float) and value.is_integer() and abs(value) <= SAFE_INTEGER:
        whole = True
    if not whole or not -(2**63) <= int(value) < 2**63:
        reason = f"{feature.name} takes a whole 64-bit number; got {describe(value)}. {_send(feature)}"
        raise _Broken("type", reason)
    number = int(value)
    _check_listed(feature, known, number)
    _check_range(feature, number, warnings)
    return float(number) if feature.dtype == "float64" else number


def _boolean(feature: Feature, known: frozenset[Any], value: Any, _warnings: list[Warning_]) -> float | bool:
    if is_missing(value):
        return _missing_number(feature)
    if not isinstance(value, bool) and type(value).__name__ not in {"bool", "bool_"}:
        raise _Broken("type", f"{feature.name} takes true or false; got {describe(value)}. {_send(feature)}")
    _check_listed(feature, known, bool(value))
    return float(value) if feature.dtype == "float64" else bool(value)


def _category(feature: Feature, known: frozenset[str], missing_code: str, value: Any, warnings: list[Warning_]) -> str:
    if is_missing(value):
        if feature.missing == "rejected":
            raise _Broken("missing", _must_not_be_missing(feature))
        return missing_code
    if not isinstance(value, str):
        raise _Broken("type", f"{feature.name} takes text; got {describe(value)}. {_send(feature)}")
    if not is_plain_text(value):
        rule = f"{feature.name} takes Unicode text without NUL and lone surrogates"
        raise _Broken("type", f"{rule}; got {describe(value)}. {_send(feature)}")
    if value == missing_code:
        reason = f"{feature.name}: this text is reserved for missing values. Send null when the value is unknown."
        raise _Broken("reserved", reason)
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
        raise _Broken("unseen", reason)


def _missing_number(feature: Feature) -> float:
    if feature.missing == "rejected" or feature.dtype in {"int64", "bool"}:
        raise _Broken("missing", _must_not_be_missing(feature))
    return math.nan


def _check_range(feature: Feature, number: float, warnings: list[Warning_]) -> None:
    if feature.accepts is not None and not feature.accepts[0] <= number <= feature.accepts[1]:
        low, high = feature.accepts
        reason = (
            f"{feature.name} must be from {low!r} to {high!r}, where the original estimator answers; "
            f"got {describe(number)}. {_send(feature)}"
        )
        raise _Broken("out_of_bounds", reason)
    if feature.range is not None and not feature.range[0] <= number <= feature.range[1]:
        low, high = feature.range
        message = f"{feature.name}: {show(number)} is outside the training range, {show(low)} to {show(high)}."
        warnings.append({"feature": feature.name, "kind": "out_of_range", "message": message})
    if feature.whole and number != math.floor(number):
        message = f"{feature.name}: {show(number)} is not a whole number, as all training values were."
        warnings.append({"feature": feature.name, "kind": "fraction", "message": message})


def _send(feature: Feature) -> str:
    example = json.dumps(feature.example, ensure_ascii=False)
    if feature.missing == "allowed" and feature.example is not None:
        return f"Send for example {example}, or null when it is unknown."
    return f"Send for example {example}."


def _must_not_be_missing(feature: Feature) -> str:
    return f"{feature.name} must not be missing: the original estimator rejects such rows. {_send(feature)}"


def _absent(index: int, feature: Feature) -> Problem:
    reason = f"{feature.name} is required and is not there. {_send(feature)}"
    return {"row": index, "feature": feature.name, "kind": "absent", "reason": reason}


def _unknown(index: int, row: Row, names: frozenset[str]) -> list[Problem]:
    from difflib import get_close_matches

    problems = []
    for name in islice((name for name in row if name not in names), MOST_UNKNOWN):
        near = get_close_matches(str(name)[:80], names, n=1)
        remedy = f"Did you mean {json.dumps(near[0], ensure_ascii=False)}?" if near else "Leave it out."
        shown = json.dumps(str(name)[:80], ensure_ascii=False)
        reason = f"{shown} is not a feature of this model. {remedy}"
        problems.append({"row": index, "feature": str(name)[:80], "kind": "unknown", "reason": reason})
    return problems
