"""Function URL event in, response out: decode, validate, one call, typed answer."""

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

from lambda_handler.contract import describe
from lambda_handler.golden import compare, replay
from lambda_handler.predictor import Predictor
from lambda_handler.problem import (
    MAX_BYTES,
    MAX_ROWS,
    BytesError,
    EventError,
    MediaTypeError,
    MethodError,
    NotJsonError,
    PathError,
    Response,
    RowsError,
    ShapeError,
    encode_json,
    problem_response,
)

Event = dict[str, Any]
Handler = Callable[[Event, object], Response]


def make_handler(bundle: Path) -> Handler:
    """Open a bundle and answer Function URL events (payload format 2.0) for it.

    Args:
        bundle: the folder; its digests are checked here, once.

    Returns:
        A function of the event and the Lambda context. It never raises: bad input gives a 4xx problem document, an
        unexpected error a 5xx one without internals.

    Raises:
        BundleError: the folder is no bundle, of another format, or a file has changed.
    """
    service = _Service(Predictor.load(bundle))

    def handler(event: Event, context: object) -> Response:
        request_id = getattr(context, "aws_request_id", None)
        try:
            return service.answer(event, request_id)
        except Exception as error:  # the one place: everything that goes wrong becomes a problem document
            return problem_response(error, request_id)

    return handler


class _Service:
    """The routes of one model."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        contract = predictor.contract
        self._model = {"name": contract.name, "version": contract.version, "sha256": contract.model_sha256}
        self._health: tuple[int, str] | None = None
        self._routes: dict[str, tuple[str, Callable[[Event, str | None], Response]]] = {
            "/predict": ("POST", self._predict),
            "/contract": ("GET, HEAD", self._contract),
            "/health": ("GET, HEAD", self._check_health),
        }

    def answer(self, event: Event, request_id: str | None) -> Response:
        """Route one event.

        Raises:
            RequestError: the request is refused.
            ContractError: a row breaks the contract.
        """
        try:
            method, path = event["requestContext"]["http"]["method"], event["rawPath"]
            route = self._routes.get(path)
        except (KeyError, TypeError):
            raise EventError from None
        if route is None:
            raise PathError(path, list(self._routes))
        allow, respond = route
        if method == "OPTIONS":
            return {"statusCode": 204, "headers": {"allow": f"{allow}, OPTIONS"}, "body": "", "isBase64Encoded": False}
        if method not in allow.split(", "):
            raise MethodError(method, path, f"{allow}, OPTIONS")
        response = respond(event, request_id)
        return {**response, "body": ""} if method == "HEAD" else response

    def _predict(self, event: Event, request_id: str | None) -> Response:
        predictions = self._predictor.predict(_rows(_decode_json(_body(event))))
        answer = {"predictions": predictions, "model": self._model, "request_id": request_id}
        return _json_response(200, encode_json(answer))

    def _contract(self, event: Event, request_id: str | None) -> Response:  # noqa: ARG002 - a route's signature
        return _json_response(200, encode_json(self._predictor.contract.document), "no-cache")

    def _check_health(self, event: Event, request_id: str | None) -> Response:  # noqa: ARG002 - a route's signature
        if self._health is None:  # on the first question, so that no cold start waits for it
            self._health = self._replay_golden()
        return _json_response(*self._health)

    def _replay_golden(self) -> tuple[int, str]:
        golden = list(self._predictor.bundle.golden())
        strata = compare(self._predictor.contract, golden, replay(self._predictor, [row["row"] for row in golden]))
        holds = all(stratum.holds for stratum in strata.values())
        counts = {
            "rows": len(golden),
            "labels_differ": sum(stratum.labels_differ for stratum in strata.values()),
            "outside": sum(stratum.outside for stratum in strata.values()),
        }
        status = {"status": "ok" if holds else "failed", "model": self._model, "golden": counts}
        return 200 if holds else 503, encode_json(status)


def _json_response(status: int, body: str, cache: str = "no-store") -> Response:
    if len(body) > MAX_BYTES // 4 and len(body.encode()) > MAX_BYTES:
        raise BytesError("An answer", len(body.encode()))
    headers = {"content-type": "application/json", "cache-control": cache}
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}


def _body(event: Event) -> str:
    """The body as text, its type and size checked."""
    headers = event.get("headers") or {}
    _check_type(_header(headers, "content-type"), _header(headers, "content-encoding"))
    body = event.get("body") or ""
    if not isinstance(body, str):
        raise EventError
    if len(body) > MAX_BYTES * 4 // 3 + 4:
        raise BytesError("A request", f"over {MAX_BYTES:,}")
    try:
        raw = b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        if len(raw) > MAX_BYTES:
            raise BytesError("A request", len(raw))
        text: str = raw.decode()
    except UnicodeError:
        raise NotJsonError("its bytes are not UTF-8") from None
    except ValueError:
        raise NotJsonError("the event says base64, and the body is not") from None
    return text


def _header(headers: dict[str, str], name: str) -> str:
    """A header's value, "" where it is absent; Lambda sends lower-case names, other callers may not."""
    value = headers.get(name)
    if value is None:
        value = next((value for key, value in headers.items() if key.lower() == name), "")
    return value


def _check_type(content_type: str, coding: str) -> None:
    if content_type != "application/json":
        essence, _, parameters = content_type.lower().partition(";")
        if essence.strip() != "application/json":
            rule, remedy = (
                "The content type must be application/json",
                "Send the header content-type: application/json.",
            )
            raise MediaTypeError(rule, repr(content_type) if content_type else "none", remedy)
        charset = parameters.partition("charset=")[2].strip(' "')
        if charset not in {"", "utf-8", "us-ascii"}:
            raise MediaTypeError("JSON is sent in UTF-8", repr(charset), "Send UTF-8, and no charset.")
    if coding and coding.lower() != "identity":
        raise MediaTypeError("The body must not be compressed", repr(coding), "Send it without content-encoding.")


def _decode_json(text: str) -> Any:
    try:
        value = _DECODER.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise NotJsonError(f"at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeEncodeError:
        raise NotJsonError("an escape such as \\ud800 is half a character") from None
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None
    except ValueError:
        raise NotJsonError("it holds an integer of too many digits") from None
    return value


def _constant(name: str) -> Any:
    raise NotJsonError(f"{name} is not a JSON number (send null for a missing value)")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise NotJsonError(f"{text[:40]} is larger than any 64-bit number")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice, _ = counts.most_common(1)[0]
        raise NotJsonError(f"the key {json.dumps(twice[:80])} stands twice in one object")
    return value


_DECODER = json.JSONDecoder(parse_constant=_constant, parse_float=_finite, object_pairs_hook=_object)


def _rows(value: Any) -> list[Any]:
    """The rows of a request: `{"rows": […]}`, or one row.

    A row's values are never lists, so `{"rows": […]}` is never a row, also where a feature is called "rows".
    """
    if not isinstance(value, dict):
        raise ShapeError("The body must be an object", describe(value))
    if not isinstance(value.get("rows"), list):
        return [value]
    rows: list[Any] = value["rows"]
    if len(value) > 1:
        raise ShapeError('"rows" must stand alone', f"{len(value) - 1} more keys beside it")
    if not rows:
        raise ShapeError("A request must hold at least one row", "an empty list")
    if len(rows) > MAX_ROWS:
        raise RowsError(len(rows))
    return rows
