"""How far the blend's parts could reach at all: the weights are chosen by the test rows themselves.

That is no honest score of anything. It tells what a better choice of weights could gain: where even this falls short,
no validation would have helped. A climb finds no proven optimum; a longer one gains a little more.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from train.histories import Histories
from train.rankers import Blend
from train.ranking_scores import mean_scores, ranks
from train.ranking_tables import masked, one

DRAWS = 500  # steps of the climb
STEPS = (0.02, 0.1, 0.4)  # their sizes
ABOVE = 1e6  # added to scores, so that none is below 0


def hindsight(blend: Blend, train: Histories, test: Histories, main: str, seed: int) -> float:
    """The best score on the test rows that a climb over the blend's weights found.

    Args:
        blend: fitted on `train`; the climb begins at its weights.
        train: what the members' tables are made of.
        test: what is scored.
        main: the score.
        seed: of the climb.
    """
    items = pd.Index(blend.classes_)
    told = blend.told(blend.codes(train.X), items.get_indexer(train.y))
    codes, truth = blend.codes(test.X), items.get_indexer(test.y)
    features = np.stack([one(codes, position, table) for _, position, table in told], axis=2)
    weights = np.array([weight for each in blend.weights_.values() for weight in each])

    def score(tried: np.ndarray) -> float:
        return mean_scores(ranks(masked(features @ tried + ABOVE, codes), truth))[main]

    random, best = np.random.default_rng(seed), score(weights)
    for _ in range(DRAWS):
        tried = weights + random.normal(size=len(weights)) * random.choice(STEPS)
        found = score(tried)
        if found > best:
            weights, best = tried, found
    return best
