"""convert, check, prove, seal: the four steps from a fitted estimator to a bundle."""

import hashlib
import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import pandas as pd

from export.acting import acting
from export.aim import aim
from export.batches import NOT_ASKED, Replay, wasm_counts
from export.blame import refusal
from export.card import render_card
from export.carried import check_carried
from export.convert import convert
from export.converters.text import columns_read
from export.decidable import decidable_labels
from export.describe import contract_document, keep_examples_public, reference_document
from export.edges import aside, edges
from export.effort import Effort, effort_named
from export.errors import ExportError, raise_all
from export.evidence import gather
from export.faults import Faults
from export.form import check_top
from export.frame import Columns, Schema
from export.nudge import nudge
from export.original import Original
from export.places import Places, sample_of
from export.precision import precision_obstacles
from export.probe import probe
from export.prove import certify, golden_rows
from export.rows import COUNTS, RowMaker
from export.settle import settle, settle_stratum
from export.shake import chooses
from export.support import check_columns, check_exportable, core_of, missing_obstacles
from export.sweep import sweep
from export.tolerance import class_of, rounding_of
from lambda_handler.bundle import SEAL, Bundle
from lambda_handler.contract import FORMAT, Contract
from lambda_handler.predictor import Predictor

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx", "selfsame")
ROWS, SHARE = 1000, 0.1  # so many golden rows, or so many of the graph's bytes
OTHERS, ANSWER = 600, 150  # rows that are stored beside those of splits; bytes of an answer
ABOUT: Mapping[str, Any] = {
    "version": None, "description": None, "notice": None, "targets": None, "interval": None, "features": {},
    "scores": {}, "held_out": None,
}  # fmt: skip

Report = Callable[[str], None]
Advance = Callable[[int, int], None]


def export_bundle(  # noqa: PLR0913 - the public interface: every choice has a default
    estimator: Any,
    X: pd.DataFrame,
    path: Path | str,
    *,
    about: Mapping[str, Any] | None = None,
    seed: int = 0,
    effort: str = "standard",
    allow_training_rows: bool = False,
    automation: str = "full",
    abstain: tuple[float, float] | None = None,
    loggable: Sequence[str] = (),
    capture: float | None = None,
    replay_wasm: Replay | None = None,
    report: Report = lambda _: None,
    advance: Advance = lambda _done, _total: None,
) -> Path:
    """Write a bundle that answers as `estimator` does, or refuse.

    Args:
        estimator: a fitted Pipeline, classifier or regressor, also inside a FixedThresholdClassifier; stays unchanged.
        X: the DataFrame that it was fitted on, of shape (n_rows, n_features); its dtypes become the contract's.
        path: the bundle's folder. An earlier bundle there is replaced, anything else is refused.
        about: what the contract says beyond the estimator: `name` (default: the folder's), `version`, `description`,
            `notice`, `target` ({"name", "unit", "description"}), `targets` (the names of several), `interval`
            ({"level", "kind", "low", "high"} around a regressor's value, see docs/bundle.md; default: none),
            `features` (column -> {"unit", "description", "type"}), `scores` (name -> number on held-out rows, for the
            card); of a ranker `items` (id -> name, latitude, longitude, category) and `top` (items in an answer).
        seed: of every draw; the same estimator, table, seed and effort give the same bundle, byte for byte.
        effort: how hard the proof tries: `quick`, `standard` or `full`.
        allow_training_rows: lets an estimator be exported whose graph has to hold rows of the training table.
        automation: how far the model acts by itself: `shadow`, `human only`, `assist`, `partial` or `full` (see
            docs/lambda.md).
        abstain: with `partial`, the two ends of the band of probabilities or scores in which a person decides.
        loggable: columns whose values may stand in capture records; no other value of a request is ever logged.
        capture: share of requests of which a capture record is written; None: all in shadow, else none.
        replay_wasm: answers a list of rows with the bundle in a folder, as the page would; without it the certificate
            says that this was not compared.
        report: called with one line per step.
        advance: called with (done, total) while the mutants are tried.

    Returns:
        The bundle's path.

    Raises:
        ExportError: names the step, the column, the reason and the remedy. Nothing is written then.
    """
    out = Path(path)
    _check_place(out)
    tries = effort_named(effort)
    report("checking every step")
    check_exportable(estimator)
    check_top(estimator, (about or {}).get("top"))
    booleans = [name for name, told in (about or {}).get("features", {}).items() if told.get("type") == "boolean"]
    schema = Schema(X, booleans, columns_read(core_of(estimator)[0]))
    check_columns(estimator, schema)
    raise_all(missing_obstacles(core_of(estimator)[0], schema))
    told = {**ABOUT, "name": out.name, "target": {"name": "target", "unit": None, "description": None}, **(about or {})}
    table = schema.values(X)
    raise_all(precision_obstacles(core_of(estimator)[0], schema, table))
    told |= acting(X.columns, automation, abstain, loggable, capture)
    told["carries"] = check_carried(core_of(estimator)[0], allowed=allow_training_rows)
    report("converting")
    proved = _prove(estimator, schema, table, told, seed, tries, report, advance)
    _seal(proved, lambda files: _manifest(files, X, seed), out, replay_wasm, report)
    return out


