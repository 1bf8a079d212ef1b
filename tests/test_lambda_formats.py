"""The handler in CSV, JSONL and gzip: the same answers as in JSON, and a problem document for what cannot be read."""

import base64
import csv
import gzip
import io
import json
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_handler.http import Handler, make_handler
from lambda_handler.problem import MAX_BYTES, MAX_ROWS
from lambda_handler.text import is_number
from tests.bundle_factory import EXAMPLE, Task, make_bundle

CONTEXT = SimpleNamespace(aws_request_id="request-1")
ROWS: list[dict[str, Any]] = [
    EXAMPLE,
    {"income": None, "age": 71, "grade": None, "home": "rent", "married": False},
    {"income": 0.1 + 0.2, "age": 18, "grade": 'a "quoted", one\r\nof two lines', "home": "own", "married": True},
    {"income": 1e22, "age": 90, "grade": "ünsëen \U0001f600", "home": "own", "married": True},
]
HEADER = "home,married,income,age,grade"
LINE = "own,true,50000,40,B"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("formats") / "tiny")


@pytest.fixture(scope="module")
def handler(bundle: Path) -> Handler:
    return make_handler(bundle)


def send(handler: Handler, body: bytes | str, content_type: str, **headers: str) -> tuple[int, dict[str, Any], bytes]:
    """Status, headers, and the body's bytes, unpacked; bytes are sent as Lambda sends them, in base64."""
    told = {"content-type": content_type} | {name.replace("_", "-"): value for name, value in headers.items()}
    packed = isinstance(body, bytes)
    text = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    context = {"http": {"method": "POST", "path": "/predict"}}
    event = {"rawPath": "/predict", "headers": told, "requestContext": context, "body": text, "isBase64Encoded": packed}
    response = handler(event, CONTEXT)
    found = base64.b64decode(response["body"]) if response["isBase64Encoded"] else response["body"].encode()
    if response["headers"].get("content-encoding") == "gzip":
        found = gzip.decompress(found)
    return response["statusCode"], response["headers"], found


def refused(handler: Handler, body: bytes | str, content_type: str, **headers: str) -> tuple[int, dict[str, Any]]:
    status, told, found = send(handler, body, content_type, **headers)
    assert (status >= 400, told["content-type"]) == (True, "application/problem+json")
    return status, json.loads(found)


def answered(handler: Handler, body: bytes | str, content_type: str, **headers: str) -> list[Any]:
    status, _, found = send(handler, body, content_type, **headers)
    assert status == 200, found
    return list(map(stable, json.loads(found)["predictions"]))


def stable(prediction: dict[str, Any]) -> dict[str, Any]:
    """A prediction without what differs from request to request."""
    return {name: value for name, value in prediction.items() if name != "id"}


def in_json(handler: Handler, rows: list[dict[str, Any]]) -> list[Any]:
    return answered(handler, json.dumps({"rows": rows}), "application/json")


def as_csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(reversed(rows[0])))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def test_csv_is_answered_as_json_is(handler: Handler) -> None:
    expected = in_json(handler, ROWS)
    assert answered(handler, as_csv(ROWS), "text/csv") == expected
    assert answered(handler, "\ufeff" + as_csv(ROWS), "Text/CSV; charset=UTF-8; header=present") == expected
    assert answered(handler, as_csv(ROWS).encode("utf-8-sig"), "text/csv") == expected


def test_jsonl_is_answered_as_json_is(handler: Handler) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    for body in ("\n".join(lines), "\r\n".join([*lines, "", " "]), "\ufeff" + "\n".join(lines) + "\n"):
        for kind in ("application/jsonl", "application/x-ndjson", "application/x-jsonlines"):
            assert answered(handler, body, kind) == in_json(handler, ROWS)


@pytest.mark.parametrize(
    ("cells", "row"),
    [
        ("own,TRUE,5e4,40.0, B ", {}),
        ("own,1,+50000.,40,B", {}),
        ("own,0,.5,040,B", {"married": False, "income": 0.5}),
        ("own,true,,40,", {"income": None, "grade": None}),
        ("own,true,NaN,40,NaN", {"income": None, "grade": "NaN"}),
        ('"own","true","50000","40","B"', {}),
    ],
)
def test_a_cell_is_typed_by_the_contract(handler: Handler, cells: str, row: dict[str, Any]) -> None:
    assert answered(handler, f"{HEADER}\n{cells}\n", "text/csv") == in_json(handler, [EXAMPLE | row])


