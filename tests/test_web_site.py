"""The static site: what it holds, and what it refuses to be built from or over."""

import hashlib
import json
import urllib.request
from pathlib import Path

import pytest
from bundle_factory import make_bundle

import deploy.site
from deploy.site import SiteError, build_site
from deploy.static import serve_folder
from lambda_handler.bundle import BundleError


def test_the_site_holds_the_page_its_runtime_and_each_bundle(tmp_path: Path) -> None:
    bundles = [make_bundle(tmp_path / "a", name="loan"), make_bundle(tmp_path / "b", name="cost", task="regression")]
    (bundles[0] / "notes.txt").write_text("private")
    site = build_site(bundles, tmp_path / "out" / "site")
    assert {entry.name for entry in site.iterdir()} == {"index.html", "icon.svg", "css", "js", "vendor", "bundles",
                                                        "bundles.json"}  # fmt: skip
    listed = json.loads((site / "bundles.json").read_text())
    assert listed == [
        {"name": "loan", "path": "bundles/loan/", "description": "Says whether a loan is paid back."},
        {"name": "cost", "path": "bundles/cost/", "description": "Says how much a loan costs."},
    ]
    for bundle, entry in zip(bundles, listed, strict=True):
        manifest = json.loads((bundle / "manifest.json").read_text())
        published = {file.name for file in (site / entry["path"]).iterdir()}
        assert published == {*manifest["files"], "manifest.json"}, "what the manifest does not list stays private"
        for name, digest in manifest["files"].items():
            assert hashlib.sha256((site / entry["path"] / name).read_bytes()).hexdigest() == digest
    assert not list(site.rglob("replay-node.mjs"))


def test_a_site_is_built_again_over_itself(tmp_path: Path) -> None:
    loan, cost = make_bundle(tmp_path / "a", name="loan"), make_bundle(tmp_path / "b", name="cost")
    build_site([loan, cost], tmp_path / "site")
    build_site([cost], tmp_path / "site")
    assert [entry.name for entry in (tmp_path / "site" / "bundles").iterdir()] == ["cost"]
    assert {entry.name for entry in tmp_path.iterdir()} == {"a", "b", "site"}, "no temporary folder stays behind"


def test_a_folder_that_is_no_site_is_left_alone(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "a")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    with pytest.raises(SiteError, match=r"replaces only an earlier site.*thesis\.txt.*Name another folder"):
        build_site([bundle], tmp_path / "home")
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "file").write_text("")
    with pytest.raises(SiteError, match="is a file"):
        build_site([bundle], tmp_path / "file")


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    assert (build_site([make_bundle(tmp_path / "a")], tmp_path / "site") / "index.html").is_file()


def test_two_bundles_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"different names.*both named 'tiny'"):
        build_site([make_bundle(tmp_path / "a"), make_bundle(tmp_path / "b")], tmp_path / "site")


def test_a_name_that_would_leave_the_site_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"part of its address.*'\.\./up'"):
        build_site([make_bundle(tmp_path / "a", name="../up")], tmp_path / "site")


def test_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="at least one bundle"):
        build_site([], tmp_path / "site")


def test_a_broken_bundle_is_refused_and_leaves_the_site_before(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "a")
    site = build_site([bundle], tmp_path / "site")
    (bundle / "card.html").write_text("changed")
    with pytest.raises(BundleError, match=r"card\.html must have the SHA-256"):
        build_site([bundle], site)
    assert "changed" not in (site / "bundles" / "tiny" / "card.html").read_text()


def test_without_the_runtime_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy.site, "RUNTIME", tmp_path / "nowhere")
    with pytest.raises(SiteError, match=r"needs onnxruntime-web.*Run `make setup`"):
        build_site([make_bundle(tmp_path / "a")], tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_modules_and_wasm_are_served_with_the_types_that_browsers_ask_for(tmp_path: Path) -> None:
    for name in ("a.mjs", "a.js", "a.wasm"):
        (tmp_path / name).write_text("")
    with serve_folder(tmp_path) as origin:
        types = [urllib.request.urlopen(f"{origin}/{name}").headers["Content-Type"]
                 for name in ("a.mjs", "a.js", "a.wasm")]  # fmt: skip
    assert types == ["text/javascript", "text/javascript", "application/wasm"]
