"""The TOML file by which a person overrides what `train` would decide."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from train.errors import TrainError, did_you_mean

Kind = Literal["number", "integer", "boolean", "category", "drop", "target"]
Task = Literal["classification", "regression"]
Metric = Literal["balanced_accuracy", "f1", "accuracy"]
CANDIDATE_NAMES = ("linear", "forest", "boosting")


@dataclass(frozen=True)
class TableSettings:
    """How the file is read; None leaves it to `train`."""

    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True)
class RunSettings:
    """What the run is called and how it is judged; None leaves it to `train`.

    `positive` and `metric` have an effect for two classes only.
    """

    name: str | None = None
    description: str | None = None
    notice: str | None = None
    task: Task | None = None
    positive: bool | int | str | None = None
    metric: Metric = "balanced_accuracy"


@dataclass(frozen=True)
class CandidateSettings:
    """Which models are compared and how large they are.

    Attributes:
        names: The models that are fitted.
        trees: Trees of the forest.
        rounds: Boosting rounds.
        min_frequency: Rows below which a category's level is pooled with the other rare ones (one-hot encoding).
    """

    names: tuple[str, ...] = CANDIDATE_NAMES
    trees: int = 200
    rounds: int = 200
    min_frequency: int = 10


@dataclass(frozen=True)
class ColumnSettings:
    """What a person says about one column; None leaves it to `train`."""

    kind: Kind | None = None
    missing: tuple[str, ...] | None = None
    unit: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Config:
    """All that the TOML file may say."""

    table: TableSettings = field(default_factory=TableSettings)
    run: RunSettings = field(default_factory=RunSettings)
    candidates: CandidateSettings = field(default_factory=CandidateSettings)
    columns: Mapping[str, ColumnSettings] = field(default_factory=dict)


_EXPECTED: dict[str, tuple[type, ...]] = {
    "encoding": (str,),
    "delimiter": (str,),
    "name": (str,),
    "description": (str,),
    "notice": (str,),
    "task": (str,),
    "positive": (bool, int, str),
    "metric": (str,),
    "names": (list,),
    "trees": (int,),
    "rounds": (int,),
    "min_frequency": (int,),
    "kind": (str,),
    "missing": (list,),
    "unit": (str,),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "task": get_args(Task),
    "metric": get_args(Metric),
    "kind": get_args(Kind),
    "names": CANDIDATE_NAMES,
}


def read_config(path: Path | None) -> Config:
    """Read the TOML file at `path`; None gives the defaults.

    Raises:
        TrainError: The file is missing, is not TOML, or holds a key or value that `train` does not know.
    """
    if path is None:
        return Config()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainError("--config must be a TOML file.", f"{path} ({error.strerror})", "Check the path.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainError("--config must be valid TOML in UTF-8.", f"{error} in {path}", "Correct that line.") from None
    _check_keys(raw, Config, "the file")
    columns = _table(raw, "columns")
    return Config(
        table=TableSettings(**_settings(_table(raw, "table"), TableSettings, "[table]")),
        run=RunSettings(**_settings(_table(raw, "run"), RunSettings, "[run]")),
        candidates=CandidateSettings(**_settings(_table(raw, "candidates"), CandidateSettings, "[candidates]")),
        columns={
            name: ColumnSettings(**_settings(_table(columns, name), ColumnSettings, f"[columns.{name}]"))
            for name in columns
        },
    )


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
    return {key: _checked(key, value, where) for key, value in raw.items()}


def _checked(key: str, value: Any, where: str) -> Any:
    expected = _EXPECTED[key]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        wanted = " or ".join(kind.__name__ for kind in expected)
        raise TrainError(f"{key} in {where} must be of type {wanted}.", repr(value), "Correct it in --config.")
    items = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not all(isinstance(item, str) for item in items):
        raise TrainError(f"{key} in {where} must list texts.", repr(value), 'Put each item in quotes, such as "NA".')
    if key in _CHOICES:
        for item in items:
            if item not in _CHOICES[key]:
                known = _CHOICES[key]
                raise TrainError(
                    f"{key} in {where} must be one of {known}.", repr(item), did_you_mean(str(item), known)
                )
    if isinstance(value, int) and not isinstance(value, bool) and key != "positive" and value < 1:
        raise TrainError(f"{key} in {where} must be at least 1.", repr(value), "Correct it in --config.")
    if key == "delimiter" and len(str(value)) != 1:
        raise TrainError("delimiter in [table] must be one character.", repr(value), 'Write for instance ";".')
    if key == "names" and not items:
        raise TrainError("names in [candidates] must name a model.", "an empty list", f"Choose of {CANDIDATE_NAMES}.")
    return tuple(value) if isinstance(value, list) else value
