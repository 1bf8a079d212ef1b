"""One changed byte in any file of a bundle, the manifest included: nothing is loaded."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from deploy.serve import app
from export import export_bundle
from lambda_handler.bundle import REQUIRED, BundleError, read_bundle
from lambda_handler.http import make_handler
from lambda_handler.predictor import Predictor
from tests.bundle_factory import make_bundle, write_manifest
from tests.export_tools import frame, target

FILES = (*REQUIRED, "manifest.json")
PLACES = 40  # per file: the first and the last bytes, and others drawn


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that the exporter wrote."""
    X = frame()[["2nd height", "visits"]]
    model = LogisticRegression().fit(X.fillna(0.0), target(X))
    return export_bundle(model, X.fillna(0.0), tmp_path_factory.mktemp("tamper") / "bundle", effort="quick")


def places_of(content: bytes) -> list[int]:
    ends = [0, 1, 2, -1, -2, -3, -4, -68, -69, -70, -83]
    return [k % len(content) for k in ends] + random.Random(len(content)).choices(range(len(content)), k=PLACES)


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_refused(name: str, bundle: Path) -> None:
    whole = (bundle / name).read_bytes()
    read_bundle(bundle)
    try:
        for place in places_of(whole):
            for change in (1, 32, 128):
                changed = bytearray(whole)
                changed[place] ^= change
                (bundle / name).write_bytes(changed)
                with pytest.raises(BundleError, match=name):
                    read_bundle(bundle)
    finally:
        (bundle / name).write_bytes(whole)


@pytest.mark.parametrize("name", FILES)
def test_one_byte_less_or_more_is_refused_by_every_way_in(name: str, tmp_path: Path) -> None:
    tiny = make_bundle(tmp_path / "tiny")
    whole = (tiny / name).read_bytes()
    for changed in (whole[:-1], whole[1:], whole + b"\n", b" " + whole, b""):
        (tiny / name).write_bytes(changed)
        for opens in (read_bundle, Predictor.load, make_handler, lambda folder: app([folder], tmp_path)):
            with pytest.raises(BundleError, match=name):
                opens(tiny)


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"versions": {}}, {"source": "a" * 40}, {"data_sha256": "0" * 64}, {"sha256": "0" * 64}]
)
def test_what_the_manifest_says_beside_the_files_cannot_be_changed(changes: dict[str, Any], tmp_path: Path) -> None:
    tiny = make_bundle(tmp_path / "tiny")
    manifest = json.loads((tiny / "manifest.json").read_text())
    (tiny / "manifest.json").write_text(json.dumps({**manifest, **changes}, indent=1) + "\n")
    with pytest.raises(
        BundleError, match=r"manifest\.json must end with its own SHA-256; it does not: the file was cha"
    ):
        read_bundle(tiny)
    write_manifest(tiny, {**manifest, "seed": 1})
    assert read_bundle(tiny).manifest["seed"] == 1


def test_a_manifest_without_its_digest_is_refused(tmp_path: Path) -> None:
    tiny = make_bundle(tmp_path / "tiny")
    manifest = json.loads((tiny / "manifest.json").read_text())
    del manifest["sha256"]
    (tiny / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    with pytest.raises(BundleError, match="must end with its own SHA-256"):
        read_bundle(tiny)
