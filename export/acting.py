"""How far the exported model acts by itself, and what of a request may be kept: the contract's words for it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from export.errors import ExportError
from lambda_handler.automation import AutomationError, read_automation


def acting(
    columns: Iterable[str],
    degree: str = "full",
    abstain: Sequence[float] | None = None,
    loggable: Sequence[str] = (),
    capture: float | None = None,
) -> dict[str, Any]:
    """What the contract will say.

    Args:
        columns: the table's.
        degree: of automation.
        abstain: with `partial` the lower and the upper end of the band in which a person decides.
        loggable: the columns whose values may stand in capture records.
        capture: the share of requests of which a record is written; None: all in shadow, else none.

    Returns:
        `automation` and `capture` as contract.json has them, and `loggable`, the columns.

    Raises:
        ExportError: `loggable` names no column of the table.
    """
    known = list(columns)
    for name in loggable:
        if name not in known:
            reason = f"only a feature can be loggable, and the table has no column {name!r}"
            raise ExportError(reason, f"Its columns are {', '.join(map(str, known[:20]))}.")
    share = (1.0 if degree == "shadow" else 0.0) if capture is None else capture
    return {
        "automation": {"degree": degree, "abstain": None if abstain is None else list(abstain)},
        "capture": {"share": share},
        "loggable": list(loggable),
    }


def check_acting(document: Mapping[str, Any]) -> None:
    """Refuse a contract whose automation does not fit its model.

    Raises:
        ExportError: it does not.
    """
    try:
        read_automation(document)
    except AutomationError as error:
        raise ExportError(f"{error.rule}; got {error.got}", error.remedy) from error
