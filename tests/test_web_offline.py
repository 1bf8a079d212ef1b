"""The page without a network, and newer versions of it: the built site's service worker, in Chromium."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundle_factory import EXAMPLE, answer_of, folder_in_site, make_bundle, seal
from playwright.sync_api import Browser, Page, expect

from deploy.browser import watch
from deploy.site import build_site
from deploy.static import serve_folder

# Files that the browser took from the caches itself, without asking the service worker.
ROUTED = """() => performance.getEntriesByType("resource")
    .filter(each => each.workerFinalSourceType === "cache").map(each => each.name.split("/").pop())"""

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # a browser closes its connections when it likes


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        page = context.new_page()
        yield page


def visit(page: Page, address: str) -> None:
    """Open a page and wait until it is kept."""
    page.goto(address)
    expect(page.locator("#answer")).to_have_attribute("data-state", "answered")
    expect(page.locator("#offline")).to_have_attribute("data-state", "kept")


def expect_tiny(page: Page, income: float) -> None:
    positive = answer_of({**EXAMPLE, "income": income}, "classification")["probabilities"]["1"]
    expect(page.locator(".headline")).to_have_text(f"{positive * 100:.1f} %")


def kept_names(page: Page) -> list[str]:
    """The addresses of everything in the caches."""
    listing = (
        "Promise.all((await caches.keys()).map(async (n) => (await (await caches.open(n)).keys()).map((r) => r.url)))"
    )
    return [url for urls in page.evaluate(f"async () => {listing}") for url in urls]


def another_version(bundle: Path, version: str) -> None:
    """Seal a bundle with another version in its contract."""
    contract = json.loads((bundle / "contract.json").read_text())
    (bundle / "contract.json").write_text(json.dumps({**contract, "version": version}))
    seal(bundle)


def test_what_was_opened_once_works_without_the_server(page: Page, tmp_path: Path) -> None:
    bundles = [make_bundle(tmp_path / name, name=name) for name in ("tiny", "other", "third")]
    site = build_site(bundles, tmp_path / "site")
    with serve_folder(site) as origin:
        visit(page, f"{origin}/?bundle=tiny")
        expect(page.locator("#offline")).to_have_text(
            "Kept on this device: the page and this model work without a network."
        )
        visit(page, f"{origin}/?bundle=other")
    faults = watch(page, origin)
    for name in ("other", "tiny"):
        page.goto(f"{origin}/?bundle={name}")
        expect(page.get_by_role("heading", level=1)).to_have_text(name.capitalize())
        assert {"main.js", "evaluate.js", "model.onnx", "bundles.json"} <= set(page.evaluate(ROUTED))
        page.get_by_label("income", exact=True).fill("4000")
        expect_tiny(page, 4000.0)
    page.locator("#self-check").click()
    expect(page.locator("#self-check-result")).to_have_attribute("data-state", "holds")
    assert faults == []
    page.goto(f"{origin}/{folder_in_site(site, 'tiny').relative_to(site)}/card.html")
    expect(page.get_by_role("heading", level=1)).to_have_text("tiny")
    page.goto(f"{origin}/?bundle=third")
    expect(page.get_by_role("alert")).to_contain_text("must be there; the server did not answer")


@pytest.mark.usefixtures("no_libraries")
def test_a_newer_site_replaces_an_untouched_page_at_once(page: Page, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "tiny")
    site = build_site([bundle], tmp_path / "site")
    with serve_folder(site) as origin:
        visit(page, origin)
        before = kept_names(page)
        another_version(bundle, "9.9")
        build_site([bundle], site)
        page.goto(origin)
        expect(page.locator("#foot")).to_contain_text("tiny 9.9")
        expect(page.locator("#offline")).to_have_attribute("data-state", "kept")
        assert not {url for url in before if "/bundles/" in url} & set(kept_names(page)), "the old bundle is dropped"
        assert len(kept_names(page)) == len(before)


@pytest.mark.usefixtures("no_libraries")
def test_a_newer_site_waits_where_somebody_works(page: Page, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "tiny")
    site = build_site([bundle], tmp_path / "site")
    with serve_folder(site) as origin:
        visit(page, origin)
        page.reload()
        expect(page.locator("#offline")).to_have_attribute("data-state", "kept")
        page.get_by_label("income", exact=True).click()
        page.get_by_label("income", exact=True).fill("4000")
        another_version(bundle, "9.9")
        build_site([bundle], site)
        page.evaluate("async () => { await (await navigator.serviceWorker.ready).update() }")
        expect(page.locator("#update")).to_contain_text("A newer version of this page is here.")
        expect_tiny(page, 4000.0)
        expect(page.locator("#foot")).not_to_contain_text("9.9")
        page.get_by_role("button", name="Load it").click()
        expect(page.locator("#foot")).to_contain_text("tiny 9.9")


@pytest.mark.usefixtures("no_libraries")
def test_a_file_that_was_altered_on_the_server_is_not_kept(page: Page, tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "tiny")], tmp_path / "site")
    card = folder_in_site(site, "tiny") / "card.html"
    card.write_text(card.read_text() + "<p>one line more</p>")
    with serve_folder(site) as origin:
        page.goto(origin)
        expect(page.locator("#offline")).to_have_attribute("data-state", "failed")
        expect(page.locator("#offline")).to_contain_text("Not kept for use without a network")
        assert not [url for url in kept_names(page) if "/bundles/" in url]


@pytest.mark.usefixtures("no_libraries")
def test_an_altered_module_does_not_run(page: Page, tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "tiny")], tmp_path / "site")
    module = next(site.rglob("evaluate.js"))
    module.write_text(module.read_text() + "globalThis.ran = true;\n")
    with serve_folder(site) as origin:
        faults = watch(page, origin)
        page.goto(origin)
        expect(page.get_by_role("heading", level=1)).to_have_text("Loading…")
        page.wait_for_timeout(300)
        assert page.evaluate("globalThis.ran") is None
        assert [fault for fault in faults if "integrity" in fault]
