"""From a Function URL event to the rows that it asks about."""

import io
from base64 import b64decode
from collections.abc import Iterable
from itertools import islice
from typing import Any

from lambda_handler.contract import Contract, describe
from lambda_handler.media import kind_of_body
from lambda_handler.problem import (
    MAX_BYTES,
    MAX_ROWS,
    BytesError,
    EventError,
    LineError,
    MediaTypeError,
    NotJsonError,
    NotTextError,
    RowsError,
    ShapeError,
)
from lambda_handler.strict_json import decode_json, may_overflow

Event = dict[str, Any]


def read_question(event: Event, contract: Contract) -> tuple[list[Any], Any]:
    """The rows of a request, in JSON, CSV or JSONL, and what it says of `explain` (False where it says nothing).

    Raises:
        RequestError: the body is of another type, too large, or not what its type says.
    """
    kind = kind_of_body(header(event, "content-type"))
    text = read_text(event)
    if kind == "json":
        value, explain = explain_of(decode_json(text, checked_later=True))
        return rows_of(value), explain
    rows = _csv_rows(contract, text) if kind == "csv" else _json_lines(text)
    if not rows:
        raise ShapeError("A request must hold at least one row", "none")
    return rows, False


def check_numbers(event: Event) -> None:
    """Say first of a refused question what is wrong with its JSON where a number may overflow.

    An accepted question needs no such check: all its values are the contract's, and the contract takes finite numbers.

    Raises:
        RequestError: the body is not what its type says.
    """
    if kind_of_body(header(event, "content-type")) == "json" and may_overflow(text := read_text(event)):
        decode_json(text)


def read_json(event: Event, limit: int = MAX_BYTES) -> Any:
    """The JSON value of a body that is nothing else.

    Args:
        event: the request.
        limit: of bytes, unpacked.

    Raises:
        RequestError: the body is of another type, too large, or not strict JSON.
    """
    content_type = header(event, "content-type")
    if kind_of_body(content_type) != "json":
        rule, remedy = "This body must be application/json", "Send it as JSON."
        raise MediaTypeError(rule, repr(content_type), remedy, ["application/json"])
    text = read_text(event)
    if limit < MAX_BYTES and len(text.encode()) > limit:
        raise BytesError("This request", len(text.encode()), limit=limit)
    return decode_json(text)


def explain_of(value: Any) -> tuple[Any, Any]:
    """A request without its member `explain` beside `rows`, and that member's value (False where there is none)."""
    if not isinstance(value, dict) or "explain" not in value or not isinstance(value.get("rows"), list):
        return value, False
    return {name: part for name, part in value.items() if name != "explain"}, value["explain"]


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


def header(event: Event, name: str) -> str:
    """A header's value, "" where it is absent; Lambda sends lower-case names, other callers may not.

    Raises:
        EventError: the event's headers are not names and texts.
    """
    headers = event.get("headers") or {}
    try:
        value = headers.get(name)
        if value is None:
            lower = "".join(headers).islower()  # as Lambda sends them
            value = "" if lower else next((value for key, value in headers.items() if key.lower() == name), "")
    except (AttributeError, TypeError):
        raise EventError from None
    if not isinstance(value, str):
        raise EventError
    return value


def read_text(event: Event) -> str:
    """The body as text, unpacked, its size checked.

    Raises:
        RequestError: it is too large, packed otherwise than with gzip, or no UTF-8.
    """
    if not event.get("isBase64Encoded") and not header(event, "content-encoding"):
        body = _body(event)
        try:
            if len(body) > MAX_BYTES // 4 and len(body.encode()) > MAX_BYTES:
                raise BytesError("A request", len(body.encode()))
            if not body.isascii():
                body.encode()
        except UnicodeError:
            raise NotTextError("its bytes are not") from None
        return body
    try:
        return read_bytes(event).decode()
    except UnicodeError:
        raise NotTextError("its bytes are not") from None


def read_bytes(event: Event) -> bytes:
    """The body, unpacked, its size checked.

    Raises:
        RequestError: it is too large, or packed otherwise than with gzip.
    """
    body = _body(event)
    try:
        raw = b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except UnicodeEncodeError:
        raise NotTextError("its bytes are not") from None
    except ValueError:
        raise NotTextError("the event says base64, and the body is not") from None
    if len(raw) > MAX_BYTES:
        raise BytesError("A request", len(raw))
    coding = header(event, "content-encoding").lower().strip()
    if coding in {"", "identity"}:
        return raw
    if coding not in {"gzip", "x-gzip"}:
        rule, remedy = "A body may be packed with gzip alone", "Send it with content-encoding: gzip, or without."
        raise MediaTypeError(rule, repr(coding), remedy, ["gzip"], "accept-encoding")
    return _unpack(raw)


def _body(event: Event) -> str:
    body = event.get("body") or ""
    if not isinstance(body, str):
        raise EventError
    if len(body) > MAX_BYTES * 4 // 3 + 4:
        raise BytesError("A request", f"over {MAX_BYTES:,}")
    return body


def _unpack(raw: bytes) -> bytes:
    """What gzip packed, never more than the limit of it."""
    import zlib

    found, rest = b"", raw
    try:
        while rest:
            member = zlib.decompressobj(wbits=31)
            found += member.decompress(rest, MAX_BYTES + 1 - len(found))
            if len(found) > MAX_BYTES:
                raise BytesError("A request, unpacked,", f"over {MAX_BYTES:,}")
            if not member.eof:
                raise NotTextError("its gzip data ends too early")
            rest = member.unused_data
    except zlib.error as error:
        raise NotTextError(f"content-encoding says gzip, and it is not ({error})") from None
    return found


def _csv_rows(contract: Contract, text: str) -> list[Any]:
    from lambda_handler import table

    try:
        return _limited(table.read_rows(contract, io.StringIO(text.removeprefix("\ufeff"), newline="")))
    except table.TableError as error:
        raise LineError(error.rule, error.line, error.got) from None


def _json_lines(text: str) -> list[Any]:
    lines = enumerate(text.removeprefix("\ufeff").split("\n"), 1)
    return _limited(json_line(number, line) for number, line in lines if line.strip())


def json_line(number: int, line: str) -> Any:
    """The value of one line of JSONL.

    Raises:
        LineError: it is not strict JSON.
    """
    try:
        return decode_json(line)
    except NotJsonError as error:
        raise LineError("Every line of JSONL must be JSON (RFC 8259)", number, f"is not: {error.got}") from None


def _limited(rows: Iterable[Any]) -> list[Any]:
    """As many rows as a request may hold.

    Raises:
        RowsError: there are more.
    """
    found = list(islice(rows, MAX_ROWS + 1))
    if len(found) > MAX_ROWS:
        raise RowsError(f"over {MAX_ROWS:,}")
    return found
