"""The page shows a value's interval: the contract's two numbers to the bit, and a band on the training values."""

import re
from pathlib import Path

import pytest
from bundle_factory import EXAMPLE, answer_of, make_bundle
from playwright.sync_api import expect

from deploy.browser import open_chromium, watch
from deploy.site import build_site
from deploy.static import serve_folder


def test_the_page_draws_the_interval_and_moves_it_with_the_inputs(tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "cost", name="cost", task="interval")], tmp_path / "site", compress=False)
    with serve_folder(site) as origin, open_chromium() as browser:
        page = browser.new_page(viewport={"width": 360, "height": 740})
        faults = watch(page, origin)
        page.goto(f"{origin}/?bundle=cost")
        answer = page.locator("#answer")
        expect(answer).to_have_attribute("data-state", "answered", timeout=15_000)
        for row in (EXAMPLE, {**EXAMPLE, "income": 4000.0}):
            page.get_by_label("income", exact=True).fill(str(row["income"]))
            low, high = answer_of(row, "interval")["interval"]
            shown = answer.locator("[data-interval]")
            expect(shown).to_have_text(
                re.compile(rf"^Between {low:.3g} and {high:.3g} for 90\s% of such rows: the band\.$")
            )
            told = [float(end) for end in (shown.get_attribute("data-interval") or "").split()]
            assert told == pytest.approx([low, high], rel=1e-12)
            band, track = (answer.locator(part).bounding_box() for part in (".track .band", ".track"))
            assert band is not None
            assert track is not None
            assert track["x"] - 1 <= band["x"] < band["x"] + band["width"] <= track["x"] + track["width"] + 1
            assert 0.1 < band["width"] / track["width"] < 0.9
            expect(answer).not_to_contain_text("holds the middle")
        assert faults == []
        browser.close()
