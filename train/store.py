"""Writes and reads fitted estimators; skops files reproducibly and only with the types that a model needs."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import joblib
import skops.io

from train.errors import TrainError

TRUSTED_PACKAGES = ("sklearn.", "numpy.", "scipy.", "train.rankers.", "train.steps.")
# A partial is inert until it is called, and the function in it is judged by its own name.
TRUSTED_TYPES = (
    "functools.partial",
    "collections.OrderedDict",
    # These two libraries keep a model as their own text or bytes, which they parse and do not run.
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
)
# Parts of the three packages that run commands, compile or read files; no fitted model needs them.
BARRED_MODULES = (
    "testing",
    "_testing",
    "tests",
    "f2py",
    "distutils",
    "datasets",
    "externals",
    "ctypeslib",
    "_build_utils",
)
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def dump_estimator(estimator: Any) -> bytes:
    """Return the skops file of a fitted estimator; the same fit always gives the same bytes.

    skops names objects and files after memory addresses and dates the files; here they are numbered in the order of
    the schema and bear one fixed date.
    """
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))) as source:
        schema = json.loads(source.read("schema.json"))
        names = _renumber(schema, set(source.namelist()))
        parts = {new: source.read(old) for old, new in names.items()}
    parts["schema.json"] = json.dumps(schema, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression=zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, date_time=ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            target.writestr(entry, content)
    return buffer.getvalue()


def _renumber(schema: dict[str, Any], files: set[str]) -> dict[str, str]:
    """Number the object ids and the file names in `schema`, in place; return the new name of each file."""
    ids: dict[int, int] = {}
    names: dict[str, str] = {}
    stack: list[Any] = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(reversed(node))
            continue
        if not isinstance(node, dict):
            continue
        if isinstance(node.get("__id__"), int):
            node["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
        file = node.get("file")
        if isinstance(file, str) and file in files:
            node["file"] = names.setdefault(file, f"{len(names)}{Path(file).suffix}")
        stack.extend(reversed(list(node.values())))
    unused = files - set(names) - {"schema.json"}
    if unused:
        raise AssertionError(f"skops wrote files that its schema does not name in the known way: {sorted(unused)}")
    return names


def load_estimator(path: Path, *, trust: bool = False) -> Any:
    """Read a fitted estimator.

    Args:
        path: A .skops file, or a .joblib, .pkl or .pickle file.
        trust: Whether code in the file may run. A joblib or pickle file is only read with it; a skops file with types
            outside scikit-learn, numpy and scipy too.

    Raises:
        TrainError: The file is missing, not readable, of another kind, or holds what is not trusted.
    """
    if not path.is_file():
        raise TrainError("The estimator must be a .skops or .joblib file.", f"{path} (no such file)", "Check the path.")
    if path.suffix == ".skops":
        return _load_skops(path, trust=trust)
    if path.suffix not in (".joblib", ".pkl", ".pickle"):
        raise TrainError(
            "The estimator must be a .skops or .joblib file.", str(path), "Write it with skops.io.dump or joblib.dump."
        )
    if not trust:
        raise TrainError(
            "A joblib or pickle file runs code when it is read, whatever that code is.",
            str(path),
            "If you know where it comes from, add --trust; else have it written with skops.io.dump.",
        )
    try:
        return joblib.load(path)
    except Exception as error:  # reading a pickle can raise anything
        raise _unreadable(path, error) from error


def _load_skops(path: Path, *, trust: bool) -> Any:
    try:
        unknown = skops.io.get_untrusted_types(file=path)
    except Exception as error:  # a damaged file can make skops raise anything
        raise _unreadable(path, error) from error
    refused = [name for name in unknown if not is_trusted(name)]
    if refused and not trust:
        raise TrainError(
            "A skops file is read only when all its types belong to scikit-learn, numpy or scipy.",
            f"{', '.join(refused)} in {path}",
            "If you know where it comes from, add --trust.",
        )
    try:
        return skops.io.load(path, trusted=unknown)
    except Exception as error:
        raise _unreadable(path, error) from error


def is_trusted(name: str) -> bool:
    """Whether a type or function may be loaded out of a skops file, by its full name."""
    if name in TRUSTED_TYPES:
        return True
    return name.startswith(TRUSTED_PACKAGES) and not set(name.split(".")) & set(BARRED_MODULES)


def _unreadable(path: Path, error: Exception) -> TrainError:
    return TrainError(
        "The estimator must be readable by the installed libraries.",
        f"{type(error).__name__}: {error} in {path}",
        "Write it again with the versions of scikit-learn and skops that are installed here.",
    )
