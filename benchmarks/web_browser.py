"""A host at the end of a slow line, a Chromium that trusts it, and what is measured of a page in it."""

import base64
import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.web_bare import WATCH, Visitor
from deploy.browser import ARGUMENTS, NAMES

SCRIPT = Path(__file__).with_name("web_host.mjs")
MIB = 2**20
PATIENCE = 120_000  # milliseconds
PAUSE = 20  # milliseconds between two looks at the marks
ANSWERED, CONFIRMED, KEPT = "answered", "confirmed", "kept"

LOADED = (
    """() => performance.getEntriesByType("resource").map(each => [new URL(each.name).pathname, each.transferSize])"""
)
# Moves the first slider every STEP milliseconds until the second engine has answered for the golden rows. Times count
# from when a movement was due: a thread that is blocked delays all those that fall into the block.
MOVE = """async (step) => {
  const slider = document.querySelector("#form input[type=range]");
  const answer = document.querySelector("#answer");
  const engine = document.querySelector("#engine");
  const delays = [];
  const start = performance.now();
  let due = start, place = 0;
  while (engine.dataset.state === undefined && performance.now() - start < 60000) {
    await new Promise(resolve => setTimeout(resolve, Math.max(0, due - performance.now())));
    const answered = new Promise(resolve => {
      const seen = new MutationObserver(() => { seen.disconnect(); resolve(); });
      seen.observe(answer, {childList: true, subtree: true});
    });
    place = (place + 7) % 100;
    slider.value = String(Number(slider.min) + (Number(slider.max) - Number(slider.min)) * place / 100);
    slider.dispatchEvent(new Event("input", {bubbles: true}));
    await answered;
    const now = performance.now();
    for (; due <= now; due += step) delays.push(now - due);
  }
  return delays;
}"""


@dataclass(frozen=True)
class Line:
    """A network and a processor.

    Attributes:
        latency: of a round trip, in milliseconds.
        rate: bits a second; 0: no limit.
        cpu: how many times slower the page's own thread is than this machine.
    """

    name: str
    latency: int = 0
    rate: float = 0
    cpu: int = 1


class Workshop:
    """Certificates, and Chromium with them."""

    def __init__(self, folder: Path) -> None:
        self.key, self.certificate = folder / "key.pem", folder / "certificate.pem"
        command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-newkey", "ec"]
        command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-addext", "subjectAltName=IP:127.0.0.1"]
        command += ["-keyout", str(self.key), "-out", str(self.certificate)]
        subprocess.run(command, check=True, capture_output=True)
        ask = ["openssl", "x509", "-in", str(self.certificate), "-pubkey", "-noout"]
        text = subprocess.run(ask, check=True, capture_output=True, encoding="ascii").stdout
        digest = hashlib.sha256(base64.b64decode("".join(text.splitlines()[1:-1]))).digest()
        self.trust = f"--ignore-certificate-errors-spki-list={base64.b64encode(digest).decode()}"

    @contextmanager
    def host(self, folder: Path, line: Line, *, isolated: bool = False) -> Iterator[str]:
        """Serve a folder over a line until the context ends; gives its address."""
        node = shutil.which("node") or "node"
        command = [node, SCRIPT, folder, self.key, self.certificate, str(line.latency), str(line.rate)]
        command += ["isolated"] if isolated else []
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii")
        assert process.stdin is not None and process.stdout is not None
        try:
            yield f"https://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.stdin.close()
            process.wait(10)
            process.stdout.close()

    @contextmanager
    def chromium(self) -> Iterator[Browser]:
        """Open Chromium, whose processes hold pages and nothing in advance, until the context ends."""
        found = next(filter(None, map(shutil.which, NAMES)), None)
        arguments = [*ARGUMENTS, self.trust, "--disable-features=SpareRendererForSitePerProcess"]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=arguments)
            try:
                yield browser
            finally:
                browser.close()


