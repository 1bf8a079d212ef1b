"""What is wrong with the input, in one form: the rule, what was got, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TrainError(ValueError):
    """Training cannot go on with what it was given.

    Attributes:
        rule: What has to hold.
        got: What was found instead.
        remedy: What the user can do.
    """

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        self.rule = rule
        self.got = got
        self.remedy = remedy
        super().__init__(f"{rule} Got: {got}. {remedy}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the one of `known` that looks most like `name` (upper and lower case alike), or None if none does."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.5)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a remedy that names the nearest of `known`, or all of them when none is near."""
    names = list(known)
    near = nearest(name, names)
    if near is not None:
        return f"Did you mean {near!r}?"
    return "Choose one of: " + ", ".join(names[:30]) + (" …" if len(names) > 30 else "") + "."
