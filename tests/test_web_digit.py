"""A model that reads 64 pixels gets a pad to draw on: with a pen, with buttons, out of the built site in Chromium."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from web_tools import PIXELS, make_digits

from deploy.browser import watch
from deploy.site import build_site
from deploy.static import serve_folder
from lambda_handler.predictor import Predictor


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_digits(tmp_path_factory.mktemp("digit") / "digits")


@pytest.fixture(scope="module")
def page(browser: Browser, bundle: Path) -> Iterator[Page]:
    """One page for all tests of this file; a console error or a foreign request fails the last."""
    with serve_folder(build_site([bundle], bundle.parent / "site")) as address:
        page = browser.new_page(viewport={"width": 1000, "height": 900}, service_workers="block")
        faults = watch(page, address)
        page.goto(address)
        expect(page.locator("#share")).to_be_visible()
        yield page
        page.close()
        assert faults == []


def test_a_digit_is_drawn_at_first_and_the_answer_is_that_digit(page: Page) -> None:
    expect(page.get_by_role("heading", name="Draw a digit")).to_be_visible()
    expect(page.locator(".headline")).to_have_text("3")
    assert page.locator(".pad polyline").count() == 1
    assert page.locator(".grid rect").count() == 64
    expect(page.locator("#form")).to_be_hidden()


@pytest.mark.parametrize("digit", range(10))
def test_each_digit_is_drawn_by_a_button_and_recognised(page: Page, digit: int) -> None:
    page.get_by_role("button", name=f"Draw a {digit} for me").click()
    expect(page.locator(".headline")).to_have_text(str(digit))


def test_a_pen_draws_and_the_answer_follows_before_it_is_lifted(page: Page, bundle: Path) -> None:
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".pad polyline")).to_have_count(0)
    page.locator(".pad").scroll_into_view_if_needed()
    box = page.locator(".pad").bounding_box()
    assert box is not None
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in [(0.2, 0.2), (0.8, 0.2), (0.4, 0.9)]]
    page.mouse.move(*at[0])
    page.mouse.down()
    for point in at[1:]:
        page.mouse.move(*point, steps=8)
    expect(page.locator(".headline")).to_have_text("7")
    page.mouse.up()
    page.mouse.move(*at[0])
    expect(page.locator(".pad polyline")).to_have_count(1)
    shown = [float(rect.get_attribute("fill-opacity") or "nan") * 16 for rect in page.locator(".grid rect").all()]
    assert np.count_nonzero(shown) > 12
    (answer,) = Predictor.load(bundle).predict([dict(zip(PIXELS, shown, strict=True))])
    assert answer["label"] == 7
    exact = [float(each.get_attribute("data-exact") or "nan") for each in page.locator(".class-share").all()]
    assert exact == pytest.approx(list(answer["probabilities"].values()), abs=1e-12)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".pad polyline")).to_have_count(0)


def test_the_numbers_are_shown_on_request_and_follow_the_pen(page: Page) -> None:
    button = page.get_by_role("button", name="Show the 64 numbers")
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    page.get_by_role("button", name="Draw a 1 for me").click()
    page.get_by_label("pixel_4_4", exact=True).fill("0")
    expect(page.locator(".grid rect").nth(36)).to_have_attribute("fill-opacity", "0")
    page.get_by_role("button", name="Draw a 1 for me").click()
    assert float(page.get_by_label("pixel_4_4", exact=True).input_value()) > 8
    button.click()
    expect(page.locator("#form")).to_be_hidden()


def test_a_shared_drawing_is_shown_as_the_model_sees_it(page: Page) -> None:
    page.get_by_role("button", name="Draw a 8 for me").click()
    expect(page.locator(".headline")).to_have_text("8")
    page.locator("#copy-link").click()
    page.reload()
    expect(page.locator(".headline")).to_have_text("8")
    assert page.locator(".pad polyline").count() == 0


def test_the_pad_fits_a_narrow_screen_and_keeps_it_still_under_a_finger(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator(".pad").evaluate("pad => getComputedStyle(pad).touchAction") == "none"
