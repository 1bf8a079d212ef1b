"""From predictions to a Function URL response: JSON, CSV or JSONL, packed where that pays."""

from collections.abc import Mapping, Sequence
from typing import Any

from lambda_handler.answer import Form
from lambda_handler.media import SENT, takes_gzip
from lambda_handler.problem import MAX_BYTES, BytesError, Response
from lambda_handler.request import Event, header

GZIP_FROM = 8192  # characters: a smaller answer takes longer to pack than to send
VARY = "accept, accept-encoding"


def reply(event: Event, kind: str, body: str) -> Response:
    """The response that holds predictions.

    Args:
        event: says whether gzip is taken.
        kind: `json` or `jsonl`.
        body: of that kind.

    Raises:
        BytesError: Lambda could not carry it.
    """
    return respond(event, 200, body, {"content-type": SENT[kind], "vary": VARY})


def reply_table(event: Event, form: Form, predictions: Sequence[Mapping[str, Any]]) -> Response:
    """The response that holds predictions as CSV.

    Raises:
        BytesError: Lambda could not carry it.
    """
    from lambda_handler.table import write_table

    return respond(event, 200, write_table(form, predictions), {"content-type": SENT["csv"], "vary": VARY})


def respond(event: Event, status: int, body: str, headers: Mapping[str, str] | None = None) -> Response:
    """A response of text: JSON, not to be stored, where `headers` say nothing else.

    Raises:
        BytesError: Lambda could not carry it.
    """
    told = {"content-type": "application/json", "cache-control": "no-store", **(headers or {})}
    if len(body) >= GZIP_FROM and takes_gzip(header(event, "accept-encoding")):
        return pack(status, body.encode(), told)
    if len(body) > MAX_BYTES // 4 and len(body.encode()) > MAX_BYTES:
        raise BytesError("An answer", len(body.encode()), "Send fewer rows at a time, or accept-encoding: gzip.")
    return {"statusCode": status, "headers": told, "body": body, "isBase64Encoded": False}


def pack(status: int, body: bytes, headers: Mapping[str, str]) -> Response:
    """A response packed with gzip.

    Raises:
        BytesError: Lambda could not carry it.
    """
    from zlib import compressobj

    packer = compressobj(level=1, wbits=31)
    packed = packer.compress(body) + packer.flush()
    return send_bytes(status, packed, {**headers, "content-encoding": "gzip", "vary": VARY})


def send_bytes(status: int, body: bytes, headers: Mapping[str, str]) -> Response:
    """A response of bytes, which Lambda carries as base64.

    Raises:
        BytesError: Lambda could not carry it.
    """
    from base64 import b64encode

    encoded = b64encode(body).decode()
    if len(encoded) > MAX_BYTES:
        raise BytesError("An answer, in base64,", len(encoded))
    return {"statusCode": status, "headers": dict(headers), "body": encoded, "isBase64Encoded": True}
