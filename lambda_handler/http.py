"""Function URL event in, response out: decode, validate, one call, typed answer."""

from collections.abc import Callable
from pathlib import Path

from lambda_handler.golden import compare, replay
from lambda_handler.media import kind_of_answer
from lambda_handler.predictor import Predictor
from lambda_handler.problem import EventError, MethodError, PathError, Response, encode_json, problem_response
from lambda_handler.reply import reply, respond
from lambda_handler.request import Event, header, read_rows
from lambda_handler.service import Service, Source

Handler = Callable[[Event, object], Response]
KEPT = {"cache-control": "no-cache"}  # may be stored, and is asked for again
Route = Callable[[Event, str | None], Response]


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
    routes = _Routes(Service(Predictor.load(bundle)))

    def handler(event: Event, context: object) -> Response:
        request_id = getattr(context, "aws_request_id", None)
        try:
            return routes.answer(event, request_id)
        except Exception as error:  # the one place: everything that goes wrong becomes a problem document
            return problem_response(error, request_id)

    return handler


class _Routes:
    """The paths of one model."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._health: tuple[int, str] | None = None
        self._routes: dict[str, tuple[str, Route]] = {
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
        contract = self._service.predictor.contract
        kind = kind_of_answer(header(event, "accept"))
        predictions, beside = self._service.respond(read_rows(event, contract), Source("predict", request_id))
        return reply(event, contract.form, predictions, beside, kind)

    def _contract(self, event: Event, request_id: str | None) -> Response:  # noqa: ARG002 - a route's signature
        return respond(event, 200, encode_json(self._service.predictor.contract.document), KEPT)

    def _check_health(self, event: Event, request_id: str | None) -> Response:  # noqa: ARG002 - a route's signature
        if self._health is None:  # on the first question, so that no cold start waits for it
            self._health = self._replay_golden()
        return respond(event, *self._health)

    def _replay_golden(self) -> tuple[int, str]:
        predictor = self._service.predictor
        golden = list(predictor.bundle.golden())
        strata = compare(predictor.contract, golden, replay(predictor, [row["row"] for row in golden]))
        holds = all(stratum.holds for stratum in strata.values())
        counts = {
            "rows": len(golden),
            "labels_differ": sum(stratum.labels_differ for stratum in strata.values()),
            "outside": sum(stratum.outside for stratum in strata.values()),
        }
        status = {"status": "ok" if holds else "failed", "model": self._service.model, "golden": counts}
        return 200 if holds else 503, encode_json(status)
