"""The Function URL and the page on one local port: HTTP becomes events for the very handler that Lambda runs."""

import contextlib
import mimetypes
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from deploy.events import function_url_event
from deploy.openapi import openapi_document
from lambda_handler.bundle import read_bundle
from lambda_handler.http import Handler, make_handler
from lambda_handler.problem import MAX_BYTES, BytesError, problem_response

PATHS = ("/predict", "/feedback", "/capture", "/contract", "/health", "/openapi.json", "/v2", "/v2/{path:path}")
MIME_TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}
DRAIN_BYTES = 32 * 1024 * 1024  # of a body that is too large: then the connection is closed
START_SECONDS = 20.0


class ServeError(RuntimeError):
    """The server cannot start: the rule, what was got, what to do."""

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        super().__init__(f"{rule}; {got}. {remedy}")


class _Context:
    """What the handler reads of a Lambda context."""

    def __init__(self, request_id: str) -> None:
        self.aws_request_id = request_id


class _AnyMethod:
    """An ASGI endpoint that takes every method, so that the handler and not the router refuses one."""

    def __init__(self, respond: Callable[[Request], Awaitable[Response]]) -> None:
        self._respond = respond

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        await (await self._respond(Request(scope, receive, send)))(scope, receive, send)


def app(bundles: Sequence[Path], site: Path) -> Starlette:
    """The web application.

    Args:
        bundles: one bundle's API is at /predict, /v2 and so on; of several, at /NAME/predict and so on, NAME being
            the contract's name (as on the site).
        site: the built site's folder, served at /.

    Raises:
        BundleError: a folder is no bundle, of another format, or a file has changed.
        ServeError: there is no bundle, two have one name, or there is no site.
    """
    names = [read_bundle(bundle).contract.name for bundle in bundles]
    if not names or len(set(names)) != len(names):
        rule, got = "Bundles are served under their models' names", f"got {', '.join(names) or 'no bundle'}"
        raise ServeError(rule, got, "Name at least one bundle, and no two with one name.")
    if not site.is_dir():
        raise ServeError("The site must be a folder", f"{site} is none", "Build it with `selfsame site`.")
    for suffix, kind in MIME_TYPES.items():
        mimetypes.add_type(kind, suffix)  # the machine's own table may call .mjs something browsers refuse to run
    prefixes = [""] if len(names) == 1 else [f"/{name}" for name in names]
    routes: list[Route | Mount] = []
    for prefix, bundle in zip(prefixes, bundles, strict=True):
        endpoint = _AnyMethod(_responder(_handler(bundle, prefix), prefix))
        routes += [Route(prefix + path, endpoint) for path in PATHS]
    return Starlette(routes=[*routes, Mount("/", StaticFiles(directory=site, html=True))])


def serve(bundles: Sequence[Path], site: Path, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve until interrupted.

    Raises:
        BundleError: a folder is no bundle, of another format, or a file has changed.
        ServeError: the port is taken, or as for `app`.
    """
    application = app(bundles, site)
    listener = _listen(host, port)
    with contextlib.closing(listener), contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(_config(application)).run(sockets=[listener])


@contextlib.contextmanager
def background_server(application: Starlette) -> Iterator[str]:
    """Serve `application` from a thread on a free port of 127.0.0.1 until the block ends; yields the base URL.

    Raises:
        ServeError: the server did not start in time.
    """
    listener = _listen("127.0.0.1", 0)
    server = uvicorn.Server(_config(application))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="selfsame-serve", daemon=True)
    thread.start()
    try:
        end = time.monotonic() + START_SECONDS
        while not server.started:
            if time.monotonic() > end or not thread.is_alive():
                raise ServeError("The server must start", f"it did not within {START_SECONDS:.0f} s", "Try again.")
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        listener.close()


def _config(application: Starlette) -> uvicorn.Config:
    return uvicorn.Config(application, log_level="warning", access_log=False, lifespan="off", ws="none",
                          server_header=False, timeout_graceful_shutdown=2)  # fmt: skip


def _listen(host: str, port: int) -> socket.socket:
    # asyncio sends at once only where the protocol is told; else an answer may wait 40 ms for the caller's ACK
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        remedy = "Stop what uses it, or choose another with --port."
        raise ServeError("The port must be free", f"{host}:{port} cannot be had ({error.strerror})", remedy) from error
    return listener


def _handler(bundle: Path, prefix: str) -> Handler:
    document = openapi_document(bundle, prefix)
    return make_handler(bundle, lambda: document)


def _responder(handler: Handler, prefix: str) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        path = request.scope["path"].removeprefix(prefix)
        try:
            body = await _read(request)
        except BytesError as error:
            return _to_http(problem_response(error, None), close=True)
        event = function_url_event(request.method, path, body, request.headers.items(), request.url.query)
        context = _Context(event["requestContext"]["requestId"])
        return _to_http(await run_in_threadpool(handler, event, context))

    return respond


async def _read(request: Request) -> bytes:
    """The body; more than Lambda's limit is not kept, and read on only so that the sender sees the answer.

    Raises:
        BytesError: there is more than Lambda carries.
    """
    body, got = bytearray(), 0
    with contextlib.suppress(ClientDisconnect):
        async for chunk in request.stream():
            got += len(chunk)
            if got <= MAX_BYTES:
                body += chunk
            elif got > DRAIN_BYTES:
                break
    if got > MAX_BYTES:
        raise BytesError("A request", got if got <= DRAIN_BYTES else f"over {DRAIN_BYTES:,}")
    return bytes(body)


def _to_http(response: dict[str, Any], *, close: bool = False) -> Response:
    headers = dict(response["headers"]) | ({"connection": "close"} if close else {})
    body = b64decode(response["body"]) if response["isBase64Encoded"] else response["body"].encode()
    return Response(body, response["statusCode"], headers)
