"""From a Function URL event to the rows that it asks about."""

from base64 import b64decode
from typing import Any

from lambda_handler.contract import describe
from lambda_handler.problem import (
    MAX_BYTES,
    MAX_ROWS,
    BytesError,
    EventError,
    MediaTypeError,
    NotJsonError,
    RowsError,
    ShapeError,
)
from lambda_handler.strict_json import decode_json

Event = dict[str, Any]


def read_json(event: Event) -> Any:
    """The body's JSON value.

    Raises:
        RequestError: the body is of another type, too large, or not strict JSON.
    """
    headers = event.get("headers") or {}
    _check_type(header(headers, "content-type"), header(headers, "content-encoding"))
    return decode_json(_text(event))


def rows_of(value: Any) -> list[Any]:
    """The rows of a request: `{"rows": […]}`, or one row.

    A row's values are never lists, so `{"rows": […]}` is never a row, also where a feature is called "rows".

    Raises:
        ShapeError: it is neither.
        RowsError: there are more than one request may hold.
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


def header(headers: dict[str, str], name: str) -> str:
    """A header's value, "" where it is absent; Lambda sends lower-case names, other callers may not."""
    value = headers.get(name)
    if value is None:
        value = next((value for key, value in headers.items() if key.lower() == name), "")
    return value


def _text(event: Event) -> str:
    """The body as text, its size checked."""
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
