"""How good rankings are: MRR, mAP@k, NDCG@k and hit rate@k, with ties and denominators as documented here.

Each row has one item that came next (its truth) and ranks every item that is not in its history. **Ties**: of items
with the same score the one that stands first among the classes ranks first, as in the answers. **Denominators**: each
score is the mean over all rows; a row whose truth is unknown to the ranker or stands in its history counts 0. With one
truth per row the ideal DCG is 1, and the average precision at k is the reciprocal rank, cut off behind rank k.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

K = 5
DRAWS = 2000  # of the bootstrap
MOST_DRAWN = 10_000_000  # numbers at once

Floats = npt.NDArray[np.float64]


def ranks(scores: Floats, truth: npt.NDArray[np.int64]) -> Floats:
    """The rank of each row's truth, from 1 on; infinite where it is not ranked.

    Args:
        scores: float64 of shape (n_rows, n_items); below 0 = not ranked.
        truth: the positions of the true items; below 0 = unknown to the ranker.
    """
    own = np.where(truth < 0, -1.0, scores[np.arange(len(truth)), truth])[:, None]
    before = np.arange(scores.shape[1]) < truth[:, None]
    found = 1.0 + (scores > own).sum(axis=1) + ((scores == own) & before).sum(axis=1)
    return np.where(own[:, 0] < 0, np.inf, found)


def row_scores(rank: Floats, k: int = K) -> dict[str, Floats]:
    """Each score of each row."""
    near = rank <= k
    return {
        "mrr": 1.0 / rank,
        f"map@{k}": np.where(near, 1.0 / rank, 0.0),
        f"ndcg@{k}": np.where(near, 1.0 / np.log2(1.0 + rank), 0.0),
        f"hit@{k}": near.astype(np.float64),
    }


def mean_scores(rank: Floats, k: int = K) -> dict[str, float]:
    """Each score, as the mean over the rows."""
    return {name: float(each.mean()) for name, each in row_scores(rank, k).items()}


def random_mrr(unvisited: npt.NDArray[np.int64]) -> float:
    """The expected MRR of a random order, given how many items each row ranks."""
    return float(np.mean([np.mean(1.0 / np.arange(1, count + 1)) for count in unvisited.tolist()]))


def paired_interval(
    difference: Floats, groups: npt.NDArray[np.int64], seed: int, share: float = 0.95
) -> tuple[float, float]:
    """The bootstrap interval of a mean difference between two rankers on the same rows; whole groups are drawn.

    Args:
        difference: per row.
        groups: the number of each row's trajectory, from 0 on.
        seed: of the draws.
        share: of the draws that lie inside.
    """
    sums, counts = np.bincount(groups, weights=difference), np.bincount(groups)
    random, at_once = np.random.default_rng(seed), min(DRAWS, max(1, MOST_DRAWN // len(sums)))
    means = []
    for start in range(0, DRAWS, at_once):
        drawn = random.integers(0, len(sums), (min(at_once, DRAWS - start), len(sums)))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def with_interval(values: Floats, units: npt.NDArray[np.int64], seed: int) -> dict[str, float]:
    """The mean `value` of some rows, and the ends `low` and `high` of its 95 % interval; whole units are drawn."""
    groups = np.unique(units, return_inverse=True)[1]
    low, high = paired_interval(values, groups, seed)
    return {"value": float(values.mean()), "low": low, "high": high}
