"""What a careful reader says of the rows: balance, duplicates, order, drift along it, another table beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from train.columns import DATE
from train.finding import Finding, Proposal
from train.survey import Survey, texts_of

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
    labels, counts = np.unique(np.array([str(value) for value in found.target.y]), return_counts=True)
    rarest = int(np.argmin(counts))
    share = float(counts[rarest] / counts.sum())
    if len(classes) == 2 and share < RARE:
        says = f"{str(labels[rarest])!r} is the rare class: {100 * share:.3g} % of the rows."
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
    keys = _row_keys(found.table.frame)
    twice = int(pd.Series(keys).duplicated().sum())
    if twice:
        says = f"{twice:,} rows are copies of an earlier row ({100 * twice / found.rows:.3g} %)."
        todo = "If they are the same event, remove them: copies on both sides of a split flatter the score."
        severity = "warn" if twice > 0.01 * found.rows else "note"
        yield Finding("duplicate", severity, says, todo, evidence={"rows": twice})  # type: ignore[arg-type]
    inputs = found.table.frame.drop(columns=[found.target.name])
    if found.target.classes is None or not len(inputs.columns):
        return
    frame = pd.DataFrame({"key": _row_keys(inputs), "target": texts_of(found, found.target.name)})
    differ = int((frame.groupby("key")["target"].transform("nunique") > 1).sum())
    if differ:
        says = f"{differ:,} rows have the same features as another row and another {found.target.name}."
        todo = "No model can tell them apart; ask what is missing in the table."
        yield Finding("contradiction", "note", says, todo, evidence={"rows": differ})


def _row_keys(frame: pd.DataFrame) -> npt.NDArray[Any]:
    return pd.util.hash_pandas_object(frame.astype(object).where(frame.notna(), ""), index=False).to_numpy()


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
    rows = found.rows // 4
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
    shown = ", ".join(f"{name} {value:.2g}" for name, value in sorted(large.items(), key=lambda item: -item[1])[:8])
    says = f"The rows drift {words}: between the first and the last quarter {_count(len(large))} ({shown})."
    if found.target.name in large or _moved(target.iloc[early], target.iloc[late]):
        first, last = float(target.iloc[early].mean()), float(target.iloc[late].mean())
        says += f" {found.target.name} itself goes from {first:.3g} to {last:.3g} on average."
    todo = "The order means time: hold out the last rows, not random ones (time under [split]), and plan to retrain."
    yield Finding("drift", "warn", says, todo, evidence=large)


def _count(columns: int) -> str:
    return "1 column shifts" if columns == 1 else f"{columns} columns shift"


def _moved(early: pd.Series, late: pd.Series) -> bool:
    return float(stats.ks_2samp(early.dropna(), late.dropna()).pvalue) < 1e-6


def _order(found: Survey) -> tuple[npt.NDArray[np.int64], str]:
    time = found.config.split.time
    if time is None or time not in found.table.frame.columns:
        return np.arange(found.rows), "along their order in the file"
    column = found.X[time] if time in found.X.columns else texts_of(found, time)
    if column.dtype == object:
        column = pd.to_datetime(column, errors="coerce", format="mixed", utc=True)
    return np.argsort(column.to_numpy(), kind="stable"), f"along {time}"


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
    shared = [name for name in found.table.frame.columns if name in other.columns and name != found.target.name]
    lacking = [str(name) for name in found.X.columns if name not in other.columns]
    if lacking:
        says = f"The other table lacks {len(lacking)} columns: {', '.join(lacking[:5])}."
        yield Finding("other-lacks", "stop", says, "A model that learns from them cannot score it.")
    common = int(np.isin(_row_keys(other[shared]), _row_keys(found.table.frame[shared])).sum())
    if common:
        says = f"{common:,} rows of the other table ({100 * common / len(other):.3g} %) stand in this one, too."
        todo = "If the other table is for testing, take them out of one of the two."
        yield Finding("overlap", "warn", says, todo, evidence={"rows": common})
    shifts = {}
    for name in shared:
        mine, theirs = (
            frame[name].astype(object).where(frame[name].notna(), "") for frame in (found.table.frame, other)
        )
        numbers = [pd.to_numeric(column, errors="coerce").astype("float64") for column in (mine, theirs)]
        numeric = name in found.X.columns and found.X[name].dtype == np.float64
        shift = stability(*numbers) if numeric else stability(mine.astype(str), theirs.astype(str))
        if shift > DRIFTS + 3 * BINS * (1 / len(mine) + 1 / len(theirs)) and (numeric or mine.nunique() < 100):
            shifts[str(name)] = shift
    if shifts:
        shown = ", ".join(
            f"{name} {value:.2g}" for name, value in sorted(shifts.items(), key=lambda item: -item[1])[:8]
        )
        says = f"{len(shifts)} columns are distributed otherwise in the other table: {shown}."
        yield Finding("shift", "warn", says, "Ask which of the two the model will meet.", evidence=shifts)
