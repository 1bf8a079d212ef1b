"""Function URL events (payload format 2.0), made from the parts of an HTTP request."""

import base64
import time
import uuid
from collections.abc import Iterable
from typing import Any

TEXT_TYPES = {"application/json", "application/xml", "application/javascript"}


def function_url_event(
    method: str,
    path: str,
    body: bytes = b"",
    headers: Iterable[tuple[str, str]] = (("content-type", "application/json"),),
    query: str = "",
) -> dict[str, Any]:
    """The event that Lambda makes of a request to a function's URL.

    Args:
        method: as sent.
        path: decoded, beginning with "/".
        body: as sent. Text in UTF-8 is passed as it is where the content type says text or JSON, else as base64, as
            Lambda does.
        headers: name and value as sent; names become lower case, repeated ones are joined by commas.
        query: the raw query string.
    """
    joined: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    text = _text(body, joined.get("content-type", ""))
    now = time.time()
    request = {
        "method": method,
        "path": path,
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": joined.get("user-agent", ""),
    }
    context = {
        "accountId": "anonymous",
        "apiId": "local",
        "domainName": joined.get("host", "localhost"),
        "domainPrefix": "local",
        "http": request,
        "requestId": str(uuid.uuid4()),
        "routeKey": "$default",
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }
    event: dict[str, Any] = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query}
    event |= {"headers": joined, "requestContext": context, "isBase64Encoded": text is None}
    if body:
        event["body"] = base64.b64encode(body).decode() if text is None else text
    return event


def _text(body: bytes, content_type: str) -> str | None:
    essence = content_type.partition(";")[0].strip().lower()
    if not (essence.startswith("text/") or essence in TEXT_TYPES):
        return None if body else ""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
