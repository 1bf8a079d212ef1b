"""Event in, answer out: routes of a Function URL, and what is called without one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lambda_handler.contract import ContractError
from lambda_handler.health import Health
from lambda_handler.media import kind_of_answer
from lambda_handler.predictor import Predictor
from lambda_handler.problem import (
    EventError,
    MethodError,
    NotAcceptableError,
    PathError,
    RequestError,
    Response,
    encode_json,
    problem_response,
)
from lambda_handler.reply import reply, reply_table, respond
from lambda_handler.request import Event, check_numbers, header, read_json, read_question
from lambda_handler.service import Service, Source
from lambda_handler.write import frame_of

if TYPE_CHECKING:
    from pathlib import Path

GET, POST = "GET, HEAD", "POST"
KEPT = {"cache-control": "no-cache", "vary": "accept-encoding"}  # may be stored, and is asked for again

Handler = Callable[[Event, object], dict[str, Any]]
Route = Callable[[Event, str | None], Response]


def make_handler(bundle: "Path | str", openapi: Callable[[], str] | None = None) -> Handler:
    """Open a bundle and answer events for it.

    Args:
        bundle: the folder; its digests are checked here, once.
        openapi: gives the document at /openapi.json; without it there is no such path.

    Returns:
        A function of the event and the Lambda context. Of a Function URL event (payload format 2.0) it returns a
        response and never raises: bad input gives a 4xx problem document, an unexpected error a 5xx one without
        internals. Any other event is a direct call or names objects in S3 (`lambda_handler.direct`): what cannot be
        answered is raised, as Lambda's callers expect it.

    Raises:
        BundleError: the folder is no bundle, of another format, or a file has changed.
    """
    service = Service(Predictor.load(bundle))
    routes = _Routes(service, openapi)

    def handler(event: Event, context: object) -> dict[str, Any]:
        request_id = getattr(context, "aws_request_id", None)
        service.begin()
        if not isinstance(event, dict) or "requestContext" not in event:
            from lambda_handler.direct import answer_direct

            return answer_direct(event, service, request_id)
        try:
            response = routes.answer(event, request_id)
        except Exception as error:  # the one place: everything that goes wrong becomes a problem document
            service.end(error, request_id)
            return problem_response(error, request_id, inference=str(event.get("rawPath")).startswith("/v2"))
        service.end(None, request_id)
        return response

    return handler


class _Routes:
    """The paths of one model."""

    def __init__(self, service: Service, openapi: Callable[[], str] | None) -> None:
        self._service = service
        self._contract = service.predictor.contract
        self._health = Health(service.predictor, service.model)
        self._routes: dict[str, tuple[str, Route]] = {
            "/predict": (POST, self._predict),
            "/feedback": (POST, self._feedback),
            **({"/capture": (POST, self._capture)} if service.captures else {}),
            "/contract": (GET, _kept(lambda: encode_json(self._contract.document))),
            "/health": (GET, self._check_health),
        }
        if openapi is not None:
            self._routes["/openapi.json"] = (GET, _kept(openapi))
        model = f"/v2/models/{self._contract.name}"
        self._routes |= {
            "/v2": (GET, self._server),
            "/v2/health/live": (GET, self._live),
            "/v2/health/ready": (GET, self._ready),
        }
        for path in (model, f"{model}/versions/{self._contract.version}"):
            self._routes |= {
                path: (GET, self._model),
                f"{path}/ready": (GET, self._ready),
                f"{path}/infer": (POST, self._infer),
            }

    def answer(self, event: Event, request_id: str | None) -> Response:
        """Route one event.

        Raises:
            RequestError: the request is refused.
            ContractError: a row breaks the contract.
        """
        try:
            method, path = event["requestContext"]["http"]["method"], event["rawPath"]
            route = self._routes.get(path) or self._routes.get(_unquoted(path))
        except (AttributeError, KeyError, TypeError):
            raise EventError from None
        if not isinstance(method, str):
            raise EventError
        if route is None:
            near = [known for known in self._routes if known.startswith("/v2/") == path.startswith("/v2/")]
            raise PathError(path, [known for known in near if "/versions/" not in known])
        allow, respond = route
        if method == "OPTIONS":
            return {"statusCode": 204, "headers": {"allow": f"{allow}, OPTIONS"}, "body": "", "isBase64Encoded": False}
        if method not in allow.split(", "):
            raise MethodError(method, path, f"{allow}, OPTIONS")
        response = respond(event, request_id)
        return {**response, "body": ""} if method == "HEAD" else response

    def _predict(self, event: Event, request_id: str | None) -> Response:
        kind = kind_of_answer(header(event, "accept"))
        try:
            return self._answer_rows(event, kind, request_id)
        except (ContractError, RequestError):
            check_numbers(event)
            raise

    def _answer_rows(self, event: Event, kind: str, request_id: str | None) -> Response:
        rows, explain = read_question(event, self._contract)
        if explain is not False and kind == "csv":
            raise NotAcceptableError(("application/json", "application/jsonl"), "text/csv")  # it has no place for it
        if explain is not False:
            check_numbers(event)  # the contract knows nothing of this one
        source = Source("predict", request_id)
        if explain is False and kind != "csv":
            return reply(event, kind, self._service.write(rows, source, kind))
        predictions, beside = self._service.respond(rows, source, explain)
        if kind == "csv":
            return reply_table(event, self._contract.form, predictions)
        return reply(event, kind, frame_of(kind, encode_json(beside)[1:-1]).join(map(encode_json, predictions)))

    def _feedback(self, event: Event, request_id: str | None) -> Response:
        return respond(event, 200, encode_json(self._service.take_feedback(read_json(event), request_id)))

    def _capture(self, event: Event, request_id: str | None) -> Response:
        from lambda_handler.page import MOST_BYTES

        return respond(event, 200, encode_json(self._service.take_captures(read_json(event, MOST_BYTES), request_id)))

    def _check_health(self, event: Event, request_id: str | None) -> Response:  # noqa: ARG002 - a route's signature
        holds, document = self._health.check()
        return respond(event, 200 if holds else 503, encode_json(document))

    def _server(self, event: Event, request_id: str | None) -> Response:  # noqa: ARG002 - a route's signature
        from lambda_handler import v2

        return respond(event, 200, encode_json(v2.server_metadata()), KEPT)

    def _live(self, event: Event, request_id: str | None) -> Response:  # noqa: ARG002 - a route's signature
        return respond(event, 200, encode_json({"live": True}))

    def _ready(self, event: Event, request_id: str | None) -> Response:  # noqa: ARG002 - a route's signature
        holds, _ = self._health.check()
        return respond(event, 200 if holds else 503, encode_json({"name": self._contract.name, "ready": holds}))

    def _model(self, event: Event, request_id: str | None) -> Response:  # noqa: ARG002 - a route's signature
        from lambda_handler import v2

        return respond(event, 200, encode_json(v2.model_metadata(self._contract)), KEPT)

    def _infer(self, event: Event, request_id: str | None) -> Response:
        from lambda_handler import v2

        return v2.infer(event, self._service, request_id)


def _unquoted(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path)


def _kept(document: Callable[[], str]) -> Route:
    """The route of a document that does not change."""
    return lambda event, _request_id: respond(event, 200, document(), KEPT)
