"""Bundles -> the static site: the page, the runtime it needs, and the bundles' public files."""

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit

from deploy.compress import PACKED, compress_folder
from deploy.site_page import (
    FIRST_READ,
    HASH_DIGITS,
    PAGE,
    ROOT_FILES,
    Files,
    in_folder,
    index_html,
    integrity,
    page_files,
    service_worker,
)
from lambda_handler.bundle import Bundle, read_bundle

MODULES = Path(__file__).resolve().parents[1] / "node_modules"
LIBRARIES = (  # package, its folder, the files of that folder, where they lie for the page
    ("onnxruntime-web", "dist", "ort.wasm.bundle.min.mjs", ""),
    ("onnxruntime-web", "dist", "ort-wasm-simd-threaded.wasm", ""),
    ("hyparquet", "src", "*.js", "hyparquet/"),
)
OWN_ENTRIES = frozenset({"index.html", "sw.js", "bundles.json", "assets", "bundles", *ROOT_FILES})
ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~/-]*)?")


class SiteError(ValueError):
    """A site that cannot be built: the rule, what was got, what to do."""

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        super().__init__(f"{rule}; {got}. {remedy}")


def build_site(
    bundles: Sequence[Path],
    out: Path,
    *,
    endpoints: Mapping[str, str] | None = None,
    compress: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Path:
    """Build the static site of one or more bundles; the same input gives the same bytes.

    Args:
        bundles: folders that `selfsame export` wrote; each keeps its contract's name.
        out: the site's folder. It is written whole or not at all, and replaces an earlier site.
        endpoints: by bundle name, the address before `/predict` of an API that serves the same bundle. The page may
            ask no other origin than its own and these.
        compress: whether a brotli and a gzip copy are written beside each file.
        report: called with one line when a step begins that takes its time.

    Returns:
        `out`.

    Raises:
        SiteError: no bundle, two of one name, an endpoint of none or that is no address, a library is not installed,
            or `out` holds something else.
        BundleError: a bundle is broken.
        CompressError: there is no node.
    """
    opened = _open_bundles(bundles)
    called = _check_endpoints(endpoints or {}, opened)
    vendor = _read_vendor()
    _check_target(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        fresh = Path(scratch) / "site"
        _write_site(opened, called, vendor, fresh)
        if compress:
            report("compressing takes half a minute; --plain leaves it out …")
            compress_folder(fresh)
        if out.exists():
            out.rename(Path(scratch) / "before")
        fresh.rename(out)
    return out


def read_endpoints(written: Sequence[str], bundles: Sequence[Path]) -> dict[str, str]:
    """Endpoints by bundle name, from `URL` (of the only bundle) or `NAME=URL` each.

    Raises:
        SiteError: one has no name although there are several bundles, or two have one name.
        BundleError: a bundle is broken.
    """
    endpoints: dict[str, str] = {}
    for each in written:
        name, found, address = each.partition("=")
        if not found:
            if len(bundles) != 1:
                raise SiteError("an endpoint of several bundles has a name", f"got {each!r}", "Write NAME=URL.")
            name, address = read_bundle(bundles[0]).contract.name, each
        if name in endpoints:
            raise SiteError("a bundle has one endpoint", f"{name} has two", "Leave one out.")
        endpoints[name] = address
    return endpoints


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


def _check_endpoints(endpoints: Mapping[str, str], bundles: Mapping[str, Bundle]) -> dict[str, str]:
    for name, address in endpoints.items():
        if name not in bundles:
            got = f"{name!r} is none of {', '.join(bundles)}"
            raise SiteError("an endpoint serves a bundle of the site", got, "Name it NAME=URL.")
        if not ENDPOINT.fullmatch(address):
            rule = "an endpoint is the address before /predict, such as https://id.lambda-url.eu-west-1.on.aws"
            raise SiteError(rule, f"got {address!r}", "Give the Function URL.")
    return {name: address.rstrip("/") for name, address in endpoints.items()}


def _read_vendor() -> dict[str, bytes]:
    """The libraries' files by name, with their licences and those of what the page's own modules follow."""
    files: dict[str, bytes] = {}
    for package, folder, pattern, place in LIBRARIES:
        found = sorted((MODULES / package / folder).glob(pattern))
        if not found:
            got = f"node_modules/{package}/{folder}/{pattern} is not there"
            raise SiteError(f"the page needs {package}", got, "Run `make setup`.")
        files |= {place + path.name: path.read_bytes() for path in found}
        for path in (MODULES / package).glob("LICENSE*"):
            files[f"{path.stem}.{package}.txt"] = path.read_bytes()
    return files | _read_licences()


def _read_licences() -> dict[str, bytes]:
    """What the npm packages leave out: onnxruntime's licence and notices, which its wheel has, and libm's."""
    wheel = Path(str(distribution("onnxruntime").locate_file("onnxruntime")))
    return {
        "LICENSE.onnxruntime-web.txt": (wheel / "LICENSE").read_bytes(),
        "NOTICES.onnxruntime-web.txt": (wheel / "ThirdPartyNotices.txt").read_bytes(),
        "LICENSE.musl.txt": (PAGE / "js" / "libm" / "LICENSE").read_bytes(),
    }


def _check_target(out: Path) -> None:
    if not out.exists():
        return
    rule = "a site replaces only an earlier site or an empty folder"
    remedy = "Name another folder, or empty this one."
    if not out.is_dir():
        raise SiteError(rule, f"{out} is a file", remedy)
    found = {entry.name for entry in out.iterdir()}
    own = OWN_ENTRIES | {name + suffix for name in OWN_ENTRIES for suffix in PACKED}
    if found and not (found <= own and {"bundles.json", "index.html"} <= found):
        strangers = ", ".join(sorted(found - own)[:3]) or "no bundles.json and index.html"
        raise SiteError(rule, f"{out} holds {strangers}", remedy)


def _write_site(bundles: Mapping[str, Bundle], endpoints: Mapping[str, str], vendor: Files, site: Path) -> None:
    site.mkdir()
    site.chmod(0o755)
    folders = {name: _bundle_folder(name, bundle) for name, bundle in bundles.items()}
    listed = {name: _write_bundle(bundle, site, folders[name]) for name, bundle in bundles.items()}
    entries = [
        {"name": name, "path": folders[name], "description": bundle.contract.document["description"],
         "endpoint": endpoints.get(name)}
        for name, bundle in bundles.items()
    ]  # fmt: skip
    libraries = in_folder("vendor", vendor)
    assets = in_folder("page", page_files(next(iter(libraries)).split("/")[1]))
    folder = folders[next(iter(bundles))]
    first = {f"{folder}{name}": (site / folder / name).stat().st_size for name in FIRST_READ}
    told = {name: bundle.contract.document["description"] for name, bundle in bundles.items()}
    origins = sorted({f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in endpoints.values()})
    page = {
        **assets,
        **{name: (PAGE / name).read_bytes() for name in ROOT_FILES},
        "bundles.json": (json.dumps(entries, indent=1) + "\n").encode(),
        "index.html": index_html({**assets, **libraries}, origins, first, told),
    }
    kept = {("./" if path == "index.html" else path): content for path, content in page.items()}
    runtime = {path: content for path, content in libraries.items() if not path.endswith(".txt")}
    page["sw.js"] = service_worker(kept, runtime, listed)
    for path, content in {**page, **libraries}.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(content)


def _bundle_folder(name: str, bundle: Bundle) -> str:
    """Where a bundle lies in a site: its manifest names the digest of every file, so another content lies elsewhere."""
    digest = hashlib.sha256((bundle.path / "manifest.json").read_bytes()).hexdigest()
    return f"bundles/{name}/{digest[:HASH_DIGITS]}/"


def _write_bundle(bundle: Bundle, site: Path, folder: str) -> dict[str, str]:
    """Write the files that the manifest lists, and the manifest; gives their digests by path."""
    (site / folder).mkdir(parents=True)
    listed: dict[str, str] = {}
    for file in (*sorted(bundle.manifest["files"]), "manifest.json"):
        content = (bundle.path / file).read_bytes() if file == "manifest.json" else bundle.read(file)
        (site / folder / file).write_bytes(content)
        listed[folder + file] = integrity(content)
    return listed
