"""A ranker's page: the path on a map without tiles, stops added by a click or by the keyboard, the next ones ranked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from web_tools import violations

from deploy.browser import watch
from deploy.score import score
from deploy.site import build_site
from deploy.static import serve_folder
from export import export_bundle
from lambda_handler.predictor import Predictor
from train.demo_tourist import SETTINGS, SIMULATED, simulate_visits
from train.histories import histories, places_of, visits_of
from train.rank import candidates

STOPS = 3
FILES = {
    "csv": "who,stop_1,stop_2,stop_3\na,castle,harbour,\nb,nowhere,,\nc,,,\n",
    "jsonl": '{"stop_1": "castle", "stop_2": "harbour", "stop_3": null}\n'
    '{"stop_1": null, "stop_2": null, "stop_3": 7}\n',
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frame, places = simulate_visits(walks=120)
    visits = visits_of(frame, SETTINGS, places_of(places, "place"), "")
    rows = histories(visits.trajectories, STOPS)
    model = candidates(visits)["markov"].fit(rows.X, rows.y)
    about = {"items": visits.items, "notice": SIMULATED}
    path = tmp_path_factory.mktemp("ranking") / "town"
    return export_bundle(model, rows.X, path, about=about, effort="quick")


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


@pytest.fixture
def town(page: Page) -> Page:
    """The page with an empty path."""
    page.get_by_role("button", name="Start over").click()
    expect(page.locator(".route")).to_have_text("No stop yet.")
    return page


def ranked(bundle: Path, *stops: str) -> list[dict[str, Any]]:
    """What the model answers to a path, the oldest stop first."""
    padded = [*reversed(stops), *[None] * STOPS][:STOPS]
    row = {f"stop_{place + 1}": stop for place, stop in enumerate(padded)}
    items: list[dict[str, Any]] = Predictor.load(bundle).predict([row])[0]["items"]
    return items


def shown(page: Page) -> list[str]:
    return [str(line.get_attribute("data-item")) for line in page.locator("#answer .ranked > li").all()]


def test_the_page_says_that_the_town_is_simulated(page: Page) -> None:
    expect(page.locator("#intro")).to_contain_text(SIMULATED)


def test_a_click_on_the_map_adds_a_stop_and_another_takes_it_back(town: Page, bundle: Path) -> None:
    castle = town.locator("[data-item=castle] .map-reach")
    castle.click()
    expect(town.locator(".route")).to_have_text("So far: Lind Castle.")
    assert shown(town) == [item["id"] for item in ranked(bundle, "castle")]
    expect(town.locator(".map-place[data-item=castle]")).to_have_attribute("data-state", "here")
    castle.click()
    expect(town.locator(".route")).to_have_text("No stop yet.")


def test_the_keyboard_walks_along_the_best_stops(town: Page, bundle: Path) -> None:
    path: list[str] = []
    town.get_by_role("group", name="Go to a next stop").get_by_role("button").first.focus()
    for _ in range(STOPS):
        path.append(ranked(bundle, *path)[0]["id"])
        town.keyboard.press("Enter")
        expect(town.locator(f".map-place[data-item={path[-1]}]")).to_have_attribute("data-state", "here")
    assert shown(town) == [item["id"] for item in ranked(bundle, *path)]
    points = town.locator(".map-path").get_attribute("points")
    assert points is not None and len(points.split()) == STOPS
    assert [town.locator(f"#field-{place} option:checked").inner_text() for place in range(STOPS)] == path[::-1]
    town.get_by_role("button", name="Take back the last stop").click()
    expect(town.locator(f".map-place[data-item={path[-2]}]")).to_have_attribute("data-state", "here")


def test_the_next_stops_are_numbered_on_the_map_as_they_are_ranked(town: Page, bundle: Path) -> None:
    town.locator("[data-item=market] .map-reach").click()
    expect(town.locator(".map-place[data-item=market]")).to_have_attribute("data-state", "here")
    best, names = ranked(bundle, "market")[:5], []
    for number, item in enumerate(best):
        place = town.locator(f".map-place[data-item={item['id']}]")
        expect(place.locator(".map-number")).to_have_text(str(number + 1))
        names.append(str(place.locator("title").text_content()))
    assert town.locator(".map-place[data-state=next]").count() == 5
    expect(town.locator(".map")).to_have_attribute("aria-label", f"A map of 20 places; next: {', '.join(names)}")


def test_the_scores_are_those_of_the_model_to_the_last_bit(town: Page, bundle: Path) -> None:
    town.locator("[data-item=beach] .map-reach").click()
    expect(town.locator(".map-place[data-item=beach]")).to_have_attribute("data-state", "here")
    scores = [float(str(each.get_attribute("data-exact"))) for each in town.locator("#answer .class-share").all()]
    assert scores == [item["score"] for item in ranked(bundle, "beach")]


def test_the_selects_below_do_the_same(town: Page) -> None:
    town.locator("#field-0").select_option(label="tower")
    expect(town.locator(".route")).to_have_text("So far: Signal Tower.")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_file_is_ranked_as_the_command_ranks_it(town: Page, bundle: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / f"in.{kind}").write_text(FILES[kind])
    score(bundle, tmp_path / f"in.{kind}", tmp_path / f"out.{kind}")
    town.locator("#file").set_input_files(tmp_path / f"in.{kind}")
    expect(town.locator("#file-download")).to_contain_text(f"in-scored.{kind}")
    expect(town.locator("#file-state")).to_have_attribute("data-state", "done")
    with town.expect_download() as started:
        town.locator("#file-download").click()
    assert Path(started.value.path()).read_bytes() == (tmp_path / f"out.{kind}").read_bytes()


def test_nothing_stands_in_the_way_of_those_who_cannot_see_it(town: Page) -> None:
    assert violations(town) == []
