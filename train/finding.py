"""What exploring a table finds, in one form: a sentence, its evidence, what to do, and a line for the project file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["stop", "warn", "note"]
SEVERITIES: tuple[Severity, ...] = ("stop", "warn", "note")


@dataclass(frozen=True)
class Proposal:
    """A line of the project file: `key = value` in `table`, such as `missing = ["", "999"]` in `columns.pdays`."""

    table: str
    key: str
    value: Any


@dataclass(frozen=True)
class Finding:
    """One thing that a careful reader of the table would say.

    Attributes:
        kind: Which check found it, such as `leak`.
        severity: `stop` before going on, `warn`, or `note`.
        says: The sentence.
        todo: What to do about it.
        column: The column, None where it is about rows or the whole table.
        evidence: The numbers behind the sentence.
        proposal: What to write into the project file; None where a person has to decide first.
    """

    kind: str
    severity: Severity
    says: str
    todo: str
    column: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    proposal: Proposal | None = None
