"""Files in the page: a CSV of the boosted loan model, dropped on the built site in Chromium, to its finished table.

`python -m benchmarks.web_files` makes the model, the site and two files, and prints medians:

- from the choice of a file to the frame that shows its table, with the worker prepared (a pointer came near) and in a
  fresh page; the CPU seconds of the page's process; the longest gap between two turns of the page's own thread;
- the memory that scoring adds at its peak to the page's process (page and worker) and to the browser's (which holds the
  scored file), sampled from /proc: anonymous pages, and those of shared memory.

Exit code 1 where the budgets below are broken.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from deploy.browser import open_chromium, watch
from deploy.site import build_site
from deploy.static import serve_folder
from export import export_bundle
from train.demo import loan_case
from train.demo_loan import simulate_applicants
from train.fit import train_frame
from train.store import load_estimator

ROWS, MANY = 100_000, 1_000_000
ROUNDS = 5
SECONDS = 0.6  # for ROWS, also in a fresh page
GAP = 50.0  # milliseconds in which the page's own thread may not answer
SAMPLED = 0.02  # seconds between two looks at the memory
# The page's clock: from the choice of a file to the second frame with its table, and the longest gap between two turns.
CLOCK = """() => {
    const state = document.querySelector("#file-state");
    let last = 0, gap = 0, timer;
    const turn = () => { const now = performance.now(); gap = Math.max(gap, now - last); last = now; };
    document.addEventListener("change", event => {
        if (event.target.id !== "file") return;
        const start = last = performance.now();
        gap = 0;
        timer = setInterval(turn, 4);
        const seen = new MutationObserver(() => {
            if (!["done", "failed"].includes(state.dataset.state)) return;
            seen.disconnect();
            requestAnimationFrame(() => requestAnimationFrame(() => {
                turn();
                clearInterval(timer);
                window.measured = {seconds: (performance.now() - start) / 1000, gap};
            }));
        });
        seen.observe(state, {attributes: true});
    }, true);
}"""


def files_figures(site: Path, small: Path, large: Path, rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Measure scoring in the page.

    Args:
        site: a folder that `build_site` wrote, its first bundle being the model of both files.
        small: a CSV that is scored `rounds` times, in a prepared page and in a fresh one.
        large: a CSV that is scored once, for its memory.
        rounds: of the small file.

    Returns:
        By case (`prepared`, `fresh`, `large`) the medians `seconds`, `cpu` (seconds) and `gap` (milliseconds); of the
        large one also the `page` and the `browser` process's growth and the sizes of both files, in MiB.
    """
    with serve_folder(site) as origin, open_chromium() as browser:
        found = {
            case: [_score(browser, origin, small, warm=case == "prepared") for _ in range(rounds)]
            for case in ("prepared", "fresh")
        }
        figures = {
            case: {name: statistics.median(each[name] for each in told) for name in told[0]}
            for case, told in found.items()
        }
        return figures | {"large": _score(browser, origin, large, warm=True, memory=True)}


def _score(browser: Browser, origin: str, file: Path, *, warm: bool, memory: bool = False) -> dict[str, float]:
    with browser.new_context(service_workers="block") as context:
        page = context.new_page()
        faults = watch(page, origin)
        page.goto(origin)
        expect(page.locator("#engine")).to_be_visible(timeout=60_000)
        page.evaluate(CLOCK)
        if warm:
            page.locator("#files").hover()
            time.sleep(2)
        before = _page_cpu(browser)
        with _peaks(browser, memory) as peaks:
            page.locator("#file").set_input_files(file)
            expect(page.locator("#file-state")).to_have_attribute("data-state", "done", timeout=300_000)
            page.wait_for_timeout(100)
        measured: dict[str, float] = page.evaluate("window.measured") | {"cpu": _page_cpu(browser) - before}
        if memory:
            with page.expect_download() as download:
                page.locator("#file-download").click()
            scored = Path(download.value.path())
            measured |= peaks | {
                name: path.stat().st_size / 2**20 for name, path in (("file", file), ("scored", scored))
            }
        if faults:
            raise RuntimeError(f"the page has faults: {faults[:3]}")
        return measured


def _processes(browser: Browser) -> list[dict[str, Any]]:
    client = browser.new_browser_cdp_session()
    found: list[dict[str, Any]] = client.send("SystemInfo.getProcessInfo")["processInfo"]
    client.detach()
    return found


def _page_cpu(browser: Browser) -> float:
    """The CPU seconds of all pages' processes."""
    return sum(float(each["cpuTime"]) for each in _processes(browser) if each["type"] == "renderer")


@contextmanager
def _peaks(browser: Browser, wanted: bool) -> Iterator[dict[str, float]]:
    """Sample what the page's and the browser's process add to their own memory, in MiB, until the context ends."""
    peaks: dict[str, float] = {}
    if not wanted:
        yield peaks
        return
    processes = _processes(browser)
    kinds = {each["id"]: "page" if each["type"] == "renderer" else "browser"
             for each in processes if each["type"] in {"renderer", "browser"}}  # fmt: skip
    before = {pid: _own(pid) for pid in kinds}
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLED):
            for pid, kind in kinds.items():
                peaks[kind] = max(peaks.get(kind, 0.0), _own(pid) - before[pid])

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def _own(pid: int) -> float:
    """A process's own memory in MiB: its anonymous pages and what it wrote to shared ones."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if "kB" in rest}
    return (sizes["RssAnon"] + sizes["RssShmem"]) / 1024


def make_material(folder: Path, rows: int = ROWS, many: int = MANY) -> tuple[Path, Path, Path]:
    """Write the boosted loan model's site and two files of simulated applicants that it was not trained on."""
    run = train_frame(loan_case(), folder / "run")
    bundle = export_bundle(load_estimator(run.candidates["boosting"]), run.X, folder / "bundle")
    site = build_site([bundle], folder / "site")
    for name, count in (("small.csv", rows), ("large.csv", many)):
        simulate_applicants(count, seed=count)[0].to_csv(folder / name, index=False)
    return site, folder / "small.csv", folder / "large.csv"


def missed(figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    """One sentence per budget that is broken."""
    slow = [
        f"{ROWS:,} rows, {case}: {figures[case]['seconds']:.2f} s; at most {SECONDS}."
        for case in ("prepared", "fresh")
        if not figures[case]["seconds"] <= SECONDS
    ]
    gaps = [
        f"longest gap, {case}: {each['gap']:.0f} ms; at most {GAP:g}."
        for case, each in figures.items()
        if not each["gap"] <= GAP
    ]
    return slow + gaps


def main() -> int:
    """Measure and print; 1 where a budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--many", type=int, default=MANY, help="rows of the file whose memory is measured")
    parser.add_argument(
        "--material", type=Path, help="keep the model, the site and the files here, or take them from here"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="selfsame-files-") as scratch:
        folder = options.material or Path(scratch)
        known = (folder / "site", folder / "small.csv", folder / "large.csv")
        material = known if all(path.exists() for path in known) else make_material(folder, many=options.many)
        figures = files_figures(*material, rounds=options.rounds)
    print(json.dumps(figures, indent=1))
    print("\n".join(missed(figures)) or f"{ROWS:,} rows keep to {SECONDS} s, all cases to gaps of {GAP:g} ms.")
    return int(bool(missed(figures)))


if __name__ == "__main__":
    sys.exit(main())