@contextmanager
def workshop() -> Iterator[Workshop]:
    """Make certificates that last until the context ends."""
    with tempfile.TemporaryDirectory(prefix="selfsame-web-") as name:
        yield Workshop(Path(name))


@contextmanager
def opened(context: BrowserContext, address: str, line: Line, *, until: Sequence[str] = ()) -> Iterator[Page]:
    """Open a page on a processor of that speed, and wait for marks."""
    page = context.new_page()
    client = context.new_cdp_session(page)
    told: set[str] = set()
    client.on("Runtime.bindingCalled", lambda call: told.add(call["payload"]))
    try:
        client.send("Runtime.enable")
        client.send("Runtime.addBinding", {"name": "told"})
        page.add_init_script(WATCH)
        client.send("Emulation.setCPUThrottlingRate", {"rate": line.cpu})
        page.goto(address, wait_until="commit", timeout=PATIENCE)
        end = time.monotonic() + PATIENCE / 1000
        while missing := set(until) - told:
            if time.monotonic() > end:
                raise TimeoutError(f"{address} must come to {', '.join(sorted(missing))} in {PATIENCE} ms; it did not.")
            page.wait_for_timeout(PAUSE)
        yield page
    finally:
        page.close()


def visit(browser: Browser, address: str, line: Line, *, cached: bool) -> dict[str, float]:
    """Milliseconds from the start of a navigation.

    Returns:
        To the first answer: `first` of a first visit, `again` of the next one through the service worker, `cached`
        (where asked for) of a next one through the browser's own cache; and `confirmed`, of the first visit, to the
        other engine's word.
    """
    visitor = Visitor(browser)
    first = visitor.visit(address, (CONFIRMED, KEPT), cpu=line.cpu)
    again = visitor.visit(address, (ANSWERED,), cpu=line.cpu)
    told = {"first": first["answered"], "confirmed": first["confirmed"], "again": again["answered"]}
    if cached:
        visitor = Visitor(browser)
        for _ in range(2):
            told["cached"] = visitor.visit(address, (ANSWERED,), cpu=line.cpu, service_worker=False)["answered"]
    return told


def bytes_loaded(browser: Browser, address: str, line: Line) -> dict[str, int]:
    """Bytes over the wire of a first visit, headers too, by path in the order in which they were asked for."""
    with (
        browser.new_context(service_workers="block") as context,
        opened(context, address, line, until=(CONFIRMED,)) as page,
    ):
        size = page.evaluate("() => performance.getEntriesByType('navigation')[0].transferSize")
        return {"/": size, **dict(page.evaluate(LOADED))}


def delays_while_loading(browser: Browser, address: str, line: Line, step: int = 16) -> list[float]:
    """Milliseconds from when a slider's movement was due to its answer, until onnxruntime-web has taken over."""
    with (
        browser.new_context(service_workers="block") as context,
        opened(context, address, line, until=(ANSWERED,)) as page,
    ):
        page.locator("#form input[type=range]").first.wait_for()  # it comes after the first answer
        delays: list[float] = page.evaluate(MOVE, step)
    return delays


def memory(workshop: Workshop, address: str | None, *, until: str = ANSWERED, without: Sequence[str] = ()) -> float:
    """MiB that only the page's process holds, a second after a mark; None: of a blank page.

    Args:
        workshop: gives a browser of its own.
        address: of the page.
        until: the mark.
        without: patterns of addresses that are kept from loading.
    """
    with workshop.chromium() as browser, browser.new_context(service_workers="block") as context:
        for pattern in without:
            context.route(pattern, lambda route: route.abort())
        with opened(context, address or "about:blank", Line("as it is"), until=(until,) if address else ()) as page:
            page.wait_for_timeout(1000)
            told: dict[str, Any] = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
            pages = [each["id"] for each in told["processInfo"] if each["type"] == "renderer"]
            return sum(map(_private, pages)) / MIB


def _private(pid: int) -> int:
    """Bytes of a process that no other one shares."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))
