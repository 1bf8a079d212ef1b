"""The page shows a value's interval: the contract's two numbers to the bit, and a band on the training values."""

import re
from collections.abc import Iterator

import pytest
from bundle_factory import EXAMPLE, answer_of, make_bundle
from playwright.sync_api import Page, expect
from web_tools import boxes

from deploy.site import build_site
from deploy.static import serve_folder


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("interval")
    with serve_folder(build_site([make_bundle(folder / "cost", task="interval")], folder / "site")) as address:
        yield address


def test_the_page_draws_the_interval_and_moves_it_with_the_inputs(page: Page, origin: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(origin)
    answer = page.locator("#answer")
    expect(answer).to_have_attribute("data-state", "answered")
    for row in (EXAMPLE, {**EXAMPLE, "income": 4000.0}):
        page.get_by_label("income", exact=True).fill(str(row["income"]))
        low, high = answer_of(row, "interval")["interval"]
        shown = answer.locator("[data-interval]")
        expect(shown).to_have_text(
            re.compile(rf"^Between {low:.3g} and {high:.3g} for 90\s% of such rows: the band\.$")
        )
        told = [float(end) for end in (shown.get_attribute("data-interval") or "").split()]
        assert told == pytest.approx([low, high], rel=1e-12)
        band, track = boxes(page, "#answer .track .band", "#answer .track")
        assert track["x"] - 1 <= band["x"] < band["x"] + band["width"] <= track["x"] + track["width"] + 1
        assert 0.1 < band["width"] / track["width"] < 0.9
        expect(answer).not_to_contain_text("holds the middle")
