"""Visits to a page that Playwright does not see: its scripts and listeners cost a page on a slow processor 100 ms."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from playwright.sync_api import Browser

PATIENCE = 120.0  # seconds
PAUSE = 0.02  # between two looks

# Marks when the first answer, the word of the second engine and that of the service worker stand in the page, by the
# page's own clock, and calls `told` with the mark's name.
WATCH = """
const marked = {answer: ["answered", "answered"], engine: ["confirmed", null], offline: ["kept", null]};
new MutationObserver(records => {
  for (const {target} of records) {
    const [name, state] = marked[target.id] ?? [];
    if (name === undefined || (state !== null && target.dataset.state !== state)) continue;
    performance.mark(name);
    delete marked[target.id];
    told(name);
  }
}).observe(document, {subtree: true, attributes: true, attributeFilter: ["data-state"]});
"""
MARKS = "() => Object.fromEntries(performance.getEntriesByType('mark').map(({name, startTime}) => [name, startTime]))"
NO_WORKER = "navigator.serviceWorker.register = () => new Promise(() => {});"  # as where there is none


class Visitor:
    """Somebody with a fresh profile in a browser, who opens one page after another."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser.new_browser_cdp_session()
        self._said: list[Mapping[str, Any]] = []
        self._calls = 0
        self._browser.on(
            "Target.receivedMessageFromTarget", lambda said: self._said.append(json.loads(said["message"]))
        )
        self._profile = self._browser.send("Target.createBrowserContext")["browserContextId"]

    def visit(
        self, address: str, until: Sequence[str], *, cpu: int = 1, service_worker: bool = True
    ) -> dict[str, float]:
        """Open a page, wait for marks, close it.

        Args:
            address: of the page.
            until: the marks' names.
            cpu: how many times slower the page's own thread is than this machine.
            service_worker: whether the page may have one.

        Returns:
            Milliseconds from the start of the navigation, by mark.

        Raises:
            TimeoutError: a mark did not come.
        """
        asked = {"url": "about:blank", "browserContextId": self._profile}
        target = self._browser.send("Target.createTarget", asked)["targetId"]
        attached = self._browser.send("Target.attachToTarget", {"targetId": target, "flatten": False})["sessionId"]
        self._said.clear()
        script = WATCH if service_worker else WATCH + NO_WORKER
        self._ask(attached, "Page.enable")
        self._ask(attached, "Page.addScriptToEvaluateOnNewDocument", source=script)
        self._ask(attached, "Runtime.enable")
        self._ask(attached, "Runtime.addBinding", name="told")
        self._ask(attached, "Emulation.setCPUThrottlingRate", rate=cpu)
        self._ask(attached, "Page.navigate", url=address)
        self._wait(lambda: set(until) <= self._told(), f"{address} must come to {', '.join(until)}")
        answer = self._ask(attached, "Runtime.evaluate", expression=f"({MARKS})()", returnByValue=True)
        self._browser.send("Target.closeTarget", {"targetId": target})
        marks: dict[str, float] = answer["result"]["value"]
        return marks

    def _told(self) -> set[str]:
        return {said["params"]["payload"] for said in self._said if said.get("method") == "Runtime.bindingCalled"}

    def _ask(self, attached: str, method: str, **parameters: Any) -> Mapping[str, Any]:
        self._calls += 1
        number = self._calls
        message = json.dumps({"id": number, "method": method, "params": parameters})
        self._browser.send("Target.sendMessageToTarget", {"sessionId": attached, "message": message})
        self._wait(lambda: any(said.get("id") == number for said in self._said), f"{method} must have an answer")
        found = next(said for said in self._said if said.get("id") == number)
        if "error" in found:
            raise RuntimeError(f"{method} must succeed; Chromium says {found['error']['message']}.")
        result: Mapping[str, Any] = found["result"]
        return result

    def _wait(self, done: Callable[[], bool], rule: str) -> None:
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end:
                raise TimeoutError(f"{rule} within {PATIENCE:g} s; it did not. Look at the page in a browser.")
            time.sleep(PAUSE)
            self._browser.send("Browser.getVersion")  # while it waits for that, what was said comes in
