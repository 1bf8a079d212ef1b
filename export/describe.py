"""What the bundle says about the model: contract.json and reference.json."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from export.acting import check_acting
from export.errors import ExportError
from export.frame import MISSING_CODE, Column, Columns, Schema, plain
from export.original import Original
from export.probe import Accepted
from export.rows import RowMaker
from lambda_handler.binding import decided
from lambda_handler.contract import FORMAT, Contract

FLOOR = 10  # a count below it could point at single people
BINS = 20
ITEM_KEYS = ("name", "latitude", "longitude", "category")


def contract_document(
    original: Original, table: Columns, accepted: Sequence[Accepted], about: Mapping[str, Any], model_sha256: str
) -> dict[str, Any]:
    """Build contract.json with the strictest tolerance; the proof may widen it to *rounding*.

    Args:
        original: the reference.
        table: graph values of the training rows.
        accepted: what each column may hold.
        about: name, version, description, notice, target, `targets` (the names of several, or None), `features`:
            column name -> unit, description, type, whole; and what `export.acting.acting` gives.
        model_sha256: of model.onnx.

    Raises:
        ExportError: `targets` does not name each target once, or the automation does not fit the model.
    """
    loggable = set(about["loggable"])
    features = [
        _feature(
            index,
            column,
            table[index],
            accepted[index],
            about["features"].get(column.name, {}),
            loggable=column.name in loggable,
        )
        for index, column in enumerate(original.schema.columns)
    ]
    if original.document["task"] == "ranking":  # every item may stand at every stop
        features = [{**feature, "categories": sorted(original.document["classes"])} for feature in features]
    document = {
        "format": FORMAT,
        "name": about["name"],
        "version": about["version"] or model_sha256[:12],
        "description": about["description"],
        "notice": about["notice"],
        "target": about["target"],
        "missing_code": MISSING_CODE,
        "features": features,
        **original.document,
        **_ranking(original.document, about),
        "targets": _named(original.document["targets"], about["targets"]),
        "automation": about["automation"],
        "capture": about["capture"],
        "model_sha256": model_sha256,
    }
    check_acting(document)
    return document


def _ranking(document: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """A ranker's items with what is told of each (`items`: id -> name, latitude, longitude, category), and `top`."""
    if document["task"] != "ranking":
        return {}
    told = about.get("items") or {}
    items = [
        {**item, **{key: told.get(item["id"], {}).get(key) for key in ITEM_KEYS}}
        for item in document["ranking"]["items"]
    ]
    return {"ranking": {"top": about.get("top"), "items": items}}


def _named(targets: list[dict[str, Any]] | None, names: Sequence[str] | None) -> list[dict[str, Any]] | None:
    if targets is None or names is None:
        return targets
    if len(set(names)) != len(targets) or not all(isinstance(name, str) and name for name in names):
        raise ExportError(
            f"`targets` must give each of the {len(targets)} targets a name of its own; got {list(names)}",
            "Name them in the order of y's columns, or leave `targets` out.",
        )
    return [{**target, "name": name} for target, name in zip(targets, names, strict=True)]


def keep_examples_public(document: dict[str, Any], golden: list[dict[str, Any]], maker: RowMaker) -> None:
    """Give a golden row's values as examples where the typical ones are a training row or no history, and of texts."""
    ranks = document["task"] == "ranking"
    all_of_them = ranks or maker.holds(feature["example"] for feature in document["features"])
    answered = [line["row"] for line in golden if line["stratum"] != "rejected"]
    fits = _is_history if ranks else _is_whole
    row = next(filter(fits, answered), answered[0])
    for feature in document["features"]:
        if all_of_them or feature["type"] == "text":
            feature["example"] = row[feature["name"]]


def _is_whole(row: Mapping[str, Any]) -> bool:
    return None not in row.values()


def _is_history(row: Mapping[str, Any]) -> bool:
    """Whether a ranker's row holds a few stops without a gap, none of them twice."""
    stops = [stop for stop in row.values() if stop is not None]
    return 1 < len(stops) == len(set(stops)) < 5 and list(row.values())[: len(stops)] == stops


def reference_document(
    schema: Schema, table: Columns, contract: Contract, labels: npt.NDArray[Any], numbers: npt.NDArray[Any]
) -> dict[str, Any]:
    """Build reference.json: counts per bin and category, none below the floor.

    Args:
        schema: the columns.
        table: graph values of the training rows.
        contract: the finished one.
        labels: the model's labels for each row, as `Predictor.run` gives them.
        numbers: its numbers.
    """
    form = contract.form
    counted = [_answers(contract, index, labels, numbers) for index in range(len(form.targets))]
    named = {target.name: counts for target, counts in zip(form.targets, counted, strict=True)}
    return {
        "format": FORMAT,
        "rows": _floored(len(table[0])),
        "target": contract.document["target"],
        "answers": {"targets": named} if form.several else counted[0],
        "features": {
            column.name: _categories(array) if column.dtype in {"string", "bool"} else _bins(array.astype(np.float64))
            for column, array in zip(schema.columns, table, strict=True)
        },
    }


