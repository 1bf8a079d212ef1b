"""A folder over HTTP: types that browsers take, and quiet where a browser goes away."""

import socket
import struct
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.static import serve_folder

LARGE = 32 << 20  # bytes, more than a socket holds


def test_modules_and_wasm_are_served_with_the_types_that_browsers_ask_for(tmp_path: Path) -> None:
    for name in ("a.mjs", "a.js", "a.wasm"):
        (tmp_path / name).write_text("")
    with serve_folder(tmp_path) as origin:
        types = [urllib.request.urlopen(f"{origin}/{name}").headers["Content-Type"]
                 for name in ("a.mjs", "a.js", "a.wasm")]  # fmt: skip
    assert types == ["text/javascript", "text/javascript", "application/wasm"]


def go_away(origin: str) -> None:
    """Ask for the large file, take its beginning, and reset the connection; return when the server has noticed."""
    before = threading.active_count()
    with socket.create_connection(("127.0.0.1", int(urlsplit(origin).port or 0))) as browser:
        browser.sendall(b"GET /large HTTP/1.0\r\n\r\n")
        assert browser.recv(100).startswith(b"HTTP/1.0 200")
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end = time.monotonic() + 30
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)


def test_a_browser_that_goes_away_is_no_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(LARGE)
    with serve_folder(tmp_path) as origin:
        go_away(origin)
    assert capfd.readouterr().err == ""


def test_another_error_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(*_: object) -> None:
        raise OSError("the disk is gone")

    (tmp_path / "large").write_bytes(b"x")
    monkeypatch.setattr("deploy.static._Handler.copyfile", spoil)
    with serve_folder(tmp_path) as origin:
        go_away(origin)
    assert "the disk is gone" in capfd.readouterr().err
