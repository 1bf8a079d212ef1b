"""Feedback: how a prediction turned out, as the caller tells it; checked, and written as one log line each."""

import math
import re
from collections.abc import Mapping
from typing import Any

from lambda_handler.capture import now
from lambda_handler.contract import Contract, Problem, describe
from lambda_handler.problem import MAX_ERRORS, MAX_ROWS, RequestError, RowsError, encode_json

FEEDBACK_FORMAT = 1
ID = re.compile(r"[0-9A-Za-z_-]{1,80}-[0-9]{1,5}")


class FeedbackError(RequestError):
    """Feedback that is none (422)."""

    status = 422

    def __init__(self, problems: list[Problem]) -> None:
        count = len(problems)
        detail = f"Each entry must hold the id of a prediction and its outcome; problems found: {count:,}."
        super().__init__(detail, error_count=count, errors=problems[:MAX_ERRORS])


def read_feedback(contract: Contract, value: Any) -> list[dict[str, Any]]:
    """The entries of a request: `{"feedback": [{"id": …, "outcome": …}, …]}`, or one entry.

    Returns:
        Per entry `id` and `outcome`, the outcome as the contract types it.

    Raises:
        FeedbackError: lists each entry and key that is not as it must be.
        RowsError: there are more entries than one request may hold.
    """
    listed = isinstance(value, dict) and isinstance(value.get("feedback"), list)
    entries: list[Any] = value["feedback"] if listed else [value]
    if len(entries) > MAX_ROWS:
        raise RowsError(len(entries))
    problems: list[Problem] = []
    if listed and len(value) > 1:
        problems.append(_problem(None, None, "body", f'"feedback" must stand alone; got {len(value) - 1} more keys.'))
    if not entries:
        problems.append(_problem(None, None, "body", "There must be at least one entry; got an empty list."))
    found = [_entry(contract, index, entry, problems) for index, entry in enumerate(entries)]
    if problems:
        raise FeedbackError(problems)
    return found


def feedback_lines(model: Mapping[str, str], entries: list[dict[str, Any]], request_id: str | None) -> list[str]:
    """One log line per entry."""
    head = {"selfsame": "feedback", "format": FEEDBACK_FORMAT, "time": now(), "request_id": request_id, "model": model}
    return [encode_json({**head, **entry}) for entry in entries]


def _entry(contract: Contract, index: int, entry: Any, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(entry, dict):
        problems.append(_problem(index, None, "row", f"An entry is an object; got {describe(entry)}."))
        return {}
    for name in entry.keys() - {"id", "outcome"}:
        reason = f"An entry holds id and outcome alone; got {describe(name)}. Leave it out."
        problems.append(_problem(index, name[:80], "unknown", reason))
    for name in ("id", "outcome"):
        if name not in entry:
            problems.append(_problem(index, name, "absent", f"{name} is required and is not there."))
    identity = entry.get("id")
    if "id" in entry and not (isinstance(identity, str) and ID.fullmatch(identity)):
        reason = f"id is a prediction's own; got {describe(identity)}. Send back the id that came with the prediction."
        problems.append(_problem(index, "id", "type", reason))
    if "outcome" not in entry:
        return {}
    if not contract.form.several:
        outcome, wrong = _outcome(contract.form.targets[0].classes, entry["outcome"])
    else:
        outcome, wrong = _outcomes(contract, entry["outcome"])
    if wrong is not None:
        problems.append(_problem(index, "outcome", wrong[0], wrong[1]))
    return {"id": identity, "outcome": outcome}


def _outcomes(contract: Contract, given: Any) -> tuple[Any, tuple[str, str] | None]:
    """One outcome per target that is known by now."""
    targets = {str(target.name): target for target in contract.form.targets}
    if not isinstance(given, dict) or not given or not given.keys() <= targets.keys():
        rule = f"outcome is an object of some of {', '.join(targets)}"
        return None, ("type", f"{rule}; got {describe(given)}.")
    checked = {name: _outcome(targets[name].classes, value) for name, value in given.items()}
    wrong = next((found for _, found in checked.values() if found is not None), None)
    return {name: value for name, (value, _) in checked.items()}, wrong


def _outcome(classes: list[Any], given: Any) -> tuple[Any, tuple[str, str] | None]:
    """The outcome in the contract's type, or the kind and the reason why it is none."""
    if not classes:
        if isinstance(given, bool) or not isinstance(given, int | float) or not _is_finite(given):
            return None, ("type", f"outcome is a finite number; got {describe(given)}.")
        return given, None
    for each in classes:
        if isinstance(given, bool) == isinstance(each, bool) and given == each:
            return each, None
    listed = ", ".join(encode_json(each) for each in classes[:10]) + (", …" if len(classes) > 10 else "")
    return None, ("unseen", f"outcome is one of {listed}; got {describe(given)}.")


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _problem(index: int | None, name: str | None, kind: str, reason: str) -> Problem:
    return {"row": index, "feature": name, "kind": kind, "reason": reason}
