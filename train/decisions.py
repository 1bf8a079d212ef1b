"""Writes the decisions of a run in the form that `--config` takes, to be edited and given back."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import tomlkit
from tomlkit.items import Table

from train.config import ColumnSettings
from train.material import Material
from train.target import Label

HEAD = "What selfsame train decided. Edit it and give it back: selfsame train DATA --target T --config decisions.toml"


def decisions_toml(material: Material, positive: Label | None) -> str:
    """Return the TOML text; trained with it, the same data gives the same models."""
    config = material.config
    document = tomlkit.document()
    document.add(tomlkit.comment(HEAD))
    document["table"] = _filled(changed(config.table))
    document["run"] = _filled(
        {
            "name": material.name,
            "description": config.run.description,
            "notice": config.run.notice,
            "target": material.target.name,
            "task": material.target.task,
            "positive": positive,
            "metric": config.run.metric,
        }
    )
    for name in ("problem", "costs", "budgets", "split"):
        _add(document, name, changed(getattr(config, name)))
    sizes = config.candidates
    document["candidates"] = _filled(
        {
            "names": list(sizes.names),
            "trees": sizes.trees,
            "rounds": sizes.rounds,
            "min_frequency": sizes.min_frequency,
            **changed(sizes),
        }
    )
    for name in ("prepare", "automation", "ranking"):
        _add(document, name, changed(getattr(config, name)))
    columns = tomlkit.table(is_super_table=True)
    for decision in material.decisions:
        entry = {"kind": decision.kind, "missing": list(decision.missing)}
        told = changed(config.columns.get(decision.name, ColumnSettings()))
        column = _filled(
            entry
            | {"unit": decision.unit, "description": decision.description}
            | {key: told.get(key) for key in ("sensitive", "loggable", "levels")}
        )
        column["kind"].comment(decision.reason)
        columns[decision.name] = column
    document["columns"] = columns
    return tomlkit.dumps(document)


def changed(settings: Any) -> dict[str, Any]:
    """Return what a person said in one table of the project file: the keys that differ from their default."""
    plain = {entry.name: getattr(settings, entry.name) for entry in fields(settings)}
    usual = type(settings)()
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in plain.items()
        if value != getattr(usual, key)
    }


def _add(document: tomlkit.TOMLDocument, name: str, values: dict[str, Any]) -> None:
    if values:
        document[name] = _filled(values)


def _filled(values: dict[str, object]) -> Table:
    table = tomlkit.table()
    for key, value in values.items():
        if value is not None:
            table[key] = value
    return table
