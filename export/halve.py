"""Halving between two positions until they are adjacent, with few questions: each asks for several halvings at once."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

AHEAD = 3  # halvings whose middles are asked for at once

Ints = npt.NDArray[np.int64]
AsLow = Callable[[Ints, Ints], npt.NDArray[np.bool_]]


def halved(low: Ints, high: Ints, as_low: AsLow) -> tuple[Ints, Ints]:
    """Move the ends of intervals towards each other until they are adjacent.

    A question costs more than its rows: each asks for all middles that the next `AHEAD` halvings may come to.

    Args:
        low: an end of each.
        high: the other end, below or above it.
        as_low: given the numbers of intervals (one often) and a position in each, whether it is as at `low`.

    Returns:
        Two adjacent ends: one as at `low`, one not.
    """
    every = np.arange(len(low))
    while not np.all(((middles := _middles(low, high))[0] == low) | (middles[0] == high)):
        node, interval = np.nonzero((middles != low) & (middles != high))
        same = np.zeros(middles.shape, dtype=bool)
        same[node, interval] = as_low(interval, middles[node, interval])
        place = np.zeros_like(every)
        for _ in range(AHEAD):
            between = middles[place, every]
            up = (between == low) | (same[place, every] & (between != high))
            low, high = np.where(up, between, low), np.where(up, high, between)
            place = 2 * place + 1 + up
    return low, high


def middle(low: Ints, high: Ints) -> Ints:
    """The middle of two positions, rounded towards the lower one, without overflow."""
    between: Ints = (low & high) + ((low ^ high) >> 1)
    return between


def _middles(low: Ints, high: Ints) -> Ints:
    """All middles of the next `AHEAD` halvings, one row each: behind row k, 2k + 1 towards `low`, 2k + 2 from it."""
    ends = [(low, high)]
    for place in range(2 ** (AHEAD - 1) - 1):
        between = middle(*ends[place])
        ends += [(ends[place][0], between), (between, ends[place][1])]
    return np.stack([middle(*pair) for pair in ends])
