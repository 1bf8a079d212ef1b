"""What a careful reader says of the rows: balance, duplicates, order, drift along it, another table beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from train.columns import DATE, build_column, plain_numbers
from train.config import SplitSettings
from train.dates import instants, is_instant
from train.errors import TrainError
from train.finding import Finding, Proposal
from train.split import marks_of
from train.survey import Survey
from train.target import Target

RARE = 0.2
SKEWED = 1.0
DRIFTS = 0.25  # population stability index: above 0.25 a shift is usually called large (Siddiqi 2006)
BINS = 10
TIME_NAME = re.compile(r"(?i:(^|_|\b)(date|time|timestamp|year|yr|month|day|week|quarter)(_|\b|$))|Yr|Year|Mo[A-Z]")

Floats = npt.NDArray[np.float64]


def row_findings(found: Survey, other: pd.DataFrame | None = None) -> Iterator[Finding]:
    """Yield what the rows show.

    Args:
        found: The table.
        other: The rows of a second table, such as the one to be scored, as read; columns that it lacks are left out.
    """
    yield from _balance(found)
    yield from _duplicates(found)
    yield from _times(found)
    yield from _drift(found)
    if other is not None:
        yield from _beside(found, other)


def _balance(found: Survey) -> Iterator[Finding]:
    gone = found.rows - int(found.target.known.sum())
    if gone:
        says = f"{gone:,} rows have no {found.target.name}."
        yield Finding("target-missing", "note", says, "They are left out of training.", found.target.name)
    classes = found.target.classes
    if classes is None:
        yield from _skew(found)
        return
    counts = pd.Series(found.target.y).value_counts()
    label, share = counts.index[-1], float(counts.iloc[-1] / counts.sum())
    if len(classes) == 2 and share < RARE:
        says = f"{str(label)!r} is the rare class: {100 * share:.3g} % of the rows."
        todo = "Judge by ROC AUC, average precision or cost rather than accuracy; tell the costs under [costs]."
        yield Finding("balance", "note", says, todo, found.target.name, {"share": share})


def _skew(found: Survey) -> Iterator[Finding]:
    y = np.asarray(found.target.y, dtype=np.float64)
    skew = float(stats.skew(y))
    if (y > 0).all() and skew > SKEWED and abs(float(stats.skew(np.log(y)))) < skew / 2:
        says = f"{found.target.name} is skewed to the right (skewness {skew:.2g}); its logarithm is not."
        proposal = Proposal("candidates", "log_target", True)
        todo = "Learn the logarithm: log_target = true in [candidates]."
        yield Finding("skew", "note", says, todo, found.target.name, {"skewness": skew}, proposal)


def _duplicates(found: Survey) -> Iterator[Finding]:
    frame, name = found.table.frame, found.target.name
    features = row_keys(frame.drop(columns=[name]))
    twice = int(pd.Series(_joined(features, frame[name])).duplicated().sum())
    if twice:
        says = f"{twice:,} rows are copies of an earlier row ({100 * twice / found.rows:.3g} %)."
        todo = "If they are the same event, remove them: copies on both sides of a split flatter the score."
        severity = "warn" if twice > 0.01 * found.rows else "note"
        yield Finding("duplicate", severity, says, todo, evidence={"rows": twice})  # type: ignore[arg-type]
    if found.target.classes is None or len(found.table.frame.columns) == 1:
        return
    differ = _contradictions(features, found.target)
    if differ:
        says = f"{differ:,} rows have the same features as another row and another {name}."
        todo = "No model can tell them apart; ask what is missing in the table."
        yield Finding("contradiction", "note", says, todo, evidence={"rows": differ})


def _contradictions(keys: npt.NDArray[np.uint64], target: Target) -> int:
    """Count the rows that share the key of a row with another target."""
    classes = pd.factorize(pd.Series(target.y))[0]
    groups = pd.factorize(keys[target.known])[0]
    firsts = np.empty(int(groups.max(initial=-1)) + 1, dtype=classes.dtype)
    firsts[groups[::-1]] = classes[::-1]
    differs = np.bincount(groups, weights=classes != firsts[groups]) > 0
    return int(differs[groups].sum())


def row_keys(frame: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """Return one hash per row of its values, in 64 bits; missing is a value of its own."""
    keys = np.zeros(len(frame), dtype=np.uint64)
    for name in frame.columns:
        keys = _joined(keys, frame[name])
    return keys


def _joined(keys: npt.NDArray[np.uint64], column: pd.Series) -> npt.NDArray[np.uint64]:
    return keys * np.uint64(6364136223846793005) + _hashes(column)


def _hashes(column: pd.Series) -> npt.NDArray[np.uint64]:
    numbers = column if column.dtype == np.float64 else plain_numbers(column)
    if numbers is not None:
        return pd.util.hash_array(numbers.to_numpy(dtype=np.float64) + 0.0)  # which makes -0.0 a 0.0
    if is_instant(column):
        return pd.util.hash_array(instants(column).dt.tz_localize(None).to_numpy().view(np.int64))
    codes, values = pd.factorize(column, use_na_sentinel=False)
    hashes = pd.util.hash_array(np.array([str(value) for value in values], dtype=object), categorize=False)
    return hashes[codes]


def _times(found: Survey) -> Iterator[Finding]:
    for each in found.decisions:
        dates = each.reason.startswith("dates") or "split dates" in each.reason
        if dates:
            says = f"{each.name} holds dates."
            todo = f'Split them: dates = ["{each.name}"] under [prepare]; or order the rows by it: time under [split].'
            yield Finding("date", "warn", says, todo, each.name)
        elif TIME_NAME.search(each.name) and not DATE.fullmatch(each.name):
            says = f"{each.name} is named like a time."
            todo = "If the model is asked about later times than it learns from, split by it: time under [split]."
            yield Finding("time-name", "note", says, todo, each.name)


def _drift(found: Survey) -> Iterator[Finding]:
    """Compare the first with the last quarter of the rows, as they stand or in the order of `[split] time`."""
    order, words = _order(found)
    rows = len(order) // 4
    if rows < 100:
        return
    early, late = order[:rows], order[-rows:]
    drifts = {str(name): stability(found.X[name].iloc[early], found.X[name].iloc[late]) for name in found.X.columns}
    target = pd.Series(np.nan, index=found.table.frame.index)
    target[found.target.known] = found.truth()
    drifts[found.target.name] = stability(target.iloc[early], target.iloc[late])
    limit = DRIFTS + 3 * BINS * 2 / rows  # chance alone gives about (bins - 1)(1 / n + 1 / m)
    large = {name: value for name, value in drifts.items() if value > limit}
    if not large:
        return
    says = (
        f"The rows drift {words}: between the first and the last quarter {_columns(len(large))} "
        f"{'shifts' if len(large) == 1 else 'shift'} (PSI: {_largest(large)})."
    )
    if found.target.name in large or _moved(target.iloc[early], target.iloc[late]):
        first, last = float(target.iloc[early].mean()), float(target.iloc[late].mean())
        says += f" {found.target.name} itself goes from {first:.3g} to {last:.3g} on average."
    todo = "If the order means time, hold out the last rows, not random ones (time under [split]), and plan to retrain."
    yield Finding("drift", "warn", says, todo, evidence=large)


def _moved(early: pd.Series, late: pd.Series) -> bool:
    return float(stats.ks_2samp(early.dropna(), late.dropna()).pvalue) < 1e-6


def _order(found: Survey) -> tuple[npt.NDArray[np.int64], str]:
    """Return the numbers of the rows with a target in the order of time, and that order in words.

    Raises:
        TrainError: A row has no time, or one that is neither a number nor a date.
    """
    known, time = np.flatnonzero(found.target.known), found.config.split.time
    if time is None:
        return known, "along their order in the file"
    times = marks_of(found.table.frame[[time]].iloc[known].reset_index(drop=True), SplitSettings(time=time)).times
    return known[np.argsort(np.asarray(times), kind="stable")], f"along {time}"


def stability(one: pd.Series, other: pd.Series) -> float:
    """Return the population stability index of a column in two sets of rows.

    The sum over bins of (p - q) log(p / q), p and q being the bins' shares in the two sets, half a row added to each
    count; bins are tenths of both sets together for numbers, and levels for texts; missing is a bin of its own.
    """
    both = pd.concat([one, other], ignore_index=True)
    if both.dtype == np.float64:
        edges: Any = np.unique(np.nanquantile(both, np.linspace(0, 1, BINS + 1)[1:-1])) if both.notna().any() else []
        codes = np.where(both.isna(), -1, np.searchsorted(edges, both.to_numpy(), side="right"))
    else:
        codes = pd.factorize(both)[0]
    codes = codes + 1
    width = int(codes.max()) + 1
    counts = [np.bincount(each, minlength=width) for each in (codes[: len(one)], codes[len(one) :])]
    used = (counts[0] + counts[1]) > 0
    p, q = ((each[used] + 0.5) / (each[used] + 0.5).sum() for each in counts)
    return float(((p - q) * np.log(p / q)).sum())


def _beside(found: Survey, other: pd.DataFrame) -> Iterator[Finding]:
    """Compare with a second table, typed as the first: what it lacks, rows of both, columns that shift."""
    lacking = [str(name) for name in found.X.columns if name not in other.columns]
    if lacking:
        says = f"The other table lacks {_columns(len(lacking))}: {_some(lacking)}."
        yield Finding("other-lacks", "stop", says, "A model that learns from them cannot score it.")
    typed, unlike = {}, []
    for each in found.decisions:
        if each.name in found.X.columns and each.name in other.columns:
            try:
                typed[each.name] = build_column(other[each.name], each)
            except TrainError as error:
                unlike.append(each.name)
                says = f"{each.name} is {each.kind} here, and in the other table not: {error.got}."
                yield Finding("other-unlike", "stop", says, "A model refuses such rows; correct them.", each.name)
    if not typed:
        return
    theirs, mine = pd.DataFrame(typed), found.X[list(typed)]
    common = int(np.isin(row_keys(theirs), row_keys(mine)).sum())
    if common:
        says = f"{common:,} rows of the other table ({100 * common / len(other):.3g} %) stand in this one, too."
        todo = "If the other table is for testing, take them out of one of the two."
        yield Finding("overlap", "warn", says, todo, evidence={"rows": common})
    limit = DRIFTS + 3 * BINS * (1 / len(mine) + 1 / len(theirs))
    shifts = {str(name): stability(mine[name], theirs[name]) for name in typed}
    shifts = {name: shift for name, shift in shifts.items() if shift > limit}
    if shifts:
        verb = "is" if len(shifts) == 1 else "are"
        says = f"{_columns(len(shifts))} {verb} distributed otherwise in the other table: {_largest(shifts)}."
        yield Finding("shift", "warn", says, "Ask which of the two the model will meet.", evidence=shifts)


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")


def _largest(values: dict[str, float]) -> str:
    largest = sorted(values.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {value:.2g}" for name, value in largest[:8]) + (" …" if len(largest) > 8 else "")
