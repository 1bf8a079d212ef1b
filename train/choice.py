"""The conditional logit: weights of features by which one of several items is chosen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]


def choice_weights(
    features: Floats, chosen: npt.NDArray[np.int64], barred: npt.NDArray[np.bool_], penalty: float = 1.0
) -> Floats:
    """The weights that make the choices likeliest (McFadden 1974), float64 of shape (n_features,).

    Args:
        features: float64 of shape (n_rows, n_items, n_features).
        chosen: the position of each row's item.
        barred: bool of shape (n_rows, n_items): items that a row cannot choose; a row that chose one is left out.
        penalty: of half the squared weights.
    """
    kept = ~barred[np.arange(len(chosen)), chosen]
    features, chosen, barred = features[kept], chosen[kept], barred[kept]
    rows = np.arange(len(chosen))

    def loss(weights: Floats) -> tuple[float, Floats]:
        utility = np.where(barred, -np.inf, features @ weights)
        odds = np.exp(utility - utility.max(axis=1, keepdims=True))
        share = odds / odds.sum(axis=1, keepdims=True)
        unlikely = -np.log(np.maximum(share[rows, chosen], np.finfo(np.float64).tiny)).sum()
        share[rows, chosen] -= 1.0
        slope = np.tensordot(share, features, axes=([0, 1], [0, 1])) + penalty * weights
        return float(unlikely + penalty * (weights @ weights) / 2), slope

    found: Floats = minimize(loss, np.zeros(features.shape[2]), jac=True, method="L-BFGS-B").x
    return found
