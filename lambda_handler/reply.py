"""From an answer to a Function URL response."""

from lambda_handler.problem import MAX_BYTES, BytesError, Response


def json_response(status: int, body: str, cache: str = "no-store") -> Response:
    """A response of JSON.

    Raises:
        BytesError: Lambda could not carry it.
    """
    if len(body) > MAX_BYTES // 4 and len(body.encode()) > MAX_BYTES:
        raise BytesError("An answer", len(body.encode()))
    headers = {"content-type": "application/json", "cache-control": cache}
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}
