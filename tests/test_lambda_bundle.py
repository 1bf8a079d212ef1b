"""A bundle is opened only when every file is the one that its manifest names."""

import json
from pathlib import Path
from typing import Any

import pytest
from bundle_factory import as_json, make_bundle, seal, write_manifest

from lambda_handler.bundle import REQUIRED, BundleError, read_bundle
from lambda_handler.predictor import Predictor


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "tiny")


def refusal(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        read_bundle(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def edit_manifest(path: Path, **changes: Any) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    write_manifest(path, {**manifest, **changes})


def edit_contract(path: Path, **changes: Any) -> None:
    contract = json.loads((path / "contract.json").read_text())
    (path / "contract.json").write_bytes(as_json({**contract, **changes}))
    seal(path)


def test_a_whole_bundle_is_read(bundle: Path) -> None:
    found = read_bundle(bundle)
    assert found.contract.name == "tiny"
    assert found.model == (bundle / "model.onnx").read_bytes()
    assert len(list(found.golden())) == (bundle / "golden.jsonl").read_text().count("\n")


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("place", [0, -1, 0.5])
def test_one_changed_byte_in_any_file(bundle: Path, name: str, place: float) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[int(len(content) * place) if place == 0.5 else int(place)] ^= 1
    (bundle / name).write_bytes(content)
    said = refusal(bundle)
    assert f"{name} must have the SHA-256 of the manifest" in said
    assert "was changed after the export" in said


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_file(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    assert f"{name} must be there" in refusal(bundle)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_file_that_the_manifest_does_not_list(bundle: Path, name: str) -> None:
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    del files[name]
    edit_manifest(bundle, files=files)
    assert f"the manifest must list {name}" in refusal(bundle)


@pytest.mark.parametrize(("found", "said"), [(3, "Upgrade selfsame"), (1, "export` again"), ("2", "bundle format 2")])
def test_another_format(bundle: Path, found: Any, said: str) -> None:
    edit_manifest(bundle, format=found)
    assert said in refusal(bundle)


def test_a_contract_of_a_newer_format(bundle: Path) -> None:
    edit_contract(bundle, format=3)
    assert "contract.json: bundle format 3; this build reads 2. Upgrade selfsame" in refusal(bundle)


def test_a_contract_of_another_model(bundle: Path) -> None:
    edit_contract(bundle, model_sha256="0" * 64)
    assert "the contract must belong to the model" in refusal(bundle)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "..\\secret", "..", "", "a/b"])
def test_a_manifest_that_points_out_of_the_folder(bundle: Path, name: str) -> None:
    (bundle.parent / "secret").write_text("secret")
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    edit_manifest(bundle, files={**files, name: "0" * 64})
    assert "a bundle's files lie in the folder itself" in refusal(bundle)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "must be JSON"),
     (b"\xff\xfe", "must be JSON"), (b"[]", "format None"), (b'{"format": 2}', "must list the files"),
     (b'{"format": 2, "files": []}', "must list the files"),
     (b'{"format": 2, "files": {}}', "must end with its own SHA-256")],
)  # fmt: skip
def test_a_broken_manifest(bundle: Path, content: bytes, said: str) -> None:
    (bundle / "manifest.json").write_bytes(content)
    assert said in refusal(bundle)


def test_what_is_no_bundle(bundle: Path, tmp_path: Path) -> None:
    assert "a bundle is a folder with a manifest.json" in refusal(tmp_path / "nowhere")
    assert "a bundle is a folder with a manifest.json" in refusal(tmp_path)
    assert "a bundle is a folder with a manifest.json" in refusal(bundle / "model.onnx")


def test_a_file_is_checked_again_when_it_is_read(bundle: Path) -> None:
    found = read_bundle(bundle)
    (bundle / "golden.jsonl").write_text("{}")
    with pytest.raises(BundleError, match=r"golden\.jsonl must have the SHA-256"):
        list(found.golden())
    with pytest.raises(BundleError, match="is not listed"):
        found.read("manifest.json")


def test_no_session_is_made_of_a_broken_bundle(bundle: Path) -> None:
    (bundle / "card.html").write_text("changed")
    with pytest.raises(BundleError):
        Predictor.load(bundle)
