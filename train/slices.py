"""Finds the groups of held-out rows on which a model does worst: by one column and by two, chance kept in check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

FloatArray = npt.NDArray[np.float64]
FEWEST, SHARE = 30, 0.02  # rows of a slice: at least so many, and at least this share
PARTS = 4  # of a column of numbers
MOST_LEVELS = 20  # of a column of texts; the rarer ones are one part
FALSE_SHARE = 0.1  # of the slices that are named, this share may be chance
MOST_COLUMNS = 60  # whose pairs are looked at
SHOWN = 10


@dataclass(frozen=True)
class Parts:
    """A column cut into parts.

    Attributes:
        column: Its name.
        names: What each part is, in words.
        code: Each row's part, int64 of shape (n_rows,).
    """

    column: str
    names: list[str]
    code: npt.NDArray[np.int64]


def parts_of(column: pd.Series, parts: int = PARTS) -> Parts | None:
    """Cut a column: numbers at their quartiles (rounded to three digits), texts by level; missing is a part of its own.

    Returns:
        None where there is one part only.
    """
    name = str(column.name)
    if pd.api.types.is_numeric_dtype(column):
        code, names = _by_number(column.to_numpy(dtype=np.float64, na_value=np.nan), parts)
    else:
        code, names = _by_level(column)
    return Parts(name, names, code) if len(names) > 1 else None


def _by_number(values: FloatArray, parts: int) -> tuple[npt.NDArray[np.int64], list[str]]:
    known = values[~np.isnan(values)]
    levels = np.unique(known)
    if len(levels) <= parts:
        code, names = np.searchsorted(levels, values), [f"= {level:g}" for level in levels]
    else:
        quantiles = np.quantile(known, np.arange(1, parts) / parts)
        edges = np.unique([float(f"{edge:.3g}") for edge in quantiles])
        code = np.searchsorted(edges, values, side="left")
        names = [f"≤ {edges[0]:g}"]
        names += [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
        names += [f"> {edges[-1]:g}"]
    return _with_missing(code, names, np.isnan(values))


def _by_level(column: pd.Series) -> tuple[npt.NDArray[np.int64], list[str]]:
    counts = column.value_counts()
    kept = sorted(map(str, counts.index[:MOST_LEVELS]))
    places = {level: place for place, level in enumerate(kept)}
    missing = column.isna().to_numpy()
    codes, levels = pd.factorize(column)
    code = np.array([places.get(str(level), len(kept)) for level in levels] + [len(kept)])[codes]
    names = [f"= {level}" for level in kept] + (["another level"] if len(counts) > len(kept) else [])
    return _with_missing(code, names, missing)


def _with_missing(
    code: npt.NDArray[np.int64], names: list[str], missing: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], list[str]]:
    if not missing.any():
        return code.astype(np.int64), names
    return np.where(missing, len(names), code).astype(np.int64), [*names, "missing"]


def worse_than_rest(loss: FloatArray, code: npt.NDArray[np.int64], count: int) -> dict[str, FloatArray]:
    """Compare the mean loss inside each part with that of all other rows.

    Returns:
        Per part its `rows`, its `mean` loss, that of the `rest`, and `p`: of Welch's t test (1947) that it is not
        larger, one-sided; 1 where it cannot be told. Each is float64 of shape (count,).
    """
    rows = np.bincount(code, minlength=count).astype(np.float64)
    sums = np.bincount(code, weights=loss, minlength=count)
    centre = loss - loss.mean()
    squares = np.bincount(code, weights=centre**2, minlength=count)
    shifted = np.bincount(code, weights=centre, minlength=count)
    others = len(loss) - rows
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, rest = sums / rows, (loss.sum() - sums) / others
        inside = (squares - shifted**2 / rows) / (rows - 1)
        outside = (squares.sum() - squares - shifted**2 / others) / (others - 1)
        error = inside / rows + outside / others
        freedom = error**2 / ((inside / rows) ** 2 / (rows - 1) + (outside / others) ** 2 / (others - 1))
        p = stats.t.sf((mean - rest) / np.sqrt(error), freedom)
    return {"rows": rows, "mean": mean, "rest": rest, "p": np.where(np.isfinite(p), p, 1.0)}


def adjusted(p: FloatArray) -> FloatArray:
    """Benjamini and Hochberg's (1995) adjusted p-values: kept below q, at most a share q of those kept is chance.

    Args:
        p: Of all tests that were made, float64 of shape (n_tests,).
    """
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    lowest = np.minimum.accumulate(scaled[::-1])[::-1]
    found = np.empty_like(p)
    found[order] = np.minimum(lowest, 1.0)
    return found


def worst_slices(X: pd.DataFrame, loss: FloatArray) -> dict[str, Any]:
    """Find where the mean loss is larger than elsewhere.

    Args:
        X: The held-out rows.
        loss: One number per row, float64 of shape (n_rows,).

    Returns:
        How many slices were `tested` and the `fewest` rows of one; `slices`, the worst first: the `where` in words,
        `rows`, `share` of all rows, the mean `loss`, the `rest`'s, `p` and its adjusted value `q`. Named are those with
        q of at most 0.1; of a pair only when it is worse than either of its columns alone.
    """
    fewest = max(FEWEST, int(np.ceil(SHARE * len(loss))))
    columns = [parts for name in X.columns if (parts := parts_of(X[name])) is not None]
    tested: list[dict[str, Any]] = []
    means: dict[tuple[str, int], float] = {}
    for parts in columns:
        for place, found in _tested(loss, parts.code, len(parts.names), fewest):
            means[parts.column, place] = found["loss"]
            tested.append({"where": [[parts.column, parts.names[place]]], "beats": -np.inf, **found})
    for one, other in combinations(columns[:MOST_COLUMNS], 2):
        width = len(other.names)
        for place, found in _tested(loss, one.code * width + other.code, len(one.names) * width, fewest):
            first, second = divmod(place, width)
            where = [[one.column, one.names[first]], [other.column, other.names[second]]]
            alone = max(means.get((one.column, first), -np.inf), means.get((other.column, second), -np.inf))
            tested.append({"where": where, "beats": alone, **found})
    return {"tested": len(tested), "fewest": fewest, "false_share": FALSE_SHARE, "slices": _named(tested)}


def _tested(
    loss: FloatArray, code: npt.NDArray[np.int64], count: int, fewest: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    found = worse_than_rest(loss, code, count)
    for place in np.flatnonzero((found["rows"] >= fewest) & (found["rows"] <= len(loss) - fewest)):
        rows = int(found["rows"][place])
        told = {name: float(found[key][place]) for name, key in (("loss", "mean"), ("rest", "rest"), ("p", "p"))}
        yield int(place), {"rows": rows, "share": rows / len(loss), **told}


def _named(tested: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not tested:
        return []
    for each, q in zip(tested, adjusted(np.array([each["p"] for each in tested])), strict=True):
        each["q"] = float(q)
    kept = [each for each in tested if each["q"] <= FALSE_SHARE and each["loss"] > each["beats"]]
    kept.sort(key=lambda each: (-each["loss"], str(each["where"])))
    return [{name: value for name, value in each.items() if name != "beats"} for each in kept[:SHOWN]]
