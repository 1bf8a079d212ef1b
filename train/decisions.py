"""Writes the decisions of a run in the form that `--config` takes, to be edited and given back."""

from __future__ import annotations

import tomlkit
from tomlkit.items import Table

from train.material import Material
from train.target import Label

HEAD = "What selfsame train decided. Edit it and give it back: selfsame train DATA --target T --config decisions.toml"


def decisions_toml(material: Material, positive: Label | None) -> str:
    """Return the TOML text; trained with it, the same data gives the same models."""
    config = material.config
    document = tomlkit.document()
    document.add(tomlkit.comment(HEAD))
    document["table"] = _filled({"encoding": config.table.encoding, "delimiter": config.table.delimiter})
    document["run"] = _filled(
        {
            "name": material.name,
            "description": config.run.description,
            "notice": config.run.notice,
            "task": material.target.task,
            "positive": positive,
            "metric": config.run.metric,
        }
    )
    sizes = config.candidates
    document["candidates"] = _filled(
        {
            "names": list(sizes.names),
            "trees": sizes.trees,
            "rounds": sizes.rounds,
            "min_frequency": sizes.min_frequency,
        }
    )
    columns = tomlkit.table(is_super_table=True)
    for decision in material.decisions:
        entry = {"kind": decision.kind, "missing": list(decision.missing)}
        column = _filled(entry | {"unit": decision.unit, "description": decision.description})
        column["kind"].comment(decision.reason)
        columns[decision.name] = column
    document["columns"] = columns
    return tomlkit.dumps(document)


def _filled(values: dict[str, object]) -> Table:
    table = tomlkit.table()
    for key, value in values.items():
        if value is not None:
            table[key] = value
    return table
