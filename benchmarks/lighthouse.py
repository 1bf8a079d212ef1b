"""Lighthouse's marks for the built site, as a phone and as a desktop: `make lighthouse`.

The demo's site is built with its compressed copies and served as docs/hosting.md says (HTTP/2, brotli, cache headers).
Lighthouse opens each model's page in the system's Chromium with its own throttling: a phone on slow 4G with a processor
four times slower, and a desktop. Exit code 1 where a mark is under 100.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.browser import ARGUMENTS, NAMES
from deploy.site import build_site

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "build" / "lighthouse" / "node_modules" / ".bin" / "lighthouse"
HOST = Path(__file__).with_name("web_host.mjs")
BUNDLES = ROOT / "build" / "demo" / "bundles"
LEAST = 100
MARKS = ("performance", "accessibility", "best-practices", "seo")
FIGURES = {  # audit -> its column
    "first-contentful-paint": "first paint, s",
    "largest-contentful-paint": "largest paint, s",
    "total-blocking-time": "blocked, ms",
    "cumulative-layout-shift": "layout shift",
}
FORMS = {"phone": (), "desktop": ("--preset=desktop",)}

Report = Mapping[str, Any]


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a site with its compressed copies over HTTP/2 on a free port; gives its address."""
    with tempfile.TemporaryDirectory(prefix="selfsame-host-") as folder:
        key, certificate = Path(folder) / "key.pem", Path(folder) / "certificate.pem"
        made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
        subprocess.run(["openssl", *made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        command = ["node", HOST, site, key, certificate, "0", "0"]  # no latency, no limit: Lighthouse slows the page
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as host:
            assert host.stdout is not None
            try:
                yield f"https://localhost:{int(host.stdout.readline())}"
            finally:
                host.terminate()


def inspect(address: str, options: Sequence[str], chromium: str) -> Report:
    """Lighthouse's report on one address."""
    flags = " ".join(("--headless=new", "--ignore-certificate-errors", *ARGUMENTS))
    with tempfile.TemporaryDirectory(prefix="selfsame-lighthouse-") as folder:
        target = Path(folder) / "report.json"
        asked = ["--output=json", f"--output-path={target}", "--quiet", f"--only-categories={','.join(MARKS)}"]
        done = subprocess.run(
            [PROGRAM, address, *asked, f"--chrome-flags={flags}", *options],
            env={**os.environ, "CHROME_PATH": chromium}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if not target.exists():
            raise SystemExit(f"Lighthouse gave no report on {address}: {done.stderr.strip()[-800:]}")
        report: Report = json.loads(target.read_text(encoding="utf-8"))
    if error := report.get("runtimeError"):
        raise SystemExit(f"Lighthouse could not look at {address}: {error['message']}")
    return report


def marks_of(report: Report) -> dict[str, int]:
    """The four marks, 0 to 100."""
    return {name: round(100 * (report["categories"][name]["score"] or 0)) for name in MARKS}


def faults_of(report: Report) -> list[str]:
    """The audits that cost something, in words."""
    weighed = {each["id"] for name in MARKS for each in report["categories"][name]["auditRefs"] if each["weight"] > 0}
    audits = (report["audits"][name] for name in sorted(weighed))
    return [
        f"{audit['id']}: {audit['title']} ({audit.get('displayValue', audit['score'])})"
        for audit in audits
        if audit["score"] is not None and audit["score"] < 0.995
    ]


def middle(reports: Sequence[Report]) -> Report:
    """The report whose performance is the median."""
    ranked = sorted(reports, key=lambda report: report["categories"]["performance"]["score"] or 0)
    wanted = statistics.median_low([marks_of(report)["performance"] for report in ranked])
    return next(report for report in ranked if marks_of(report)["performance"] == wanted)


def row_of(name: str, form: str, report: Report) -> str:
    """One line of the table."""
    numbers = [report["audits"][audit]["numericValue"] for audit in FIGURES]
    first, largest, blocked, shift = numbers
    figures = (f"{first / 1000:.2f}", f"{largest / 1000:.2f}", f"{blocked:.0f}", f"{shift:.3f}")
    return f"| {name} | {form} | {' | '.join(map(str, marks_of(report).values()))} | {' | '.join(figures)} |"


def page_of(rows: Sequence[str], version: str, runs: int, faults: Mapping[str, Sequence[str]]) -> str:
    """docs/lighthouse.md."""
    times = "once" if runs == 1 else f"{runs} times, the run with the middle performance shown"
    heads = ["page", "as", *(mark.replace("-", " ") for mark in MARKS), *FIGURES.values()]
    below = [f"- {name}: {fault}" for name, each in faults.items() for fault in each]
    said = [f"Every mark is at least {LEAST}."] if not below else ["What costs a mark:", "", *below]
    return "\n".join([
        "# Lighthouse", "",
        f"Written by `make lighthouse` (`benchmarks/lighthouse.py`): Lighthouse {version} on the pages of the demo's",
        f"site, served over HTTP/2 with brotli copies and cache headers, each looked at {times}. A phone is",
        "slow 4G (1.6 Mbit/s, 150 ms) and a processor four times slower; the paints and the blocked time are its",
        "simulation and depend on the machine.", "",
        f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *rows, "", *said, "",
    ])  # fmt: skip


def measure(site: Path, names: Sequence[str], runs: int, chromium: str) -> tuple[str, bool]:
    """Look at every page in every form; gives docs/lighthouse.md and whether all marks are full."""
    rows: list[str] = []
    faults: dict[str, list[str]] = {}
    version = ""
    with served(site) as origin:
        for name in names:
            for form, options in FORMS.items():
                report = middle([inspect(f"{origin}/?bundle={name}", options, chromium) for _ in range(runs)])
                rows.append(row_of(name, form, report))
                version = report["lighthouseVersion"]
                print(rows[-1], flush=True)
                if min(marks_of(report).values()) < LEAST:
                    faults[f"{name} as a {form}"] = faults_of(report)
    return page_of(rows, version, runs, faults), not faults


def main() -> int:
    """Write the page and say whether every mark is full."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="the page to write, such as docs/lighthouse.md")
    parser.add_argument("--runs", type=int, default=3, help="how often each page is looked at")
    parser.add_argument("--site", type=Path, help="a compressed site to take instead of the demo's")
    arguments = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None or not PROGRAM.exists():
        print("Chromium and Lighthouse are needed; one is not there. Run `make lighthouse`.", file=sys.stderr)
        return 2
    names = sorted(path.name for path in BUNDLES.glob("*")) if BUNDLES.is_dir() else []
    if not names and arguments.site is None:
        print("The demo's bundles are needed; they are not there. Run `make demo ARGS=--check`.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="selfsame-site-") as folder:
        site = arguments.site or build_site([BUNDLES / name for name in names], Path(folder) / "site", compress=True)
        names = [entry["name"] for entry in json.loads((site / "bundles.json").read_text(encoding="utf-8"))]
        page, full = measure(site, names, arguments.runs, chromium)
    if arguments.out is not None:
        arguments.out.write_text(page, encoding="utf-8")
    return 0 if full else 1


if __name__ == "__main__":
    sys.exit(main())
