"""Keeps finished pieces of a comparison beside the run, so that a stopped `train` goes on where it was."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from train.config import BudgetSettings, Config
from train.job import Outcome, Piece

LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas")


class Work:
    """A folder of finished pieces; it comes to be with the first one.

    Args:
        out: The run's folder; the work lies beside it.
        digest: Of the data.
        config: Of the project; its budgets have no effect on a piece.
        more: What else decides the pieces, such as the seed.
    """

    def __init__(self, out: Path, digest: str, config: Config, more: dict[str, Any]) -> None:
        told = asdict(replace(config, budgets=BudgetSettings()))
        versions = {name: version(name) for name in LIBRARIES}
        key = json.dumps([digest, told, more, versions], sort_keys=True, default=str)
        self.base = out.parent / f".{out.name}.work"
        self.folder = self.base / hashlib.sha256(key.encode()).hexdigest()[:24]

    def read(self, piece: Piece) -> Outcome | None:
        """Return what the piece gave before, or None."""
        path = self.folder / f"{piece.key}.npz"
        try:
            with np.load(path, allow_pickle=False) as found:
                return Outcome(found["answers"], json.loads(str(found["parameters"])), float(found["seconds"]))
        except (OSError, ValueError, KeyError):
            return None

    def keep(self, piece: Piece, outcome: Outcome) -> None:
        """Write what the piece gave, whole or not at all; only its owner may read it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.base.chmod(0o700)
        fresh = self.folder / f"{piece.key}.part"
        with fresh.open("wb") as file:
            told = json.dumps(outcome.parameters)
            np.savez(file, answers=outcome.answers, parameters=np.array(told), seconds=np.array(outcome.seconds))
        fresh.rename(self.folder / f"{piece.key}.npz")

    def drop(self) -> None:
        """Remove the folder, and older ones beside it."""
        shutil.rmtree(self.base, ignore_errors=True)
