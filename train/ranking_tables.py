"""Tables of scores, item by item: how they are counted from pairs of a stop and what came next, and how they add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

VISITED = -1.0  # the score of an item that stands in the history; every other score is 0 or more
RADIUS = 6371.0  # of the Earth, in km

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Places = Mapping[str, Sequence[Any]]  # item -> latitude and longitude in degrees, category


def summed(tables: Floats, codes: Codes) -> Floats:
    """The tables' rows of the latest stops, added one after the other."""
    total: Floats = tables[0][codes[:, 0]]
    for table, stops in zip(tables[1:], codes.T[1:], strict=False):
        total = total + table[stops]
    return total


def masked(scores: Floats, codes: Codes) -> Floats:
    """The scores with `VISITED` for each item of the history."""
    seen = np.zeros((len(scores), scores.shape[1] + 1), dtype=bool)
    np.put_along_axis(seen, codes, values=True, axis=1)
    return np.where(seen[:, :-1], VISITED, scores)


def raised(tables: Floats) -> Floats:
    """The tables with the smallest number of each at 0: no order changes, and no score is below 0."""
    raised: Floats = tables - tables.min(axis=(1, 2), keepdims=True)
    return raised


def one(codes: Codes, position: int, table: Floats) -> Floats:
    """The rows of a table for the stops at a position."""
    found: Floats = table[codes[:, position]]
    return found


def below(table: Floats) -> Floats:
    """A table of items with a row of zeros for a stop that is missing or unknown."""
    return np.vstack([table, np.zeros((1, table.shape[1]))])


def pairs(stops: Codes, target: Codes, n: int) -> Floats:
    """How often each item followed each stop, of shape (n, n)."""
    counts = np.zeros((n + 1, n))
    np.add.at(counts, (stops, target), 1.0)
    found: Floats = counts[:n]
    return found


def both_ways(pairs: Floats) -> Floats:
    """The counts of either order."""
    both: Floats = pairs + pairs.T
    return both


def log_share(codes: Codes, target: Codes, n: int) -> Floats:
    """The logarithm of each item's share of the visits: every next item, and the first stop of each history."""
    alone = codes[:, 0] if codes.shape[1] == 1 else codes[codes[:, 1] == n, 0]
    counts = np.bincount(np.concatenate([target, alone]), minlength=n + 1)[:n] + 1.0
    share: Floats = np.log(counts / counts.sum())
    return share


def lift(pairs: Floats, log_share: Floats, smoothing: float, *, plain: bool = False) -> Floats:
    """The logarithm of an item's share after a stop, backed off to its share of all; by that share unless `plain`."""
    mixed = pairs + smoothing * np.exp(log_share)
    found = np.log(mixed / mixed.sum(axis=1, keepdims=True))
    if plain:
        return np.vstack([found, log_share])
    return below(found - log_share)


def distances(items: npt.NDArray[Any], places: Places) -> Floats:
    """Kilometres between items, float64 of shape (n, n), on a plane (they stand in one town); 100 where unknown."""
    points = np.array([places.get(item, (np.nan, np.nan, ""))[:2] for item in items], dtype=np.float64)
    latitude, longitude = np.radians(points).T
    middle = 0.0 if np.isnan(latitude).all() else np.nanmean(latitude)
    x, y = RADIUS * longitude * np.cos(middle), RADIUS * latitude
    apart: Floats = np.nan_to_num(np.hypot(x[:, None] - x, y[:, None] - y), nan=100.0)
    return apart
