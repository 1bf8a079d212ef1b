"""Tells a table of visits (who, where, when) from one of features, and says what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from train.columns import DATE
from train.dates import instants, is_instant
from train.finding import Finding, Proposal

TRAJECTORY = re.compile(r"(?i)traj|session|trip|walk|tour|basket|order_?id|visit_?id")
USER = re.compile(r"(?i)user|visitor|customer|member|client|person")
ITEM = re.compile(r"(?i)poi|place|item|product|sku|venue|stop|page|song|film|movie|destination")
TIME = re.compile(r"(?i)start|time|date|when|stamp")
MOST_ITEMS = 5000


def visit_findings(frame: pd.DataFrame, target: str | None) -> Iterator[Finding]:
    """Yield that a table looks like visits, and what stands out then; nothing for any other table.

    Args:
        frame: As read.
        target: The column to predict, which counts as the item when nothing else is named like one.
    """
    columns = visit_columns(frame, target)
    if columns is None:
        return
    item, group, time = columns
    told = ", ".join(f"{key} = {name!r}" for key, name in (("item", item), ("trajectory", group), ("time", time)))
    says = f"This is a table of visits: each row is one {item} of one {group}, at {time}."
    todo = f'Rank the next {item}: task = "ranking" under [run], and under [ranking] {told}.'
    yield Finding("visits", "stop", says, todo, proposal=Proposal("ranking", "item", item))
    seconds = _seconds(frame[time])
    order = pd.DataFrame({"group": frame[group].astype(str), "time": seconds})
    sizes = order.groupby("group")["time"].size()
    backwards = order.groupby("group")["time"].diff() < 0
    if backwards.any():
        share = float(order.loc[backwards, "group"].nunique() / max(int((sizes > 1).sum()), 1))
        says = f"Rows inside a {group} are not in time order in {100 * share:.3g} % of those with two rows or more."
        todo = f"Sort by {time} before anything that depends on the order; training on visits does."
        yield Finding("visit-order", "warn", says, todo, time, {"share": share})
    single = float((sizes == 1).mean())
    says = (
        f"{100 * single:.3g} % of the {len(sizes):,} values of {group} have one row only: no next {item} to learn from."
    )
    yield Finding("visit-single", "note", says, "They are left out.", group, {"share": single})


def visit_columns(frame: pd.DataFrame, target: str | None) -> tuple[str, str, str] | None:
    """Return the columns of the item, the trajectory (else the user) and the time; None for another kind of table."""
    names = [str(name) for name in frame.columns]
    groups = [name for name in names if TRAJECTORY.search(name) and not re.search(r"(?i)len|count|size", name)]
    groups += [name for name in names if USER.search(name)]
    rows = len(frame)
    groups = [name for name in groups if 1 < frame[name].nunique() < rows]
    items = [name for name in names if ITEM.search(name) and re.search(r"(?i)id$|name$|^[a-z]+$", name)]
    items += [target] if target in names and not items else []
    items = [name for name in items if name not in groups and 1 < frame[name].nunique() <= min(MOST_ITEMS, rows / 5)]
    if not items or not groups:
        return None
    times = [name for name in names if TIME.search(name) and bool(np.isfinite(_seconds(frame[name])).mean() > 0.95)]
    return (items[0], groups[0], times[0]) if times else None


def _seconds(column: pd.Series) -> pd.Series:
    """Return times as seconds; NaN for what is none. A number counts as seconds since 1970 from 1980 on."""
    if is_instant(column):
        return (instants(column) - pd.Timestamp("1970-01-01", tz="UTC")).dt.total_seconds()
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    if (numbers > 315532800).mean() > 0.95:
        return numbers
    texts = column.astype(str)
    if texts.head(200).map(lambda text: bool(DATE.fullmatch(text))).mean() < 0.95:
        return pd.Series(np.nan, index=column.index)
    dates = pd.to_datetime(texts, errors="coerce", format="mixed", utc=True)
    return (dates - pd.Timestamp("1970-01-01", tz="UTC")).dt.total_seconds()
