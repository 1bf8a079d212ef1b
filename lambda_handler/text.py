"""Text to values and back, cell by cell, as a contract types them (standard library only)."""

import re
from math import isfinite
from typing import Any

from lambda_handler.contract import Contract, Feature

MISSING_CODES = ("", "NA", "NaN", "nan", "null", "NULL", "N/A", "?")  # of numbers and booleans; of text only ""
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def is_number(text: str) -> bool:
    """Whether `text` is a finite decimal number."""
    return NUMBER.fullmatch(text) is not None and isfinite(float(text))


def read_cell(feature: Feature, cell: str) -> Any:
    """A cell as the feature's type; None where it is missing, the text itself where it does not fit.

    Blanks around a cell do not count, but for a category that has them itself.
    """
    text = cell.strip()
    if feature.type in {"category", "text"}:
        return cell if text != cell and cell in (feature.categories or ()) else text or None
    if text in MISSING_CODES:
        return None
    if feature.type == "boolean":
        return BOOLEANS.get(text.casefold(), text)
    if not is_number(text):
        return text
    if feature.type != "integer" or not text.lstrip("+-").isdecimal():
        return float(text)
    return int(text) if len(text) < 1000 else text  # Python reads no integer of over 4,300 digits


def write_cell(value: Any) -> str:
    """A value as a cell: nothing for None, a float so that it is read back bit for bit."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def read_row(contract: Contract, row: Any) -> Any:
    """A row of texts with each feature's text typed; other values, and other things than rows, stay as they are."""
    if not isinstance(row, dict):
        return row
    typed = dict(row)
    for feature in contract.features:
        if isinstance(row.get(feature.name), str):
            typed[feature.name] = read_cell(feature, row[feature.name])
    return typed
