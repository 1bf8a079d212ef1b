"""What `selfsame examine` tells of a ranker: scores, where they are low, what its lists are made of, and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from train.backtest import BLOCKS, FEWEST
from train.examine_report import NAMES, back_test_plot, where_words
from train.histories import Histories, histories
from train.page import page
from train.rankers import Blend, Ranker
from train.ranking_lists import first_items, lists_of
from train.ranking_record import Answered, Sessions, answered, read_sessions
from train.ranking_run import MODELS
from train.ranking_scores import K, row_scores, with_interval
from train.ranking_tables import masked, one
from train.record import cleaned
from train.run import Run
from train.slices import worst_slices

STEPS = 4
WORST = 20  # sessions
SHOWN_ITEMS = 8  # at either end
LONGEST = 4  # stops so far; more count as so many

Progress = Callable[[str, int, int], None]
Floats = npt.NDArray[np.float64]


def examined_ranking(run: Run, progress: Progress) -> dict[str, Any]:
    """What examine.json holds for a ranking.

    Args:
        run: a ranking's.
        progress: called with "examine", the steps that are done, and how many there are.

    Raises:
        TrainError: the run lacks its trajectories.
    """
    info, seed, main = run.info, run.info["seed"], run.metrics["main_score"]
    progress("examine", 0, STEPS)
    sessions = read_sessions(run)
    model: Ranker = run.estimator
    told = answered(model, sessions.test)
    by_row, units = row_scores(told.rank), sessions.units
    found: dict[str, Any] = {
        "name": info["name"], "task": "ranking", "chosen": info["chosen"], "data_sha256": info["data_sha256"],
        "seed": seed, "main_score": main, "k": K, "drawn": sessions.drawn, "units": int(units.max()) + 1,
        "rows": len(told.rank), "sessions": int(sessions.test.groups[-1]) + 1,
        "scores": {name: with_interval(each, units, seed) for name, each in by_row.items()},
        "by_history": _by_history(sessions, by_row[main], by_row[f"hit@{K}"], seed),
    }  # fmt: skip
    visits = Counter(item for each in sessions.trajectories[: sessions.first] for item in each)
    found["lists"] = lists_of(model.classes_.tolist(), told, units, visits, main, seed)
    progress("examine", 1, STEPS)
    found["loss"] = f"1 − {NAMES[main]}"
    found["slices"] = worst_slices(_places(sessions.test, info["items"]), 1 - by_row[main])
    found["parts"] = leaning(model, sessions, info["chosen"])
    found["left_out"] = run.metrics["parts"]
    progress("examine", 2, STEPS)
    found["back_test"] = back_test(model, sessions, main, seed)
    progress("examine", 3, STEPS)
    found["worst"] = worst_sessions(sessions, model, told, by_row[main])
    cleared: dict[str, Any] = cleaned(found)
    return cleared


def _by_history(sessions: Sessions, score: Floats, hit: Floats, seed: int) -> list[dict[str, Any]]:
    """The main score and the hit rate by how many stops went before (as far as the columns reach)."""
    stops = np.minimum(sessions.test.X.notna().sum(axis=1).to_numpy(), LONGEST)
    found = []
    for count in np.unique(stops).tolist():
        rows = stops == count
        told = {"stops": count, "or_more": count == LONGEST, "rows": int(rows.sum())}
        told |= {"score": with_interval(score[rows], sessions.units[rows], seed)}
        found.append({**told, "hit": with_interval(hit[rows], sessions.units[rows], seed)})
    return found


def _places(rows: Histories, items: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """What a row can be grouped by: the latest stop, its category where that is told, and how many stops there are."""
    latest = rows.X["stop_1"]
    frame = pd.DataFrame({"latest stop": latest, "stops so far": rows.X.notna().sum(axis=1).astype("float64")})
    categories = {item: told["category"] for item, told in items.items() if told.get("category")}
    return frame.assign(**{"its category": latest.map(categories)}) if categories else frame


def leaning(model: Ranker, sessions: Sessions, chosen: str) -> list[dict[str, Any]]:
    """What the scores are made of: each member of a blend, or the ranker itself, at each position of the history.

    Returns:
        The `member`, the `position` (1 = the latest stop), the `weight` (None without a blend), and the `spread` that
        it brings into the scores: the mean over the held-out rows of the standard deviation of weight x table over
        the items that are ranked. Unlike weights, spreads of different members are in one unit.
    """
    codes = model.codes(sessions.test.X)
    ranked = masked(np.zeros((len(codes), len(model.classes_))), codes) >= 0
    told: list[tuple[str, int, float | None, Floats]]
    if isinstance(model, Blend):
        truth = pd.Index(model.classes_).get_indexer(sessions.train.y)
        weights = [weight for each in model.weights_.values() for weight in each]
        tables = model.told(model.codes(sessions.train.X), truth)
        told = [(*each[:2], weight, each[2]) for each, weight in zip(tables, weights, strict=True)]
    else:
        told = [(chosen, position, None, table) for position, table in enumerate(model.tables_)]
    return [
        {"member": name, "position": position + 1, "weight": weight,
         "spread": _spread(one(codes, position, table) * (1.0 if weight is None else weight), ranked)}
        for name, position, weight, table in told
    ]  # fmt: skip


def _spread(values: Floats, ranked: npt.NDArray[np.bool_]) -> float:
    count = np.maximum(ranked.sum(axis=1), 1)
    centre = np.where(ranked, values, 0.0).sum(axis=1) / count
    squares = np.where(ranked, (values - centre[:, None]) ** 2, 0.0).sum(axis=1) / count
    return float(np.sqrt(squares).mean())


def back_test(model: Ranker, sessions: Sessions, main: str, seed: int) -> dict[str, Any]:
    """Cut all trajectories into blocks along their starts, and score each by rankers that learnt from earlier ones.

    Returns:
        As `train.backtest.back_test` gives it; a block's `rows` are its next stops.
    """
    count, stops = len(sessions.trajectories), sessions.test.X.shape[1]
    blocks = max(2, min(BLOCKS, count // FEWEST))
    ends = [round(count * number / blocks) for number in range(blocks + 1)]
    first = _learnt(model, sessions, ends[1], stops)
    found = []
    for number, (start, stop) in enumerate(pairwise(ends[1:]), start=2):
        rows = histories(sessions.trajectories[start:stop], stops)
        fresh = first if number == 2 else _learnt(model, sessions, start, stops)
        told: dict[str, Any] = {"block": number, "rows": len(rows.y), "fitted_on": start}
        told |= {"from": float(sessions.starts[start]), "to": float(sessions.starts[stop - 1])}
        for name, each in (("fresh", fresh), ("old", first)):
            told[name] = with_interval(row_scores(answered(each, rows).rank)[main], rows.groups, seed)
        found.append(told)
    return {"score": main, "along": "the start of the trajectories", "first_rows": ends[1], "blocks": found}


def _learnt(model: Ranker, sessions: Sessions, stop: int, stops: int) -> Ranker:
    rows = histories(sessions.trajectories[:stop], stops)
    fitted: Ranker = clone(model).fit(rows.X, rows.y)
    return fitted


def worst_sessions(sessions: Sessions, model: Ranker, told: Answered, score: Floats) -> list[dict[str, Any]]:
    """The held-out trajectories with the lowest mean score; of equals the longer one first. Private, like the run.

    Returns:
        Per trajectory its `session`, counted from 1 along time, its `start`, the mean `score`, the `stops`, and per
        next stop the `rank` of what came (None where it is not ranked) and the `first` three of the list.
    """
    groups = sessions.test.groups
    rows = np.bincount(groups)
    mean = np.bincount(groups, weights=score) / rows
    first = first_items(told.scores, 3)
    found = []
    for number in np.lexsort((-rows, mean))[:WORST].tolist():
        place = sessions.first + number
        steps = [
            {"rank": told.rank[row], "first": [model.classes_[item] for item in first[row].tolist() if item >= 0]}
            for row in np.flatnonzero(groups == number).tolist()
        ]
        found.append({"session": place + 1, "start": float(sessions.starts[place]), "score": float(mean[number]),
                      "stops": sessions.trajectories[place], "steps": steps})  # fmt: skip
    return found


def render_ranking_examination(found: dict[str, Any], info: dict[str, Any]) -> str:
    """Return the page.

    Args:
        found: the content of examine.json.
        info: that of run.json.
    """
    items = found["lists"]["items"]
    came, listed = (max(sum(each[key] for each in items), 1) for key in ("came", "listed"))
    apart = [{**each, "apart": each["listed"] / listed - each["came"] / came} for each in items]
    apart.sort(key=lambda each: float(each["apart"]))
    ends = [
        ("listed more than it came", [each for each in apart[::-1] if each["apart"] > 0][:SHOWN_ITEMS]),
        ("came more than it was listed", [each for each in apart if each["apart"] < 0][:SHOWN_ITEMS]),
    ]
    filters = {"score": "{:.3f}".format, "percent": lambda value: f"{100 * value:.1f} %"}
    return page(
        "examine_ranking.html.jinja",
        filters,
        found=found,
        info=info,
        names=NAMES,
        models=MODELS,
        totals={"came": came, "listed": listed},
        ends=ends,
        called=lambda item: (info["items"].get(item) or {}).get("name") or item,
        most=max((each["spread"] for each in found["parts"]), default=0) or 1,
        plot=back_test_plot(found["back_test"]),
        where=where_words,
    )