def test_a_category_with_blanks_of_its_own_keeps_them(tmp_path: Path) -> None:
    from lambda_handler.contract import read_contract
    from lambda_handler.text import read_cell

    contract = read_contract((make_bundle(tmp_path / "b") / "contract.json").read_bytes())
    grade = next(feature for feature in contract.features if feature.name == "grade")
    document = {**contract.document, "features": [dict(each) for each in contract.document["features"]]}
    document["features"][2]["categories"] = [" A", "B"]
    blank = type(contract)(document).features[2]
    assert [read_cell(each, " A") for each in (grade, blank)] == ["A", " A"]
    assert [read_cell(blank, cell) for cell in ("A", " B ", "  ")] == ["A", "B", None]


@pytest.mark.parametrize(
    ("cells", "feature", "kind"),
    [
        ("own,true,fifty,40,B", "income", "type"),
        ("own,true,1e999,40,B", "income", "type"),
        ("own,true,0x10,40,B", "income", "type"),
        ("own,true,1_000,40,B", "income", "type"),
        ("own,true,50000,40.5,B", "age", "type"),
        ("own,true,50000,,B", "age", "missing"),
        ("own,true,50000,151,B", "age", "out_of_bounds"),
        ("own,true,50000," + "9" * 5000 + ",B", "age", "type"),
        ("own,yes,50000,40,B", "married", "type"),
        ("boat,true,50000,40,B", "home", "unseen"),
        ("own,true,50000,40,\ue000missing", "grade", "reserved"),
    ],
)
def test_a_cell_that_breaks_the_contract_is_named_by_row_and_feature(
    handler: Handler, cells: str, feature: str, kind: str
) -> None:
    status, document = refused(handler, f"{HEADER}\n{LINE}\n{cells}\n", "text/csv")
    assert (status, document["error_count"]) == (422, 1)
    [error] = document["errors"]
    assert (error["row"], error["feature"], error["kind"]) == (1, feature, kind)


def test_missing_and_unknown_columns_are_named(handler: Handler) -> None:
    status, document = refused(handler, "home,married,income,agee,grade\nown,true,1,40,B\n", "text/csv")
    assert status == 422
    assert {(e["feature"], e["kind"]) for e in document["errors"]} == {("age", "absent"), ("agee", "unknown")}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ("", 400, "header"),
        ("\n\n", 400, "header"),
        (f"{HEADER}\n", 422, "one row"),
        (f"{HEADER},age\n{LINE},40\n", 400, "'age' twice"),
        (f"{HEADER}\n{LINE}\nown,true\n", 400, "line 3 has 2 of 5"),
        (f"{HEADER}\nown;true;1;40;B\n", 400, "delimiters"),
        (f'{HEADER}\nown,true,1,40,"B\n', 400, "quote"),
        (f'{HEADER}\nown,true,1,40,"B"x\n', 400, "quote"),
        (HEADER.encode() + b"\nown,true,1,40,\xff\n", 400, "UTF-8"),
        (HEADER.encode("utf-16"), 400, "UTF-8"),
        (f"{HEADER}\nown,true,1,40,\0\n", 422, "contract"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_csv_is_refused(handler: Handler, body: bytes | str, status: int, says: str) -> None:
    answered, document = refused(handler, body, "text/csv")
    assert (answered, says in document["detail"]) == (status, True), document


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ("", 422, "one row"),
        (f"{json.dumps(EXAMPLE)}\n{{", 400, "line 2"),
        ('{"income": NaN}\n', 400, "line 1"),
        ("\n\n[1]\n", 422, "contract"),
        (b"\xff\n", 400, "UTF-8"),
    ],
)
def test_what_is_no_jsonl_is_refused_by_its_line(handler: Handler, body: bytes | str, status: int, says: str) -> None:
    answered, document = refused(handler, body, "application/jsonl")
    assert (answered, says in document["detail"]) == (status, True), document


