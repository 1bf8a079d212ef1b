"""A row taken along, the other models of a site, the engines' line, paper: out of the built site, in Chromium."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from bundle_factory import EXAMPLE, answer_of, make_bundle, seal
from playwright.sync_api import Page, expect
from web_tools import boxes, build_light

from deploy.static import serve_folder


def make_banded(path: Path) -> Path:
    """A bundle whose answers from 0.3 to 0.5 a person decides, with the training rows' answers counted."""
    bundle = make_bundle(path, name="banded")
    contract = json.loads((bundle / "contract.json").read_text())
    contract["automation"] = {"degree": "partial", "abstain": [0.3, 0.5]}
    (bundle / "contract.json").write_text(json.dumps(contract))
    reference = json.loads((bundle / "reference.json").read_text())
    reference["answers"] |= {"edges": [0.0, 0.25, 0.5, 1.0], "counts": [60, 30, 10]}
    counted = {"missing": 0, "edges": [4000.0, 20000.0, 30000.0, 40000.0, 200000.0], "counts": [30, 30, 30, 5]}
    reference["features"] = {"income": counted}
    (bundle / "reference.json").write_text(json.dumps(reference))
    seal(bundle)
    return bundle


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("share")
    bundles = [make_bundle(folder / "tiny"), make_bundle(folder / "cost", name="cost", task="regression")]
    with serve_folder(build_light([*bundles, make_banded(folder / "banded")], folder / "site")) as address:
        yield address


