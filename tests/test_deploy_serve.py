"""The local server turns HTTP into Function URL events for the very handler, and serves the site."""

import http.client
import json
import mimetypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.events import function_url_event
from deploy.serve import DRAIN_BYTES, ServeError, app, background_server, serve
from lambda_handler.bundle import BundleError
from lambda_handler.predictor import Predictor
from lambda_handler.problem import MAX_BYTES
from tests.bundle_factory import EXAMPLE, bare, make_bundle

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serve")
    make_bundle(folder / "one", name="one")
    make_bundle(folder / "two", name="two", task="regression")
    site = folder / "site"
    (site / "one").mkdir(parents=True)
    for name in ("index.html", "page.mjs", "run.wasm", "data.json", "one/index.html"):
        (site / name).write_text(name)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    with background_server(app([folder / "one"], folder / "site")) as url:
        yield url


def send(url: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """Status, headers in lower case, body."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)) as connection:
        connection.request(method, path, body, headers or JSON)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("the server did not start")


def test_a_row_is_answered_as_python_answers_it(server: str, folder: Path) -> None:
    status, headers, body = send(server, "POST", "/predict", json.dumps(EXAMPLE))
    assert (status, headers["content-type"]) == (200, "application/json")
    document = json.loads(body)
    assert list(map(bare, document["predictions"])) == Predictor.load(folder / "one").predict([EXAMPLE])
    assert document["request_id"]


def test_health_and_contract_are_served(server: str, folder: Path) -> None:
    assert json.loads(send(server, "GET", "/contract")[2]) == json.loads((folder / "one" / "contract.json").read_text())
    status, _, body = send(server, "GET", "/health")
    assert (status, json.loads(body)["status"]) == (200, "ok")
    assert send(server, "HEAD", "/health")[::2] == (200, b"")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/one/", "text/html"),
        ("/page.mjs", "text/javascript"),
        ("/run.wasm", "application/wasm"),
        ("/data.json", "application/json"),
    ],
)
def test_the_site_is_served_with_the_types_that_browsers_want(server: str, path: str, kind: str) -> None:
    status, headers, body = send(server, "GET", path)
    assert (status, headers["content-type"].partition(";")[0]) == (200, kind)
    assert send(server, "HEAD", path)[::2] == (200, b"")
    assert body


def test_a_wrong_type_in_the_machines_own_table_does_not_count(folder: Path) -> None:
    mimetypes.add_type("text/plain", ".mjs")
    with background_server(app([folder / "one"], folder / "site")) as url:
        assert send(url, "GET", "/page.mjs")[1]["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path", ["/nothing", "/../one/model.onnx", "/%2e%2e/one/model.onnx", "/one/../../one/card.html"]
)
def test_what_is_not_in_the_site_is_not_found(server: str, path: str) -> None:
    assert send(server, "GET", path)[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/predict", 405, "POST, OPTIONS"),
        ("TRACE", "/predict", 405, "POST, OPTIONS"),
        ("QUERY", "/health", 405, "GET, HEAD, OPTIONS"),
        ("OPTIONS", "/predict", 204, "POST, OPTIONS"),
    ],
)
def test_the_handler_refuses_methods_and_names_the_allowed_ones(
    server: str, method: str, path: str, status: int, allow: str
) -> None:
    answered, headers, _ = send(server, method, path)
    assert (answered, headers["allow"]) == (status, allow)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff\xfe", 400),
        (b"[" * 10_000, 400),
        (b'{"income": NaN}', 400),
        (b'{"income": 1e999}', 400),
        (b'{"rows": []}', 422),
        (b"{}", 422),
        (b" " * (MAX_BYTES + 1), 413),
        (b"[" * 10_000_000, 413),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_bad_input_gets_a_problem_document(server: str, body: bytes, status: int) -> None:
    answered, headers, document = send(server, "POST", "/predict", body)
    assert (answered, headers["content-type"]) == (status, "application/problem+json")
    assert json.loads(document)["status"] == status


def test_an_endless_body_is_cut_off_at_the_limit(server: str) -> None:
    sent = 0
    with closing(socket.create_connection(urlsplit(server).netloc.split(":"), timeout=20)) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n")
        connection.sendall(b"transfer-encoding: chunked\r\n\r\n")
        try:
            for _ in range(1000):
                connection.sendall(b"40000\r\n" + b" " * 0x40000 + b"\r\n")
                sent += 0x40000
        except OSError:
            pass
    assert DRAIN_BYTES < sent < 3 * DRAIN_BYTES
    assert send(server, "POST", "/predict", json.dumps(EXAMPLE))[0] == 200


def test_a_value_is_never_a_path_or_a_header(server: str) -> None:
    status, headers, body = send(server, "POST", "/predict", json.dumps({"a\r\nx-evil: 1": 1}))
    assert (status, "x-evil" in headers) == (422, False)
    assert json.loads(body)["error_count"] == len(EXAMPLE) + 1


def test_several_bundles_are_served_under_their_names(folder: Path) -> None:
    with background_server(app([folder / "one", folder / "two"], folder / "site")) as url:
        for name in ("one", "two"):
            status, _, body = send(url, "POST", f"/{name}/predict", json.dumps(EXAMPLE))
            assert (status, json.loads(body)["model"]["name"]) == (200, name)
            assert json.loads(send(url, "GET", f"/{name}/contract")[2])["name"] == name
        assert send(url, "GET", "/one/")[::2] == (200, b"one/index.html")
        assert send(url, "POST", "/predict", json.dumps(EXAMPLE))[0] == 405


def test_the_server_ends_with_its_block(folder: Path) -> None:
    with background_server(app([folder / "one"], folder / "site")) as url:
        assert send(url, "GET", "/contract")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        send(url, "GET", "/contract")


def test_serving_ends_well_when_interrupted(folder: Path) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "import sys; from pathlib import Path; from deploy.serve import serve; "
    code += "serve([Path(sys.argv[1])], Path(sys.argv[2]), port=int(sys.argv[3]))"
    arguments = [sys.executable, "-c", code, str(folder / "one"), str(folder / "site"), str(port)]
    with subprocess.Popen(arguments, cwd=Path(__file__).parent.parent) as process:
        try:
            wait_for(port)
            assert send(f"http://127.0.0.1:{port}", "GET", "/contract")[0] == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_answers_are_sent_at_once(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """asyncio leaves an answer waiting for the caller's acknowledgement where the socket's protocol is not told."""
    taken: list[socket.socket] = []
    accept = socket.socket.accept

    def kept(listener: socket.socket) -> tuple[socket.socket, Any]:
        connection, address = accept(listener)
        taken.append(connection)
        return connection, address

    monkeypatch.setattr(socket.socket, "accept", kept)
    with (
        background_server(app([folder / "one"], folder / "site")) as url,
        closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)) as connection,
    ):
        connection.request("GET", "/contract")
        connection.getresponse().read()
        assert [each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0 for each in taken] == [True]


def test_a_port_in_use_is_named_with_a_remedy(folder: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=rf"127\.0\.0\.1:{port} .*--port"):
            serve([folder / "one"], folder / "site", port=port)


def test_what_cannot_be_served_is_refused_before_a_port_is_opened(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="no bundle"):
        app([], folder / "site")
    with pytest.raises(ServeError, match="one, one"):
        app([folder / "one", folder / "one"], folder / "site")
    with pytest.raises(ServeError, match="selfsame site"):
        app([folder / "one"], tmp_path / "nowhere")
    with pytest.raises(BundleError):
        app([tmp_path], folder / "site")


def test_an_event_has_the_shape_of_payload_format_2() -> None:
    headers = [("Content-Type", "application/json"), ("X-A", "1"), ("x-a", "2"), ("User-Agent", "ua")]
    event = function_url_event("POST", "/predict", b'{"\xc3\xa9": 1}', headers, "a=1&b=2")
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "$default", "/predict")
    assert (event["rawQueryString"], event["headers"]["x-a"]) == ("a=1&b=2", "1,2")
    assert (event["body"], event["isBase64Encoded"]) == ('{"é": 1}', False)
    http_part = event["requestContext"]["http"]
    assert (http_part["method"], http_part["path"], http_part["userAgent"]) == ("POST", "/predict", "ua")
    json.dumps(event, allow_nan=False)


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/json"])
def test_bytes_that_are_no_text_travel_as_base64(kind: str) -> None:
    event = function_url_event("POST", "/predict", b"\xff", [("content-type", kind)])
    assert (event["body"], event["isBase64Encoded"]) == ("/w==", True)
