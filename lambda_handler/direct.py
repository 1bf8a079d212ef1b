"""What calls the function without its URL: the SDK, Step Functions, and S3 with objects to score."""

from typing import Any

from lambda_handler.contract import Contract, describe
from lambda_handler.problem import RequestError, encode_json, problem_of
from lambda_handler.request import explain_of, rows_of
from lambda_handler.service import Service, Source


class RefusedError(Exception):
    """A call that is refused; the message is the problem document as JSON.

    Lambda logs it, so no value of the request stands in it: of each reason the rule alone is told.
    """


class FailedError(Exception):
    """A call that failed through our own fault; the message is the problem document as JSON, without internals."""


def answer_direct(event: Any, service: Service, request_id: str | None) -> dict[str, Any]:
    """Answer the payload of POST /predict, or the notification of S3 that objects were made.

    Args:
        event: `{"rows": […]}` or one row; with `"text": true` the values are texts, as a CSV reader gives them, and are
            typed as CSV cells are. Where a feature is called `text`, that is told beside `rows` alone. With
            `"each": true` beside `rows`, a row that breaks the contract gets its problems and the others their
            predictions (`lambda_handler.each.scored_lines`), without `explain`. A notification has `Records`, a list.
        service: answers the rows.
        request_id: of this call.

    Returns:
        What POST /predict answers, or of a notification what was written (`lambda_handler.s3`).

    Raises:
        RefusedError: the payload breaks the contract, or is none.
        FailedError: an unexpected error.
    """
    try:
        answer = _answer(event, service, request_id)
    except Exception as error:  # the one place, as for HTTP
        service.end(error, request_id)
        document, _ = problem_of(error, request_id)
        kind = FailedError if document["status"] >= 500 else RefusedError
        raise kind(encode_json(without_values(document))) from None
    service.end(None, request_id)
    return answer


def _answer(event: Any, service: Service, request_id: str | None) -> dict[str, Any]:
    if isinstance(event, dict) and isinstance(event.get("Records"), list):
        from lambda_handler.s3 import score_objects

        return score_objects(event["Records"], service, request_id)
    asked, explain = explain_of(event)
    rows, each = _read(asked, service.predictor.contract)
    if each and explain is not False:
        raise OptionError('"each" goes without "explain"', "both", "Leave one out.")
    if each:
        from lambda_handler.each import scored_lines

        lines = scored_lines(service, rows, Source("direct", request_id))
        return {"predictions": lines, "model": service.model, "request_id": request_id}
    predictions, beside = service.respond(rows, Source("direct", request_id), explain)
    return {"predictions": predictions, **beside}


def _read(event: Any, contract: Contract) -> tuple[list[Any], bool]:
    """The rows, typed, and whether each is answered for itself."""
    if not isinstance(event, dict):
        return rows_of(event), False
    if isinstance(event.get("rows"), list):
        known = {"text", "each"}
    else:
        known = {"text"} - {feature.name for feature in contract.features}
    options = {name: event[name] for name in known & event.keys()}
    for name, told in options.items():
        if not isinstance(told, bool):
            raise OptionError(f'"{name}" is an option, true or false', describe(told), "Send one of these.")
    rows = rows_of({name: value for name, value in event.items() if name not in options})
    if options.get("text"):
        from lambda_handler.text import read_row

        rows = [read_row(contract, row) for row in rows]
    return rows, options.get("each", False)


class OptionError(RequestError):
    """An option is neither true nor false, or stands beside one that it does not go with (422)."""

    status = 422

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        super().__init__(f"{rule}; got {got}. {remedy}")


def without_values(document: dict[str, Any]) -> dict[str, Any]:
    """A problem document without what was got: of a reason the rule, of an unknown feature that there is one."""
    cut = {**document, "detail": _rule(document["detail"])}
    if "errors" in document:
        cut["errors"] = [
            {**error, "feature": None, "reason": "A feature is not one of this model's."}
            if error["kind"] == "unknown"
            else {**error, "reason": _rule(error["reason"])}
            for error in document["errors"]
        ]
    return cut


def _rule(reason: str) -> str:
    rule, more, _ = reason.partition("; ")
    return f"{rule}." if more else reason
