"""The contract: what rows must hold, and what is wrong with those that do not (standard library only)."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from lambda_handler.answer import Form
from lambda_handler.automation import AutomationError, read_automation
from lambda_handler.bulk import bulk_of
from lambda_handler.value import (
    SAFE_INTEGER,
    Broken,
    Feature,
    Warning_,
    check_of,
    describe,
    imputed,
    is_missing,
    is_plain_text,
    may_be_missing,
    read_feature,
    send,
    show,
)

__all__ = [
    "SAFE_INTEGER", "Contract", "ContractError", "Feature", "FormatError", "Problem", "Row", "Warning_", "check_format",
    "describe", "is_missing", "is_plain_text", "read_contract", "show",
]  # fmt: skip

FORMAT = 2
MOST_PROBLEMS = 1000  # nobody reads more, and a request of 10,000 empty rows must stay cheap
MOST_UNKNOWN = 20  # unknown features of one row that are named
FEW_ROWS = 8  # so few are checked value by value, which is faster then

NOTHING = type(None)

Row = Mapping[str, Any]
Problem = dict[str, Any]


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
            self.automation = read_automation(document)
            self.features = tuple(map(read_feature, document["features"]))
        except AutomationError as error:
            raise FormatError(f"contract.json: {error.rule}", f"got {error.got}", error.remedy) from error
        except (KeyError, TypeError, ValueError) as error:
            rule = "contract.json must hold every key of docs/bundle.md"
            raise FormatError(rule, f"missing or misshaped: {error}", "Run `selfsame export` again.") from error
        self._names = frozenset(feature.name for feature in self.features)
        self._checks = [(feature, check_of(feature, self.missing_code)) for feature in self.features]
        self._bulk = [bulk_of(feature, self.missing_code) for feature in self.features]

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
        columns, warnings = self._checked(rows)
        if self.form.ranking is not None:  # a missing stop is a short history, and nothing is filled in
            warnings = [[each for each in told if each["kind"] != "imputed"] for told in warnings]
        return columns, warnings

    def _checked(self, rows: Sequence[Any]) -> tuple[list[list[Any]], list[list[Warning_]]]:
        if len(rows) > FEW_ROWS:
            try:
                return self._by_column(rows)
            except (Broken, KeyError):
                pass  # something is wrong: it is looked for row by row
        return self._by_row(rows)

    def _by_column(self, rows: Sequence[Any]) -> tuple[list[list[Any]], list[list[Warning_]]]:
        """What `columns` gives where nothing is wrong.

        Raises:
            Broken, KeyError: something is.
        """
        if {*map(type, rows)} != {dict} or {*map(len, rows)} != {len(self.features)}:
            raise KeyError
        warnings: list[list[Warning_]] = [[] for _ in rows]
        names = [feature.name for feature in self.features]
        columns = [[row[name] for row in rows] for name in names]
        return [self._column(place, cells, warnings) for place, cells in enumerate(columns)], warnings

    def _column(self, place: int, cells: list[Any], warnings: list[list[Warning_]]) -> list[Any]:
        kinds = {*map(type, cells)}
        values = self._with_gaps(place, cells, kinds, warnings) if NOTHING in kinds else self._bulk[place](cells, kinds)
        return list(map(self._checks[place][1], cells, warnings)) if values is None else values

    def _with_gaps(
        self, place: int, cells: list[Any], kinds: set[type], warnings: list[list[Warning_]]
    ) -> list[Any] | None:
        """The column of cells of which some are None; None as for `Bulk`."""
        feature, _ = self._checks[place]
        if kinds == {NOTHING} or not may_be_missing(feature):
            return None
        gaps = [row for row, cell in enumerate(cells) if cell is None]
        present = next(cell for cell in cells if cell is not None)
        filled = cells.copy()
        for row in gaps:
            filled[row] = present
        values = self._bulk[place](filled, kinds - {NOTHING})
        if values is None:
            return None
        warning, missing = imputed(feature), self.missing_code if feature.dtype == "string" else math.nan
        for row in gaps:
            values[row] = missing
            warnings[row].append(dict(warning))
        return values

    def _by_row(self, rows: Sequence[Any]) -> tuple[list[list[Any]], list[list[Warning_]]]:
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
                except Broken as broken:
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


def _absent(index: int, feature: Feature) -> Problem:
    reason = f"{feature.name} is required and is not there. {send(feature)}"
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
