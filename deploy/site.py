"""Bundles -> the static site: the page, the runtime it needs, and the bundles' public files."""

import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lambda_handler.bundle import Bundle, read_bundle

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "web_demo"
RUNTIME = ROOT / "node_modules" / "onnxruntime-web"
RUNTIME_FILES = ("dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm")
PAGE_FILES = ("index.html", "icon.svg", "css", "js")
OWN_ENTRIES = frozenset({*PAGE_FILES, "vendor", "bundles", "bundles.json"})
NODE_ONLY = shutil.ignore_patterns("replay-node.mjs")


class SiteError(ValueError):
    """A site that cannot be built: the rule, what was got, what to do."""

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        super().__init__(f"{rule}; {got}. {remedy}")


def build_site(bundles: Sequence[Path], out: Path) -> Path:
    """Build the static site of one or more bundles.

    Args:
        bundles: folders that `selfsame export` wrote; each keeps its contract's name.
        out: the site's folder. It is written whole or not at all, and replaces an earlier site.

    Returns:
        `out`.

    Raises:
        SiteError: no bundle, two of one name, onnxruntime-web is not installed, or `out` holds something else.
        BundleError: a bundle is broken.
    """
    opened = _open_bundles(bundles)
    _check_runtime()
    _check_target(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        fresh = Path(scratch) / "site"
        _write_site(opened, fresh)
        if out.exists():
            out.rename(Path(scratch) / "before")
        fresh.rename(out)
    return out


def _open_bundles(paths: Sequence[Path]) -> dict[str, Bundle]:
    if not paths:
        raise SiteError("a site shows at least one bundle", "none was named", "Name a bundle's folder.")
    opened: dict[str, Bundle] = {}
    for path in paths:
        bundle = read_bundle(path)
        name = bundle.contract.name
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            rule = "a bundle's name is part of its address: letters, digits, '.', '_' and '-'"
            raise SiteError(rule, f"{path} is named {name!r}", "Export it under another name.")
        if name in opened:
            got = f"{opened[name].path} and {path} are both named {name!r}"
            raise SiteError("the bundles of a site have different names", got, "Export one under another name.")
        opened[name] = bundle
    return opened


def _check_runtime() -> None:
    for file in RUNTIME_FILES:
        if not (RUNTIME / file).is_file():
            got = f"node_modules/onnxruntime-web/{file} is not there"
            raise SiteError("the page needs onnxruntime-web", got, "Run `make setup`.")


def _check_target(out: Path) -> None:
    if not out.exists():
        return
    rule = "a site replaces only an earlier site or an empty folder"
    remedy = "Name another folder, or empty this one."
    if not out.is_dir():
        raise SiteError(rule, f"{out} is a file", remedy)
    found = {entry.name for entry in out.iterdir()}
    if found and not (found <= OWN_ENTRIES and {"bundles.json", "index.html"} <= found):
        strangers = ", ".join(sorted(found - OWN_ENTRIES)[:3]) or "no bundles.json and index.html"
        raise SiteError(rule, f"{out} holds {strangers}", remedy)


def _write_site(bundles: dict[str, Bundle], site: Path) -> None:
    site.mkdir()
    site.chmod(0o755)
    for name in PAGE_FILES:
        source = PAGE / name
        if source.is_dir():
            shutil.copytree(source, site / name, ignore=NODE_ONLY)
        else:
            shutil.copyfile(source, site / name)
    vendor = site / "vendor"
    vendor.mkdir()
    for file in (*RUNTIME_FILES, *(path.name for path in RUNTIME.glob("LICENSE*"))):
        shutil.copyfile(RUNTIME / file, vendor / Path(file).name)
    for name, bundle in bundles.items():
        folder = site / "bundles" / name
        folder.mkdir(parents=True)
        for file in bundle.manifest["files"]:
            (folder / file).write_bytes(bundle.read(file))
        shutil.copyfile(bundle.path / "manifest.json", folder / "manifest.json")
    listed = [
        {"name": name, "path": f"bundles/{name}/", "description": bundle.contract.document["description"]}
        for name, bundle in bundles.items()
    ]
    (site / "bundles.json").write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
