"""Two models on the same held-out rows: is the second better beyond chance?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from train.judged import Judged, draws_of, score_functions
from train.scores import LOWER_IS_BETTER

FloatArray = npt.NDArray[np.float64]


def paired_bootstrap(champion: Judged, challenger: Judged, score: str) -> dict[str, Any]:
    """The difference of a score, with a 95 % interval from samples of the rows that both answer (Efron 1979).

    Returns:
        The `champion`'s and the `challenger`'s score, their `difference` in the direction in which more is better,
        the interval's ends `low` and `high`, and whether the challenger is `better`: the interval lies above 0.
    """
    sign = -1.0 if score in LOWER_IS_BETTER else 1.0
    first, second = score_functions(champion)[score], score_functions(challenger)[score]
    every = np.ones(len(champion.y))
    drawn = [sign * (second(weight) - first(weight)) for weight in draws_of(len(champion.y))]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    one, other = first(every), second(every)
    return {
        "score": score, "champion": one, "challenger": other, "difference": sign * (other - one),
        "low": float(low), "high": float(high), "better": bool(low > 0),
    }  # fmt: skip


def mcnemar(champion_right: npt.NDArray[np.bool_], challenger_right: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """McNemar's test (Psychometrika 12, 1947), exact and two-sided: of the rows that one of two labels right.

    Returns:
        `champion_only` and `challenger_only`, the rows that one alone has right, and `p`: of a split at least as uneven
        were both equally good.
    """
    one = int((champion_right & ~challenger_right).sum())
    other = int((challenger_right & ~champion_right).sum())
    p = 1.0 if one + other == 0 else float(stats.binomtest(other, one + other, 0.5).pvalue)
    return {"champion_only": one, "challenger_only": other, "p": p}


def corrected_t(differences: FloatArray, held_share: float) -> dict[str, float]:
    """The corrected resampled t test (Nadeau and Bengio, Machine Learning 52, 2003), two-sided.

    Folds share rows, so that their variance is multiplied by 1/n + held / (1 - held) in place of 1/n.

    Args:
        differences: Of a score per fold, float64 of shape (n_folds,).
        held_share: The share of rows that each fold is scored on.

    Returns:
        The `mean`, `t` and `p`; p is 1 where all differences are 0, and 0 where they are equal otherwise.
    """
    count = len(differences)
    mean, variance = float(np.mean(differences)), float(np.var(differences, ddof=1))
    if variance == 0:
        return {"mean": mean, "t": 0.0 if mean == 0 else float("inf") * np.sign(mean), "p": float(mean == 0)}
    t = mean / np.sqrt(variance * (1 / count + held_share / (1 - held_share)))
    return {"mean": mean, "t": float(t), "p": float(2 * stats.t.sf(abs(t), count - 1))}
