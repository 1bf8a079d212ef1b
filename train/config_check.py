"""Holds the project file to its types and limits; a wrong key is answered with the nearest right one."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from train.config import EVERY_CANDIDATE, ColumnSettings, Config
from train.errors import TrainError, did_you_mean

DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h)?\s*")
SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, None: 1.0}
RATIO = re.compile(r"\s*(\S.*?)\s+/\s+(.*\S)\s*")
# Smallest and largest value of a number; others are any whole number from 1 on, or any finite number.
LIMITS: dict[str, tuple[float, float]] = {
    "test": (0.05, 0.5),
    "folds": (2, 50),
    "repeats": (1, 20),
    "clip": (1e-6, 0.2),
    "max_features": (0.01, 1.0),
    "latency_ms": (1e-6, math.inf),
    "file_mb": (1e-6, math.inf),
    **dict.fromkeys(("false_positive", "false_negative", "overestimate", "underestimate"), (0.0, math.inf)),
}


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises:
        TrainError: It is missing, or not TOML in UTF-8.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainError("--config must be a TOML file.", f"{path} ({error.strerror})", "Check the path.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainError("--config must be valid TOML in UTF-8.", f"{error} in {path}", "Correct that line.") from None


def config_of(raw: Mapping[str, Any]) -> Config:
    """Return the settings that a TOML document holds.

    Raises:
        TrainError: It holds a key or value that `train` does not know.
    """
    kinds = get_type_hints(Config)
    _check_keys(raw, Config, "the file")
    tables = {
        name: kinds[name](**_settings(_table(raw, name), kinds[name], f"[{name}]"))
        for name in kinds
        if name != "columns"
    }
    columns = _table(raw, "columns")
    told = {
        name: ColumnSettings(**_settings(_table(columns, name), ColumnSettings, f"[columns.{name}]"))
        for name in columns
    }
    return Config(columns=told, **tables)


def seconds_of(text: str, where: str = "--budget") -> float:
    """Return a span of time such as "90s", "10m" or "1.5h" in seconds; a number alone counts seconds.

    Raises:
        TrainError: It is none, or nothing.
    """
    found = DURATION.fullmatch(text)
    if not found or float(found[1]) == 0:
        raise TrainError(f"{where} must be a span of time.", repr(text), 'Write for instance "90s", "10m" or "1.5h".')
    return float(found[1]) * SECONDS[found[2]]


def ratio_of(text: str) -> tuple[str, str]:
    """Return the two columns of a quotient such as "amount / income".

    Raises:
        TrainError: It is not of that form.
    """
    found = RATIO.fullmatch(text)
    if not found:
        raise TrainError(
            "ratios in [prepare] must divide columns.", repr(text), 'Write for instance "amount / income".'
        )
    return found[1], found[2]


def _table(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key, {})
    if not isinstance(value, dict):
        raise TrainError(f"{key} must be a table in --config.", repr(value), f"Write it as [{key}] with keys below it.")
    return value


def _check_keys(raw: Mapping[str, Any], settings: type, where: str) -> None:
    known = [entry.name for entry in fields(settings)]
    for key in raw:
        if key not in known:
            raise TrainError(
                "--config may only hold keys that train knows.", f"{key!r} in {where}", did_you_mean(key, known)
            )


def _settings(raw: dict[str, Any], settings: type, where: str) -> dict[str, Any]:
    _check_keys(raw, settings, where)
    hints = get_type_hints(settings)
    found = {key: _checked(key, value, hints[key], where) for key, value in raw.items()}
    for (table, key), check in CHECKS.items():
        if table == where and key in found:
            check(found[key])
    return found


def _checked(key: str, value: Any, hint: Any, where: str) -> Any:
    """Return the value in the type of its field, or refuse it."""
    kinds = [kind for kind in (get_args(hint) if _is_union(hint) else (hint,)) if kind is not NoneType]
    kind = kinds[0]
    if get_origin(kind) is tuple:
        return _listed(key, value, get_args(kind), where)
    if get_origin(kind) is Literal:
        return _chosen(key, value, get_args(kind), where)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) not in kinds:
        wanted = " or ".join(each.__name__ for each in kinds)
        raise TrainError(f"{key} in {where} must be of type {wanted}.", repr(value), "Correct it in --config.")
    if len(kinds) == 1 and kind in (int, float):
        _check_limits(key, value, where)
    return value


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


def _listed(key: str, value: Any, items: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TrainError(f"{key} in {where} must be of type list.", repr(value), "Correct it in --config.")
    if items[-1] is not Ellipsis:
        if len(value) != len(items):
            raise TrainError(f"{key} in {where} must list {len(items)}.", repr(value), "Correct it in --config.")
        return tuple(_checked(key, item, kind, where) for item, kind in zip(value, items, strict=True))
    if not all(isinstance(item, str) for item in value):
        raise TrainError(f"{key} in {where} must list texts.", repr(value), 'Put each item in quotes, such as "NA".')
    return tuple(_checked(key, item, items[0], where) for item in value)


def _chosen(key: str, value: Any, known: tuple[str, ...], where: str) -> str:
    if not isinstance(value, str):
        raise TrainError(f"{key} in {where} must be of type str.", repr(value), "Correct it in --config.")
    if value not in known:
        raise TrainError(f"{key} in {where} must be one of {known}.", repr(value), did_you_mean(value, known))
    return value


def _check_limits(key: str, value: float, where: str) -> None:
    low, high = LIMITS.get(key, (1, math.inf) if isinstance(value, int) else (-math.inf, math.inf))
    if not math.isfinite(value) or not low <= value <= high:
        span = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
        span = span if math.isfinite(value) else "finite"
        raise TrainError(f"{key} in {where} must be {span}.", repr(value), "Correct it in --config.")


def _check_delimiter(value: str) -> None:
    if len(value) != 1:
        raise TrainError("delimiter in [table] must be one character.", repr(value), 'Write for instance ";".')


def _check_names(value: tuple[str, ...]) -> None:
    if not value:
        raise TrainError("names in [candidates] must name a model.", "an empty list", f"Choose of {EVERY_CANDIDATE}.")


def _check_stack(value: tuple[str, ...]) -> None:
    if len(value) < 2 or len(set(value)) < len(value) or {"baseline", "stacking"} & set(value):
        rule = "stack in [candidates] must list two models or more, each once, without baseline and stacking."
        raise TrainError(rule, repr(list(value)), 'Write for instance ["linear", "boosting"].')


def _check_abstain(value: tuple[float, float]) -> None:
    if not value[0] < value[1]:
        raise TrainError("abstain in [automation] must rise.", repr(list(value)), "Write the lower number first.")


CHECKS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("[table]", "delimiter"): _check_delimiter,
    ("[candidates]", "names"): _check_names,
    ("[candidates]", "stack"): _check_stack,
    ("[automation]", "abstain"): _check_abstain,
    ("[budgets]", "time"): lambda value: seconds_of(value, "time in [budgets]"),
    ("[prepare]", "ratios"): lambda value: [ratio_of(text) for text in value],
}
