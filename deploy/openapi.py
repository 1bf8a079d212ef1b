"""The OpenAPI document of one model: made of its contract, with the handler's own answers as examples."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deploy.examples import PREDICTION_ID, Examples, outcome_of
from deploy.schemas import capture_schema, closed, reference, schemas_of, tensors_schema
from lambda_handler.contract import Contract
from lambda_handler.media import OFFERED
from lambda_handler.problem import MAX_BYTES, MAX_ROWS

OPENAPI = "openapi.json"  # lies beside the bundle
JSON, CSV, JSONL = OFFERED
PROBLEM = "application/problem+json"
SAID = {
    200: "The answer.",
    400: "The body is not what its content type says.",
    404: "No such path.",
    405: "Another method; the header allow names those that are taken.",
    406: "The caller takes none of the forms that an answer has.",
    413: f"Over {MAX_ROWS:,} rows or {MAX_BYTES:,} bytes, an answer over that, or more explanations than are made.",
    415: "Another content type, charset or coding.",
    422: "Rows that break the contract, or a body of another shape: one entry per row and feature.",
    500: "Our fault; the answer shows nothing of it.",
    503: "The model does not answer its golden rows as the original did.",
}

Json = dict[str, Any]


def openapi_document(bundle: Path, prefix: str = "") -> str:
    """The document as JSON; the same bundle gives the same bytes.

    Args:
        bundle: a bundle folder.
        prefix: of all paths, "/NAME" where several models share one address.

    Raises:
        BundleError: the folder is no bundle, of another format, or a file has changed.
    """
    examples = Examples(bundle)
    contract = examples.contract
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": contract.name,
            "version": contract.version,
            "description": _description(contract),
            "x-model-sha256": contract.model_sha256,
        },
        **({"servers": [{"url": prefix}]} if prefix else {}),
        "paths": {
            "/predict": {"post": _predict(examples)},
            "/feedback": {"post": _feedback(examples)},
            **({"/capture": {"post": _capture(examples)}} if contract.automation.share > 0 else {}),
            "/contract": {"get": _get("contract", "The contract: what a row must hold", {"type": "object"})},
            "/health": {
                "get": _get("health", "Whether the golden rows are answered as the original did", _HEALTH, 503)
            },
            "/openapi.json": {"get": _get("openapi", "This document", {"type": "object"})},
            **_inference(examples),
        },
        "components": {"schemas": schemas_of(contract)},
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _description(contract: Contract) -> str:
    limits = f"A request holds at most {MAX_ROWS:,} rows and {MAX_BYTES:,} bytes."
    told = [contract.document["description"], contract.document["notice"], limits]
    return " ".join(part for part in told if part)


def _predict(examples: Examples) -> Json:
    explained = {"rows": [examples.one], "explain": {"samples": 2, "seed": 0}}
    asked = {"one": examples.one, "rows": examples.rows, "explained": explained}
    texts = {CSV: examples.texts[CSV], JSONL: examples.texts[JSONL]}
    rows = {"anyOf": [reference("Row"), reference("Rows")]}
    body: Json = {JSON: _content(rows, {name: {"value": value} for name, value in asked.items()})}
    body |= {kind: _content({"type": "string"}, {"rows": {"value": text}}) for kind, text in texts.items()}
    sent = [examples.ask("/predict", json.dumps(value)) for value in asked.values()]
    taken = [examples.ask("/predict", text, {"content-type": kind, "accept": kind}) for kind, text in texts.items()]
    refused = [
        examples.ask("/predict", "{"),
        examples.ask("/predict", "{}", {"content-type": JSON, "accept": "text/html"}),
        examples.ask("/predict", "{}", {"content-type": "text/plain"}),
        examples.ask("/predict", json.dumps(examples.wrong)),
        examples.ask("/predict", json.dumps({"rows": []})),
        examples.ask("/predict", json.dumps({"rows": [examples.one], "explain": "why"})),
    ]
    schemas = {JSON: reference("Answer"), CSV: {"type": "string"}, JSONL: {"type": "string"}}
    return {
        "operationId": "predict",
        "summary": "Answer rows",
        "description": "The answer is JSON, CSV or JSONL as the header accept says; with `explain` JSON or JSONL. "
        "Bodies may be packed with gzip.",
        "requestBody": {"required": True, "content": body},
        "responses": _responses(schemas, [*sent, *taken, *refused], (400, 405, 406, 413, 415, 422, 500)),
    }


def _feedback(examples: Examples) -> Json:
    entry = {"id": f"{PREDICTION_ID}-0", "outcome": outcome_of(examples.contract)}
    sent = [examples.ask("/feedback", json.dumps(body)) for body in (entry, {"feedback": [entry]}, {}, "")]
    return {
        "operationId": "feedback",
        "summary": "Tell how predictions turned out",
        "requestBody": {
            "required": True,
            "content": {JSON: _content(reference("Feedback"), {"one": {"value": entry}})},
        },
        "responses": _responses({JSON: {"type": "object"}}, sent, (400, 405, 413, 415, 422, 500)),
    }


def _capture(examples: Examples) -> Json:
    entry = examples.captured()
    one: Json = {"model": examples.contract.model_sha256, "captures": [entry]}
    wrong = {**one, "captures": [{**entry, "answer": {}}]}
    sent = [examples.ask("/capture", json.dumps(body)) for body in (one, wrong, {}, "")]
    return {
        "operationId": "capture",
        "summary": "Keep answers that a page made",
        "description": "Sent by the page where its visitor switched that on. Of a row the loggable features are kept.",
        "requestBody": {
            "required": True,
            "content": {JSON: _content(capture_schema(examples.contract), {"one": {"value": one}})},
        },
        "responses": _responses({JSON: {"type": "object"}}, sent, (400, 405, 413, 415, 422, 500)),
    }


def _inference(examples: Examples) -> Json:
    """The paths of the Open Inference Protocol, version 2."""
    contract = examples.contract
    model = f"/v2/models/{contract.name}"
    bodies: list[Json] = [examples.tensors, {"inputs": []}]
    sent = [examples.ask(f"{model}/infer", json.dumps(body)) for body in bodies]
    infer = {
        "operationId": "infer",
        "summary": "Answer rows given as tensors, one per feature, of shape [rows] or [rows, 1]",
        "description": "Open Inference Protocol, version 2, with the binary tensor extension.",
        "requestBody": {
            "required": True,
            "content": {JSON: _content(tensors_schema(contract), {"one": {"value": examples.tensors}})},
        },
        "responses": _responses({JSON: {"type": "object"}}, sent, (400, 405, 413, 415, 422, 500)),
    }
    ready = "Whether the model answers as the original did"
    return {
        "/v2": {"get": _get("server", "The protocol's extensions", {"type": "object"})},
        "/v2/health/live": {"get": _get("live", "Whether the server runs", closed({"live": {"const": True}}))},
        "/v2/health/ready": {"get": _get("ready", ready, _READY, 503)},
        model: {"get": _get("model", "The model's inputs and outputs", {"type": "object"})},
        f"{model}/ready": {"get": _get("modelReady", ready, _READY, 503)},
        f"{model}/infer": {"post": infer},
    }


def _get(operation: str, summary: str, schema: Json, *others: int) -> Json:
    """A path that is only read; the statuses `others` answer in the same form."""
    content = {"content": {JSON: {"schema": schema}}}
    responses = {str(status): {"description": SAID[status], **content} for status in (200, *others)}
    return {
        "operationId": operation,
        "summary": summary,
        "responses": responses | _responses({}, (), (405, 500)),
    }


def _responses(schemas: Mapping[str, Json], sent: Iterable[tuple[int, str, Json]], refusals: Iterable[int]) -> Json:
    """The responses of an operation.

    Args:
        schemas: of the answer, by content type; none where it is told elsewhere.
        sent: examples, as `Examples.ask` gives them.
        refusals: the statuses that answer with a problem document.
    """
    responses: Json = {"200": {"description": SAID[200], "content": {k: _content(s) for k, s in schemas.items()}}}
    for status in refusals:
        responses[str(status)] = {"description": SAID[status], "content": {PROBLEM: _content(reference("Problem"))}}
    for status, kind, example in sent:
        examples = responses[str(status)]["content"][kind].setdefault("examples", {})
        examples[f"example{len(examples) + 1}"] = example
    return responses if schemas else {status: told for status, told in responses.items() if status != "200"}


def _content(schema: Json, examples: Json | None = None) -> Json:
    return {"schema": schema, **({"examples": examples} if examples else {})}


_MODEL = reference("Model")
_COUNTS = closed({name: {"type": "integer", "minimum": 0} for name in ("rows", "labels_differ", "outside")})
_HEALTH = closed({"status": {"enum": ["ok", "failed"]}, "model": _MODEL, "golden": _COUNTS})
_READY = closed({"name": {"type": "string"}, "ready": {"type": "boolean"}})
