"""The page's switch for sending answers: nothing before consent, after it exactly what the contract lets out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundle_factory import EXAMPLE, make_bundle, seal
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from stack_tools import source
from starlette.middleware.cors import CORSMiddleware
from web_tools import build_light, open_light

from deploy.serve import app, background_server
from deploy.static import serve_folder
from lambda_handler.predictor import Predictor

LOGGABLE = ("age", "grade")
CANARY = {"income": "8172634.5", "grade": "canary-5f1c"}
METHODS, HEADERS = ["GET", "POST"], ["content-type", "content-encoding"]  # those of template.yaml's URL


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_bundle(tmp_path_factory.mktemp("telemetry") / "tiny")
    contract = json.loads((path / "contract.json").read_text())
    for feature in contract["features"]:
        feature["loggable"] = feature["name"] in LOGGABLE
    contract["capture"] = {"share": 1.0}
    (path / "contract.json").write_text(json.dumps(contract))
    seal(path)
    return path


@pytest.fixture(scope="module")
def origin(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site, beside an API that lets in what a Function URL of the stack does."""
    folder = tmp_path_factory.mktemp("served")
    application = app([bundle], folder)
    application.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=METHODS, allow_headers=HEADERS)
    with background_server(application) as url:
        site = build_light([bundle], folder / "site", endpoints={"tiny": url})
        with serve_folder(site) as address:
            yield address


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(service_workers="block") as opened:
        yield opened


def test_the_api_here_lets_in_what_the_stack_does() -> None:
    cors = source()["Resources"]["SelfsameFunction"]["Properties"]["FunctionUrlConfig"]["Cors"]["Fn::If"][1]
    assert (cors["AllowMethods"], cors["AllowHeaders"]) == (METHODS, HEADERS)
    assert "AllowCredentials" not in cors, "the page sends no cookies"


def open_page(context: BrowserContext, origin: str) -> tuple[Page, list[Request]]:
    """The page, and the requests to any other origin from now on."""
    page = context.new_page()
    foreign: list[Request] = []
    page.on("request", lambda sent: None if sent.url.startswith(f"{origin}/") else foreign.append(sent))
    page.goto(origin)
    expect(page.locator("#telemetry")).to_be_visible()
    return page, foreign


def enter(page: Page, age: int) -> None:
    """Enter a row that holds values that must not leave, and let it rest."""
    page.get_by_label("income", exact=True).fill(CANARY["income"])
    page.get_by_label("grade", exact=True).select_option("another value…")
    page.get_by_label("grade, another value").fill(CANARY["grade"])
    page.get_by_label("age", exact=True).fill(str(age))
    page.clock.run_for(1500)


def record_of(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    lines = capsys.readouterr().out.splitlines()
    return [record for record in map(json.loads, lines) if record.get("selfsame") == "capture"]


def test_nothing_is_sent_before_consent_and_the_allowed_values_alone_after_it(
    context: BrowserContext, origin: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context.clock.install()
    page, foreign = open_page(context, origin)
    switch = page.get_by_role("switch", name="Send answers of this page to 127.0.0.1")
    expect(switch).not_to_be_checked()
    words = page.locator("#telemetry-words")
    expect(words).to_contain_text("Of the values that you enter age, grade are sent; the other 3 never.")
    enter(page, 41)
    page.clock.run_for(30_000)
    assert foreign == []
    switch.check()
    page.clock.run_for(30_000)
    assert foreign == [], "what was answered before the consent is not sent either"
    enter(page, 42)
    expect(page.locator("#telemetry-said")).to_contain_text("Waiting to be sent: 1.")
    with page.expect_response("**/capture") as answered:
        page.clock.run_for(10_000)
    assert answered.value.status == 200
    expect(page.locator("#telemetry-said")).to_have_text("On. Sent on this visit: 1 answer.")
    [sent] = [request for request in foreign if request.method == "POST"]
    row = {**EXAMPLE, "income": float(CANARY["income"]), "grade": CANARY["grade"], "age": 42}
    [answer] = Predictor.load(bundle).predict([row])
    entry = {"row": {"age": 42, "grade": CANARY["grade"]}, "answer": {k: answer[k] for k in ("label", "probabilities")}}
    body = json.loads(sent.post_data or "")
    probabilities = body["captures"][0]["answer"].pop("probabilities")
    assert probabilities == pytest.approx(entry["answer"].pop("probabilities"), rel=1e-12)
    sha256 = json.loads((bundle / "contract.json").read_text())["model_sha256"]
    assert body == {"model": sha256, "captures": [entry]}
    assert CANARY["income"] not in (sent.post_data or "")
    assert {"cookie", "referer"} & sent.all_headers().keys() == set()
    [record] = record_of(capsys)
    assert record["source"] == "page"
    assert record["predictions"][0]["row"] == entry["row"]


def test_consent_is_remembered_here_and_taken_back(context: BrowserContext, origin: str) -> None:
    page, _ = open_page(context, origin)
    page.locator("#telemetry-on").check()
    page.reload()
    expect(page.locator("#telemetry-on")).to_be_checked()
    page.locator("#telemetry-on").uncheck()
    page.reload()
    expect(page.locator("#telemetry-on")).not_to_be_checked()


def test_what_waits_is_sent_when_the_page_is_closed(
    context: BrowserContext, origin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    context.clock.install()
    page, foreign = open_page(context, origin)
    page.locator("#telemetry-on").check()
    enter(page, 43)
    expect(page.locator("#telemetry-said")).to_contain_text("Waiting to be sent: 1.")
    assert foreign == []
    page.goto("about:blank")
    found: list[Any] = []
    for _ in range(600):
        page.wait_for_timeout(50)
        found += record_of(capsys)
        if found:
            break
    assert [each["row"]["age"] for each in found[0]["predictions"]] == [43]


def test_an_endpoint_that_takes_nothing_is_told_and_disturbs_nothing(context: BrowserContext, origin: str) -> None:
    context.clock.install()
    page, _ = open_page(context, origin)
    page.route("**/capture", lambda route: route.fulfill(status=404, headers={"access-control-allow-origin": "*"}))
    page.locator("#telemetry-on").check()
    enter(page, 44)
    expect(page.locator("#telemetry-said")).to_contain_text("Waiting to be sent: 1.")
    page.clock.run_for(10_000)
    expect(page.locator("#telemetry-said")).to_contain_text("answered 404.")
    expect(page.locator("#answer")).to_have_attribute("data-state", "answered")


def test_without_capture_or_an_endpoint_there_is_no_switch(browser: Browser, bundle: Path, tmp_path: Path) -> None:
    off = make_bundle(tmp_path / "off", name="off")
    site = build_light([bundle, off], tmp_path / "site", endpoints={"off": "http://127.0.0.1:9"})
    with serve_folder(site) as address, browser.new_context(service_workers="block") as context:
        page = context.new_page()
        for name in ("tiny", "off"):
            open_light(page, f"{address}/?bundle={name}")
            expect(page.locator("#telemetry")).to_be_hidden()
