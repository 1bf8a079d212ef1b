"""Writes a folder whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.errors import TrainError

RUN_FORMAT = 1


def is_run(path: Path) -> bool:
    """Whether `path` is a folder that `train` wrote, of whatever format."""
    try:
        info = json.loads((path / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(info, dict) and "selfsame_run" in info


def check_replaceable(out: Path) -> None:
    """Check that a run may be written to `out`: nothing is there, or an empty folder, or an earlier run.

    Raises:
        TrainError: Something else is there, or on the way there.
    """
    folder = next(each for each in out.resolve().parents if each.exists())
    if not folder.is_dir():
        raise TrainError("--out must lie in a folder.", f"{out}, where {folder} is a file", "Choose another --out.")
    if not out.exists() or is_run(out):
        return
    if out.is_dir() and not any(out.iterdir()):
        return
    what = "a folder that is not a run" if out.is_dir() else "a file"
    raise TrainError("--out must be a new folder or an earlier run.", f"{out}, {what}", "Choose another --out.")


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` (relative path to content) to a temporary sibling, then put it in the place of `out`.

    Whatever goes wrong, `out` is as it was before and no sibling stays. The folder is readable by its owner only.

    Raises:
        TrainError: Something else than a run is at `out`, or the folder cannot be written.
    """
    check_replaceable(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise TrainError("--out must be writable.", f"{out} ({error.strerror})", "Choose another --out.") from None
    try:
        for name, content in files.items():
            path = fresh / "run" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (fresh / "run").chmod(0o700)
        if out.exists():
            out.rename(fresh / "earlier")
        try:
            (fresh / "run").rename(out)
        except OSError:
            if (fresh / "earlier").exists():
                (fresh / "earlier").rename(out)
            raise
    finally:
        shutil.rmtree(fresh)


def as_json(value: Any) -> bytes:
    """Return `value` as indented JSON in UTF-8, with a line end; NaN is refused."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
