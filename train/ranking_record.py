"""What a ranker's run keeps of its visits, and how the rows that it held out are read again."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from train.config import Config
from train.errors import TrainError
from train.histories import Histories, Visits, histories
from train.rankers import Ranker
from train.ranking_scores import ranks
from train.record import PROJECT
from train.run import Run

TRAJECTORIES = "trajectories.parquet"  # a row per visit: the trajectory's number, user and start, and the item
PLACES = "places"  # the places as they were given; with the suffix of their file

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sessions:
    """A run's trajectories in the order of their starts, and the rows that they give.

    Attributes:
        trajectories: each item once, in the order of its first visit.
        starts: float64 of shape (n_trajectories,), as the time column counts.
        train: the rows that the rankers were fitted on.
        test: the rows that were held out, of the latest trajectories.
        first: the number of the first trajectory that was held out.
        units: int64 of shape (n_test_rows,): what a bootstrap draws whole, numbered from 0 on.
        drawn: what that is, `users` or `trajectories`.
    """

    trajectories: list[list[str]]
    starts: Floats
    train: Histories
    test: Histories
    first: int
    units: Numbers
    drawn: str


@dataclass(frozen=True)
class Answered:
    """A ranker's answers to rows.

    Attributes:
        scores: float64 of shape (n_rows, n_items); below 0 = not ranked.
        truth: the positions of the true items, int64; below 0 = unknown to the ranker.
        rank: float64, of each truth, from 1 on; infinite where it is not ranked.
    """

    scores: Floats
    truth: Numbers
    rank: Floats


def given_files(config: Path, places: Path | None) -> dict[str, bytes]:
    """The project file and the places, as files of the run."""
    found = {PROJECT: config.read_bytes()}
    return found if places is None else {**found, f"{PLACES}{places.suffix}": places.read_bytes()}


def given_places(path: Path) -> Path | None:
    """The places' file in a run's folder; None where no places were told."""
    return next(iter(sorted(path.glob(f"{PLACES}.*"))), None)


def trajectories_file(visits: Visits) -> bytes:
    """The content of `TRAJECTORIES`."""
    sizes = [len(each) for each in visits.trajectories]
    users = visits.users or [None] * len(sizes)
    table = {
        "trajectory": pa.array(np.repeat(np.arange(len(sizes)), sizes)),
        "user": pa.array(np.repeat(np.array(users, dtype=object), sizes), type=pa.string()),
        "start": pa.array(np.repeat(visits.starts, sizes)),
        "item": pa.array([item for each in visits.trajectories for item in each], type=pa.string()),
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(table), buffer)
    return buffer.getvalue()


def read_sessions(run: Run) -> Sessions:
    """Read what `trajectories_file` wrote.

    Raises:
        TrainError: the file is missing or damaged.
    """
    try:
        table = pq.read_table(run.path / TRAJECTORIES).to_pandas()
        parts = [(each["item"].tolist(), each["start"].iloc[0], each["user"].iloc[0])
                 for _, each in table.groupby("trajectory")]  # fmt: skip
        first = run.metrics["trajectories"]["train"]
    except (OSError, KeyError, pa.ArrowException) as error:
        raise TrainError(
            "A ranking's run must hold its trajectories.", f"{error} in {run.path}", "Run selfsame train again."
        ) from None
    trajectories, stops = [items for items, _, _ in parts], run.X.shape[1]
    test = histories(trajectories[first:], stops)
    users = [user for _, _, user in parts[first:]]
    known = not pd.isna(users).all()
    alone = [f"user {user}" if isinstance(user, str) else number for number, user in enumerate(users)]
    units = pd.factorize(np.array(alone, dtype=object))[0][test.groups]
    return Sessions(
        trajectories,
        np.array([start for _, start, _ in parts]),
        histories(trajectories[:first], stops),
        test,
        first,
        units.astype(np.int64),
        "users" if known else "trajectories",
    )


def answered(model: Ranker, rows: Histories) -> Answered:
    """Ask a fitted ranker about rows."""
    scores = model.decision_function(rows.X)
    truth = pd.Index(model.classes_).get_indexer(rows.y)
    return Answered(scores, truth, ranks(scores, truth))


def places_path(told: Config, folder: Path) -> Path | None:
    """Where the places lie that a project file in `folder` names; None where it names none."""
    return None if told.ranking.places is None else folder / told.ranking.places
