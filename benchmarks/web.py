"""The page's speed in Chromium: first and return visits over lines of several speeds, rows, memory, bytes.

`make web-bench` writes docs/web-speed.md. Everything is measured in the built site of the boosted loan model,
compressed, behind a host with HTTP/2 and cache headers; with and without the page's own evaluator in turns, medians.
Exit code 1 where a target is missed.
"""

import argparse
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks import web_peer
from benchmarks.page_bytes import page_bytes
from benchmarks.web_browser import (
    CONFIRMED,
    Line,
    Workshop,
    bytes_loaded,
    delays_while_loading,
    memory,
    visit,
    workshop,
)
from benchmarks.web_report import ALONE, BOTH, LINES, MANY, SLOW, Figures, missed, page
from deploy.compress import compress_folder
from deploy.site import MODULES, build_site
from deploy.site_page import EVALUATOR, PAGE, page_files
from export import export_bundle
from train.demo import loan_case
from train.fit import train_frame
from train.store import load_estimator

ROUNDS = 5
HERE = Line("this machine")
LATER, RUNTIME = ("**/main-later.js",), ("**/ort*",)  # what comes after the first answer


def main(words: Sequence[str] | None = None) -> int:
    """Print or write the tables; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="visits of each kind; the slowest line gets half of them"
    )
    parser.add_argument("--out", type=Path, help="a page to write, such as docs/web-speed.md")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="selfsame-web-") as name, workshop() as shop:
        folder = Path(name)
        run = train_frame(loan_case(), folder / "run")
        bundle = export_bundle(load_estimator(run.candidates["boosting"]), run.X, folder / "bundle")
        sites = make_sites(bundle, folder)
        figures = Figures(
            visits=_visits(shop, sites, given.rounds),
            bytes=_bytes(shop, sites[BOTH]),
            page=sum(page_bytes(sites[BOTH])[0].values()),
            delays=_delays(shop, sites[BOTH]),
            rows=_rows(shop, bundle, folder),
            memory=_memory(shop, sites[BOTH], given.rounds),
            peer=_peer(shop, folder, given.rounds),
        )
    text = page(figures, given.rounds)
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    return int(bool(missed(figures)))


def make_sites(bundle: Path, folder: Path) -> dict[str, Path]:
    """Build the site as it is, and one whose evaluator refuses every model, so that onnxruntime-web answers alone."""
    both = build_site([bundle], folder / "both", compress=True)
    with patch("deploy.site.page_files", _without_evaluator):
        alone = build_site([bundle], folder / "alone")
    vendor = next(path.name for path in (both / "assets").glob("vendor-*"))
    shutil.rmtree(alone / "assets" / vendor)  # it is the same, and takes half a minute
    compress_folder(alone)
    shutil.copytree(both / "assets" / vendor, alone / "assets" / vendor)
    return {BOTH: both, ALONE: alone}


def _without_evaluator(vendor_folder: str) -> dict[str, bytes]:
    files = page_files(vendor_folder)
    exported = re.findall(r"export \{ (.*) \};\n\Z", files[EVALUATOR].decode())[0].split(", ")
    refusal = "const none = { createModel() { throw new Error('left out'); } };\n"
    names = ", ".join(f"none as {name}" for name in exported)
    return {**files, EVALUATOR: f"{refusal}export {{ {names} }};\n".encode()}


def _visits(shop: Workshop, sites: Mapping[str, Path], rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """By line, by variant, by kind of visit: milliseconds, medians."""
    told: dict[str, dict[str, dict[str, float]]] = {}
    for line in LINES:
        found: dict[str, list[dict[str, float]]] = {name: [] for name in sites}
        for number in range((rounds + 1) // 2 if line is SLOW else rounds):
            print(f"{line.name}: round {number + 1}", file=sys.stderr, flush=True)
            for name, site in sites.items():
                with shop.host(site, line) as address, shop.chromium() as browser:
                    found[name].append(visit(browser, address, line, cached=name == BOTH))
        told[line.name] = {
            name: {kind: statistics.median(each[kind] for each in many) for kind in many[0]}
            for name, many in found.items()
        }
    return told


def _bytes(shop: Workshop, site: Path) -> dict[str, int]:
    with shop.host(site, HERE) as address, shop.chromium() as browser:
        return bytes_loaded(browser, address, HERE)


def _delays(shop: Workshop, site: Path) -> list[float]:
    line = Line("a slow processor", cpu=SLOW.cpu)
    with shop.host(site, line) as address, shop.chromium() as browser:
        return delays_while_loading(browser, address, line)


def _rows(shop: Workshop, bundle: Path, folder: Path) -> dict[str, dict[str, float]]:
    """By engine: one row's p50 and p99, and many rows; milliseconds, in the page's own thread."""
    served = folder / "rows"
    shutil.copytree(PAGE / "js", served / "js")
    shutil.copytree(bundle, served / "bundle")
    (served / "vendor").mkdir()
    for name in ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"):
        shutil.copy(MODULES / "onnxruntime-web" / "dist" / name, served / "vendor")
    shutil.copy(Path(__file__).with_name("web_rows.js"), served)
    (served / "index.html").write_text("<!doctype html><title>rows</title>\n", encoding="utf-8")
    with shop.host(served, HERE, isolated=True) as address, shop.chromium() as browser:
        opened = browser.new_page()
        opened.goto(address)
        script = "sizes => import('/web_rows.js').then(({measureRows}) => measureRows(sizes))"
        found: dict[str, dict[str, float]] = opened.evaluate(script, list(MANY))
        return found


def _memory(shop: Workshop, site: Path, rounds: int) -> dict[str, float]:
    """MiB above a blank page's, medians."""
    with shop.host(site, HERE) as address:
        found = [
            (
                memory(shop, None),
                memory(shop, address, without=(*LATER, *RUNTIME)),
                memory(shop, address, without=RUNTIME),
                memory(shop, address, until=CONFIRMED),
            )
            for _ in range(rounds)
        ]
    blank, first, parts, confirmed = (statistics.median(each) for each in zip(*found, strict=True))
    return {"blank": blank, "first": first - blank, "parts": parts - blank, "confirmed": confirmed - blank}


def _peer(shop: Workshop, folder: Path, rounds: int) -> dict[str, Any] | None:
    """m2cgen's JavaScript and our page, of one forest; None where m2cgen is not installed."""
    peer = web_peer.make_peer(folder)
    if peer is None:
        return None
    site = build_site([peer.bundle], folder / "forest-site")
    for path in (*site.glob("assets/vendor-*/*"), *site.glob("assets/vendor-*")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()  # the first answer does not need it
    compress_folder(site)
    told: dict[str, Any] = {"rows": len(peer.rows)}
    for line in (HERE, SLOW):
        found: dict[str, list[float]] = {"m2cgen": [], "selfsame": []}
        for _ in range(rounds):
            for name, served in (("m2cgen", peer.site), ("selfsame", site)):
                with shop.host(served, line) as address, shop.chromium() as browser:
                    found[name].append(web_peer.answered(browser, address, line))
        told[line.name] = {name: statistics.median(times) for name, times in found.items()}
    with shop.host(peer.site, HERE) as address, shop.chromium() as browser:
        told["differ"] = web_peer.differing(browser, address, peer)
    told["bytes"] = {"m2cgen": _packed(peer.site, "model.js"), "selfsame": _packed(site, "model.onnx", "evaluate.js")}
    return told


def _packed(folder: Path, *names: str) -> int:
    return sum(path.stat().st_size for name in names for path in folder.rglob(f"{name}.br"))


if __name__ == "__main__":
    sys.exit(main())
