"""A case's folder: its project file beside its table, the simulated one where no other is brought."""

from __future__ import annotations

import shutil
from pathlib import Path

import tomlkit

from train.config import read_config
from train.errors import TrainError
from train.simulated import write_simulated


def prepare_project(project: Path, data: Path | None, out: Path) -> tuple[Path, Path]:
    """Bring together what `train` needs.

    Args:
        project: The project file.
        data: The table; None takes the simulated one that `[table] simulated` names.
        out: A folder, made when it is missing. A simulated table and its copy of the project file, which says that
            the data is simulated, are written there, beside a ranking's places.

    Returns:
        The project file and the table to train with.

    Raises:
        TrainError: The project file does not hold, data or places are not there, or `out` cannot be the folder;
            nothing is written then.
    """
    told = read_config(project)
    copy, simulated, places = out / "project.toml", told.table.simulated, told.ranking.places
    if out.is_file():
        raise TrainError("--out must be a folder.", f"a file, {out}", "Name another one.")
    if copy.resolve() == project.resolve():
        raise TrainError("--out must not be the project file's own folder.", str(out), "Name another one.")
    if data is None and simulated is None:
        raise TrainError(
            "A project needs a table.", "none", 'Add --data FILE, or simulated = "loan" under [table] to try it.'
        )
    if data is not None and not data.is_file():
        raise TrainError("--data must be a CSV or Parquet file.", f"no file at {data}", "Check the path.")
    beside = None if data is None or places is None else _places(places, (project.parent, data.parent))
    document = tomlkit.parse(project.read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    if data is None:
        data, notice = write_simulated(str(simulated), out / "data")
        document.setdefault("run", tomlkit.table())["notice"] = notice
        document.get("problem", {}).pop("plausible", None)  # it is of the real table
        beside = None if places is None else _places(places, (data.parent,))
    if beside is not None and places is not None and beside.resolve() != (out / places).resolve():
        (out / places).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(beside, out / places)
    copy.write_text(tomlkit.dumps(document), encoding="utf-8")
    return copy, data


def _places(name: str, folders: tuple[Path, ...]) -> Path:
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    rule = "places under [ranking] must lie beside the project file or the table."
    raise TrainError(rule, f"{name!r} in neither of them", "Put it there.")