@pytest.mark.parametrize("kind", ["text/csv", "application/jsonl"])
def test_rows_are_counted_in_every_form(handler: Handler, kind: str) -> None:
    line = LINE if kind == "text/csv" else json.dumps(EXAMPLE)
    start = [HEADER] if kind == "text/csv" else []
    assert len(answered(handler, "\n".join([*start, *[line] * MAX_ROWS]), kind)) == MAX_ROWS
    status, document = refused(handler, "\n".join([*start, *[line] * (MAX_ROWS + 1)]), kind)
    assert (status, f"{MAX_ROWS:,}" in document["detail"]) == (413, True)


def test_a_cell_as_long_as_a_request_is_read(handler: Handler) -> None:
    row = EXAMPLE | {"grade": "x" * 3_000_000}
    assert answered(handler, as_csv([row]), "text/csv") == in_json(handler, [row])


def test_a_long_text_of_digits_is_told_from_a_number_at_once() -> None:
    assert not is_number("1" * 1_000_000 + "x")  # hours, where the digits are tried in every way


@pytest.mark.parametrize(
    "task", ["classification", "multiclass", "regression", "scores", "labels", "values", "several"]
)
def test_every_form_of_answer_is_written_as_csv_and_jsonl(task: Task, tmp_path: Path) -> None:
    handler = make_handler(make_bundle(tmp_path / "bundle", task=task))
    body = json.dumps({"rows": ROWS[:3]})
    expected = in_json(handler, ROWS[:3])
    _, headers, found = send(handler, body, "application/json", accept="application/jsonl")
    assert headers["content-type"] == "application/jsonl"
    assert [stable(json.loads(line)) for line in found.decode().splitlines()] == expected
    _, headers, found = send(handler, body, "application/json", accept="text/csv")
    assert headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(found.decode(), newline="")))
    for cells, prediction in zip(table, expected, strict=True):
        flat = flatten(prediction)
        assert {name: cells[name] for name in flat} == flat
        assert cells["warnings"] == " ".join(warning["message"] for warning in prediction["warnings"])


def flatten(prediction: dict[str, Any], before: str = "") -> dict[str, str]:
    """What an answer is in CSV, told a second time."""
    cells: dict[str, str] = {}
    for name, part in prediction.get("targets", {}).items():
        cells |= flatten(part, f"{name}.")
    for name in ("label", "value"):
        if name in prediction:
            value = prediction[name]
            cells[before + name] = value if isinstance(value, str) else json.dumps(value)
    for names, name in (("probabilities", "probability"), ("scores", "score")):
        cells |= {f"{before}{name}_{key}": json.dumps(value) for key, value in prediction.get(names, {}).items()}
    return cells


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/*", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        ("text/csv, */*", "text/csv"),
        ("text/csv, application/json", "application/json"),
        ("text/csv;q=0.9, application/json;q=0.8", "text/csv"),
        ("application/json;q=0, */*", "text/csv"),
        ("application/jsonl, application/json;q=0.5", "application/jsonl"),
        ("application/x-ndjson", "application/jsonl"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
        ("text/csv;q=high, application/json", "application/json"),
        ("application/json ; charset=utf-8", "application/json"),
    ],
)
def test_the_answer_has_the_form_that_the_caller_prefers(handler: Handler, accept: str, kind: str) -> None:
    status, headers, _ = send(handler, json.dumps(EXAMPLE), "application/json", accept=accept)
    assert (status, headers["content-type"].partition(";")[0]) == (200, kind)
    assert headers["vary"] == "accept, accept-encoding"


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "*/*;q=0", "text/csv;q=²", ",", "q=1"])
def test_a_caller_who_takes_no_form_is_told_which_there_are(handler: Handler, accept: str) -> None:
    status, document = refused(handler, json.dumps(EXAMPLE), "application/json", accept=accept)
    assert status == 406
    assert "application/json, text/csv or application/jsonl" in document["detail"]


