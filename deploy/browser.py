"""Rows -> answers in Chromium: the built site, under its own content security policy."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Error, Page, ViewportSize, expect, sync_playwright

from deploy.static import serve_folder

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


class BrowserReplayError(RuntimeError):
    """The replay in Chromium did not come to a clean end: what was got, what to do."""

    def __init__(self, got: str, remedy: str) -> None:
        super().__init__(f"the replay in Chromium must answer every row without an error; {got}. {remedy}")


def replay_browser(site: Path, name: str, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Answer rows in the page of a built site, with the accepted rows as one batch.

    Args:
        site: a folder that `build_site` wrote.
        name: the bundle's name in that site.
        rows: JSON values, normally dicts of feature name and value; None = missing.

    Returns:
        One dict per row: a prediction as docs/bundle.md has it, floats exact, or `{"rejected": [problem, …]}`.

    Raises:
        BrowserReplayError: no Chromium; the page gave an error, wrote one to its console, or asked a foreign address.
        ValueError: a row holds NaN or an infinite number, which JSON does not have.
    """
    lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
    with serve_folder(site) as origin, open_chromium() as browser:
        page = browser.new_page(service_workers="block")  # nobody comes back to it
        faults = watch(page, origin)
        try:
            page.goto(f"{origin}/?bundle={name}")
            text: str = page.evaluate("rows => window.selfsame.replay(rows)", lines)
        except Error as error:
            raise BrowserReplayError(f"the page says: {error.message}", "Build the site again.") from error
    if faults:
        raise BrowserReplayError(f"the page's faults: {'; '.join(faults[:5])}", "Report this as a defect.")
    return [json.loads(line) for line in text.splitlines()]


def screenshot(
    site: Path, name: str, picture: Path, *, width: int = 1200, height: int | None = None, dark: bool = False
) -> Path:
    """Take a picture of a built site's page, after its self-check has held.

    Args:
        site: a folder that `build_site` wrote.
        name: the bundle's name in that site.
        picture: the PNG to write.
        width: of the window, in CSS pixels.
        height: of the window; None shows the whole page.
        dark: the dark scheme instead of the light one.

    Returns:
        `picture`.

    Raises:
        BrowserReplayError: no Chromium, or the self-check does not hold.
    """
    with serve_folder(site) as origin, open_chromium() as browser:
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        size: ViewportSize = {"width": width, "height": height or 900}
        page = browser.new_page(viewport=size, color_scheme=scheme, service_workers="block")
        try:
            page.goto(f"{origin}/?bundle={name}")
            page.locator("#self-check").click()
            expect(page.locator("#self-check-result")).to_have_attribute("data-state", "holds", timeout=60_000)
            page.locator("#engine").wait_for(timeout=60_000)
            page.evaluate("scrollTo(0, 0)")
            page.locator("#answer[data-state=answered]").wait_for()
            page.screenshot(path=picture, full_page=height is None)
        except (Error, AssertionError) as error:
            raise BrowserReplayError(f"there is no picture: {error}", "See what the page says.") from error
    return picture


@contextmanager
def open_chromium(*further: str) -> Iterator[Browser]:
    """Open the system's Chromium, headless and with further arguments, until the context ends.

    Raises:
        BrowserReplayError: none is installed.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise BrowserReplayError("no Chromium is installed", "Run `apt-get install chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS, *further])
        try:
            yield browser
        finally:
            browser.close()


def watch(page: Page, origin: str) -> list[str]:
    """Collect a page's faults from now on: console errors, uncaught errors, requests to any other origin."""
    faults: list[str] = []
    page.on("console", lambda said: faults.append(f"console: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(f"uncaught: {error.message}"))
    page.on("request", lambda sent: None if sent.url.startswith(f"{origin}/") else faults.append(f"asked {sent.url}"))
    return faults
