"""Folds alike findings into one block each, for a page or a terminal: what they share is said once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from train.finding import Finding, Severity

MANY = 3  # findings of a kind that are folded
TITLES = {
    "leak": "{} columns know too much of the answer",
    "afterwards": "{} columns sound as if they were known only afterwards",
    "missing-tells": "In {} columns it tells that a value is missing",
    "missing": "{} columns have missing values; no relation to the target shows",
    "level-missing": "{} levels may mean missing",
    "level-none": '{} levels mean "none", not "missing"',
    "level-case": "{} columns have levels that differ in upper and lower case only",
    "code-missing": "{} columns hold a number that looks like a code for missing",
    "outlier": "{} rows stand far outside",
    "left-out": "{} columns are left out",
    "time-name": "{} columns are named like a time",
    "date": "{} columns hold dates",
    "other-unlike": "{} columns are of another kind in the other table",
}


@dataclass(frozen=True)
class Block:
    """One finding, or several alike.

    Attributes:
        severity: Of all of them.
        title: The finding's sentence, or what the findings have in common.
        todo: What to do; for several NAME stands for the column.
        lines: The sentences of several, none of a single one.
    """

    severity: Severity
    title: str
    todo: str
    lines: tuple[str, ...] = ()


def fold(findings: Sequence[Finding]) -> list[Block]:
    """Return the blocks in the order of their first findings; `MANY` or more of a kind and severity make one."""
    blocks: dict[tuple[str, str, str], list[Finding]] = {}
    for each in findings:
        alone = "" if each.kind in TITLES else each.says
        blocks.setdefault((each.severity, each.kind, alone), []).append(each)
    return [block for alike in blocks.values() for block in _blocks(alike)]


def _blocks(alike: list[Finding]) -> list[Block]:
    if len(alike) < MANY:
        return [Block(each.severity, each.says, each.todo) for each in alike]
    title = TITLES[alike[0].kind].format(len(alike)) + "."
    todos = {each.todo.replace(f"[columns.{each.column}]", "[columns.NAME]") for each in alike}
    if len(todos) == 1:
        return [Block(alike[0].severity, title, todos.pop(), tuple(each.says for each in alike))]
    return [Block(alike[0].severity, title, "", tuple(f"{each.says} {each.todo}" for each in alike))]
