"""What the page does where this browser or the endpoint fails: sentences, and one side in the other's place."""

import re
import shutil
from collections.abc import Iterator

import pytest
from bundle_factory import EXAMPLE, answer_of, make_bundle
from odd_bundle import make_odd_bundle
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from starlette.middleware.cors import CORSMiddleware

from deploy.browser import ARGUMENTS, NAMES
from deploy.serve import app, background_server
from deploy.site import build_site
from deploy.static import serve_folder

NO_WASM = "delete globalThis.WebAssembly"
TOO_SMALL = "--js-flags=--wasm-max-mem-pages=64"  # 4 MiB: less than onnxruntime-web begins with
POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; connect-src *"  # no 'wasm-unsafe-eval'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The site of `odd`, which the evaluator refuses, and of `tiny`; and the address of the API of both."""
    folder = tmp_path_factory.mktemp("instead")
    bundles = [make_bundle(folder / "tiny"), make_odd_bundle(folder / "odd")]
    application = app(bundles, folder)
    application.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    with background_server(application) as url:
        endpoints = {name: f"{url}/{name}" for name in ("tiny", "odd")}
        with serve_folder(build_site(bundles, folder / "site", endpoints=endpoints)) as origin:
            yield origin, url


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(service_workers="block") as opened:
        yield opened


def sent_by(page: Page, url: str) -> list[str]:
    """The bodies that go to the endpoint from now on."""
    bodies: list[str] = []
    page.on("request", lambda sent: bodies.append(sent.post_data or "") if sent.url.startswith(url) else None)
    return bodies


def test_without_an_engine_the_endpoint_answers_once_the_visitor_agrees(
    context: BrowserContext, served: tuple[str, str]
) -> None:
    origin, url = served
    context.add_init_script(NO_WASM)
    page = context.new_page()
    bodies = sent_by(page, url)
    page.goto(f"{origin}/?bundle=odd")
    answer = page.locator("#answer")
    expect(answer).to_have_attribute("data-state", "asking")
    expect(answer).to_contain_text("This browser failed: the model runs in WebAssembly, and it could not be started")
    expect(answer).to_contain_text("can answer instead. Then the values in the form leave this device")
    page.get_by_label("age", exact=True).fill("41")
    expect(page.locator("#proof")).to_be_visible()
    for part in ("whatif", "why", "files", "beside", "telemetry", "failure"):
        expect(page.locator(f"#{part}")).to_be_hidden()
    assert bodies == [], "nothing leaves before the visitor agrees"
    page.get_by_role("button", name="Send them and answer").click()
    expect(answer).to_have_attribute("data-state", "answered")
    expect(answer.locator(".took")).to_have_text(re.compile(r"^Answered by 127\.0\.0\.1:\d+ in .* left this device\.$"))
    assert '"age": 41' in bodies[-1]
    page.get_by_label("age", exact=True).fill("forty")
    expect(answer).to_have_attribute("data-state", "rejected")
    expect(page.locator('.field[data-feature="age"] .message')).to_contain_text("Takes a whole 64-bit number")
    page.route(f"{url}/**", lambda route: route.abort())
    page.get_by_label("age", exact=True).fill("42")
    expect(answer).to_contain_text("failed, too: it cannot be reached")
    page.unroute(f"{url}/**")
    page.get_by_label("age", exact=True).fill("43")
    expect(answer).to_have_attribute("data-state", "answered")
    page.locator("#self-check").click()
    expect(page.locator("#self-check-result")).to_contain_text("onnxruntime-web: the model runs in WebAssembly")


def test_a_row_goes_to_both_while_the_switch_is_on(context: BrowserContext, served: tuple[str, str]) -> None:
    origin, url = served
    page = context.new_page()
    bodies = sent_by(page, url)
    page.goto(f"{origin}/?bundle=tiny")
    switch = page.get_by_role("switch", name=re.compile("^Ask .* for this row, too$"))
    expect(switch).not_to_be_checked()
    expect(page.locator("#beside-words")).to_contain_text("Off: nothing that you enter leaves this browser.")
    page.get_by_label("age", exact=True).fill("39")
    page.wait_for_timeout(600)
    assert bodies == []
    switch.check()
    result = page.locator("#beside-result")
    expect(result).to_have_attribute("data-state", "holds")
    expect(result).to_contain_text("The same bits in both.")
    number = repr(answer_of({**EXAMPLE, "age": 39}, "classification")["probabilities"]["1"])
    assert result.locator("td").nth(0).inner_text().startswith(f"0 · {number[:12]}")
    assert result.locator("td").nth(0).inner_text() == result.locator("td").nth(2).inner_text()
    page.route(f"{url}/**", lambda route: route.abort())
    page.get_by_label("age", exact=True).fill("38")
    expect(result).to_contain_text("failed: it cannot be reached, or does not let this page's origin in. "
                                   "The answer of this browser stands.")  # fmt: skip
    expect(result).to_have_attribute("data-state", "failed")
    expect(page.locator("#answer")).to_have_attribute("data-state", "answered")
    count = len(bodies)
    switch.uncheck()
    page.get_by_label("age", exact=True).fill("37")
    page.wait_for_timeout(600)
    assert (len(bodies), result.inner_text()) == (count, "")


def test_an_endpoint_that_answers_otherwise_is_told(context: BrowserContext, served: tuple[str, str]) -> None:
    origin, url = served
    page = context.new_page()

    def falsify(route: Route) -> None:
        response = route.fetch()
        text = re.sub(r'"label":0', '"label":1', response.text())
        route.fulfill(response=response, body=text)

    page.route(f"{url}/**/predict", falsify)
    page.goto(f"{origin}/?bundle=tiny")
    page.locator("#beside-on").check()
    expect(page.locator("#beside-result")).to_contain_text("with ANOTHER LABEL.")
    expect(page.locator("#beside-result")).to_have_attribute("data-state", "failed")


def alert(page: Page, address: str) -> str:
    page.goto(address)
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#answer")).to_be_hidden()
    return page.get_by_role("alert").inner_text()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site without an endpoint, of a model that the evaluator refuses."""
    folder = tmp_path_factory.mktemp("alone")
    with serve_folder(build_site([make_odd_bundle(folder / "odd")], folder / "site")) as origin:
        yield origin


def test_too_little_memory_is_said(browser: Browser, alone: str) -> None:
    """In a Chromium whose WebAssembly really may have no more."""
    found = next(filter(None, map(shutil.which, NAMES)))
    with browser.browser_type.launch(executable_path=found, args=[*ARGUMENTS, TOO_SMALL]) as small:
        said = alert(small.new_page(service_workers="block"), alone)
    assert said.startswith("this browser has not enough memory left for the model (")
    assert said.endswith("Close other tabs, or use a device with more memory.")


def test_a_policy_that_forbids_webassembly_is_said(context: BrowserContext, alone: str) -> None:
    page = context.new_page()

    def forbid(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, headers={**response.headers, "content-security-policy": POLICY})

    page.route(re.compile(r"/$|\.js$"), forbid)
    said = alert(page, alone)
    assert said.startswith("the model runs in WebAssembly, and it could not be started here (")
    assert "Content Security Policy" in said


def test_no_webassembly_is_said(context: BrowserContext, alone: str) -> None:
    context.add_init_script(NO_WASM)
    said = alert(context.new_page(), alone)
    assert "could not be started here (WebAssembly is not there). Use a current browser" in said
