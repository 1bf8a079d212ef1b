"""The run folder of a ranker: the same files as every run's, and a report of its own."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from train.config import Config
from train.decisions import changed
from train.features import Feature
from train.folder import RUN_FORMAT, as_json, write_folder
from train.histories import Histories, Visits
from train.page import page
from train.rankers import Ranker
from train.ranking_record import PLACES, TRAJECTORIES, trajectories_file
from train.record import frame_to_parquet
from train.report import SCORE_NAMES
from train.run import LIBRARIES
from train.store import dump_estimator

MODELS = {
    "popularity": "popularity",
    "markov": "first-order Markov",
    "item_knn": "item to item (kNN)",
    "content": "distance and category",
    "embedding": "graph embedding (DeepWalk)",
    "blend": "blend of all",
}
GAIN = 0.02  # over the first-order Markov chain: what the blend is held to


@dataclass(frozen=True)
class Ranked:
    """What training gives.

    Attributes:
        estimators: the candidates, fitted on all training trajectories, the simplest first.
        chosen: the name of one of them.
        train: what they were fitted on.
        metrics: the content of `metrics.json`.
    """

    estimators: dict[str, Ranker]
    chosen: str
    train: Histories
    metrics: dict[str, Any]


def write_ranking(
    out: Path,
    visits: Visits,
    told: Config,
    ranked: Ranked,
    seed: int,
    given: Mapping[str, bytes],
) -> None:
    """Write the run folder, whole or not at all.

    Args:
        out: the folder.
        visits: what was visited.
        told: the project file, with the run's name.
        ranked: what training gave.
        seed: of the intervals.
        given: files that are kept as they were given: the project file and the places.

    Raises:
        TrainError: something else than a run is at `out`, or it cannot be written.
    """
    chosen, train, metrics = ranked.chosen, ranked.train, ranked.metrics
    info = _info(visits, told, ranked.estimators[chosen], chosen, metrics, seed)
    stored = {f"candidates/{name}.skops": dump_estimator(model) for name, model in ranked.estimators.items()}
    files = {
        "pipeline.skops": stored[f"candidates/{chosen}.skops"],
        **stored,
        "rows.parquet": frame_to_parquet(train.X),
        "features.json": as_json([_feature(place + 1).to_json() for place in range(train.X.shape[1])]),
        "run.json": as_json(info),
        "metrics.json": as_json(metrics),
        "decisions.toml": _decisions(told, train.X.shape[1], given).encode(),
        TRAJECTORIES: trajectories_file(visits),
        **given,
        "report.html": render_ranking(info, metrics).encode(),
    }
    write_folder(out, files)


def _feature(stop: int) -> Feature:
    told = "The latest stop" if stop == 1 else f"The stop before stop_{stop - 1}; missing where there was none"
    return Feature(f"stop_{stop}", "category", "string", "category", None, told, whole=False)


def _info(
    visits: Visits, told: Config, model: Ranker, chosen: str, metrics: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    items = model.classes_.tolist()
    return {
        "selfsame_run": RUN_FORMAT,
        "name": told.run.name,
        "task": "ranking",
        "target": {"name": "next stop", "unit": None, "description": "the places to visit next, the best first"},
        "classes": items,
        "positive": None,
        "threshold": None,
        "items": {item: visits.items.get(item, {}) for item in items},
        "top": told.ranking.top,
        "automation": changed(told.automation),
        "description": told.run.description,
        "notice": told.run.notice,
        "chosen": chosen,
        "model": MODELS[chosen],
        "data_sha256": visits.digest,
        "seed": seed,
        "rows": metrics["rows"] | {"dropped_without_target": sum(visits.dropped.values())},
        "dropped_visits": visits.dropped,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }


def _decisions(told: Config, stops: int, given: Mapping[str, bytes]) -> str:
    """The project file that gives this run again; it names the places that lie beside it."""
    places = next((name for name in given if name.startswith(f"{PLACES}.")), told.ranking.places)
    ranking = replace(told.ranking, places=places)
    tables: dict[str, dict[str, Any]] = {
        "run": {"name": told.run.name, "task": "ranking", "description": told.run.description,
                "notice": told.run.notice, "metric": told.run.metric},
        "split": {"test": told.split.test},
        "candidates": {"prefer": told.candidates.prefer},
        "ranking": {key: getattr(ranking, key) for key in ("user", "item", "time", "trajectory", "places", "top")}
        | {"history": stops},
        "automation": changed(told.automation),
    }  # fmt: skip
    lines = ["# selfsame train DATA --config this file"]
    for name, keys in tables.items():
        if not keys:
            continue
        lines += ["", f"[{name}]"]
        lines += [
            f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items() if value is not None
        ]
    return "\n".join(lines) + "\n"


def verdict(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the blend beats the Markov chain by `GAIN` with an interval that excludes zero, and what it lacks.

    Returns:
        `holds`; the blend's `difference` and its `interval`; and `least`: half the interval's width, the smallest
        difference that these test trajectories can tell from none.
    """
    blend = metrics["candidates"]["blend"]
    low, high = blend["interval"]
    return {
        "holds": blend["difference"] >= GAIN and low > 0,
        "difference": blend["difference"],
        "interval": [low, high],
        "least": (high - low) / 2,
        "gain": GAIN,
    }


def render_ranking(info: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """The report as HTML.

    Args:
        info: the content of `run.json`.
        metrics: the content of `metrics.json`.
    """
    filters = {"score": "{:.3f}".format, "signed": "{:+.4f}".format, "scorename": SCORE_NAMES.__getitem__}
    return page("ranking.html.jinja", filters, info=info, metrics=metrics, models=MODELS, verdict=verdict(metrics))
