"""Trains rankers on visits: splits by time, compares, chooses, scores once on the latest ones, writes the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from train.acting import check_automation
from train.config import Config, read_config
from train.decisions import changed
from train.errors import TrainError
from train.folder import check_replaceable
from train.histories import MOST_STOPS, Histories, Visits, histories, read_visits
from train.rankers import Blend, Content, GraphEmbedding, ItemKNN, Markov, Popularity, Ranker
from train.ranking_ceiling import hindsight
from train.ranking_record import given_files, places_path
from train.ranking_run import Ranked, write_ranking
from train.ranking_scores import K, mean_scores, paired_interval, random_mrr, ranks, row_scores
from train.run import Run, read_run

MAIN = {None: "mrr", "mrr": "mrr", "map": f"map@{K}", "ndcg": f"ndcg@{K}", "hit": f"hit@{K}"}
REFERENCE = "markov"  # what the others are compared with
MOST_ITEMS = 2000  # a table has one number per pair of them
MOST_PAIRS = 20_000_000  # the blend learns from some ten numbers each
USED: dict[str, tuple[str, ...]] = {  # keys that have an effect, of the tables of which others have none
    "table": ("encoding", "delimiter", "simulated"),
    "costs": (),
    "budgets": (),
    "split": ("test",),
    "candidates": ("prefer",),
    "prepare": (),
}
SHARES = (0.25, 0.5, 1.0)  # of the training trajectories, for the learning curve

Progress = Any  # a function of a step's name, how much of it is done, and how much there is
Floats = npt.NDArray[np.float64]


def train_ranking(
    data: Path,
    out: Path,
    *,
    config: Path,
    seed: int = 0,
    name: str | None = None,
    places: Path | None = None,
    progress: Progress = None,
) -> Run:
    """Train on a table of visits and write the run.

    Args:
        data: a CSV or Parquet file, a row per visit.
        out: the run folder; nothing, an empty folder or an earlier run may be there.
        config: the project file, whose `[ranking]` says what the columns are.
        seed: of the intervals; the rankers draw nothing at random.
        name: of the run; None takes it from the project file, else from the name of `out`.
        places: the items' file, in place of the one that the project file names.
        progress: called with a step's name, how much of it is done, and how much there is.

    Raises:
        TrainError: the input does not allow it; `out` is then as it was.
    """
    check_replaceable(out)
    told = read_config(config)
    _check_unused(told)
    places = places or places_path(told, config.parent)
    visits = read_visits(data, told.ranking, told.table, places)
    named = replace(told, run=replace(told.run, name=name or told.run.name or out.resolve().name))
    return train_visits(visits, named, out, seed=seed, given=given_files(config, places), progress=progress)


def _check_unused(told: Config) -> None:
    """Refuse what would have no effect on a ranking."""
    for table, used in USED.items():
        unused = sorted(changed(getattr(told, table)).keys() - set(used))
        if unused:
            rule = f"[{table}] may hold for a ranking only what has an effect on it."
            raise TrainError(rule, ", ".join(unused), f"Leave it out{'; used: ' + ', '.join(used) if used else ''}.")
    if told.columns:
        rule = "[columns] describes the columns of a table that is no table of visits."
        raise TrainError(rule, ", ".join(told.columns), "Leave it out; [ranking] names the columns of visits.")


def train_visits(
    visits: Visits,
    told: Config,
    out: Path,
    *,
    seed: int = 0,
    best_possible: Mapping[str, float] | None = None,
    given: Mapping[str, bytes] | None = None,
    progress: Progress = None,
) -> Run:
    """Train on visits in memory and write the run; the arguments are as for `train_ranking`.

    Args:
        visits: what was visited.
        told: the project file, with the run's name.
        out: the run folder.
        seed: of the intervals.
        best_possible: scores on the test rows that no ranker can beat, where a simulation knows them.
        given: files that the run keeps as they were given.
        progress: called as the steps go on.

    Raises:
        TrainError: the visits do not allow it.
    """
    check_replaceable(out)
    with threadpool_limits(1):
        ranked = rank(visits, told, seed, progress or (lambda _what, _done, _total: None))
    ranked.metrics["best_possible"] = None if best_possible is None else dict(best_possible)
    write_ranking(out, visits, told, ranked, seed, given or {})
    return read_run(out)


def rank(visits: Visits, told: Config, seed: int, progress: Progress) -> Ranked:
    """Compare the candidates on the latest training trajectories, and all of them once on the test trajectories."""
    main = MAIN.get(told.run.metric)
    if main is None:
        wanted = '"mrr", "map", "ndcg" or "hit"'
        raise TrainError("metric in [run] must be one of rankings.", repr(told.run.metric), f"Choose {wanted}.")
    check_automation(told.automation, None)
    part = parts_of(visits, told)
    _check_size(visits, part["train"])
    step = "compare on the latest training trajectories"
    _, compared = _fitted(visits, part["learn"], part["validation"], lambda *count: progress(step, *count))
    chosen = choose(compared, part["validation"].groups, main, told.candidates.prefer)
    step = "refit and score on the test trajectories"
    fitted, found = _fitted(visits, part["train"], part["test"], lambda *count: progress(step, *count))
    blend: Any = fitted["blend"]
    metrics = {
        "setting": "ranking",
        "main_score": main,
        "k": K,
        "cross_validation": {},
        "threshold": None,
        "validation": {name: mean_scores(each) for name, each in compared.items()},
        "candidates": _against(found, part["test"].groups, main, seed),
        "parts": _parts(visits, part, found, main, progress),
        "learning": _learning(visits, part, main),
        "hindsight": hindsight(blend, part["train"], part["test"], main, seed),
        "random": {"mrr": random_mrr(_unvisited(fitted[chosen], part["test"].X))},
        "test": _test(found[chosen], part["test"].groups, main, seed),
        "trajectories": {name: len(set(each.groups.tolist())) for name, each in part.items()},
        "rows": {name: len(each.y) for name, each in part.items()},
    }
    return Ranked(fitted, chosen, part["train"], metrics)


def _check_size(visits: Visits, rows: Histories) -> None:
    items = len(set().union(*visits.trajectories))
    if items > MOST_ITEMS or items * len(rows.y) > MOST_PAIRS:
        raise TrainError(
            f"Ranking takes at most {MOST_ITEMS:,} items, and {MOST_PAIRS:,} pairs of a row and an item.",
            f"{items:,} items and {items * len(rows.y):,} pairs",
            "Group rare items, or bring a sample of the trajectories.",
        )


def parts_of(visits: Visits, told: Config) -> dict[str, Histories]:
    """The rows to `learn` from while comparing, those of the `validation`, both together (`train`), and the `test`."""
    test_from = split_at(len(visits.trajectories), told.split.test)
    learn_to = split_at(test_from, told.split.test)
    longest = max(map(len, visits.trajectories[:test_from])) - 1
    stops = told.ranking.history or min(longest, MOST_STOPS)
    bounds = {
        "learn": (0, learn_to),
        "validation": (learn_to, test_from),
        "train": (0, test_from),
        "test": (test_from, len(visits.trajectories)),
    }
    return {name: histories(visits.trajectories[start:stop], stops) for name, (start, stop) in bounds.items()}


def _fitted(
    visits: Visits, rows: Histories, others: Histories, progress: Callable[[int, int], None]
) -> tuple[dict[str, Ranker], dict[str, Floats]]:
    """The candidates fitted on some rows, and the ranks that they give to the truth of others."""
    fitted, found = {}, {}
    models = candidates(visits)
    for number, (name, model) in enumerate(models.items()):
        fitted[name] = model.fit(rows.X, rows.y)
        found[name] = rank_of(model, others)
        progress(number + 1, len(models))
    return fitted, found


def split_at(count: int, share: float) -> int:
    """Where the held-out trajectories begin, when the latest `share` of them is held out."""
    return round(count * (1 - share))


def candidates(visits: Visits, without: str | None = None) -> dict[str, Ranker]:
    """The unfitted rankers, the simplest first; the blend of all of them last.

    Args:
        visits: says where the items are; without coordinates there is no ranker by content.
        without: a ranker that is left out.
    """
    places = {
        item: (told["latitude"], told["longitude"], told.get("category") or "")
        for item, told in sorted(visits.items.items())
        if told.get("latitude") is not None and told.get("longitude") is not None
    }
    alone: dict[str, Ranker] = {"popularity": Popularity(), "markov": Markov(), "item_knn": ItemKNN()}
    if places:
        alone["content"] = Content(places)
    alone["embedding"] = GraphEmbedding()
    alone.pop(without or "", None)
    return {**alone, "blend": Blend([(name, type(model)(**model.get_params())) for name, model in alone.items()])}


def rank_of(model: Ranker, rows: Histories) -> Floats:
    """The rank of each row's truth."""
    return ranks(model.decision_function(rows.X), pd.Index(model.classes_).get_indexer(rows.y))


