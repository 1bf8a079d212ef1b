"""What if and why, out of the built site in Chromium: curves, turns of the decision, contributions as the API's."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bundle_factory import EXAMPLE, FEATURES, THRESHOLD, Task, answer_of, make_bundle
from playwright.sync_api import Locator, Page, expect
from web_tools import boxes, build_light

from deploy.static import serve_folder
from lambda_handler.http import Handler, make_handler

TASKS: list[Task] = ["classification", "multiclass", "regression", "scores", "labels", "values", "several"]
EXACT: tuple[Task, ...] = ("regression", "scores", "labels", "values")  # nothing in their graphs rounds differently
BRIEFLY: tuple[Task, ...] = ("classification", "values")  # one rounded, one exact with several answers


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Path]:
    folder = tmp_path_factory.mktemp("whatif")
    return {task: make_bundle(folder / task, name=task, task=task) for task in TASKS}


@pytest.fixture(scope="module")
def origin(bundles: dict[Task, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    wide = make_bundle(folder / "wide", name="wide", extra=20)
    with serve_folder(build_light([*bundles.values(), wide], folder / "site")) as address:
        yield address


def open_part(page: Page, origin: str, name: str, part: str) -> Locator:
    page.goto(f"{origin}/?bundle={name}")
    return done(page, part)


def done(page: Page, part: str, state: str = "done") -> Locator:
    """The part, brought into view, when it has come to an end."""
    section = page.locator(f"#{part}")
    expect(section).to_be_visible()
    section.scroll_into_view_if_needed()
    expect(section).to_have_attribute("data-state", state)
    return section


def explained(handler: Handler, row: dict[str, Any], option: Any = True) -> dict[str, Any]:
    context = {"http": {"method": "POST", "path": "/predict"}}
    body = json.dumps({"rows": [row], "explain": option})
    headers = {"content-type": "application/json"}
    event = {"rawPath": "/predict", "headers": headers, "requestContext": context, "body": body}
    response = handler(event, SimpleNamespace(aws_request_id="request-1"))
    assert response["statusCode"] == 200, response["body"]
    return dict(json.loads(response["body"])["predictions"][0]["explanation"])


def number(locator: Locator, name: str = "data-exact") -> float:
    return float(locator.get_attribute(name) or "nan")


def shown(section: Locator) -> dict[str, Any]:
    """The contributions that the page shows, as the API names them."""
    cells = {feature["name"]: section.locator(f'tr[data-feature="{feature["name"]}"] [data-error]')
             for feature in FEATURES}  # fmt: skip
    return {
        "base": number(section.locator("[data-sum=base] [data-exact]")),
        "contributions": {name: number(cell) for name, cell in cells.items()},
        "errors": {name: number(cell, "data-error") for name, cell in cells.items()},
    }


def told(explanation: dict[str, Any]) -> dict[str, Any]:
    return {key: explanation[key] for key in ("base", "contributions", "errors")}


def flat(explanation: dict[str, Any]) -> list[float]:
    return [explanation["base"], *explanation["contributions"].values(), *explanation["errors"].values()]


@pytest.mark.parametrize(
    "task", [pytest.param(task, marks=() if task in BRIEFLY else pytest.mark.slow) for task in TASKS]
)
def test_the_page_and_the_api_explain_with_the_same_numbers(
    page: Page, origin: str, bundles: dict[Task, Path], task: Task
) -> None:
    handler = make_handler(bundles[task])
    section = open_part(page, origin, task, "why")
    for row in (EXAMPLE, {**EXAMPLE, "age": 77, "home": "rent"}):
        page.get_by_label("age", exact=True).fill(str(row["age"]))
        page.get_by_label("home", exact=True).select_option(row["home"])
        expect(done(page, "why").locator('tr[data-feature="age"] .given')).to_have_text(f"{row['age']} years")
        found, explanation = shown(section), explained(handler, row)
        if "targets" in explanation:
            explanation = next(iter(explanation["targets"].values()))
        assert flat(found) == pytest.approx(flat(told(explanation)), abs=1e-12, rel=0)
        if task in EXACT:
            assert found == told(explanation)
        total = found["base"] + sum(found["contributions"].values())
        assert number(section.locator("[data-sum=answer] [data-exact]")) == pytest.approx(total, abs=1e-11)


def test_other_draws_would_be_seen(page: Page, origin: str, bundles: dict[Task, Path]) -> None:
    found = shown(open_part(page, origin, "classification", "why"))
    other = told(explained(make_handler(bundles["classification"]), EXAMPLE, {"seed": 1}))
    assert flat(found) != pytest.approx(flat(other), abs=1e-6, rel=0)


def test_the_largest_contribution_stands_first_with_its_error(page: Page, origin: str) -> None:
    section = open_part(page, origin, "classification", "why")
    cells = section.locator("tr[data-feature] [data-error]")
    sizes = [abs(number(cell)) for cell in cells.all()]
    assert sizes == sorted(sizes, reverse=True)
    first = cells.first
    expect(first).to_have_text(f"−{100 * sizes[0]:.2f} pp ± {100 * number(first, 'data-error'):.2f}")
    expect(section.locator("[data-sum=base] th")).to_have_text("average of 3 comparison rows")
    expect(section).to_contain_text("What each input adds to the probability that default is 1")


def test_inputs_that_matter_less_fold_away_and_still_add_up(page: Page, origin: str) -> None:
    section = open_part(page, origin, "wide", "why")
    assert section.locator("tr[data-feature]:visible").count() == 10
    expect(section.locator("[data-sum=rest] th")).to_have_text("the other 15 inputs")
    section.get_by_text("The 15 inputs that matter less").click()
    assert section.locator("tr[data-feature]:visible").count() == 25


def test_each_of_several_answers_has_its_own_reasons(page: Page, origin: str, bundles: dict[Task, Path]) -> None:
    section = open_part(page, origin, "values", "why")
    section.get_by_label("Which answer").select_option("days")
    section = done(page, "why")
    expect(section).to_contain_text("What each input adds to days")
    assert shown(section) == told(explained(make_handler(bundles["values"]), EXAMPLE)["targets"]["days"])


def test_a_row_that_the_contract_rejects_has_neither(page: Page, origin: str) -> None:
    open_part(page, origin, "classification", "why")
    page.get_by_label("age", exact=True).fill("forty")
    for part in ("whatif", "why"):
        expect(done(page, part, "failed")).to_contain_text("There is nothing to show for this row: age takes a whole")
    page.get_by_label("age", exact=True).fill("41")
    for part in ("whatif", "why"):
        expect(done(page, part).locator("table").first).to_be_attached()


def test_the_curve_goes_through_the_row_and_its_table_holds_the_models_answers(page: Page, origin: str) -> None:
    section = open_part(page, origin, "classification", "whatif")
    section.locator("summary").click()
    lines = section.locator("tbody tr").all()
    assert len(lines) > 8
    for line in lines:
        income = float(line.locator("th").inner_text().removesuffix(" EUR a year").replace(",", ""))
        expected = answer_of({**EXAMPLE, "income": income}, "classification")["probabilities"]["1"]
        assert number(line.locator("td").first) == pytest.approx(expected, abs=1e-12)
    plot, dot = boxes(page, "#whatif .curve-plot", "#whatif .curve-dot")
    share = (EXAMPLE["income"] - 4000) / (200_000 - 4000)
    assert (dot["x"] + dot["width"] / 2 - plot["x"]) / plot["width"] == pytest.approx(share, abs=0.01)
    summary = "The answer over income: from 0.7 % (at 200,000) to 49.6 % (at 4,000)"
    expect(section.get_by_role("img")).to_have_attribute("aria-label", summary)
    expect(section).to_contain_text("threshold 40.0 %")


def test_the_slider_under_the_curve_moves_the_row(page: Page, origin: str) -> None:
    section = open_part(page, origin, "classification", "whatif")
    section.get_by_label("Input").select_option("age")
    section = done(page, "whatif")
    slider = section.get_by_label("age, along the curve")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("age", exact=True)).to_have_value("41")
    expect(slider).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_label("age", exact=True)).to_have_value("90")
    expected = answer_of({**EXAMPLE, "age": 90}, "classification")["probabilities"]["1"]
    expect(page.locator(".headline")).to_have_text(f"{100 * expected:.1f} %")
    page.get_by_role("button", name="Back to the example").click()
    expect(slider).to_have_value("22")


def test_choices_are_a_table_with_the_row_marked_and_unknown_among_them(page: Page, origin: str) -> None:
    section = open_part(page, origin, "classification", "whatif")
    section.get_by_label("Input").select_option("grade")
    section = done(page, "whatif")
    expect(section.locator("tr.chosen th")).to_have_text("B")
    assert section.locator("tbody th").all_inner_texts() == ["A", "B", "C", "unknown"]
    for line, grade in zip(section.locator("tbody tr").all(), ["A", "B", "C", None], strict=True):
        expected = answer_of({**EXAMPLE, "grade": grade}, "classification")["probabilities"]["1"]
        assert number(line.locator("td").first) == pytest.approx(expected, abs=1e-12)


def test_every_change_that_is_offered_turns_the_decision_and_the_step_before_does_not(page: Page, origin: str) -> None:
    section = open_part(page, origin, "classification", "whatif")
    before = answer_of(EXAMPLE, "classification")["label"]
    offers = {
        line.get_attribute("data-feature"): line.get_attribute("data-value")
        for line in section.locator(".turn-list li").all()
    }
    assert offers.keys() == {"income", "age", "grade", "home"}
    for name, step in (("income", 50), ("age", 1)):
        value = float(offers[name] or "nan")
        toward = step if value < EXAMPLE[name] else -step
        assert answer_of({**EXAMPLE, name: value}, "classification")["label"] != before
        assert answer_of({**EXAMPLE, name: value + toward}, "classification")["label"] == before
    section.get_by_role("button", name=f"Try it age {offers['age']} years").click()
    expect(page.locator(".decision")).to_have_attribute("data-label", str(1 - before))
    expect(page.get_by_label("age", exact=True)).to_have_value(offers["age"] or "")
    assert answer_of({**EXAMPLE, "age": int(offers["age"] or 0)}, "classification")["probabilities"]["1"] >= THRESHOLD


def test_where_nothing_turns_the_decision_it_says_so_and_a_number_has_none(page: Page, origin: str) -> None:
    page.goto(f"{origin}/?bundle=classification")
    row = {"income": "200000", "age": "18"}
    for name, value in row.items():
        page.get_by_label(name, exact=True).fill(value)
    page.get_by_label("grade", exact=True).select_option("A")
    expect(done(page, "whatif")).to_contain_text("None: no single input turns it")
    section = open_part(page, origin, "regression", "whatif")
    assert section.get_by_role("heading", level=3).count() == 0


def test_a_missing_number_has_a_curve_and_no_point_on_it(page: Page, origin: str) -> None:
    section = open_part(page, origin, "classification", "whatif")
    page.get_by_role("button", name="income is unknown").click()
    expect(done(page, "whatif").locator(".curve-dot")).to_be_hidden()
    assert section.locator('li[data-feature="income"]').count() == 0
    page.get_by_role("button", name="income is unknown").click()
    expect(done(page, "whatif").locator(".curve-dot")).to_be_visible()


@pytest.mark.parametrize("name", [pytest.param("several", marks=pytest.mark.slow), "wide"])
def test_nothing_scrolls_sideways_on_a_narrow_screen(page: Page, origin: str, name: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{origin}/?bundle={name}")
    for part in ("whatif", "why"):
        for summary in done(page, part).locator("summary").all():
            summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
