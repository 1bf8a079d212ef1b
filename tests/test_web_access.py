"""Nobody is left out: axe-core, widths, larger text and fingers, on the built site with everything unfolded."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundle_factory import folder_in_site, make_bundle, seal
from playwright.sync_api import Browser, Page, expect
from web_tools import build_light, make_digits, open_bundle, open_light, sticking_out, too_small, unfold, violations

from deploy.site import build_site
from deploy.static import serve_folder
from export.card import render_card
from lambda_handler.bundle import read_bundle

FORMS: dict[str, dict[str, Any]] = {
    "tiny": {}, "classes": {"task": "multiclass"}, "cost": {"task": "regression"}, "several": {"task": "several"},
    "wide": {"extra": 75},
}  # fmt: skip
SPOKEN_FOR = ("classes", "cost", "several")  # by the others, in a run that is not exhaustive
CASES = [pytest.param(name, marks=pytest.mark.slow if name in SPOKEN_FOR else ()) for name in (*FORMS, "digits")]
COLOURS = "color-contrast"  # all that another colour scheme changes
WIDTHS = (360, 768, 1440, 2560)
SHIFTS = """window.shifted = 0;
new PerformanceObserver((list) => { for (const each of list.getEntries()) window.shifted += each.value; })
    .observe({type: "layout-shift", buffered: true});"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All forms of answers in one site, the first with an endpoint that is away and with a model card as exported."""
    folder = tmp_path_factory.mktemp("access")
    bundles = [make_bundle(folder / name, name=name, **form) for name, form in FORMS.items()]
    bundles.append(make_digits(folder / "digits"))
    contract, parity = (json.loads((bundles[0] / name).read_text()) for name in ("contract.json", "parity.json"))
    parity["strata"][0]["worst_row"] = {"income": 50000.0, "grade": None}
    facts = contract | {"carries_training_rows": False}
    card = render_card(facts, parity, {"average_precision": 0.61}, 100, 4096)
    (bundles[0] / "card.html").write_text(card, encoding="utf-8")
    seal(bundles[0])
    build_light(bundles[:1], folder / "light", endpoints={"tiny": "http://127.0.0.1:9"})
    return build_site(bundles, folder / "site", endpoints={"tiny": "http://127.0.0.1:9"})


@pytest.fixture(scope="module")
def origin(site: Path) -> Iterator[str]:
    with serve_folder(site.parent) as address:
        yield address


def write_file(site: Path, case: str, path: Path) -> Path:
    """A file for that model: two rows as its example, and one without an answer."""
    contract = read_bundle(folder_in_site(site, case)).contract.document
    example = {feature["name"]: feature["example"] for feature in contract["features"]}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, example)
        writer.writeheader()
        writer.writerows([example, example, dict.fromkeys(example, "?")])
    return path


@pytest.fixture(scope="module", params=CASES)
def page(
    browser: Browser, site: Path, origin: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """A page of each case with everything unfolded; the tests of a case share it."""
    page = browser.new_page(service_workers="block", has_touch=True)
    open_bundle(page, f"{origin}/site/?bundle={request.param}")
    unfold(page, write_file(site, request.param, tmp_path_factory.mktemp("rows") / "rows.csv"))
    yield page
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, scheme: Any) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme=scheme)
    assert violations(page, COLOURS if scheme == "dark" else None) == []


def test_nothing_scrolls_sideways_and_fingers_hit(page: Page) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert sticking_out(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert too_small(page) == []


def test_text_may_be_larger(page: Page) -> None:
    for width, size in ((360, 130), (768, 200), (1440, 200)):
        page.evaluate(f"document.documentElement.style.fontSize = '{size}%'")
        page.set_viewport_size({"width": width, "height": 900})
        assert sticking_out(page) == []
    page.evaluate("document.documentElement.style.fontSize = ''")


@pytest.fixture
def bare(tab: tuple[Page, list[str]], origin: str) -> Page:
    """A page as it stands after its first answer."""
    page, _ = tab
    page.set_viewport_size({"width": 360, "height": 740})
    open_light(page, f"{origin}/light/")
    return page


def test_what_is_wrong_would_be_seen(bare: Page) -> None:
    assert violations(bare) == sticking_out(bare) == too_small(bare) == []
    bare.evaluate("""() => {
        const words = document.createElement("p");
        words.style.cssText = "color: #999; background: #aaa; width: 900px";
        words.append("pale", document.createElement("input"));
        document.querySelector("main").append(words);
        words.querySelector("input").style.cssText = "height: 43px; min-height: 0";
    }""")
    found = "".join(violations(bare))
    assert "color-contrast: " in found
    assert all(each.startswith("color-contrast: ") for each in violations(bare, COLOURS))
    assert violations(bare, COLOURS) != []
    assert "label: " in found
    assert sticking_out(bare)[0].endswith("> 360")
    assert len(too_small(bare)) == 1


def test_axe_finds_nothing_where_inputs_are_odd_or_wrong(bare: Page, tmp_path: Path) -> None:
    bare.get_by_label("grade", exact=True).select_option("another value…")
    bare.get_by_label("grade, another value").fill("Z")
    bare.get_by_label("income", exact=True).fill("1e9")
    expect(bare.locator('[data-tone="warning"]')).to_have_count(2)
    assert violations(bare) == []
    bare.get_by_label("age", exact=True).fill("forty")
    expect(bare.locator("#answer")).to_have_attribute("data-state", "rejected")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    bare.locator("#file").set_input_files(tmp_path / "other.csv")
    expect(bare.locator("#file-state")).to_have_attribute("data-state", "failed")
    bare.evaluate("location.hash = '#no=such'")
    expect(bare.locator("#notes")).to_be_visible()
    assert violations(bare) == sticking_out(bare) == []
    bare.emulate_media(color_scheme="dark")
    assert violations(bare, COLOURS) == []


def test_axe_finds_nothing_on_a_page_that_has_no_model(browser: Browser, origin: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(f"{origin}/site/?bundle=a-name-that-no-bundle-of-this-site-has-and-that-is-long")
    expect(page.get_by_role("alert")).to_be_visible()
    assert violations(page) == sticking_out(page) == []
    page.close()


def test_axe_finds_nothing_on_a_model_card(browser: Browser, site: Path, origin: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(f"{origin}/{folder_in_site(site, 'tiny').relative_to(site.parent)}/card.html")
    expect(page.get_by_role("heading", level=1)).to_have_text("tiny")
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, COLOURS) == []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert sticking_out(page) == []
    page.close()


@pytest.mark.parametrize(
    ("case", "width"),
    [("tiny", 360), ("digits", 1440), *(pytest.param(*other, marks=pytest.mark.slow)
                                        for other in (("tiny", 1440), ("digits", 360)))],
)  # fmt: skip
def test_nothing_moves_while_the_page_loads(browser: Browser, origin: str, case: str, width: int) -> None:
    page = browser.new_page(service_workers="block", viewport={"width": width, "height": 800})
    page.add_init_script(SHIFTS)
    open_bundle(page, f"{origin}/site/?bundle={case}")
    page.wait_for_timeout(100)
    assert page.evaluate("window.shifted") < 0.01
    page.evaluate("document.querySelector('main').style.paddingTop = '90px'")
    for _ in range(500):  # until it is drawn
        if page.evaluate("window.shifted") > 0.01:
            break
        page.wait_for_timeout(20)
    assert page.evaluate("window.shifted") > 0.01
    page.close()
