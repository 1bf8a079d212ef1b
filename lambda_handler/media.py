"""Media types and content codings: what a body is, and what the caller takes in return (RFC 9110)."""

from lambda_handler.problem import MediaTypeError, NotAcceptableError

TYPES = {
    "application/json": "json",
    "text/csv": "csv",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/x-jsonlines": "jsonl",
}
SENT = {"json": "application/json", "csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
OFFERED = ("application/json", "text/csv", "application/jsonl")
CHARSETS = {"", "utf-8", "utf8", "us-ascii"}


def kind_of_body(content_type: str) -> str:
    """`json`, `csv` or `jsonl`.

    Raises:
        MediaTypeError: the content type is another, or not in UTF-8.
    """
    if content_type == "application/json":
        return "json"
    essence, parameters = _parse(content_type)
    kind = TYPES.get(essence)
    if kind is None:
        rule = f"The content type must be {', '.join(OFFERED[:-1])} or {OFFERED[-1]}"
        remedy = "Send such a content-type header, for example content-type: application/json."
        raise MediaTypeError(rule, repr(content_type) if content_type else "none", remedy, list(TYPES))
    if parameters.get("charset", "") not in CHARSETS:
        got = repr(parameters["charset"])
        raise MediaTypeError("A body is sent in UTF-8", got, "Send UTF-8, and no charset.", list(TYPES))
    if parameters.get("header") == "absent":
        raise MediaTypeError("CSV begins with a header line", "header=absent", "Send the columns' names.", list(TYPES))
    return kind


def kind_of_answer(accept: str) -> str:
    """`json`, `csv` or `jsonl`: what the caller prefers; JSON where that leaves a choice.

    Raises:
        NotAcceptableError: the caller takes none of them.
    """
    if accept in {"", "*/*", "application/json"}:
        return "json"
    ranges = []
    for part in accept.split(","):
        essence, parameters = _parse(part)
        ranges.append((essence, _quality(parameters)))
    best, chosen = (0.0, 0), ""
    for name, kind in TYPES.items():
        found = max(((_fits(essence, name), quality) for essence, quality in ranges), default=(0, 0.0))
        preference = (found[1], found[0]) if found[0] else (0.0, 0)
        if preference[0] > 0 and preference > best:
            best, chosen = preference, kind
    if not chosen:
        raise NotAcceptableError(OFFERED, accept)
    return chosen


def takes_gzip(accept_encoding: str) -> bool:
    """Whether the caller takes a gzip answer."""
    named: dict[str, float] = {}
    for part in accept_encoding.split(","):
        coding, parameters = _parse(part)
        named[coding] = _quality(parameters)
    return named.get("gzip", named.get("x-gzip", named.get("*", 0.0))) > 0


def _parse(value: str) -> tuple[str, dict[str, str]]:
    """A header's value and its parameters, all in lower case."""
    essence, *rest = value.lower().split(";")
    pairs = (part.partition("=") for part in rest)
    return essence.strip(), {name.strip(): given.strip().strip('"') for name, _, given in pairs}


def _quality(parameters: dict[str, str]) -> float:
    """The weight from 0 to 1; 0 where it is none of that form."""
    text = parameters.get("q", "1")
    digits = text.replace(".", "", 1)
    return float(text) if digits.isascii() and digits.isdecimal() and float(text) <= 1 else 0.0


def _fits(essence: str, name: str) -> int:
    """How closely a media range fits a type: 0 not at all, 3 by name."""
    if essence == name:
        return 3
    if essence == f"{name.partition('/')[0]}/*":
        return 2
    return 1 if essence == "*/*" else 0
