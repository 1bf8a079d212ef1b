"""Visits to histories: each visit but a trajectory's first is a row, with the stops before it, the latest first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from train.config import RankingSettings, TableSettings
from train.errors import TrainError, did_you_mean
from train.table import read_table

GAP = 8 * 3600  # seconds without a visit after which a user's next trajectory begins (Lim et al., IJCAI 2015)
MOST_STOPS = 12  # of a history, unless the project file wants more
PLACE_KEYS = {"name": "name", "category": "cat", "latitude": "lat", "longitude": "lon"}  # what a header must hold


@dataclass(frozen=True)
class Visits:
    """Trajectories in the order of their starts.

    Attributes:
        trajectories: of two items or more, each item once, in the order of its first visit.
        starts: float64 of shape (n_trajectories,), ascending: seconds, or what the time column counts.
        items: item -> name, category, latitude, longitude, as far as told.
        dropped: how many visits are not used, by the reason.
        digest: SHA-256 of the files' bytes, as hex digits.
        users: whose each trajectory is, None where that is missing; None where no column tells it.
    """

    trajectories: list[list[str]]
    starts: npt.NDArray[np.float64]
    items: dict[str, dict[str, Any]]
    dropped: dict[str, int]
    digest: str
    users: list[str | None] | None = None


@dataclass(frozen=True)
class Histories:
    """Rows to learn from.

    Attributes:
        X: `str` columns `stop_1` (the latest) to `stop_K`, NaN where there was none.
        y: object array of shape (n_rows,): the item that came next.
        groups: int64 of shape (n_rows,): the number of the row's trajectory, from 0 on.
    """

    X: pd.DataFrame
    y: npt.NDArray[Any]
    groups: npt.NDArray[np.int64]


def read_visits(data: Path, settings: RankingSettings, table: TableSettings, places: Path | None) -> Visits:
    """Read a table of visits and, where it is told, one of places.

    Args:
        data: a CSV or Parquet file, a row per visit in any order.
        settings: the columns; item and time must be told, and trajectory or user.
        table: how CSV is read.
        places: the items' file; None without.

    Raises:
        TrainError: a file or column is missing, a time is none, or there are too few trajectories.
    """
    found = read_table(data, encoding=table.encoding or "utf-8-sig", delimiter=table.delimiter)
    items: dict[str, dict[str, Any]] = {}
    digest = found.digest
    if places is not None:
        _column(found.frame, settings, "item")
        items, more = _read_places(places, settings, table)
        digest = f"{digest} {more}"
    return visits_of(found.frame, settings, items, digest)


def visits_of(frame: pd.DataFrame, settings: RankingSettings, items: dict[str, dict[str, Any]], digest: str) -> Visits:
    """Sort visits into trajectories.

    Args:
        frame: a row per visit.
        settings: the columns.
        items: what is told of the items.
        digest: of the data.

    Raises:
        TrainError: as `read_visits`.
    """
    item, time = (_column(frame, settings, key) for key in ("item", "time"))
    seconds = _seconds(time)
    told = {"item": item.map(_text), "time": seconds}
    users = None if settings.user is None else _column(frame, settings, "user").map(_text)
    if settings.trajectory is not None or users is None:
        told["trajectory"] = _column(frame, settings, "trajectory").map(_text)
    else:
        told["trajectory"] = _by_gaps(users, seconds)
    visits = pd.DataFrame(told | {"user": users}).sort_values("time", kind="stable")  # of equal times the file's order
    whole = visits.dropna(subset=list(told))
    _check_users(whole)
    once = whole.drop_duplicates(["trajectory", "item"])
    sizes = once.groupby("trajectory")["item"].transform("size")
    kept = once[sizes >= 2]
    dropped = {
        "without item, time or trajectory": len(visits) - len(whole),
        "to an item that the trajectory had before": len(whole) - len(once),
        "alone in their trajectory": len(once) - len(kept),
    }
    groups = [(each["time"].iloc[0], str(name), each) for name, each in kept.groupby("trajectory")]
    if len(groups) < 10:
        raise TrainError(
            "Ranking needs at least 10 trajectories of two visits or more.",
            f"{len(groups)}",
            "Bring more visits, or name another trajectory column under [ranking].",
        )
    groups.sort(key=lambda each: each[:2])
    starts = np.array([start for start, _, _ in groups], dtype=np.float64)
    whose = None if users is None else [next(iter(each["user"].dropna()), None) for _, _, each in groups]
    return Visits([each["item"].tolist() for _, _, each in groups], starts, items, dropped, digest, whose)


def _check_users(visits: pd.DataFrame) -> None:
    shared = visits.dropna().groupby("trajectory")["user"].nunique() > 1
    if shared.any():
        name = str(shared.index[shared][0])
        users = visits["user"][visits["trajectory"] == name].dropna().unique()
        raise TrainError(
            "A trajectory must be of one user.",
            f"trajectory {name!r} of {len(users)} users, {users[0]!r} and {users[1]!r} among them",
            "Number trajectories through all users, or leave trajectory out: a pause then begins a new one.",
        )


def histories(trajectories: list[list[str]], stops: int) -> Histories:
    """One row per visit but the first of each trajectory.

    Args:
        trajectories: of two items or more.
        stops: columns; older stops are left out.
    """
    rows, truth, groups = [], [], []
    for number, items in enumerate(trajectories):
        for place in range(1, len(items)):
            before = items[:place][::-1][:stops]
            rows.append([*before, *[None] * (stops - len(before))])
            truth.append(items[place])
            groups.append(number)
    X = pd.DataFrame(rows, columns=[f"stop_{place + 1}" for place in range(stops)], dtype="str")
    return Histories(X, np.array(truth, dtype=object), np.array(groups, dtype=np.int64))


def _column(frame: pd.DataFrame, settings: RankingSettings, key: str) -> pd.Series:
    name, names = getattr(settings, key), [str(each) for each in frame.columns]
    if name is None:
        raise TrainError(
            f"[ranking] must name the column of the {key} for the task ranking.", "none", f'Add {key} = "COLUMN".'
        )
    if name not in names:
        raise TrainError(f"{key} in [ranking] must name a column of the table.", repr(name), did_you_mean(name, names))
    column: pd.Series = frame[name]
    return column


def _text(value: Any) -> str | None:
    """An id as text; None where it is missing."""
    if pd.isna(value) or value == "":
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _seconds(time: pd.Series) -> pd.Series:
    """Times as numbers: numbers as they are, dates as seconds since 1970; NaN where missing."""
    known = time.replace("", None)
    numbers = pd.to_numeric(known, errors="coerce").astype("float64")
    if numbers.notna().sum() == known.notna().sum():
        return numbers
    dates = pd.to_datetime(known, errors="coerce", utc=True, format="ISO8601")
    wrong = known[dates.isna() & known.notna()]
    if len(wrong):
        raise TrainError(
            "time in [ranking] must name a column of numbers or ISO 8601 dates.",
            repr(wrong.iloc[0]),
            'Write for instance "2026-05-01 14:30", or seconds since 1970.',
        )
    seconds: pd.Series = (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return seconds


def _by_gaps(users: pd.Series, seconds: pd.Series) -> pd.Series:
    """Each user's trajectories: a new one begins after `GAP` seconds without a visit."""
    ordered = pd.DataFrame({"user": users, "time": seconds}).sort_values(["user", "time"], kind="stable")
    apart = (ordered["user"] != ordered["user"].shift()) | (ordered["time"].diff() > GAP)
    return apart.cumsum().astype("str").where(ordered["user"].notna(), None).reindex(users.index)


