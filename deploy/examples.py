"""Requests to one model with the handler's own answers: what an OpenAPI document shows, and a test sends again."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lambda_handler.contract import Contract, Feature
from lambda_handler.http import make_handler
from lambda_handler.predictor import Predictor
from lambda_handler.tensors import DATATYPES
from lambda_handler.text import write_cell

REQUEST_ID = "3f0c9d5e-8a41-4f0b-9a53-2f6d1c7b8e90"  # stands for every request's own
PREDICTION_ID = "5f1d7a0c93be46d2a8e0147b"  # what the ids of predictions begin with; each ends in its row's number
ITS_ID = re.compile(r"\b[0-9a-f]{24}-(\d+)\b")

Json = dict[str, Any]


class Examples:
    """Requests to one model.

    Args:
        bundle: a bundle folder.

    Attributes:
        contract: of the bundle.
        one: a row.
        rows: two rows; the second has a missing value and an unseen text, where the contract takes them.
        texts: the first and the second row as `text/csv` and as `application/jsonl`.
        tensors: the row as a request of the inference protocol.
        wrong: a row that breaks the contract.

    Raises:
        BundleError: the folder is no bundle, of another format, or a file has changed.
    """

    def __init__(self, bundle: Path) -> None:
        self._predictor = Predictor.load(bundle)
        self.contract = self._predictor.contract
        self._handler = make_handler(bundle)
        features = self.contract.features
        self.one: Json = {feature.name: feature.example for feature in features}
        rows = [self.one, {**self.one, **_odd(features)}]
        self.rows: Json = {"rows": rows}
        jsonl = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        self.texts = {"text/csv": _csv(rows), "application/jsonl": jsonl}
        self.tensors: Json = {"inputs": [_tensor(feature) for feature in features]}
        self.wrong: Json = {**self.one, features[0].name: [], "unheard of": 1}

    def ask(
        self, path: str, body: str = "", headers: Mapping[str, str] | None = None, method: str = "POST"
    ) -> tuple[int, str, Json]:
        """Send a request.

        Returns:
            The status, the content type, and an example of the response: its `value`, and in `x-request` what was
            sent. Nothing in it differs from time to time.
        """
        told = dict(headers or {"content-type": "application/json"})
        context = {"http": {"method": method, "path": path}}
        event = {"rawPath": path, "headers": told, "requestContext": context, "body": body}
        with redirect_stdout(io.StringIO()):  # an example is no request to be captured
            response = self._handler(event, SimpleNamespace(aws_request_id=REQUEST_ID))
        kind = response["headers"]["content-type"].partition(";")[0]
        value = read_answer(kind, response["body"])
        return (
            response["statusCode"],
            kind,
            {
                "value": value,
                "x-request": {"method": method, "path": path, "headers": told, "body": body},
            },
        )

    def captured(self) -> Json:
        """The row and its answer as a page would tell it, values that are not loggable left out."""
        loggable = [feature.name for feature in self.contract.features if feature.loggable]
        [answer] = self._predictor.predict([self.one])
        row = {name: self.one[name] for name in loggable}
        return {"row": row, "answer": {name: part for name, part in answer.items() if name != "warnings"}}


def read_answer(kind: str, body: str) -> Any:
    """A response's body as an example holds it: JSON as its value, other forms as text, each id replaced."""
    text = ITS_ID.sub(rf"{PREDICTION_ID}-\1", body)
    return json.loads(text) if kind in {"application/json", "application/problem+json"} else text


def outcome_of(contract: Contract) -> Any:
    """An outcome that feedback may tell."""
    outcomes = {target.name: target.classes[0] if target.classes else 0.0 for target in contract.form.targets}
    return outcomes if contract.form.several else outcomes[None]


def _odd(features: Sequence[Feature]) -> Json:
    missing = [each.name for each in features if each.missing == "allowed" and each.dtype not in {"int64", "bool"}]
    unseen = [each.name for each in features if each.unseen == "allowed" and each.name not in missing[:1]]
    return dict.fromkeys(missing[:1]) | dict.fromkeys(unseen[:1], "something new")


def _csv(rows: Sequence[Json]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(rows[0])
    writer.writerows(map(write_cell, row.values()) for row in rows)
    return text.getvalue()


def _tensor(feature: Feature) -> Json:
    return {"name": feature.name, "shape": [1], "datatype": DATATYPES[feature.type], "data": [feature.example]}
