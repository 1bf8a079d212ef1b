"""The simulated tables of the worked cases as files, so that each case runs without a download."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from train.demo import SIMULATED
from train.demo_house import simulate_houses
from train.demo_loan import simulate_applicants
from train.demo_tourist import SIMULATED as SIMULATED_TOWN
from train.demo_tourist import simulate_visits

SIMULATED_HOUSES = "The houses and their prices are simulated: nobody lives there."
TABLES = ("loan", "house", "tourist")


def write_simulated(name: str, folder: Path) -> tuple[Path, str]:
    """Write the simulated table `name` (of `TABLES`), and what belongs to it, into a folder.

    The columns bear the names of the real tables: one project file serves both.

    Returns:
        The table's path, and what everyone who sees a model of it has to be told.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if name == "loan":
        X, default, _ = simulate_applicants()
        return _written(pd.concat([default, X], axis=1), folder / "loan.csv"), SIMULATED
    if name == "house":
        X, price = simulate_houses()
        return _written(pd.concat([X, price], axis=1), folder / "house.csv"), SIMULATED_HOUSES
    visits, places = simulate_visits()
    columns = {"place": "poiID", "name": "poiName", "category": "poiCat", "latitude": "poiLat", "longitude": "poiLon"}
    _written(places.rename(columns=columns), folder / "places.csv")
    renamed = visits.rename(columns={"walk": "trajID", "place": "poiID", "time": "startTime"})
    return _written(renamed, folder / "visits.csv"), SIMULATED_TOWN


def _written(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path, index=False, lineterminator="\n", na_rep="")
    return path
