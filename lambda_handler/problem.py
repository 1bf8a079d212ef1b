"""Problem documents (RFC 9457): what is wrong with a request, and the one place where errors become HTTP."""

import json
import sys
from traceback import extract_tb
from typing import Any

from lambda_handler.contract import ContractError

MAX_BYTES = 6 * 1024 * 1024  # Lambda's own limit for a request, and for an answer
MAX_ROWS = 10_000
MAX_ERRORS = 100  # entries shown in one problem document; `error_count` tells how many there are

TITLES = {
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    500: "Internal Server Error",
}

Response = dict[str, Any]

encode_json = json.JSONEncoder(allow_nan=False, ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class RequestError(Exception):
    """A request that is refused: subclasses take the data and build the message."""

    status = 400

    def __init__(self, detail: str, headers: dict[str, str] | None = None, **members: Any) -> None:
        self.detail, self.headers, self.members = detail, headers or {}, members
        super().__init__(detail)


class NotJsonError(RequestError):
    """The body is not strict JSON (400)."""

    def __init__(self, got: str) -> None:
        self.got = got
        super().__init__(f"The body must be JSON (RFC 8259) in UTF-8; {got}. Send one row or a list of rows as JSON.")


class NotTextError(RequestError):
    """The body cannot be made text (400)."""

    def __init__(self, got: str) -> None:
        super().__init__(f"The body must be text in UTF-8; {got}. Send it as text, or packed as the headers say.")


class LineError(RequestError):
    """A line of CSV or JSONL that cannot be read (400)."""

    def __init__(self, rule: str, line: int, got: str) -> None:
        super().__init__(f"{rule}; line {line} {got}. Correct that line.", line=line)


class EventError(RequestError):
    """The event is not a Function URL event (400)."""

    def __init__(self) -> None:
        super().__init__("The event must be a Function URL event, payload format 2.0. Call the function's URL.")


class PathError(RequestError):
    """No such path (404)."""

    status = 404

    def __init__(self, path: str, known: list[str]) -> None:
        super().__init__(f"There is no {path[:80]!r} here. The paths are {', '.join(known)}.")


class MethodError(RequestError):
    """The path is there, the method is not (405)."""

    status = 405

    def __init__(self, method: str, path: str, allow: str) -> None:
        super().__init__(f"{path} takes {allow}; got {method[:20]!r}.", {"allow": allow})


class NotAcceptableError(RequestError):
    """The caller takes none of the forms that an answer has (406)."""

    status = 406

    def __init__(self, offered: tuple[str, ...], accept: str) -> None:
        rule = f"An answer is {', '.join(offered[:-1])} or {offered[-1]}"
        super().__init__(f"{rule}; got accept: {accept[:80]!r}. Name one of them, or */*.")


class BytesError(RequestError):
    """More bytes than Lambda carries, or than a path takes (413)."""

    status = 413

    def __init__(
        self, what: str, got: int | str, remedy: str = "Send fewer rows at a time.", limit: int = MAX_BYTES
    ) -> None:
        size = f"{got:,}" if isinstance(got, int) else got
        super().__init__(f"{what} may have at most {limit:,} bytes; this has {size}. {remedy}")


class RowsError(RequestError):
    """More rows than one request may hold (413)."""

    status = 413

    def __init__(self, got: int | str) -> None:
        count = f"{got:,}" if isinstance(got, int) else got
        super().__init__(f"A request may hold at most {MAX_ROWS:,} rows; got {count}. Send them in several requests.")


class MediaTypeError(RequestError):
    """The body is of another content type or coding (415)."""

    status = 415

    def __init__(self, rule: str, got: str, remedy: str, taken: list[str], header: str = "accept") -> None:
        super().__init__(f"{rule}; got {got[:80]}. {remedy}", {header: ", ".join(taken)})


class ShapeError(RequestError):
    """JSON, but neither one row nor a list of rows (422)."""

    status = 422

    def __init__(self, rule: str, got: str) -> None:
        reason = f'{rule}; got {got}. Send one row as an object, or {{"rows": [row, …]}}.'
        errors = [{"row": None, "feature": None, "kind": "body", "reason": reason}]
        super().__init__(reason, error_count=1, errors=errors)


class TensorError(RequestError):
    """A request of the inference protocol that is not of its form (422)."""

    status = 422

    def __init__(self, tensor: str | None, rule: str, got: str, remedy: str) -> None:
        reason = f"{rule}; got {got}. {remedy}"
        errors = [{"row": None, "feature": tensor, "kind": "tensor", "reason": reason}]
        super().__init__(reason, error_count=1, errors=errors)


def problem_response(error: Exception, request_id: str | None, *, inference: bool = False) -> Response:
    """Map an error to its problem document, as a response.

    Args:
        error: as for `problem_of`.
        request_id: as for `problem_of`.
        inference: whether to say it under `error`, too, where the inference protocol has it.
    """
    document, headers = problem_of(error, request_id)
    if inference:
        document["error"] = str(error) if isinstance(error, ContractError) else document["detail"]
    return {
        "statusCode": document["status"],
        "headers": {"content-type": "application/problem+json", "cache-control": "no-store", **headers},
        "body": _encodable(encode_json(document)),
        "isBase64Encoded": False,
    }


def problem_of(error: Exception, request_id: str | None) -> tuple[dict[str, Any], dict[str, str]]:
    """The problem document of an error, and headers that belong to it.

    Args:
        error: a `RequestError` or a `ContractError` is the caller's; anything else is ours: it is logged, and the
            answer shows nothing of it.
        request_id: stands in the document, so that a caller can name the request.
    """
    headers: dict[str, str] = {}
    if isinstance(error, RequestError):
        status, detail, headers, members = error.status, error.detail, error.headers, error.members
    elif isinstance(error, ContractError):
        count = len(error.problems)
        status, detail = 422, f"The rows must keep to the contract (GET /contract); problems found: {count:,}."
        members = {"error_count": count, "errors": error.problems[:MAX_ERRORS]}
    else:
        _log(error, request_id)
        status, detail = (
            500,
            "The request could not be answered. Nothing is wrong with it; please report the request_id.",
        )
        members = {}
    document = {"type": "about:blank", "title": TITLES[status], "status": status, "detail": detail, **members}
    return {**document, "request_id": request_id}, headers


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _log(error: Exception, request_id: str | None) -> None:
    """Log where an unexpected error arose, without its message: that may quote the request."""
    from aws_lambda_powertools import Logger  # here: its import costs a cold start 10 ms, and this line is rare

    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)]
    logger = Logger(service="selfsame", stream=sys.stdout)
    logger.error("unexpected error", error=type(error).__name__, frames=frames, request_id=request_id)
