"""What a request must get, found by plain means and by what docs/lambda.md says: the oracle of `make fuzz`."""

import csv
import gzip
import io
import json
import math
import struct
from base64 import b64decode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deploy.examples import Examples
from lambda_handler.contract import Contract, ContractError
from lambda_handler.http import make_handler
from lambda_handler.predictor import Predictor
from lambda_handler.problem import MAX_BYTES, MAX_ROWS, TITLES
from lambda_handler.tensors import PACKED
from lambda_handler.text import read_cell, read_row

MEMBERS = {"type", "title", "status", "detail", "request_id"}
EXPECTED = frozenset(TITLES) - {500}
ASKED_TOO_MUCH = (413, 422)  # explaining takes many answers, and each must be finite

Answers = list[dict[str, Any]]
Reference = Callable[[], tuple[Answers, bool]]  # the answers, and whether each is to be explained


class RefusedBodyError(Exception):
    """The reference refuses the body with one of these statuses."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = statuses


class Model:
    """One bundle behind its handler, and the reference that its answers are held against."""

    def __init__(self, bundle: Path) -> None:
        self.handler = make_handler(bundle)
        self.predictor = Predictor.load(bundle)
        self.contract: Contract = self.predictor.contract
        self.examples = Examples(bundle)

    def right(self, rows: Sequence[Any]) -> Answers:
        """What the predictor says of rows.

        Raises:
            RefusedBodyError: they break the contract, or are too many.
        """
        if len(rows) > MAX_ROWS:
            raise RefusedBodyError(413)
        try:
            return self.predictor.predict(rows)
        except ContractError:
            raise RefusedBodyError(422) from None


def hold(response: dict[str, Any], right: Reference | None, others: tuple[int, ...] = ()) -> int:
    """Whether a response is one that a request may get, and the one that the reference gives; its status."""
    json.dumps(response, allow_nan=False).encode()
    status, body = response["statusCode"], response["body"]
    assert all(isinstance(part, str) for pair in response["headers"].items() for part in pair)
    raw = b64decode(body, validate=True) if response["isBase64Encoded"] else body.encode()
    if response["headers"].get("content-encoding") == "gzip":
        raw = gzip.decompress(raw)
    if status not in {200, 204}:
        assert response["headers"]["content-type"] == "application/problem+json"
        hold_problem(json.loads(raw), status)
    if right is None:
        return int(status)
    try:
        expected, explained = right()
    except RefusedBodyError as error:
        assert status in (*error.statuses, *others), f"{status} instead of {error.statuses}: {raw[:300]!r}"
        return int(status)
    if status in (*others, *(ASKED_TOO_MUCH if explained else ())):
        return int(status)
    assert status == 200, f"{status}, and the rows are good: {raw[:300]!r}"
    kind = response["headers"]["content-type"]
    found = list(map(json.loads, raw.splitlines())) if kind == "application/jsonl" else json.loads(raw)["predictions"]
    hold_answers(found, expected, explained)
    return 200


def hold_problem(document: dict[str, Any], status: int) -> None:
    """A problem document is of the documented form, and no 5xx."""
    assert document.keys() - {"error_count", "errors", "line", "error"} == MEMBERS
    assert status in EXPECTED, f"status {status}: {document}"
    assert (document["status"], document["title"]) == (status, TITLES[status])
    assert isinstance(document["detail"], str)
    for error in document.get("errors", ()):
        assert error.keys() == {"row", "feature", "kind", "reason"}


def hold_answers(found: Answers, expected: Answers, explained: bool) -> None:
    """Predictions hold the answers, and what explains them adds up to them."""
    told = [{name: each.get(name) for name in right} for each, right in zip(found, expected, strict=True)]
    assert told == expected, f"{told} instead of {expected}"
    for each in found:
        assert ("explanation" in each) is explained
        if explained:
            whole = each["explanation"]
            parts = whole.get("targets", {None: whole})
            for name, part in parts.items():
                _hold_sum(part, each if name is None else each["targets"][name])


def _hold_sum(part: dict[str, Any], answer: dict[str, Any]) -> None:
    number = answer[part["of"]["part"]]
    number = number[part["of"]["key"]] if isinstance(number, dict) else number
    terms = [part["base"], *part["contributions"].values()]
    assert abs(math.fsum(terms) - number) <= 1e-9 * max(1.0, *map(abs, terms)), f"{part} for {answer}"


def text(body: bytes) -> str:
    """A body as text."""
    if len(body) > MAX_BYTES:
        raise RefusedBodyError(413)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise RefusedBodyError(400) from None


def strict(text: str) -> Any:
    """RFC 8259 and nothing else, read the slow way."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)

    def finite(digits: str) -> float:
        if math.isinf(float(digits)):
            raise ValueError("too large")
        return float(digits)

    def constant(name: str) -> Any:
        raise ValueError(name)

    try:
        value = json.loads(text, object_pairs_hook=once, parse_float=finite, parse_constant=constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise RefusedBodyError(400) from None
    return value


def rows_of(value: Any) -> list[Any]:
    """The rows of a JSON request without options."""
    if not isinstance(value, dict):
        raise RefusedBodyError(422)
    if not isinstance(value.get("rows"), list):
        return [value]
    if len(value) > 1 or not value["rows"]:
        raise RefusedBodyError(422)
    return list(value["rows"])


def question_of(value: Any) -> tuple[list[Any], bool]:
    """The rows of a JSON request, and whether it asks for explanations."""
    if not isinstance(value, dict) or not isinstance(value.get("rows"), list) or "explain" not in value:
        return rows_of(value), False
    told, rest = value["explain"], {name: part for name, part in value.items() if name != "explain"}
    if not isinstance(told, bool):
        limits = {"samples": (2, 64), "seed": (0, 2**32 - 1)}
        if not isinstance(told, dict) or not all(
            name in limits and type(part) is int and limits[name][0] <= part <= limits[name][1]
            for name, part in told.items()
        ):
            raise RefusedBodyError(422, 413)
    return rows_of(rest), told is not False


def table(contract: Contract, text: str) -> list[Any]:
    """The rows of a CSV request."""
    try:
        reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
        lines = [cells for cells in reader if cells]
    except csv.Error:
        raise RefusedBodyError(400, 413) from None
    if not lines or any(len(cells) != len(lines[0]) for cells in lines):
        raise RefusedBodyError(400, 413)
    names = [name.strip() for name in lines[0]]
    if len(set(names)) < len(names):
        raise RefusedBodyError(400)
    if not lines[1:]:
        raise RefusedBodyError(422)
    features = {feature.name: feature for feature in contract.features}

    def typed(name: str, cell: str) -> Any:
        return read_cell(features[name], cell) if name in features else cell

    return [dict(zip(names, map(typed, names, cells), strict=True)) for cells in lines[1:]]


def hold_tensors(model: Model, response: dict[str, Any], head: bytes, rest: bytes) -> int:
    """An answer to tensors is the predictor's answer to the rows in them."""
    status = hold(response, None)
    if status != 200 or response["isBase64Encoded"]:
        return status
    rows = rows_of_tensors(json.loads(head), rest)
    expected = model.right(rows)
    outputs = {output["name"]: output.get("data") for output in json.loads(response["body"])["outputs"]}
    for name in {"label", "value", "probabilities"} & outputs.keys() & expected[0].keys():
        parts = [each[name] for each in expected]
        flat = [number for part in parts for number in part.values()] if name == "probabilities" else parts
        assert outputs[name] == flat, f"{name}: {outputs[name]} instead of {flat}"
    return status


def rows_of_tensors(request: Any, rest: bytes) -> list[dict[str, Any]]:
    """The rows of tensors that were answered."""
    columns: dict[str, list[Any]] = {}
    for tensor in request["inputs"]:
        size, code = tensor.get("parameters", {}).get("binary_data_size"), PACKED.get(tensor["datatype"])
        if size is None:
            values = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in tensor["data"]]
            if code == "f":
                values = [
                    value if value is None else struct.unpack("f", struct.pack("f", value))[0] for value in values
                ]
        elif code is not None:
            values = [value for (value,) in struct.iter_unpack(f"<{code}", rest[:size])]
        else:
            values, part = [], rest[:size]
            while part:
                end = 4 + int.from_bytes(part[:4], "little")
                values, part = [*values, part[4:end].decode()], part[end:]
        rest = rest[size or 0 :]
        columns[tensor["name"]] = values
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def hold_direct(model: Model, event: Any, status: int, found: list[dict[str, Any]] | None) -> None:
    """A direct call answers as the predictor does, without the options that stand beside the rows."""
    if not isinstance(event, dict) or isinstance(event.get("Records"), list):
        assert found is None
        return
    listed = isinstance(event.get("rows"), list)
    options = {name: event[name] for name in (("text", "each") if listed else ("text",)) if name in event}
    try:
        rows, explained = question_of({name: value for name, value in event.items() if name not in options})
        if not all(isinstance(told, bool) for told in options.values()) or (explained and options.get("each")):
            raise RefusedBodyError(422)
        if options.get("text"):
            rows = [read_row(model.contract, row) for row in rows]
        if options.get("each"):
            assert found is not None or len(rows) > MAX_ROWS
            assert found is None or len(found) == len(rows)
            return
        expected = model.right(rows)
    except RefusedBodyError as error:
        assert (found, status in (413, 422, *error.statuses)) == (None, True)
        return
    if not (explained and status in ASKED_TOO_MUCH):
        assert found is not None, f"{status}, and the rows are good"
        hold_answers(found, expected, explained)
