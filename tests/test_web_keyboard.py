"""A walk through the page without a pointer and without sight: Tab, arrows, Space, roles, names, what is said."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from bundle_factory import EXAMPLE, answer_of, make_bundle
from playwright.sync_api import Page, ViewportSize, expect
from web_tools import CONTROLS, build_light, make_digits, open_bundle, open_light

from deploy.site import build_site
from deploy.static import serve_folder

WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 740}
SAID = "Probability of default. 0.7 %. Below the threshold: the answer is default = 0."
# What has the focus: its place among the controls, whether it is drawn, and what covers its middle.
FOCUSED = """controls => {
    const focused = document.activeElement;
    const shown = focused.type === "file" ? focused.labels[0] : focused;
    const {outlineStyle, outlineWidth, borderColor} = getComputedStyle(focused);
    const {x, y, width, height} = shown.getBoundingClientRect();
    const above = document.elementFromPoint(x + width / 2, y + Math.min(height, innerHeight - y) / 2);
    return {
        place: [...document.querySelectorAll(controls)].filter((each) => each.checkVisibility()).indexOf(focused),
        drawn: focused !== shown || (outlineStyle === "solid" && parseFloat(outlineWidth) >= 2),
        covered: !shown.contains(above) && !above?.contains(shown),
        name: focused.outerHTML.slice(0, 120),
    };
}"""
REACHED = CONTROLS.replace(":not([type=file])", "").replace(" label.drop,", "")
ROLES = {"button", "checkbox", "combobox", "link", "searchbox", "slider", "switch", "textbox", "DisclosureTriangle"}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("keyboard")
    bundles = [make_bundle(folder / "tiny"), make_digits(folder / "digits")]
    build_light(bundles, folder / "light", endpoints={"tiny": "http://127.0.0.1:9"})
    build_site(bundles, folder / "site")
    with serve_folder(folder) as address:
        yield address


@pytest.fixture
def page(page: Page) -> Page:
    page.set_viewport_size(WIDE)
    return page


def walk(page: Page) -> list[dict[str, Any]]:
    """What has the focus after each press of Tab, from the top to the end of the page."""
    count = page.evaluate(
        "all => [...document.querySelectorAll(all)].filter((each) => each.checkVisibility()).length", REACHED
    )
    steps = []
    for _ in range(count):
        page.keyboard.press("Tab")
        steps.append(page.evaluate(FOCUSED, REACHED))
    return steps


@pytest.mark.parametrize(
    ("name", "size"),
    [("tiny", WIDE), ("digits", NARROW), *(pytest.param(*other, marks=pytest.mark.slow)
                                           for other in (("tiny", NARROW), ("digits", WIDE)))],
)  # fmt: skip
def test_tab_reaches_every_control_in_its_order_seen_and_uncovered(
    page: Page, origin: str, name: str, size: ViewportSize
) -> None:
    page.set_viewport_size(size)
    open_light(page, f"{origin}/light/?bundle={name}")
    for part in ("whatif", "why"):  # they fill when they come near
        page.locator(f"#{part}").scroll_into_view_if_needed()
        expect(page.locator(f"#{part}")).to_have_attribute("data-state", "done")
    page.evaluate("scrollTo(0, 0)")
    steps = walk(page)
    assert [step["place"] for step in steps] == list(range(len(steps)))
    assert [step["name"] for step in steps if not step["drawn"]] == []
    assert [step["name"] for step in steps if step["covered"]] == []


def test_a_control_that_is_skipped_hidden_or_covered_would_be_seen(page: Page, origin: str) -> None:
    open_light(page, f"{origin}/light/?bundle=tiny")
    page.evaluate("""() => {
        const [first, second, third] = document.querySelectorAll("header a");
        first.tabIndex = 1;
        second.style.outline = "none";
        third.insertAdjacentHTML("afterend", "<i></i>");
        Object.assign(third.nextSibling.style, {position: "absolute", inset: "0 0 auto 0", height: "90px"});
    }""")
    steps = walk(page)[:3]
    assert [step["drawn"] for step in steps] == [True, False, True]
    assert all(step["covered"] for step in steps)
    page.evaluate("document.querySelector('header a').tabIndex = -1")
    page.evaluate("document.activeElement.blur()")
    assert [step["place"] for step in walk(page)[:2]] != [0, 1]


def test_the_form_says_role_name_and_value_of_everything(page: Page, origin: str) -> None:
    open_light(page, f"{origin}/light/?bundle=tiny")
    expect(page.get_by_role("form", name="Input")).to_match_aria_snapshot("""
        - form "Input":
          - heading "Inputs" [level=2]
          - button "Back to the example"
          - paragraph: "Change anything: the answer follows at once."
          - text: income
          - button "income is unknown"
          - textbox "income": "50000"
          - slider "income, slider": "117"
          - paragraph: Income before tax · EUR a year · 4000 to 200,000 in training
          - text: age required
          - textbox "age": "40"
          - slider "age, slider": "22"
          - paragraph: years · 18 to 90 in training
          - text: grade
          - button "grade is unknown"
          - combobox "grade":
            - option "B" [selected]
        """)
    expect(page.get_by_role("slider", name="income, slider")).to_have_attribute("aria-valuetext", "50000 EUR a year")
    expect(page.get_by_label("age", exact=True)).to_have_accessible_description("years · 18 to 90 in training")
    page.get_by_label("age", exact=True).fill("151")
    expect(page.get_by_label("age", exact=True)).to_have_accessible_description(
        "years · 18 to 90 in training Must be from 0 to 150, where the original estimator answers; got the number 151. "
        "Send for example 40."
    )


def nodes(page: Page) -> list[dict[str, Any]]:
    """The accessibility tree, without what is ignored."""
    client = page.context.new_cdp_session(page)
    tree: list[dict[str, Any]] = client.send("Accessibility.getFullAXTree")["nodes"]
    return [node for node in tree if not node["ignored"]]


@pytest.mark.parametrize("name", ["tiny", "digits"])
def test_every_control_has_a_name_of_its_own_and_every_part_a_heading(page: Page, origin: str, name: str) -> None:
    open_light(page, f"{origin}/light/?bundle={name}")
    tree = nodes(page)
    controls = [node for node in tree if node["role"]["value"] in ROLES]
    names = [(node["role"]["value"], node["name"]["value"]) for node in controls]
    assert [each for each in names if not each[1].strip()] == []
    links = [each for each in names if each[0] == "link"]
    assert len({each for each in names if each not in links}) == len(names) - len(links)
    assert [node for node in controls if node["role"]["value"] == "slider" and "value" not in node] == []
    kinds = [node["role"]["value"] for node in tree]
    assert kinds.count("main") == kinds.count("banner") == kinds.count("contentinfo") == 1
    levels = [
        next(part["value"]["value"] for part in node["properties"] if part["name"] == "level")
        for node in tree
        if node["role"]["value"] == "heading"
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_answer_is_said_once_the_slider_rests_and_not_at_every_step(page: Page, origin: str) -> None:
    open_light(page, f"{origin}/light/?bundle=tiny")
    expect(page.locator("#said")).not_to_be_empty()
    page.evaluate("""() => {
        window.said = [];
        const live = [...document.querySelectorAll("[role=status], [role=alert], [aria-live], output")];
        for (const each of live)
            new MutationObserver(() => window.said.push(each.textContent))
                .observe(each, {childList: true, characterData: true, subtree: true});
    }""")
    # The steps are made inside the page: between keys from outside a busy machine may rest long enough to be told.
    page.get_by_label("income, slider").evaluate("""slider => {
        for (let step = 1; step <= 30; step++) {
            slider.value = String(Number(slider.min) + ((slider.max - slider.min) * step) / 30);
            slider.dispatchEvent(new Event("input", {bubbles: true}));
        }
    }""")
    expect(page.locator("#said")).to_have_text(SAID)
    share = answer_of({**EXAMPLE, "income": 200_000.0}, "classification")["probabilities"]["1"]
    assert f"{share:.1%}" == "0.7%"
    page.wait_for_timeout(800)
    assert page.evaluate("window.said") == [SAID]
    assert page.locator("#said").get_attribute("role") == "status", "polite: it waits until nothing else is said"


def test_the_whole_way_with_the_keyboard_alone(page: Page, origin: str) -> None:
    """From the gallery's link over an input, a turn that is tried, the proof, and the snippet."""
    open_bundle(page, f"{origin}/site/?bundle=digits")
    page.get_by_role("navigation").get_by_role("link", name="Tiny").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tiny")
    expect(page.locator("#engine")).to_be_visible()
    page.get_by_label("home").press("ArrowDown")
    expect(page.get_by_label("home")).to_have_value("1")
    page.get_by_role("button", name="income is unknown").press("Space")
    expect(page.get_by_role("button", name="income is unknown")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Back to the example").press("Enter")
    expect(page.get_by_label("income", exact=True)).to_have_value("50000")
    page.locator("#whatif").scroll_into_view_if_needed()
    page.locator("#whatif-feature").press("ArrowDown")
    page.get_by_label("age, along the curve").press("End")
    expect(page.get_by_label("age", exact=True)).to_have_value("90")
    expect(page.locator(".decision")).to_have_attribute("data-label", "1")
    expect(page.locator("#whatif")).to_have_attribute("data-state", "done")
    page.get_by_role("button", name="Try it").first.press("Enter")
    expect(page.locator(".decision")).to_have_attribute("data-label", "0")
    page.get_by_text("The curve as a table").press("Enter")
    expect(page.locator("#whatif details")).to_have_attribute("open", "")
    page.locator("#self-check").press("Enter")
    expect(page.locator("#self-check-result")).to_have_attribute("data-state", "holds")
    page.get_by_role("button", name="Python").press("Space")
    expect(page.locator("#snippet")).to_contain_text("import")


def test_a_digit_is_drawn_with_the_keyboard(page: Page, origin: str) -> None:
    open_light(page, f"{origin}/light/?bundle=digits")
    page.get_by_role("button", name="Clear").press("Enter")
    expect(page.locator(".pad polyline")).to_have_count(0)
    pad = page.get_by_role("application", name="Drawing area")
    help_text = (
        "Draw with a finger or the mouse. With the keyboard, arrows move the pen and Space puts it down or lifts it."
    )
    expect(pad).to_have_accessible_description(help_text)
    pad.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".pad polyline")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    for _ in range(14):
        page.keyboard.press("ArrowDown")
    expect(page.locator(".headline")).to_have_text("1")
    said = page.get_by_role("status", name="The pen")
    expect(said).to_have_text("Pen down, 50 % across, 85 % down")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowUp")
    expect(said).to_have_text("Pen up, 50 % across, 80 % down")
    assert len((page.locator(".pad polyline").get_attribute("points") or "").split()) == 15
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator(".pad polyline")).to_have_count(0)
