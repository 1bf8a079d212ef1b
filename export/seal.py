"""convert, check, prove, seal: the four steps from a fitted estimator to a bundle."""

import hashlib
import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from export.aim import aim
from export.card import render_card
from export.convert import convert
from export.describe import contract_document, reference_document
from export.errors import ExportError
from export.frame import Columns, Schema
from export.mutate import mutation_score, rows_for
from export.original import Original
from export.precision import check_precision
from export.probe import probe
from export.prove import Evidence, certify, class_of, gather, golden_rows
from export.rows import RowMaker
from export.support import check_exportable, check_missing, core_of
from lambda_handler.bundle import Bundle
from lambda_handler.contract import FORMAT, Contract
from lambda_handler.predictor import Predictor

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx", "selfsame")
ABOUT: Mapping[str, Any] = {
    "version": None, "description": None, "notice": None, "targets": None, "features": {}, "scores": {}
}  # fmt: skip

Report = Callable[[str], None]
Advance = Callable[[int, int], None]


def export_bundle(
    estimator: Any,
    X: pd.DataFrame,
    path: Path | str,
    *,
    about: Mapping[str, Any] | None = None,
    seed: int = 0,
    report: Report = lambda _: None,
    advance: Advance = lambda _done, _total: None,
) -> Path:
    """Write a bundle that answers as `estimator` does, or refuse.

    Args:
        estimator: a fitted Pipeline, classifier or regressor, also inside a FixedThresholdClassifier; stays unchanged.
        X: the DataFrame that it was fitted on, of shape (n_rows, n_features); its dtypes become the contract's.
        path: the bundle's folder. An earlier bundle there is replaced, anything else is refused.
        about: what the contract says beyond the estimator: `name` (default: the folder's), `version`, `description`,
            `notice`, `target` ({"name", "unit", "description"}), `targets` (the names of several), `features` (column
            -> {"unit", "description", "type"}), `scores` (name -> number on held-out rows, for the card).
        seed: of every draw; the same estimator, table and seed give the same bundle, byte for byte.
        report: called with one line per step.
        advance: called with (done, total) while the mutants are tried.

    Returns:
        The bundle's path.

    Raises:
        ExportError: names the step, the column, the reason and the remedy. Nothing is written then.
    """
    out = Path(path)
    _check_place(out)
    report("checking every step")
    check_exportable(estimator)
    booleans = [name for name, told in (about or {}).get("features", {}).items() if told.get("type") == "boolean"]
    schema = Schema(X, booleans)
    _check_columns(estimator, schema)
    check_missing(core_of(estimator)[0], schema)
    told = {**ABOUT, "name": out.name, "target": {"name": "target", "unit": None, "description": None}, **(about or {})}
    table = schema.values(X)
    check_precision(core_of(estimator)[0], schema, table)
    report("converting")
    files = _prove(estimator, schema, table, told, seed, report, advance)
    files["manifest.json"] = _json(_manifest(files, X, seed))
    _seal(files, out)
    return out


def _prove(
    estimator: Any,
    schema: Schema,
    table: Columns,
    about: Mapping[str, Any],
    seed: int,
    report: Report,
    advance: Advance,
) -> dict[str, bytes]:
    original, maker = Original(estimator, schema, table), RowMaker(schema, table, seed)
    model = convert(core_of(estimator)[0], schema, numbers=original.form.numbers, targets=len(original.form.targets))
    report("asking the original what it accepts")
    accepted = probe(original, schema, maker, core_of(estimator)[0])
    digest = hashlib.sha256(model).hexdigest()
    document = contract_document(original, table, accepted, about, digest)
    aimed = aim(model, schema, table, seed)
    evidence = gather(original, maker, aimed, seed, report)
    report("holding the export against the original")
    document["tolerance"] = class_of(evidence, _predictor(document, model))
    predictor = _predictor(document, model)
    golden = golden_rows(evidence, original, predictor.contract)
    certificate = certify(predictor, evidence, golden, original)
    _keep_examples_public(document, golden, maker)
    report("trying mutants")
    rows = rows_for(_constructed(evidence), evidence.real[0], seed)
    certificate["mutation"] = mutation_score(predictor, rows, aimed, seed, advance)
    reference = reference_document(schema, table, predictor.contract, *predictor.run(table))
    card = render_card(document, certificate, about["scores"], len(table[0]), len(model))
    return {
        "model.onnx": model,
        "contract.json": _json(document),
        "golden.jsonl": b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in golden),
        "parity.json": _json(certificate),
        "reference.json": _json(reference),
        "card.html": card.encode(),
    }


def _predictor(document: Mapping[str, Any], model: bytes) -> Predictor:
    return Predictor(Bundle(Path(), {"files": {}}, Contract(document), model))


def _keep_examples_public(document: dict[str, Any], golden: list[dict[str, Any]], maker: RowMaker) -> None:
    """Where the typical values together are a training row, give a golden row's values as examples instead."""
    if not maker.holds(feature["example"] for feature in document["features"]):
        return
    answered = [line["row"] for line in golden if line["stratum"] != "rejected"]
    row = next((row for row in answered if None not in row.values()), answered[0])
    for feature in document["features"]:
        feature["example"] = row[feature["name"]]


def _constructed(evidence: Evidence) -> Columns:
    """All constructed rows that the original accepts."""
    parts = [[array[evidence.answers[name].accepted] for array in values] for name, values in evidence.strata.items()]
    return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]


def _check_columns(estimator: Any, schema: Schema) -> None:
    core = core_of(estimator)[0]
    fitted = schema.names if type(core) is IsotonicRegression else getattr(core, "feature_names_in_", None)
    if fitted is None:
        raise ExportError(
            "the estimator was fitted on an array: it does not know its columns' names",
            "Fit it on the DataFrame and pass the same one.",
        )
    if list(fitted) != schema.names:
        apart = [name for name in fitted if name not in schema.names] or [n for n in schema.names if n not in fitted]
        got = f"{apart[0]!r} is in one of them only" if apart else "their order differs"
        raise ExportError(f"X must have the columns that the estimator was fitted on; {got}", "Pass the fitted X.")


def _check_place(out: Path) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", out.name):
        raise ExportError(
            f"a bundle's folder is named by letters, digits, '.', '_' and '-'; got {out.name!r}", "Choose such a name."
        )
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / "manifest.json").is_file()):
        raise ExportError(f"{out} exists and is no bundle", "Name a new folder, or remove it yourself.")


def _manifest(files: Mapping[str, bytes], X: pd.DataFrame, seed: int) -> dict[str, Any]:
    rows = pd.util.hash_pandas_object(X, index=False).to_numpy()
    return {
        "format": FORMAT,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "source_revision": _revision(),
        "data_digest": hashlib.sha256(rows.tobytes()).hexdigest(),
        "seed": seed,
    }


def _revision() -> str | None:
    """The commit of this source tree; None where it is installed otherwise."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return None
    command = [git, "-C", str(ROOT), "rev-parse", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return answer.stdout.strip() or None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def _seal(files: Mapping[str, bytes], out: Path) -> None:
    """Write all files beside the place, then move the folder there in one step."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        made = Path(temporary) / "bundle"
        made.mkdir()
        for name, content in files.items():
            (made / name).write_bytes(content)
        if out.exists():
            shutil.move(out, Path(temporary) / "earlier")
        made.rename(out)
