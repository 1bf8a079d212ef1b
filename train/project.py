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
        TrainError: The project file does not hold, there is no data, or `out` is a file.
    """
    told = read_config(project)
    if out.is_file():
        raise TrainError("--out must be a folder.", f"a file, {out}", "Name another one.")
    simulated = told.table.simulated
    if data is None and simulated is None:
        raise TrainError(
            "A project needs a table.", "none", 'Add --data FILE, or simulated = "loan" under [table] to try it.'
        )
    document = tomlkit.parse(project.read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    if data is None:
        data, notice = write_simulated(str(simulated), out / "data")
        document.setdefault("run", tomlkit.table())["notice"] = notice
        document.get("problem", {}).pop("plausible", None)  # it is of the real table
    places = told.ranking.places
    if places is not None:
        beside = next((path for path in (project.parent / places, data.parent / places) if path.is_file()), None)
        if beside is None:
            raise TrainError(
                "places under [ranking] must lie beside the project file or the table.", repr(places), "Put it there."
            )
        if beside.resolve() != (out / places).resolve():
            (out / places).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(beside, out / places)
    copy = out / "project.toml"
    copy.write_text(tomlkit.dumps(document), encoding="utf-8")
    return copy, data
