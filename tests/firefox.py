"""Firefox over WebDriver BiDi (https://w3c.github.io/webdriver-bidi), as far as the page's main path needs it.

Playwright speaks BiDi, too, but asks for commands that Debian's Firefox does not know yet.
"""

import asyncio
import contextlib
import itertools
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("firefox-esr", "firefox")
LISTENING = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")
PATIENCE = 60.0  # seconds for a start, and for what a page has to come to
PREFERENCES = """
user_pref("browser.download.folderList", 2);
user_pref("browser.download.dir", "{folder}");
user_pref("browser.download.useDownloadDir", true);
user_pref("browser.shell.checkDefaultBrowser", false);
"""


def installed() -> str | None:
    """The path of the system's Firefox."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """One tab; `faults` gathers errors of its console and requests to other addresses than `origin`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, downloads: Path) -> None:
        self.socket = socket
        self.downloads = downloads
        self.faults: list[str] = []
        self.origin = ""
        self.context = ""
        self._numbers = itertools.count(1)

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events that come before it are looked at."""
        number = next(self._numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            told: dict[str, Any] = await asyncio.wait_for(self.socket.receive_json(), PATIENCE)
            if told.get("id") != number:
                self._look_at(told)
            elif told["type"] == "error":
                raise RuntimeError(f"{method}: {told['error']}: {told['message']}")
            else:
                return dict(told["result"])

    def _look_at(self, event: dict[str, Any]) -> None:
        told = event.get("params", {})
        if event.get("method") == "log.entryAdded" and told["level"] == "error":
            self.faults.append(f"console: {told['text']}")
        if event.get("method") == "network.beforeRequestSent":
            address = told["request"]["url"]
            if address.startswith("http") and not address.startswith(f"{self.origin}/"):
                self.faults.append(f"asked {address}")

    async def start(self) -> None:
        """Take the first tab."""
        await self.ask("session.new", capabilities={})
        tree = await self.ask("browsingContext.getTree")
        self.context = tree["contexts"][0]["context"]
        await self.ask("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])

    async def goto(self, origin: str, path: str = "/") -> None:
        """Load a page; from now on other origins are faults."""
        self.origin = origin
        await self.ask("browsingContext.navigate", context=self.context, url=origin + path, wait="complete")

    async def reload(self) -> None:
        """Load the page again."""
        await self.ask("browsingContext.reload", context=self.context, wait="complete")

    async def value(self, expression: str) -> Any:
        """What an expression gives: a text, a number, a boolean or None. A page's policy does not hold for it."""
        told = await self.ask("script.evaluate", expression=expression, target={"context": self.context},
                              awaitPromise=True)  # fmt: skip
        if told["type"] == "exception":
            raise RuntimeError(f"{expression}: {told['exceptionDetails']['text']}")
        return told["result"].get("value")

    async def until(self, selector: str, attribute: str, expected: str, seconds: float = PATIENCE) -> None:
        """Wait until the element's attribute is so."""
        expression = f"document.querySelector({selector!r})?.getAttribute({attribute!r}) ?? null"
        end = time.monotonic() + seconds
        while (got := await self.value(expression)) != expected:
            if time.monotonic() > end:
                raise AssertionError(f"{selector} {attribute}: expected {expected!r}, got {got!r}; {self.faults}")
            await asyncio.sleep(0.1)

    async def text(self, selector: str) -> str:
        """The text of an element."""
        return str(await self.value(f"document.querySelector({selector!r}).textContent"))

    async def _element(self, selector: str) -> dict[str, Any]:
        told = await self.ask("script.evaluate", expression=f"document.querySelector({selector!r})",
                              target={"context": self.context}, awaitPromise=False)  # fmt: skip
        return {"sharedId": told["result"]["sharedId"]}

    async def press(self, selector: str, *keys: str) -> None:
        """Focus an element and press keys: characters, or those of WebDriver's private area."""
        await self.value(f"document.querySelector({selector!r}).focus()")
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        await self.ask("input.performActions", context=self.context,
                       actions=[{"type": "key", "id": "keys", "actions": actions}])  # fmt: skip

    async def choose(self, selector: str, file: Path) -> None:
        """Choose a file."""
        await self.ask("input.setFiles", context=self.context, element=await self._element(selector), files=[str(file)])


@contextlib.asynccontextmanager
async def open_firefox(program: str) -> AsyncIterator[Tab]:
    """Open Firefox, headless, with an empty profile, until the context ends."""
    with tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as folder:
        profile, downloads = Path(folder) / "profile", Path(folder) / "downloads"
        profile.mkdir()
        downloads.mkdir()
        (profile / "user.js").write_text(PREFERENCES.replace("{folder}", str(downloads)))
        process = await asyncio.create_subprocess_exec(
            program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0",
            stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            address = await asyncio.wait_for(_address(process), PATIENCE)
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(f"{address}/session", max_msg_size=0) as socket,
            ):
                tab = Tab(socket, downloads)
                await tab.start()
                yield tab
        finally:
            process.terminate()
            await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        if found := LISTENING.search(line):
            return found[1].decode()
    raise AssertionError("Firefox ended before it listened")
