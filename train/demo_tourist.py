"""Simulated walks through a town that does not exist: data whose true probabilities are known.

Nobody walked there: the town of Lindhaven, its places and their coordinates (they lie in the open North Sea) are made
up, and every draw comes from the seed. The process, walk by walk:

1. A walk begins on a day of 2025 at an hour from 9 to 16, at a place drawn by appeal.
2. After each stop it ends with probability 0.28, and after `LONGEST` stops.
3. Else the next place is drawn among those not visited yet, with the softmax of this utility as probabilities:

    0.9 log(appeal) - 0.8 log(km from the latest stop + 0.15) + 0.35 log(km from the stop before it + 0.15)
    + the wish for its category after the latest stop's (`WISHES`, else 0)

So no ranker can have better expected scores than the utility itself, which looks at no more than the two latest stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from train.config import CandidateSettings, Config, RankingSettings, RunSettings
from train.histories import Histories, Visits, histories, places_of, visits_of
from train.rank import split_at
from train.ranking_scores import mean_scores, ranks
from train.ranking_tables import distances, masked

SIMULATED = "The town and its visitors are simulated: nobody walked there, and none of these places exists."
DAY = 86400
LONGEST = 9  # stops of a walk
PLACES = [  # id, name, category, latitude, longitude, appeal
    ("castle", "Lind Castle", "history", 54.6194, 6.3085, 9.0),
    ("cathedral", "St Elm Cathedral", "history", 54.6179, 6.3148, 7.0),
    ("town-hall", "Old Town Hall", "history", 54.6161, 6.3179, 5.0),
    ("city-gate", "Westgate", "history", 54.6174, 6.3027, 2.5),
    ("sea-fort", "Sea Fort", "history", 54.6226, 6.3349, 3.0),
    ("art-museum", "Museum of Art", "museum", 54.6145, 6.3124, 6.0),
    ("ship-museum", "Ship Museum", "museum", 54.6201, 6.3241, 5.5),
    ("science-house", "House of Science", "museum", 54.6120, 6.3217, 3.5),
    ("glass-museum", "Glass Museum", "museum", 54.6143, 6.3062, 1.5),
    ("royal-garden", "Royal Garden", "park", 54.6215, 6.3043, 4.5),
    ("linden-park", "Linden Park", "park", 54.6113, 6.3140, 3.0),
    ("beach", "North Beach", "park", 54.6244, 6.3272, 6.5),
    ("botanic-garden", "Botanic Garden", "park", 54.6109, 6.3287, 2.0),
    ("market", "Market Square", "food", 54.6181, 6.3206, 8.0),
    ("fish-hall", "Fish Hall", "food", 54.6228, 6.3214, 5.0),
    ("coffee-row", "Coffee Row", "food", 54.6156, 6.3245, 4.0),
    ("brewery", "Quay Brewery", "food", 54.6192, 6.3318, 3.0),
    ("harbour", "Old Harbour", "view", 54.6215, 6.3283, 7.5),
    ("lighthouse", "Lighthouse", "view", 54.6251, 6.3373, 4.0),
    ("tower", "Signal Tower", "view", 54.6167, 6.3105, 3.5),
]
WISHES = {
    ("history", "food"): 0.7, ("history", "history"): 0.3, ("museum", "food"): 1.0, ("museum", "park"): 0.6,
    ("museum", "museum"): -0.6, ("park", "food"): 0.8, ("park", "view"): 0.5, ("food", "view"): 0.7,
    ("food", "food"): -1.2, ("food", "museum"): 0.5, ("view", "view"): -0.7, ("view", "food"): 0.4,
}  # fmt: skip
SETTINGS = RankingSettings(item="place", time="time", trajectory="walk")

Floats = npt.NDArray[np.float64]


def tourist_config() -> Config:
    """The project file of the case."""
    run = RunSettings(
        name="tourist-stops",
        description="Where visitors of Lindhaven, a made-up town, go next.",
        notice=SIMULATED,
        task="ranking",
    )
    return Config(run=run, ranking=SETTINGS, candidates=CandidateSettings(prefer="best"))


def simulate_visits(walks: int = 900, seed: int = 11) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate visits by the process that this module's docstring documents.

    Args:
        walks: how many.
        seed: the same seed gives the same visits.

    Returns:
        The visits (`walk`, `place`, `time` in seconds since 1970), in no order, and the places.
    """
    random = np.random.default_rng(seed)
    ids, appeal = [place[0] for place in PLACES], np.array([place[5] for place in PLACES])
    first = pd.Timestamp("2025-01-01").timestamp()
    rows: list[tuple[str, str, int]] = []
    for walk in range(walks):
        time = first + DAY * int(random.integers(365)) + 3600 * int(random.integers(9, 17))
        stops = [int(random.choice(len(ids), p=appeal / appeal.sum()))]
        while len(stops) < LONGEST and random.random() > 0.28:
            wish = np.exp(_utility(stops))
            wish[stops] = 0.0
            stops.append(int(random.choice(len(ids), p=wish / wish.sum())))
        for stop in stops:
            rows.append((f"w{walk + 1}", ids[stop], int(time)))
            time += float(random.integers(20, 100)) * 60
    visits = pd.DataFrame(rows, columns=["walk", "place", "time"])
    shuffled = visits.iloc[random.permutation(len(visits))].reset_index(drop=True)
    columns = ["place", "name", "category", "latitude", "longitude"]
    return shuffled, pd.DataFrame([place[:5] for place in PLACES], columns=columns)


def tourist_visits() -> tuple[Visits, dict[str, float]]:
    """The simulated visits, and the best possible scores on their test rows."""
    frame, places = simulate_visits()
    digest = frame.to_csv(index=False, lineterminator="\n") + places.to_csv(index=False, lineterminator="\n")
    visits = visits_of(frame, SETTINGS, places_of(places, "place"), sha256(digest.encode()).hexdigest())
    test = visits.trajectories[split_at(len(visits.trajectories), tourist_config().split.test) :]
    return visits, best_possible(histories(test, LONGEST))


def best_possible(rows: Histories) -> dict[str, float]:
    """What the true utilities score."""
    ids = {place[0]: number for number, place in enumerate(PLACES)}
    utility = []
    for history in rows.X.to_numpy(dtype=object):
        stops = [ids[stop] for stop in reversed(history) if isinstance(stop, str)]
        utility.append(_utility(stops))
    codes = np.stack([[ids.get(stop, len(ids)) for stop in row] for row in rows.X.to_numpy(dtype=object)])
    scores = masked(np.array(utility) + 100.0, codes)
    return mean_scores(ranks(scores, np.array([ids[item] for item in rows.y])))


def _utility(stops: Sequence[int]) -> Floats:
    """The utility of each place after some stops."""
    latest = stops[-1]
    wishes = [WISHES.get((PLACES[latest][2], place[2]), 0.0) for place in PLACES]
    found = 0.9 * np.log([place[5] for place in PLACES]) - 0.8 * np.log(_apart()[latest] + 0.15) + wishes
    if len(stops) > 1:
        found = found + 0.35 * np.log(_apart()[stops[-2]] + 0.15)
    return np.asarray(found, dtype=np.float64)


@cache
def _apart() -> Floats:
    """Kilometres between the places."""
    places: dict[str, tuple[Any, ...]] = {place[0]: (place[3], place[4], place[2]) for place in PLACES}
    return distances(np.array(list(places), dtype=object), places)
