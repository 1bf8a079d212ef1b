"""A folder over HTTP on 127.0.0.1, for the browser replay and the page's tests."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LISTENING = 0.02  # seconds at most between the wish to end and the end


class _Handler(SimpleHTTPRequestHandler):
    # A module or a wasm file of another type is refused by browsers; the system's own table may lack both.
    extensions_map = {  # noqa: RUF012 - the base class declares it without ClassVar
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # a page asks for many files at once, and whom the queue turns away waits for a second

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong; a browser that goes away before it has everything is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port until the context ends; gives its address, `http://127.0.0.1:PORT`."""
    handler = partial(_Handler, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(LISTENING,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
