"""The page beside an endpoint: the golden rows through both, and what is said when one fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bundle_factory import make_bundle
from playwright.sync_api import Browser, Page, expect
from starlette.middleware.cors import CORSMiddleware

from deploy.serve import app, background_server
from deploy.site import build_site
from deploy.static import serve_folder


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One page for all tests of this file."""
    with browser.new_context(service_workers="block") as context:
        yield context.new_page()


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of the bundle `tiny`, which lets every origin in, as the stack's `AllowOrigin` does one."""
    folder = tmp_path_factory.mktemp("api")
    application = app([make_bundle(folder / "tiny")], folder)
    application.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    with background_server(application) as url:
        yield url


def side_by_side(page: Page, origin: str) -> str:
    """What the proof says after the endpoint was asked."""
    page.goto(origin)
    page.locator("#side-by-side").click()
    result = page.locator("#side-by-side-result")
    expect(result.locator("table")).to_be_visible()
    return result.inner_text()


def test_both_answer_the_golden_rows_alike(page: Page, endpoint: str, tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "tiny")], tmp_path / "site", endpoints={"tiny": endpoint})
    with serve_folder(site) as origin:
        said = side_by_side(page, origin)
        assert "of 12 rows are the same bit for bit. Labels that differ: 0." in said
        assert said.count("ms for one row, the median of five.") == 2
        assert page.locator("#side-by-side-result tbody tr").count() == 8
        expect(page.locator("#side-by-side-result")).to_have_attribute("data-state", "holds")
        expect(page.locator("#snippet")).to_contain_text(f"'{endpoint}/predict'")


def test_an_endpoint_with_another_model_is_told(page: Page, endpoint: str, tmp_path: Path) -> None:
    other = make_bundle(tmp_path / "cost", name="cost", task="multiclass")
    with serve_folder(build_site([other], tmp_path / "site", endpoints={"cost": endpoint})) as origin:
        said = side_by_side(page, origin)
        assert "The endpoint failed: the endpoint serves another model: SHA-256 " in said
        assert "The answers below are those of this browser alone." in said
        expect(page.locator("#side-by-side-result")).to_have_attribute("data-state", "failed")


def test_an_endpoint_that_is_away_leaves_the_page_its_answers(page: Page, tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "tiny")], tmp_path / "site", endpoints={"tiny": "http://127.0.0.1:9"})
    with serve_folder(site) as origin:
        said = side_by_side(page, origin)
        assert "The endpoint failed: it cannot be reached, or does not let this page's origin in." in said
        assert "This browser: " in said


def test_without_an_endpoint_there_is_no_such_button(page: Page, tmp_path: Path) -> None:
    with serve_folder(build_site([make_bundle(tmp_path / "tiny")], tmp_path / "site")) as origin:
        page.goto(origin)
        expect(page.locator("#self-check")).to_be_visible()
        assert page.locator("#side-by-side").count() == 0
