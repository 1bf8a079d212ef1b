"""The measurement of the page's speed: the line it goes over, what it sees, and targets that can be missed."""

import math
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from bundle_factory import make_bundle
from conftest import QUICK

from benchmarks import web_files
from benchmarks.web import _without_evaluator
from benchmarks.web_browser import CONFIRMED, Line, bytes_loaded, delays_while_loading, opened, visit, workshop
from benchmarks.web_report import ALONE, BOTH, LINES, SLOW, Figures, missed, page
from deploy.browser import ARGUMENTS
from deploy.site import build_site

VISITS = {"first": 900.0, "again": 250.0, "cached": 280.0, "confirmed": 14_000.0}
MET = Figures(
    visits={line.name: {BOTH: VISITS, ALONE: {"first": 15_000.0, "again": 3000.0}} for line in LINES},
    bytes={"/": 1300, "/assets/page-0123456789abcdef/js/main.js": 20_000},
    page=45_000,
    delays=[1.0] * 99 + [30.0],
    rows={"evaluator": {"p50": 0.02, "p99": 0.05, "10000": 40.0, "100000": 400.0}},
    memory={"blank": 50.0, "first": 18.0, "parts": 22.0, "confirmed": 120.0},
    peer=None,
)


def test_targets_that_are_met_are_not_missed() -> None:
    assert missed(MET) == []
    assert "All targets are met." in page(MET, 5)
    assert "| `/assets/page/js/main.js` | 20,000 |" in page(MET, 5)
    assert "m2cgen was not installed" in page(MET, 5)


@pytest.mark.parametrize(
    ("worse", "said"),
    [
        (
            {"visits": {SLOW.name: {BOTH: VISITS | {"first": 1001.0}}}},
            "first visit on slow 4G, ms: 1,001; at most 1000.",
        ),
        ({"visits": {SLOW.name: {BOTH: VISITS | {"again": 301.0}}}}, "return visit on slow 4G, ms: 301; at most 300."),
        ({"rows": {"evaluator": {"p50": 0.11}}}, "one row, p50, ms: 0.11; at most 0.1."),
        ({"rows": {"evaluator": {"p50": math.nan}}}, "one row, p50, ms: nan; at most 0.1."),
        ({"memory": {"first": 20.4}}, "memory for the first answer, MiB above a blank page: 20.4; at most 20."),
        ({"page": 60_001}, "page without runtime and model, brotli bytes: 60,001; at most 60000."),
    ],
)
def test_each_target_can_be_missed(worse: dict[str, object], said: str) -> None:
    assert missed(replace(MET, **worse)) == [said]  # type: ignore[arg-type]  # each by its own field's type


@pytest.mark.parametrize(
    ("case", "worse", "said"),
    [
        ("large", {}, []),
        ("prepared", {"seconds": 0.61}, ["100,000 rows, prepared: 0.61 s; at most 0.6."]),
        ("fresh", {"seconds": math.nan}, ["100,000 rows, fresh: nan s; at most 0.6."]),
        ("large", {"gap": 51.0}, ["longest gap, large: 51 ms; at most 50."]),
    ],
)
def test_each_budget_of_files_can_be_broken(case: str, worse: dict[str, float], said: list[str]) -> None:
    met = {"prepared": {"seconds": 0.4, "gap": 20.0}, "fresh": {"seconds": 0.55, "gap": 20.0}}
    figures = met | {"large": {"seconds": 5.0, "gap": 20.0}}
    assert web_files.missed(figures | {case: figures[case] | worse}) == said


def test_a_peer_stands_in_the_page() -> None:
    times = {"m2cgen": 120.0, "selfsame": 110.0}
    sizes = {"m2cgen": 46_000, "selfsame": 36_000}
    peer = {"rows": 397, "differ": 145, "bytes": sizes, "this machine": times, SLOW.name: times}
    text = page(replace(MET, peer=peer), 5)
    assert "of 397 | 0 | 145 |" in text
    assert "| first answer, slow 4G, ms | 110 | 120 |" in text


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a browser closes its connections when it likes
def test_a_page_is_visited_over_a_line(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "tiny")
    both = build_site([bundle], tmp_path / "both")
    with patch("deploy.site.page_files", _without_evaluator):
        alone = build_site([bundle], tmp_path / "alone")
    line = Line("a line", 100, 400e6)
    with (
        patch("benchmarks.web_browser.ARGUMENTS", (*ARGUMENTS, QUICK)),
        workshop() as shop,
        shop.chromium() as browser,
    ):
        with shop.host(both, line) as address:
            start = time.perf_counter()
            found = visit(browser, address, line, cached=True)
            assert found["first"] >= 200, "a round trip for the page, one for its modules"
            assert found["confirmed"] >= found["first"] + 300, "worker, library and wasm are slowed, too"
            assert found["confirmed"] <= (time.perf_counter() - start) * 1e3
            assert found["cached"] >= 100, "the page itself is asked for again"
            assert found["again"] > 0
        with shop.host(both, Line("no line")) as address:
            names = [Path(path).name for path in bytes_loaded(browser, address, line)]
            assert names[0] == "" and {"main.js", "evaluate.js", "model.onnx", "golden.jsonl"} < set(names)
            assert min(delays_while_loading(browser, address, line)) >= 0
        with (
            shop.host(alone, Line("no line")) as address,
            browser.new_context(service_workers="block") as context,
            opened(context, address, line, until=(CONFIRMED,)) as one,
        ):
            assert one.locator("#engine").get_attribute("data-state") == "one", "onnxruntime-web answers alone"