def _answers(
    contract: Contract, index: int, labels: npt.NDArray[np.int64], numbers: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """Counts of one target's number (of the threshold's or last class, or the value), or of its labels."""
    target = contract.form.targets[index]
    if contract.threshold is not None:
        return _bins(decided(contract.form, contract.threshold, numbers)[1])
    if target.keys:
        return _bins(numbers[:, target.end - 1])
    return _categories(np.array(target.class_keys, dtype=object)[labels[:, index]])


def _feature(
    index: int,
    column: Column,
    values: npt.NDArray[Any],
    accepted: Accepted,
    about: Mapping[str, Any],
    *,
    loggable: bool,
) -> dict[str, Any]:
    known = [value for value in plain(column, values) if value is not None]
    whole = all(value == math.floor(value) for value in known) if column.numeric and known else None
    return {
        "name": column.name,
        "input": f"x{index}",
        "type": column.type,
        "dtype": column.dtype,
        "unit": about.get("unit"),
        "description": about.get("description"),
        "missing": "allowed" if accepted.missing else "rejected",
        "range": [min(known), max(known)] if column.numeric and known else None,
        "accepts": list(accepted.bounds) if accepted.bounds else None,
        "categories": _listed(column, known, accepted),
        "unseen": None if accepted.unseen is None else ("allowed" if accepted.unseen else "rejected"),
        "whole": whole,
        "loggable": loggable,
        "example": _example(column, known, whole, listed=accepted.unseen is False),
    }


def _listed(column: Column, known: list[Any], accepted: Accepted) -> list[Any] | None:
    """What the contract lists: of categories all training values, of numbers those where no other is accepted."""
    if column.type == "text" or (column.dtype != "string" and accepted.unseen is not False):
        return None
    return sorted({*known, *accepted.more})


def _example(column: Column, known: list[Any], whole: bool | None, *, listed: bool) -> Any:
    """The median of numbers, of integers and listed numbers the lower one; else the commonest; None without any."""
    if not known or column.type == "text":  # a text of the table is not given away
        return None
    if column.numeric:
        if listed or column.type == "integer":
            return sorted(known)[(len(known) - 1) // 2]
        median = float(np.median(known))
        return float(math.floor(median)) if whole else median
    found, counts = np.unique(np.array(known, dtype=object), return_counts=True)
    return found[np.argmax(counts)]


def _bins(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    known = np.sort(values[~np.isnan(values)])
    missing = _floored(len(values) - len(known))
    if len(known) < FLOOR:
        return {"missing": missing, "edges": [], "counts": []}
    edges = np.unique(np.quantile(known, np.linspace(0.0, 1.0, BINS + 1)))
    counts = np.histogram(known, bins=edges)[0] if len(edges) > 1 else np.array([len(known)])
    edges = edges if len(edges) > 1 else np.array([edges[0], edges[0]])
    return {"missing": missing, **_merged(edges.tolist(), counts.tolist())}


def _merged(edges: list[float], counts: list[int]) -> dict[str, Any]:
    """Join each bin below the floor with its neighbour."""
    kept_edges, kept_counts = [edges[0]], [0]
    for edge, count in zip(edges[1:], counts, strict=True):
        kept_counts[-1] += count
        if kept_counts[-1] >= FLOOR:
            kept_edges.append(edge)
            kept_counts.append(0)
    rest = kept_counts.pop()
    if rest and kept_counts:
        kept_counts[-1] += rest
    if kept_edges[-1] != edges[-1]:
        kept_edges[-1:] = [edges[-1]]
    return {"edges": kept_edges, "counts": kept_counts}


def _categories(values: npt.NDArray[Any]) -> dict[str, Any]:
    names = ["true" if value is True else "false" if value is False else value for value in values.tolist()]
    counted: dict[str, int] = {}
    for name in names:
        counted[name] = counted.get(name, 0) + 1
    missing = counted.pop(MISSING_CODE, 0)
    kept = {name: count for name, count in sorted(counted.items()) if count >= FLOOR}
    return {
        "missing": _floored(missing),
        "categories": kept,
        "other": _floored(sum(counted.values()) - sum(kept.values())),
    }


def _floored(count: int) -> int:
    """The count, or 0 below the floor."""
    return count if count >= FLOOR else 0