@pytest.mark.parametrize(
    ("kind", "header", "value"),
    [
        ("text/csv; charset=latin-1", "accept", "application/json"),
        ("text/csv; header=absent", "accept", "text/csv"),
        ("application/xml", "accept", "application/jsonl"),
    ],
)
def test_another_type_is_refused_with_those_that_are_taken(
    handler: Handler, kind: str, header: str, value: str
) -> None:
    status, headers, _ = send(handler, "{}", kind)
    assert (status, value in headers[header]) == (415, True)


@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
def test_a_packed_body_is_unpacked(handler: Handler, kind: str, coding: str) -> None:
    body = json.dumps({"rows": ROWS}) if kind == "application/json" else as_csv(ROWS)
    packed = gzip.compress(body.encode())
    members = gzip.compress(body[:50].encode()) + gzip.compress(body[50:].encode())
    for sent in (packed, members):
        assert answered(handler, sent, kind, content_encoding=coding) == in_json(handler, ROWS)
    assert answered(handler, body.encode(), kind, content_encoding="identity") == in_json(handler, ROWS)


@pytest.mark.parametrize(
    ("body", "coding", "status", "says"),
    [
        (b"{}", "gzip", 400, "gzip"),
        ("{}", "gzip", 400, "gzip"),
        (b"", "gzip", 400, "JSON"),
        (gzip.compress(b'{"income": 1}', mtime=0)[:-9], "gzip", 400, "too early"),
        (gzip.compress(b"{}", mtime=0) + b"rubbish", "gzip", 400, "gzip"),
        (gzip.compress(b"\xff", mtime=0), "gzip", 400, "UTF-8"),
        (b"{}", "br", 415, "gzip alone"),
        (b"{}", "gzip, gzip", 415, "gzip alone"),
        (b"{}", "deflate", 415, "gzip alone"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_not_packed_as_it_says_is_refused(
    handler: Handler, body: bytes | str, coding: str, status: int, says: str
) -> None:
    answered, document = refused(handler, body, "application/json", content_encoding=coding)
    assert (answered, says in document["detail"]) == (status, True), document


def test_a_bomb_is_refused_before_it_is_unpacked(handler: Handler) -> None:
    bomb = gzip.compress(b" " * 200_000_000, 9)
    tracemalloc.start()
    status, document = refused(handler, bomb, "application/json", content_encoding="gzip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (status, f"{MAX_BYTES:,}" in document["detail"]) == (413, True)
    assert peak < 40_000_000
    many = gzip.compress(b" " * 1_000_000) * 7
    assert refused(handler, many, "application/json", content_encoding="gzip")[0] == 413


@pytest.mark.parametrize(
    ("taken", "packed"), [("gzip, deflate, br", True), ("*", True), ("gzip;q=0", False), ("br", False), ("", False)]
)
def test_a_large_answer_is_packed_for_a_caller_who_takes_that(handler: Handler, taken: str, packed: bool) -> None:
    body = json.dumps({"rows": ROWS * 50})
    status, headers, found = send(handler, body, "application/json", accept_encoding=taken)
    assert (status, "content-encoding" in headers) == (200, packed)
    assert list(map(stable, json.loads(found)["predictions"])) == in_json(handler, ROWS * 50)


def test_a_small_answer_is_not_packed(handler: Handler) -> None:
    _, headers, _ = send(handler, json.dumps(EXAMPLE), "application/json", accept_encoding="gzip")
    assert "content-encoding" not in headers


def test_packed_an_answer_over_the_limit_is_carried(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"rows": [{**EXAMPLE, "income": 1e17, "age": 149, "grade": "unseen"}] * 2000})
    monkeypatch.setattr("lambda_handler.reply.MAX_BYTES", 400_000)
    assert len(answered(handler, body, "application/json", accept_encoding="gzip")) == 2000
    status, document = refused(handler, body, "application/json")
    assert (status, "accept-encoding: gzip" in document["detail"]) == (413, True)
    monkeypatch.setattr("lambda_handler.reply.MAX_BYTES", 1000)
    status, document = refused(handler, body, "application/json", accept_encoding="gzip")
    assert (status, "base64" in document["detail"]) == (413, True)