def choose(found: Mapping[str, Floats], groups: npt.NDArray[np.int64], main: str, prefer: str) -> str:
    """The best candidate, or the first one within one standard error of it (of the difference, by trajectories)."""
    scores = {name: row_scores(rank)[main] for name, rank in found.items()}
    best = max(scores, key=lambda name: float(scores[name].mean()))
    if prefer == "best":
        return best
    for name, each in scores.items():
        difference = scores[best] - each
        apart = np.bincount(groups, weights=difference - difference.mean())
        if difference.mean() <= np.sqrt((apart**2).sum()) / len(difference):
            return name
    return best


def _against(
    found: Mapping[str, Floats], groups: npt.NDArray[np.int64], main: str, seed: int
) -> dict[str, dict[str, Any]]:
    """Each candidate's scores, and its difference from `REFERENCE` with a paired interval."""
    reference = row_scores(found[REFERENCE])[main]
    table = {}
    for name, rank in found.items():
        difference = row_scores(rank)[main] - reference
        interval = list(paired_interval(difference, groups, seed))
        table[name] = {**mean_scores(rank), "difference": float(difference.mean()), "interval": interval}
    return table


def _parts(
    visits: Visits, part: Mapping[str, Histories], found: Mapping[str, Floats], main: str, progress: Progress
) -> dict[str, float]:
    """What each member adds: the blend's score less that of a blend without it, on the test rows."""
    whole, added = mean_scores(found["blend"])[main], {}
    members = [name for name in found if name != "blend"]
    for number, name in enumerate(members):
        model = candidates(visits, without=name)["blend"].fit(part["train"].X, part["train"].y)
        added[name] = whole - mean_scores(rank_of(model, part["test"]))[main]
        progress("leave one part out", number + 1, len(members))
    return added


def _learning(visits: Visits, part: Mapping[str, Histories], main: str) -> list[dict[str, Any]]:
    """The scores of the reference and the blend when they learn from the latest shares of the trajectories."""
    lines, train = [], part["train"]
    total = int(train.groups[-1]) + 1
    for share in SHARES:
        kept = train.groups >= total - round(total * share)
        X, y = train.X[kept].reset_index(drop=True), train.y[kept]
        models = {name: candidates(visits)[name].fit(X, y) for name in (REFERENCE, "blend")}
        scores = {name: mean_scores(rank_of(model, part["test"]))[main] for name, model in models.items()}
        lines.append({"trajectories": round(total * share), **scores})
    return lines


def _unvisited(model: Ranker, X: pd.DataFrame) -> npt.NDArray[np.int64]:
    """How many items each row ranks."""
    counts: npt.NDArray[np.int64] = (model.decision_function(X) >= 0).sum(axis=1)
    return counts


def _test(rank: Floats, groups: npt.NDArray[np.int64], main: str, seed: int) -> dict[str, Any]:
    """The chosen one's scores, and the interval of the main one."""
    return {**mean_scores(rank), "interval": list(paired_interval(row_scores(rank)[main], groups, seed))}
