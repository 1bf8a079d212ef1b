"""What the test files share by name."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from deploy.browser import open_chromium, watch
from deploy.site import LIBRARIES

# As in replay-node.mjs: compiling onnxruntime-web's functions anew is half of the work of a visit that ends soon.
QUICK = "--js-flags=--wasm-tiering-budget=30000000"
PATIENCE = 60_000  # milliseconds; a busy machine takes its time
SIZE: ViewportSize = {"width": 1280, "height": 720}
OPEN = ExitStack()
CHROMIUM: list[Browser] = []  # the one that is open
ASKING = set()  # the files whose tests ask for it

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """See which files ask for Chromium."""
    ASKING.update(item.path for item in items if "browser" in getattr(item, "fixturenames", ()))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Close Chromium before a file that does not ask for it: this thread has one event loop."""
    if item.path not in ASKING:
        close_chromium()


def pytest_sessionfinish() -> None:
    """Close Chromium after the last file."""
    close_chromium()


def close_chromium() -> None:
    """Close it where it is open."""
    CHROMIUM.clear()
    OPEN.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without pages; it stays open from one file that asks for it to the next."""
    if not (CHROMIUM and CHROMIUM[0].is_connected()):
        close_chromium()
        CHROMIUM.append(OPEN.enter_context(open_chromium(QUICK)))
    yield CHROMIUM[0]
    for context in CHROMIUM[0].contexts:
        context.close()


@pytest.fixture(scope="module")
def tab(browser: Browser, origin: str) -> Iterator[tuple[Page, list[str]]]:
    """A page without a service worker, which the tests of a file visit in turn, and its faults.

    A new page is a new process, whose start is half of a visit's work.
    """
    with browser.new_context(service_workers="block", viewport=SIZE) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        yield page, watch(page, origin)


@pytest.fixture
def page(tab: tuple[Page, list[str]]) -> Iterator[Page]:
    """The file's page, on which nothing is left; the test fails on a console error or a request to another origin."""
    page, faults = tab
    faults.clear()
    yield page
    page.goto("about:blank")
    page.unroute_all()
    page.set_viewport_size(SIZE)
    page.emulate_media(media="null", color_scheme="null")
    assert faults == []


@pytest.fixture
def no_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Build sites with empty libraries: compressing, loading and keeping 14 MB costs more than all else."""
    for package, folder, pattern, _ in LIBRARIES:
        (tmp_path / "modules" / package / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "modules" / package / folder / pattern.replace("*", "index")).write_text("")
    monkeypatch.setattr("deploy.site.MODULES", tmp_path / "modules")


@pytest.fixture(scope="module")
def no_plots() -> Iterator[None]:
    """Train without the report's plots, a third of a small training (test_train_run.py looks at them)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.report._plots", lambda *_: [])
        yield