@pytest.fixture
def page(page: Page) -> Page:
    """The file's page, which may use the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


def open_page(page: Page, address: str) -> Page:
    page.goto(address)
    expect(page.locator("#answer")).to_have_attribute("data-state", "answered")
    expect(page.locator("#share")).to_be_visible()
    return page


def probability(row: dict[str, object]) -> str:
    return f"{answer_of(row, 'classification')['probabilities']['1'] * 100:.1f} %"


def test_a_link_holds_the_row_and_opens_it_elsewhere(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    page.get_by_label("income", exact=True).fill("4000.5")
    page.get_by_role("button", name="grade is unknown").click()
    page.get_by_label("home").select_option("rent")
    page.get_by_role("button", name="Copy a link to this row").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    address, _, fragment = link.partition("#")
    assert address == f"{origin}/?bundle=tiny"
    row = {**EXAMPLE, "income": 4000.5, "grade": None, "home": "rent"}
    assert {name: json.loads(value) for name, (value,) in parse_qs(fragment).items()} == row
    page.get_by_role("button", name="Back to the example").click()
    expect(page.locator(".headline")).to_have_text(probability(EXAMPLE))
    page.reload()
    expect(page.locator(".headline")).to_have_text(probability(row))
    expect(page.get_by_role("button", name="grade is unknown")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#notes")).to_be_hidden()


def test_a_link_that_does_not_fit_is_taken_as_far_as_it_fits(page: Page, origin: str) -> None:
    open_page(page, f'{origin}/?bundle=tiny#age=20&home="boat"&colour=1&married=')
    expect(page.get_by_label("age", exact=True)).to_have_value("20")
    expect(page.get_by_label("home")).to_have_value("0")
    expect(page.locator(".headline")).to_have_text(probability({**EXAMPLE, "age": 20}))
    said = page.get_by_role("status", name="About the link")
    expect(said).to_contain_text("The link names colour, which this model does not have.")
    expect(said).to_contain_text('home takes one of "own", "rent"; got the text "boat"')
    expect(said).to_contain_text("The link's married is not readable; the example's stays.")
    page.evaluate("location.hash = 'age=30'")
    expect(page.get_by_label("age", exact=True)).to_have_value("30")
    expect(said).to_be_hidden()


def test_the_call_is_shown_and_copied_in_each_language(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    page.get_by_label("age", exact=True).fill("77")
    expect(page.get_by_role("button", name="curl", exact=True)).to_have_attribute("aria-pressed", "true")
    for language, begin in (("Python", "import json"), ("JavaScript", "const response"), ("curl", "curl -s")):
        button = page.get_by_role("button", name=language, exact=True)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        shown = page.locator("#snippet").inner_text()
        assert shown.startswith(begin)
        assert f"{origin}/tiny/predict" in shown
        assert '"age": 77' in shown
        page.locator("#copy-snippet").click()
        expect(page.locator("#copy-snippet")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == shown


def test_the_other_models_of_a_site_stand_below_with_what_they_say(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    cards = page.locator("#gallery .card")
    assert cards.locator("a").all_inner_texts() == ["Cost", "Banded"]
    expect(cards.first).to_contain_text("Says how much a loan costs.")
    cards.first.get_by_role("link", name="Cost").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cost")


def test_the_model_card_and_the_certificate_are_linked(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    links = {link.inner_text(): link.get_attribute("href") for link in page.locator("#foot a").all()}
    assert list(links) == ["Model card", "Contract", "Certificate", "ONNX model", "Digests"]
    assert [page.request.get(f"{origin}/{link}").status for link in links.values()] == [200] * 5


def test_a_slider_moves_the_number_and_the_answer_and_follows_what_is_typed(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    slider = page.get_by_role("slider", name="age, slider")
    expect(slider).to_have_value("22")
    slider.press("End")
    expect(page.get_by_label("age", exact=True)).to_have_value("90")
    expect(slider).to_have_attribute("aria-valuetext", "90 years")
    expect(page.locator(".headline")).to_have_text(probability({**EXAMPLE, "age": 90}))
    page.get_by_label("age", exact=True).fill("18")
    expect(slider).to_have_value("0")
    page.get_by_label("age", exact=True).fill("100")
    expect(slider).to_have_value("72")
    expect(page.locator('.field[data-feature="age"] .message')).to_have_text(
        "100 is outside the training range, 18 to 90."
    )
    page.get_by_role("button", name="income is unknown").click()
    income = page.get_by_role("slider", name="income, slider")
    expect(income).to_have_attribute("aria-valuetext", "unknown")
    income.press("End")
    expect(page.get_by_role("button", name="income is unknown")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_label("income", exact=True)).to_have_value("200000")


def test_the_band_where_a_person_decides_is_drawn_and_said(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=banded")
    bar, band = boxes(page, ".bar", ".band")
    assert (band["x"] - bar["x"]) / bar["width"] == pytest.approx(0.3, abs=0.01)
    assert band["width"] / bar["width"] == pytest.approx(0.2, abs=0.01)
    share = answer_of(EXAMPLE, "classification")["probabilities"]["1"]
    assert share < 0.3
    expect(page.locator(".doubt")).to_have_count(0)
    below = (60 * share / 0.25 if share < 0.25 else 60 + 30 * (share - 0.25) / 0.25) / 100
    words = f"{(1 - below) * 100:.1f} % of them are higher" if below < 0.5 else f"{below * 100:.1f} % of them are lower"
    expect(page.locator(".place")).to_have_text(f"Grey: the answers to the training rows; {words}.")
    row = {**EXAMPLE, "grade": None}
    assert 0.3 <= answer_of(row, "classification")["probabilities"]["1"] <= 0.5
    page.get_by_role("button", name="grade is unknown").click()
    expect(page.locator(".doubt")).to_have_text("Between 30.0 % and 50.0 % a person decides.")


def test_paper_shows_the_row_and_its_answer_without_what_needs_a_screen(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    page.locator("#why").scroll_into_view_if_needed()
    expect(page.locator("#why")).to_have_attribute("data-state", "done")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("#why")).to_be_visible()
    page.locator("#why").evaluate("why => (why.dataset.state = 'working')")
    expect(page.locator("#why")).to_be_hidden()  # what is not told yet is no empty box
    for shown in (".headline", ".bar", "#proof", 'input[id="field-0"]'):
        expect(page.locator(shown).first).to_be_visible()
    for gone in ("nav", ".slider", "#share", "#gallery", "#self-check", ".unknown"):
        expect(page.locator(gone).first).to_be_hidden()
    assert page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("body").evaluate("body => getComputedStyle(body).color") == "rgb(0, 0, 0)"