def _read_places(path: Path, settings: RankingSettings, table: TableSettings) -> tuple[dict[str, dict[str, Any]], str]:
    """What is told of each item, and the file's digest."""
    found = read_table(path, encoding=table.encoding or "utf-8-sig", delimiter=None)
    names = [str(each) for each in found.frame.columns]
    if settings.item not in names:
        raise TrainError(
            "The places must have the column that item in [ranking] names.",
            ", ".join(names),
            "Name that column alike in both files.",
        )
    places = places_of(found.frame, str(settings.item))
    return places, found.digest


def places_of(frame: pd.DataFrame, item: str) -> dict[str, dict[str, Any]]:
    """Item -> name, category, latitude, longitude: of each key the first other column whose header holds it.

    Raises:
        TrainError: a latitude or longitude is no number of degrees.
    """
    headers = {}
    for key, part in PLACE_KEYS.items():
        headers[key] = next((str(name) for name in frame.columns if name != item and part in str(name).lower()), None)
    places: dict[str, dict[str, Any]] = {}
    for row in frame.to_dict("records"):
        told = {key: _told(key, row[name]) for key, name in headers.items() if name is not None}
        places[str(_text(row[item]))] = told
    return places


def _told(key: str, value: Any) -> Any:
    if key not in {"latitude", "longitude"} or _text(value) is None:
        return _text(value)
    try:
        degrees = float(value)
    except ValueError:
        degrees = float("nan")
    if not abs(degrees) <= (90 if key == "latitude" else 180):
        raise TrainError(f"The places' {key} must be degrees.", repr(value), "Correct that line of the file.")
    return degrees