@dataclass(frozen=True)
class _Proved:
    """Everything that a bundle is made of, but its digests and what another runtime says."""

    model: bytes
    document: dict[str, Any]
    golden: list[dict[str, Any]]
    certificate: dict[str, Any]
    reference: dict[str, Any]
    told: Mapping[str, Any]
    rows: int

    def files(self) -> dict[str, bytes]:
        scores, held_out = self.told["scores"], self.told["held_out"]
        card = render_card(self.document, self.certificate, scores, self.rows, len(self.model), held_out)
        return {
            "model.onnx": self.model,
            "contract.json": _json(self.document),
            "golden.jsonl": b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in self.golden),
            "parity.json": _json(self.certificate),
            "reference.json": _json(self.reference),
            "card.html": card.encode(),
        }


def _prove(
    estimator: Any,
    schema: Schema,
    table: Columns,
    about: Mapping[str, Any],
    seed: int,
    effort: Effort,
    report: Report,
    advance: Advance,
) -> _Proved:
    original, maker = Original(estimator, schema, table, about["interval"]), RowMaker(schema, table, seed)
    nodes: list[tuple[str, str]] = []
    numbers, targets = original.form.numbers, len(original.form.targets)
    model = convert(core_of(estimator)[0], schema, numbers=numbers, targets=targets, told=nodes.extend)
    model = nudge(model, table)
    report("asking the original what it accepts")
    accepted = probe(original, schema, maker, core_of(estimator)[0], model)
    digest = hashlib.sha256(model).hexdigest()
    document = contract_document(original, table, accepted, about, digest)
    document["carries_training_rows"] = bool(about["carries"])
    graph = onnx.load_from_string(model)
    places = Places(graph)
    sample = sample_of(places, table, seed)
    report("searching the graph's edges")
    aimed = aim(model, schema, table, seed, effort.splits, (places, sample))
    swept = sweep(graph, maker, places, sample, effort.swept, seed)
    edge, beside = edges(graph, maker, COUNTS["edge"])
    more = [beside, aside(aimed.rows, len(aimed.splits), maker)] if chooses(graph.graph) else [beside]
    room = _room(model, schema, maker)
    evidence = gather(original, maker, aimed, swept, {"edge": edge}, more, places, effort, seed, room, report)
    report("shaking the rounding")
    document["tolerance"] = rounding_of(evidence, original.form)
    evidence = settle(evidence, _predictor(document, model), lambda some, rows: refusal(nodes, some, rows))
    report("holding the export against the original")
    document["tolerance"] = class_of(evidence, _predictor(document, model))
    predictor = _predictor(document, model)
    faults = Faults(model, predictor.contract, original, maker, places, sample, effort, seed)
    evidence = settle_stratum(faults.telling(evidence), predictor, "telling")
    decidable = decidable_labels(evidence, original, predictor.contract)
    golden = golden_rows(evidence, original, predictor.contract, decidable)
    certificate = certify(predictor, evidence, golden, original, decidable)
    keep_examples_public(document, golden, maker)
    report("trying small faults")
    tried = {"reached": faults.reached(evidence), "mutation": faults.score(evidence, decidable, advance)}
    certificate = {"format": FORMAT, "effort": effort.name, **certificate, **tried}
    reference = reference_document(schema, table, predictor.contract, *predictor.run(table))
    return _Proved(model, document, golden, certificate, reference, about, len(table[0]))


def _room(model: bytes, schema: Schema, maker: RowMaker) -> int:
    """How many rows beside thresholds are stored: the golden rows stay few, or small beside the graph."""
    lines = [len(json.dumps(row, ensure_ascii=False)) + ANSWER for row in schema.rows(maker.recombined(20))]
    return max(ROWS, int(SHARE * len(model) * len(lines) / sum(lines))) - OTHERS


def _predictor(document: Mapping[str, Any], model: bytes) -> Predictor:
    return Predictor(Bundle(Path(), {"files": {}}, Contract(document), model))


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


def _seal(
    proved: _Proved,
    manifest: Callable[[Mapping[str, bytes]], dict[str, Any]],
    out: Path,
    replay_wasm: Replay | None,
    report: Report,
) -> None:
    """Write all files beside the place, replay them elsewhere, then move the folder there in one step."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        made = Path(temporary) / out.name
        made.mkdir()
        proved.certificate["batch"].update(NOT_ASKED)
        _write(proved.files(), manifest, made)
        if replay_wasm is not None:
            report("replaying in wasm")
            proved.certificate["batch"].update(wasm_counts(made, proved.golden, replay_wasm))
            _write(proved.files(), manifest, made)
        if out.exists():
            shutil.move(out, Path(temporary) / "earlier")
        made.rename(out)


def _write(files: dict[str, bytes], manifest: Callable[[Mapping[str, bytes]], dict[str, Any]], folder: Path) -> None:
    head = _json(manifest(files)).removesuffix(b"\n}\n")
    files["manifest.json"] = head + SEAL % hashlib.sha256(head).hexdigest().encode()
    for name, content in files.items():
        (folder / name).write_bytes(content)
